"""Deciding many comments at once, and taking it back."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.comment import Action, DecisionSource
from moderation.store import State
from moderation.web.bulk import TYPED_ABOVE, compact, expand

MANY = TYPED_ABOVE + 1
EVERY_SCORE = {"rule": "respekt", "low": "0", "high": "100"}


@pytest.fixture
def three(submit):
    """Three held comments."""
    return [submit(f"k{number}").id for number in range(3)]


@pytest.fixture
def many(submit):
    """More held comments than are decided without typing their number."""
    return [submit(f"k{number:02}").id for number in range(MANY)]


def boxes(*ids, version=1):
    return [f"{version}:{comment_id}" for comment_id in ids]


def states(desk, ids):
    return [desk.comment(comment_id).state for comment_id in ids]


def hidden(page, name):
    return html.unescape(re.search(rf'name="{name}" value="([^"]*)"', page)[1])


@given(st.sets(st.integers(1, 300)))
def test_the_numbers_of_decisions_are_written_short_and_read_again(numbers):
    if numbers:
        assert expand(compact(numbers)) == sorted(numbers)


def test_never_more_numbers_are_read_than_one_decision_can_have():
    assert len(expand("1-999999999999999999")) == 5000


def test_the_selected_comments_are_decided_as_a_bulk(anna, desk, three):
    page = anna.send(
        "/bulk",
        anna.get("/queue"),
        action="reject:respekt",
        choice=boxes("k0", "k2"),
        note="Streit im Faden",
    )
    assert "2 Kommentare abgelehnt (Respekt)." in page
    assert states(desk, three) == [State.REJECTED, State.HELD, State.REJECTED]
    decision = desk.comment("k2").decisions[0]
    assert (decision.source, decision.note, decision.rule) == (
        DecisionSource.BULK,
        "Streit im Faden",
        "respekt",
    )


def test_what_somebody_else_decided_meanwhile_is_left_out_and_told(anna, desk, three):
    page = anna.get("/queue")
    desk.decide("k1", Action.APPROVE, "bernd", version=1)
    page = anna.send("/bulk", page, action="reject:werbung", choice=boxes(*three))
    assert "2 Kommentare abgelehnt (Werbung)." in page
    assert "k1: Nicht gespeichert: bereits entschieden von bernd" in page
    assert states(desk, three) == [State.REJECTED, State.APPROVED, State.REJECTED]


def test_a_bulk_decision_can_be_undone_as_one(anna, desk, three):
    page = anna.send("/bulk", anna.get("/queue"), action="approve", choice=boxes(*three))
    page = anna.send("/bulk/undo", page, decisions=hidden(page, "decisions"))
    assert "3 Entscheidungen zurückgenommen." in page
    assert states(desk, three) == [State.HELD] * 3


def test_undoing_leaves_alone_what_was_decided_again_since(anna, desk, three):
    page = anna.send("/bulk", anna.get("/queue"), action="approve", choice=boxes(*three))
    desk.decide("k1", Action.REJECT, "bernd", rule="respekt", version=2)
    page = anna.send("/bulk/undo", page, decisions=hidden(page, "decisions"))
    assert "2 Entscheidungen zurückgenommen." in page
    assert states(desk, three) == [State.HELD, State.REJECTED, State.HELD]


def test_above_twenty_the_number_has_to_be_typed(anna, desk, many):
    page = anna.send("/bulk", anna.get("/queue"), action="approve", choice=boxes(*many))
    assert f"Bitte tippen Sie die Zahl der Kommentare ein, {MANY}." in page
    assert states(desk, many) == [State.HELD] * MANY
    again = {"action": hidden(page, "action"), "choice": boxes(*many)}
    page = anna.send("/bulk", page, typed=str(MANY - 1), **again)
    assert f"Das war nicht die Zahl {MANY}" in page
    page = anna.send("/bulk", page, typed=str(MANY), **again)
    assert f"{MANY} Kommentare freigegeben." in page
    assert states(desk, many) == [State.APPROVED] * MANY


def test_up_to_twenty_nobody_asks(anna, desk, many):
    twenty = many[:TYPED_ABOVE]
    anna.send("/bulk", anna.get("/queue"), action="approve", choice=boxes(*twenty))
    assert states(desk, twenty) == [State.APPROVED] * TYPED_ABOVE


@pytest.mark.parametrize("choice", [[], ["1"], ["x:k0"], [":k0"], ["1:"]])
def test_boxes_that_are_not_ours_decide_nothing(anna, desk, three, choice):
    assert "Es ist nichts ausgewählt." in anna.send(
        "/bulk", anna.get("/queue"), action="approve", choice=choice
    )
    assert states(desk, three) == [State.HELD] * 3


@pytest.mark.parametrize("action", ["delete", "reject", "reject:unbekannt", "undo", ""])
def test_actions_that_are_not_ours_decide_nothing(anna, desk, three, action):
    anna.send("/bulk", anna.get("/queue"), action=action, choice=boxes(*three))
    assert states(desk, three) == [State.HELD] * 3


@pytest.mark.parametrize("decisions", ["", "x", "1-", "-1", "1,,2", "1" * 19])
def test_numbers_that_are_not_ours_undo_nothing(anna, desk, three, decisions):
    page = anna.send("/bulk", anna.get("/queue"), action="approve", choice=boxes(*three))
    anna.send("/bulk/undo", page, decisions=decisions)
    assert states(desk, three) == [State.APPROVED] * 3


def test_readers_decide_nothing(lea, desk, three):
    page = lea.get("/queue")
    lea.send("/bulk", page, 403, action="approve", choice=boxes(*three))
    lea.send("/bulk/undo", page, 403, decisions="1-3")
    assert states(desk, three) == [State.HELD] * 3


def test_the_histogram_shows_how_the_scores_are_spread(anna, three):
    page = anna.get("/range?rule=respekt")
    assert page.count('class="column"') == 20
    assert "3 Kommentare" in page  # all three say the same
    assert "Noch ist kein Bereich gewählt." in page


def test_a_range_of_scores_is_shown_before_it_is_decided(anna, desk, many):
    page = anna.get("/range?rule=respekt&low=0&high=100")
    assert f"{MANY} Kommentare in diesem Bereich" in page
    assert "… und 11 weitere" in page
    fields = {**EVERY_SCORE, "seen": hidden(page, "seen"), "back": hidden(page, "back")}
    page = anna.send("/bulk", page, action="reject:respekt", typed=f" {MANY} ", **fields)
    assert f"{MANY} Kommentare abgelehnt (Respekt)." in page
    assert "In diesem Bereich liegt kein Kommentar." in page
    assert states(desk, many) == [State.REJECTED] * MANY


def test_a_range_keeps_to_its_scores_and_its_filters(anna, desk, submit, three):
    score = desk.comment("k0").assessment.labels["disparaging"].score * 100
    submit("anderswo", author="Erika")
    below = anna.get(f"/range?rule=respekt&low=0&high={score - 0.01}")
    assert "In diesem Bereich liegt kein Kommentar." in below
    one = anna.get(f"/range?rule=respekt&low={score - 0.01}&high=100&author=Erika")
    assert "Ein Kommentar in diesem Bereich" in one


def test_a_range_with_other_comments_than_were_shown_is_not_decided(anna, desk, submit, three):
    page = anna.get("/range?rule=respekt&low=0&high=100")
    submit("neu")
    page = anna.send("/bulk", page, action="approve", seen=hidden(page, "seen"), **EVERY_SCORE)
    assert "Im Bereich liegen inzwischen andere Kommentare." in page
    assert states(desk, three) == [State.HELD] * 3


@pytest.mark.parametrize("wrong", [{"low": "x"}, {"rule": "unbekannt"}, {"seen": ""}])
def test_a_range_that_is_not_understood_covers_nothing(anna, desk, three, wrong):
    page = anna.get("/range?rule=respekt&low=0&high=100")
    fields = {"seen": hidden(page, "seen"), **EVERY_SCORE} | wrong
    anna.send("/bulk", page, action="approve", **fields)
    assert states(desk, three) == [State.HELD] * 3


def test_a_range_with_its_bounds_in_the_wrong_order_is_empty(anna, three):
    assert "kein Kommentar" in anna.get("/range?rule=respekt&low=90&high=10")


def test_desk_js_is_told_what_was_decided_and_what_was_not(anna, desk, three):
    page = anna.get("/queue")
    desk.decide("k1", Action.APPROVE, "bernd", version=1)
    answer = anna.ask("/bulk", page, action="approve", choice=boxes(*three)).json
    assert answer["decided"] == ["k0", "k2"]
    assert list(answer["refused"]) == ["k1"]
    assert anna.ask("/bulk/undo", page, decisions=answer["undo"]).status_code == 200
    assert states(desk, three) == [State.HELD, State.APPROVED, State.HELD]


def test_desk_js_is_asked_for_the_number_too(anna, desk, many):
    answer = anna.ask("/bulk", anna.get("/queue"), action="approve", choice=boxes(*many))
    assert (answer.status_code, answer.json) == (428, {"count": MANY})
    assert states(desk, many) == [State.HELD] * MANY
