"""What happens when an author changes a comment that is stored already."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from moderation.comment import Action, Article, Comment, Outcome, Parent
from moderation.desk import Desk, NothingToUndo, State
from moderation.store import Listing, PastText


def test_a_changed_text_is_scored_again_and_raises_the_version(desk: Desk) -> None:
    desk.submit(Comment("Danke!", id="1"))
    answer = desk.submit(Comment("Du Trottel!", id="1"))

    assert answer.verdict.outcome is Outcome.HOLD
    assert answer.state is State.HELD
    (item,) = desk.listing(Listing.FLAGGED).items
    assert (item.comment.text, item.version) == ("Du Trottel!", 2)


def test_the_text_before_the_edit_is_kept(desk: Desk) -> None:
    for text in ("Danke!", "Danke sehr!", "Danke!"):
        desk.submit(Comment(text, id="1"))

    item = desk.comment("1")
    assert item.comment.text == "Danke!"
    assert [past.text for past in item.past_texts] == ["Danke!", "Danke sehr!"]
    assert item.past_texts[-1] == PastText("Danke sehr!", item.edited_at or datetime.now(UTC))


def test_an_edit_back_to_an_earlier_text_is_an_edit_too(desk: Desk) -> None:
    for text in ("Danke!", "Du Trottel!", "Danke!"):
        answer = desk.submit(Comment(text, id="1"))

    assert answer.state is State.APPROVED
    assert desk.comment("1").version == 3


def test_an_edit_without_context_keeps_the_context_it_had(desk: Desk) -> None:
    whole = Comment(
        "Danke!",
        id="1",
        author="Max",
        article=Article("Der Akku", "Er hält.", id="7"),
        parent=Parent("Wie lange?", id="0"),
        thread=("Erster!",),
    )
    desk.submit(whole)
    desk.submit(Comment("Danke sehr!", id="1"))

    assert desk.comment("1").comment == Comment(
        "Danke sehr!",
        id="1",
        author=whole.author,
        article=whole.article,
        parent=whole.parent,
        thread=whole.thread,
    )


def test_an_edit_may_move_a_comment_to_another_article_and_parent(desk: Desk) -> None:
    desk.submit(Comment("Danke!", id="1", article=Article("Alt", id="7"), parent=Parent("Wer?")))
    desk.submit(Comment("Gern!", id="1", article=Article("Neu", id="8"), parent=Parent("Wie?")))

    item = desk.comment("1")
    assert (item.article, item.parent) == (Article("Neu", id="8"), Parent("Wie?"))


@pytest.mark.parametrize("action", [Action.APPROVE, Action.REJECT])
def test_once_people_have_decided_every_edit_comes_back_to_them(desk: Desk, action: Action) -> None:
    desk.submit(Comment("Du Trottel!", id="1"))
    desk.decide("1", action, "eva", version=1)

    for text in ("Danke!", "Danke sehr!"):
        answer = desk.submit(Comment(text, id="1"))
        assert answer.verdict.outcome is Outcome.HOLD
        assert answer.state is State.HELD


def test_a_decision_about_the_earlier_text_is_kept_but_no_longer_in_force(desk: Desk) -> None:
    desk.submit(Comment("Du Trottel!", id="1"))
    decision = desk.decide("1", Action.REJECT, "eva", version=1)
    desk.submit(Comment("Danke!", id="1"))

    assert desk.comment("1").decisions == (decision,)
    with pytest.raises(NothingToUndo):
        desk.undo("1", "eva", version=3)
    again = desk.decide("1", Action.APPROVE, "eva", version=3)
    assert again.supersedes is None
