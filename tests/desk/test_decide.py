"""What moderators do with a comment: approve, reject, undo; two at once; too late."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from moderation.comment import Action, Comment, Decision, DecisionSource
from moderation.desk import (
    CommentRetracted,
    Desk,
    InvalidInput,
    NothingToUndo,
    StaleVersion,
    State,
    UnknownComment,
)
from moderation.store import Listing


@pytest.fixture
def held(desk: Desk) -> Desk:
    """A desk with comment 4711 in its queue."""
    desk.submit(Comment("Du Trottel!", id="4711"))
    return desk


def state_of(desk: Desk, comment_id: str = "4711") -> State:
    return desk.comment(comment_id).state


def version_of(desk: Desk, comment_id: str = "4711") -> int:
    return desk.comment(comment_id).version


def test_who_decided_what_when_and_why_is_kept(held: Desk) -> None:
    decision = held.decide(
        "4711", Action.REJECT, "eva", rule="respekt", note="schon wieder", version=1
    )

    assert decision == Decision(
        id=decision.id,
        comment_id="4711",
        action=Action.REJECT,
        moderator="eva",
        at=datetime(2026, 11, 22, 8, 0, 2, tzinfo=UTC),
        rule="respekt",
        note="schon wieder",
        source=DecisionSource.INDIVIDUAL,
        supersedes=None,
    )
    item = held.comment("4711")
    assert item.decisions == (decision,)
    assert (item.state, item.version) == (State.REJECTED, 2)
    assert held.listing(Listing.FLAGGED).items == ()


@pytest.mark.parametrize("source", list(DecisionSource))
def test_how_a_decision_came_about_is_kept(held: Desk, source: DecisionSource) -> None:
    assert held.decide("4711", Action.APPROVE, None, version=1, source=source).source is source
    assert held.comment("4711").decisions[0].source is source


def test_a_second_decision_supersedes_the_first_and_leaves_it_as_it_was(held: Desk) -> None:
    first = held.decide("4711", Action.REJECT, "eva", version=1)
    second = held.decide("4711", Action.APPROVE, "max", version=2)

    assert second.supersedes == first.id
    assert held.comment("4711").decisions == (first, second)
    assert state_of(held) is State.APPROVED


def test_what_the_machine_approved_may_be_rejected(desk: Desk) -> None:
    desk.submit(Comment("Danke!", id="1"))
    desk.decide("1", Action.REJECT, "eva", version=1)

    assert state_of(desk, "1") is State.REJECTED


def test_undo_puts_a_comment_back_in_the_queue(held: Desk) -> None:
    decision = held.decide("4711", Action.REJECT, "eva", version=1)
    undone = held.undo("4711", "max", version=2)

    assert (undone.action, undone.moderator, undone.supersedes) == (Action.UNDO, "max", decision.id)
    assert [item.comment.id for item in held.listing(Listing.FLAGGED).items] == ["4711"]
    assert held.comment("4711").decisions == (decision, undone)


def test_undo_of_a_decision_about_an_approved_comment_approves_it_again(desk: Desk) -> None:
    desk.submit(Comment("Danke!", id="1"))
    desk.decide("1", Action.REJECT, "eva", version=1)
    desk.undo("1", "eva", version=2)

    assert state_of(desk, "1") is State.APPROVED


def test_undoing_again_steps_further_back(held: Desk) -> None:
    for action in (Action.APPROVE, Action.REJECT, Action.APPROVE):
        held.decide("4711", action, "eva", version=version_of(held))

    states = []
    for _ in range(3):
        held.undo("4711", "eva", version=version_of(held))
        states.append(state_of(held))
    assert states == [State.REJECTED, State.APPROVED, State.HELD]
    with pytest.raises(NothingToUndo):
        held.undo("4711", "eva", version=version_of(held))


def test_a_decision_after_an_undo_supersedes_the_one_in_force(held: Desk) -> None:
    first = held.decide("4711", Action.APPROVE, "eva", version=1)
    held.decide("4711", Action.REJECT, "eva", version=2)
    held.undo("4711", "eva", version=3)

    assert held.decide("4711", Action.REJECT, "eva", version=4).supersedes == first.id


def test_without_a_decision_there_is_nothing_to_undo(held: Desk) -> None:
    with pytest.raises(NothingToUndo, match="none can be undone"):
        held.undo("4711", "eva", version=1)
    assert version_of(held) == 1


def test_an_undo_is_not_something_to_decide(held: Desk) -> None:
    with pytest.raises(ValueError, match=r"Desk\.undo"):
        held.decide("4711", Action.UNDO, "eva", version=1)


def test_who_comes_second_hears_by_whom_and_when_it_was_decided(held: Desk) -> None:
    first = held.decide("4711", Action.REJECT, "eva", version=1)

    for late in (
        lambda: held.decide("4711", Action.APPROVE, "max", version=1),
        lambda: held.undo("4711", "max", version=1),
    ):
        with pytest.raises(
            StaleVersion, match="already rejected by eva on 2026-11-22 at 08:00 UTC"
        ) as stale:
            late()
        assert (stale.value.action, stale.value.decided_by, stale.value.at) == (
            Action.REJECT,
            "eva",
            first.at,
        )
    assert held.comment("4711").decisions == (first,)


def test_who_comes_after_an_undo_hears_of_it(held: Desk) -> None:
    held.decide("4711", Action.REJECT, "eva", version=1)
    held.undo("4711", "eva", version=2)

    with pytest.raises(StaleVersion, match="already put back by eva"):
        held.decide("4711", Action.REJECT, "max", version=1)


def test_who_decides_about_a_text_that_was_edited_hears_of_it(held: Desk) -> None:
    held.submit(Comment("Ihr Trottel!", id="4711"))

    with pytest.raises(StaleVersion, match="already edited by its author") as stale:
        held.decide("4711", Action.REJECT, "eva", version=1)
    assert stale.value.action is None
    assert stale.value.decided_by is None
    assert stale.value.at == held.comment("4711").edited_at


def test_a_version_from_the_future_is_refused(held: Desk) -> None:
    with pytest.raises(StaleVersion):
        held.decide("4711", Action.APPROVE, "eva", version=2)


def test_a_comment_that_is_not_there_cannot_be_decided(desk: Desk) -> None:
    for use in (
        lambda: desk.decide("4711", Action.APPROVE, "eva", version=1),
        lambda: desk.undo("4711", "eva", version=1),
    ):
        with pytest.raises(UnknownComment, match="no comment"):
            use()


def test_a_note_that_cannot_be_kept_is_refused(held: Desk) -> None:
    with pytest.raises(InvalidInput, match=r"^note: "):
        held.decide("4711", Action.REJECT, "eva", note="\0", version=1)
    assert state_of(held) is State.HELD


def test_a_withdrawn_comment_leaves_the_queue_and_nothing_is_left_to_decide(held: Desk) -> None:
    held.retract("4711")

    assert held.listing(Listing.FLAGGED).items == ()
    assert held.counts()[State.RETRACTED] == 1
    item = held.comment("4711")
    assert (item.state, item.version) == (State.RETRACTED, 2)
    assert item.retracted_at == datetime(2026, 11, 22, 8, 0, 2, tzinfo=UTC)
    for late in (
        lambda: held.decide("4711", Action.REJECT, "eva", version=1),
        lambda: held.decide("4711", Action.REJECT, "eva", version=2),
        lambda: held.undo("4711", "eva", version=2),
        lambda: held.submit(Comment("Neuer Text", id="4711")),
    ):
        with pytest.raises(CommentRetracted, match="author withdrew this comment") as refusal:
            late()
        assert refusal.value.at == item.retracted_at
    assert held.comment("4711") == item


def test_withdrawing_twice_is_withdrawing_once(held: Desk) -> None:
    held.retract("4711")
    before = held.comment("4711")
    held.retract("4711")

    assert held.comment("4711") == before


def test_a_withdrawn_comment_sent_again_unchanged_gives_the_stored_answer(held: Desk) -> None:
    held.retract("4711")

    answer = held.submit(Comment("Du Trottel!", id="4711"))
    assert answer.state is State.RETRACTED


def test_withdrawing_keeps_the_decisions(held: Desk) -> None:
    decision = held.decide("4711", Action.REJECT, "eva", version=1)
    held.retract("4711")

    assert held.comment("4711").decisions == (decision,)
    assert state_of(held) is State.RETRACTED
