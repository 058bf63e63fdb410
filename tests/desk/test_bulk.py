"""Many comments decided at once, and taken back at once."""

from __future__ import annotations

import pytest

from moderation.comment import Action, Comment, DecisionSource
from moderation.desk import (
    CommentRetracted,
    Desk,
    InvalidInput,
    StaleVersion,
    State,
    UnknownComment,
)
from moderation.desk.deciding import LARGEST_BULK
from moderation.store import Filter, Listing


@pytest.fixture
def busy(desk: Desk) -> Desk:
    """A desk with five held comments, 0 to 4."""
    for number in range(5):
        desk.submit(Comment(f"Du Trottel Nummer {number}", id=str(number)))
    return desk


def test_all_are_decided_as_one_of_many_with_rule_note_and_message(busy: Desk) -> None:
    choices = busy.matching(Listing.FLAGGED, Filter(), limit=100)
    result = busy.decide_many(
        choices, Action.REJECT, "eva", rule="respekt", note="Welle", message="Bitte höflich."
    )

    assert result.refused == ()
    assert [decision.comment_id for decision in result.decided] == ["0", "1", "2", "3", "4"]
    for number, decision in enumerate(result.decided):
        assert decision.source is DecisionSource.BULK
        assert (decision.rule, decision.note, decision.message) == (
            "respekt",
            "Welle",
            "Bitte höflich.",
        )
        assert busy.comment(str(number)).decisions == (decision,)
    assert busy.counts()[State.REJECTED] == 5


def test_what_changed_meanwhile_is_refused_and_the_rest_decided(busy: Desk) -> None:
    choices = [(str(number), 1) for number in range(5)]
    busy.decide("1", Action.APPROVE, "max", version=1)
    busy.submit(Comment("Ihr Trottel alle", id="2"))
    busy.retract("3")
    result = busy.decide_many([*choices, ("nie da", 1), ("\0", 1)], Action.REJECT, "eva")

    assert [decision.comment_id for decision in result.decided] == ["0", "4"]
    refused = dict(result.refused)
    assert {comment_id: type(error) for comment_id, error in refused.items()} == {
        "1": StaleVersion,
        "2": StaleVersion,
        "3": CommentRetracted,
        "nie da": UnknownComment,
        "\0": UnknownComment,
    }
    assert "approved by max" in str(refused["1"])
    assert busy.comment("1").state is State.APPROVED


def test_a_comment_chosen_twice_is_decided_once(busy: Desk) -> None:
    result = busy.decide_many([("0", 1), ("0", 1)], Action.APPROVE, "eva")
    assert len(result.decided) == 1
    assert busy.comment("0").version == 2


def test_more_than_one_transaction_takes_them_all(
    busy: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("moderation.desk.deciding.CHUNK", 2)
    choices = busy.matching(Listing.FLAGGED, Filter(), limit=LARGEST_BULK)
    result = busy.decide_many(choices, Action.APPROVE, "eva")

    assert len({decision.id for decision in result.decided}) == 5
    assert busy.listing_counts()[Listing.DECIDED] == 5


def test_too_many_or_unstorable_words_decide_nothing(busy: Desk) -> None:
    with pytest.raises(ValueError, match="at most 5000"):
        busy.decide_many([(str(n), 1) for n in range(LARGEST_BULK + 1)], Action.APPROVE, "eva")
    with pytest.raises(ValueError, match="at most 5000"):
        busy.undo_many(range(LARGEST_BULK + 1), "eva")
    with pytest.raises(ValueError, match=r"call Desk\.undo"):
        busy.decide_many([("0", 1)], Action.UNDO, "eva")
    with pytest.raises(InvalidInput, match="message"):
        busy.decide_many([("0", 1)], Action.APPROVE, "eva", message="a\0b")
    assert busy.counts()[State.HELD] == 5


def test_many_are_taken_back_at_once_if_they_are_still_in_force(busy: Desk) -> None:
    busy.decide("0", Action.DEFER, "max", version=1)
    done = busy.decide_many(
        [("0", 2), ("1", 1), ("2", 1), ("3", 1), ("4", 1)], Action.REJECT, "eva"
    ).decided
    busy.decide("1", Action.APPROVE, "max", version=2)
    busy.undo("2", "max", version=2)
    busy.retract("3")
    result = busy.undo_many([*(decision.id for decision in done), 10**9], "eva")

    assert [(undo.comment_id, undo.supersedes) for undo in result.decided] == [
        ("0", done[0].id),
        ("4", done[4].id),
    ]
    assert {undo.source for undo in result.decided} == {DecisionSource.BULK}
    assert {comment_id: type(error) for comment_id, error in result.refused} == {
        "1": StaleVersion,
        "2": StaleVersion,
        "3": CommentRetracted,
    }
    states = [busy.comment(str(number)).state for number in range(5)]
    assert states == [
        State.DEFERRED,
        State.APPROVED,
        State.HELD,
        State.RETRACTED,
        State.HELD,
    ]


def test_a_bulk_tells_the_blog_of_each_decision(busy: Desk) -> None:
    before = busy.newest_change()
    busy.decide_many([("0", 1), ("1", 1)], Action.APPROVE, "eva")
    assert busy.newest_change() == before + 2
