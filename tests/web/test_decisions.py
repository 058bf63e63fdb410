"""Approving, rejecting, undoing, and what happens when two people decide the same comment."""

from __future__ import annotations

import pytest

from moderation.comment import Action
from moderation.store import State


@pytest.fixture(autouse=True)
def held(submit):
    """Every test here starts with one held comment."""
    return submit("4711")


def test_approving_takes_the_comment_out_of_the_queue(anna, desk):
    page = anna.decide("4711", action="approve")
    assert "Kommentar 4711 freigegeben." in page
    assert "Alles entschieden." in page
    item = desk.comment("4711")
    assert item.state is State.APPROVED
    assert [(d.action, d.moderator, d.rule) for d in item.decisions] == [
        (Action.APPROVE, "anna", None)
    ]


def test_rejecting_keeps_the_rule_and_the_note(anna, desk):
    page = anna.decide("4711", action="reject", rule="respekt", note="Beleidigung")
    assert "Kommentar 4711 abgelehnt." in page
    item = desk.comment("4711")
    assert item.state is State.REJECTED
    assert (item.decisions[0].rule, item.decisions[0].note) == ("respekt", "Beleidigung")


def test_the_rule_with_the_clearest_violation_is_preselected(anna):
    assert '<option value="respekt" selected>' in anna.get("/queue")


@pytest.mark.parametrize("rule", ["", "gibt-es-nicht"])
def test_rejecting_takes_a_rule(anna, desk, rule):
    page = anna.decide("4711", action="reject", rule=rule)
    assert "wählen Sie bitte die verletzte Regel" in page
    assert desk.comment("4711").state is State.HELD


def test_undo_is_offered_and_puts_the_comment_back(anna, desk):
    page = anna.decide("4711", action="approve")
    assert "Rückgängig machen" in page
    page = anna.send("/queue/4711/decision", page, action="undo", version=2, back="queue")
    assert "Die Entscheidung ist zurückgenommen." in page
    item = desk.comment("4711")
    assert item.state is State.HELD
    assert [decision.action for decision in item.decisions] == [Action.APPROVE, Action.UNDO]
    assert "zurückgenommen" in anna.get("/queue/4711")


def test_undoing_twice_does_no_harm(anna, desk):
    anna.decide("4711", action="approve")
    anna.decide("4711", action="undo", version=2)
    page = anna.decide("4711", action="undo", version=3)
    assert "Es gibt keine Entscheidung" in page
    assert desk.comment("4711").state is State.HELD


def test_a_decision_can_be_changed_on_the_comment_page(anna, desk):
    anna.decide("4711", action="approve")
    page = anna.get("/queue/4711")
    assert "Ablehnen" in page
    assert ">Freigeben<" not in page
    page = anna.send(
        "/queue/4711/decision", page, action="reject", rule="thema", version=2, back="comment"
    )
    assert "Kommentar 4711 abgelehnt." in page
    assert desk.comment("4711").state is State.REJECTED


def test_the_second_of_two_moderators_hears_who_was_first(anna, bernd, desk):
    anna.decide("4711", action="approve")
    page = bernd.decide("4711", action="reject", rule="respekt")
    assert "Nicht gespeichert: bereits entschieden von anna am " in page
    assert "(freigegeben)" in page
    assert [decision.moderator for decision in desk.comment("4711").decisions] == ["anna"]


def test_a_comment_edited_meanwhile_is_not_decided_unseen(anna, desk, submit, insult):
    anna.get("/queue")
    submit("4711", insult + " Wirklich!")
    page = anna.decide("4711", action="approve")
    assert "Bitte lesen Sie ihn noch einmal." in page
    assert desk.comment("4711").state is State.HELD


def test_a_comment_withdrawn_meanwhile_is_left_alone(anna, desk):
    desk.retract("4711")
    page = anna.decide("4711", action="approve")
    assert "zurückgezogen" in page
    assert desk.comment("4711").state is State.RETRACTED


def test_a_note_that_is_too_long_is_refused(anna, desk):
    page = anna.decide("4711", action="reject", rule="respekt", note="x" * 1001)
    assert "Eine Notiz hat höchstens 1000 Zeichen." in page
    assert desk.comment("4711").state is State.HELD


def test_a_note_that_cannot_be_kept_is_refused(anna, desk):
    page = anna.decide("4711", action="reject", rule="respekt", note="a\0b")
    assert "Die Notiz enthält Zeichen" in page
    assert desk.comment("4711").state is State.HELD


def test_a_decision_about_nothing_is_not_found(anna):
    page = anna.get("/queue")
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    response = anna.client.post(
        "/queue/unbekannt/decision",
        data={"csrf_token": token, "action": "approve", "version": 1, "back": "queue"},
    )
    assert response.status_code == 404


@pytest.mark.parametrize("fields", [{"action": "delete"}, {"action": "approve", "version": "x"}])
def test_a_form_that_is_not_ours_changes_nothing(anna, desk, fields):
    anna.decide("4711", **fields)
    assert desk.comment("4711").state is State.HELD


def test_without_the_forms_token_nothing_is_decided(anna, desk):
    response = anna.client.post(
        "/queue/4711/decision", data={"action": "approve", "version": 1, "back": "queue"}
    )
    assert response.status_code == 400
    assert "Die Sitzung ist abgelaufen" in response.text
    assert desk.comment("4711").state is State.HELD


def test_readers_see_but_do_not_decide(lea, desk):
    page = lea.get("/queue")
    assert "4711" in page
    assert "Ablehnen" not in page
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    response = lea.client.post(
        "/queue/4711/decision",
        data={"csrf_token": token, "action": "approve", "version": 1, "back": "queue"},
    )
    assert response.status_code == 403
    assert "Das dürfen Sie nicht" in response.text
    assert desk.comment("4711").state is State.HELD


def test_after_a_decision_reloading_sends_nothing_again(anna):
    page = anna.get("/queue")
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    response = anna.client.post(
        "/queue/4711/decision",
        data={
            "csrf_token": token, "action": "approve", "version": 1, "back": "queue", "after": "0",
        },
    )  # fmt: skip
    assert response.status_code == 302
    assert response.location == "/queue?after=0"
