"""Approving, rejecting, undoing, and what happens when two people decide the same comment."""

from __future__ import annotations

import re

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
    page = anna.decide("4711", action="reject:respekt", note="Beleidigung")
    assert "Kommentar 4711 abgelehnt (Respekt)." in page
    item = desk.comment("4711")
    assert item.state is State.REJECTED
    assert (item.decisions[0].rule, item.decisions[0].note) == ("respekt", "Beleidigung")


def test_the_rule_with_the_clearest_violation_is_suggested(anna):
    page = anna.get("/queue")
    assert re.findall(r'value="(reject:\w+)"[^>]*data-suggested', page) == ["reject:respekt"]


@pytest.mark.parametrize("action", ["reject", "reject:", "reject:gibt-es-nicht"])
def test_rejecting_takes_a_rule(anna, desk, action):
    page = anna.decide("4711", 409, action=action, note="eine lange Notiz")
    assert "wählen Sie bitte die verletzte Regel" in page
    assert "eine lange Notiz" in page
    assert desk.comment("4711").state is State.HELD


def test_deferring_asks_for_a_second_opinion(anna, bernd, desk):
    page = anna.decide("4711", action="defer", note="Ist das noch Ironie?")
    assert "Kommentar 4711 wartet nun auf eine zweite Meinung." in page
    assert desk.comment("4711").state is State.DEFERRED
    waiting = bernd.get("/queue?list=deferred")
    assert "um zweite Meinung gebeten von anna" in waiting
    assert "Ist das noch Ironie?" in waiting
    assert 'value="defer"' not in waiting.split('id="bulk"')[0]


def test_the_author_is_told_only_if_asked_for(anna, desk):
    anna.decide("4711", action="reject:respekt", message="Das war nicht für Sie.")
    assert desk.comment("4711").decisions[0].message is None


def test_the_author_is_told_what_the_moderator_wrote(anna, desk):
    anna.decide("4711", action="reject:respekt", tell="1", message=" Bitte\r\nhöflich! ")
    assert desk.comment("4711").decisions[0].message == "Bitte\nhöflich!"
    assert "Nachricht an den Verfasser" in anna.get("/queue/4711")


def test_without_own_words_the_author_is_told_the_rules_message(anna, desk, runtime):
    anna.decide("4711", action="reject:thema", tell="1")
    rule = next(rule for rule in runtime.rules.rules if rule.id == "thema")
    assert desk.comment("4711").decisions[0].message == rule.message_to_author.de


def test_undo_is_offered_and_puts_the_comment_back(anna, desk):
    page = anna.decide("4711", action="approve")
    assert "Rückgängig machen" in page
    page = anna.send("/queue/4711/decision", page, action="undo", version=2, back="/queue")
    assert "Die Entscheidung ist zurückgenommen." in page
    item = desk.comment("4711")
    assert item.state is State.HELD
    assert [decision.action for decision in item.decisions] == [Action.APPROVE, Action.UNDO]
    assert "zurückgenommen" in anna.get("/queue/4711")


def test_undoing_twice_does_no_harm(anna, desk):
    anna.decide("4711", action="approve")
    anna.decide("4711", action="undo", version=2)
    page = anna.decide("4711", 409, action="undo", version=3)
    assert "Es gibt keine Entscheidung" in page
    assert desk.comment("4711").state is State.HELD


def test_a_decision_can_be_changed_on_the_comment_page(anna, desk):
    anna.decide("4711", action="approve")
    page = anna.get("/queue/4711")
    assert "Ablehnen" in page
    assert 'value="approve"' not in page
    page = anna.send(
        "/queue/4711/decision", page, action="reject:thema", version=2, back="/queue/4711"
    )
    assert "Kommentar 4711 abgelehnt (Thema)." in page
    assert ">Entscheidungen</h2>" in page
    assert desk.comment("4711").state is State.REJECTED


def test_the_second_of_two_moderators_hears_who_was_first(anna, bernd, desk):
    anna.decide("4711", action="approve")
    page = bernd.decide("4711", 409, action="reject:respekt", note="zu grob")
    assert "zu grob" in page
    assert "Nicht gespeichert: bereits entschieden von anna am " in page
    assert "(freigegeben)" in page
    assert [decision.moderator for decision in desk.comment("4711").decisions] == ["anna"]


def test_a_comment_edited_meanwhile_is_not_decided_unseen(anna, desk, submit, insult):
    anna.get("/queue")
    submit("4711", insult + " Wirklich!")
    page = anna.decide("4711", 409, action="approve")
    assert "Wirklich!" in page
    assert "Bitte lesen Sie ihn noch einmal." in page
    assert desk.comment("4711").state is State.HELD


def test_a_comment_withdrawn_meanwhile_is_left_alone(anna, desk):
    desk.retract("4711")
    page = anna.decide("4711", 409, action="approve")
    assert "zurückgezogen" in page
    assert desk.comment("4711").state is State.RETRACTED


def test_a_note_that_is_too_long_is_refused(anna, desk):
    page = anna.decide("4711", 409, action="reject:respekt", note="x" * 1001)
    assert "Höchstens 1000 Zeichen, bitte." in page
    assert "x" * 1001 in page
    assert desk.comment("4711").state is State.HELD


def test_a_note_that_cannot_be_kept_is_refused(anna, desk):
    page = anna.decide("4711", 409, action="reject:respekt", note="a\0b")
    assert "Notiz oder Nachricht enthalten Zeichen" in page
    assert desk.comment("4711").state is State.HELD


def test_a_decision_about_nothing_is_not_found(anna):
    page = anna.get("/queue")
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    response = anna.client.post(
        "/queue/unbekannt/decision",
        data={"csrf_token": token, "action": "approve", "version": 1},
    )
    assert response.status_code == 404


@pytest.mark.parametrize("fields", [{"action": "delete"}, {"action": "approve", "version": "x"}])
def test_a_form_that_is_not_ours_changes_nothing(anna, desk, fields):
    anna.decide("4711", 409, **fields)
    assert desk.comment("4711").state is State.HELD


def test_without_the_forms_token_nothing_is_decided(anna, desk):
    response = anna.client.post("/queue/4711/decision", data={"action": "approve", "version": 1})
    assert response.status_code == 409
    assert "Ihre Entscheidung wartet noch" in response.text
    assert desk.comment("4711").state is State.HELD


def test_readers_see_but_do_not_decide(lea, desk):
    page = lea.get("/queue")
    assert "4711" in page
    assert "Ablehnen" not in page
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    response = lea.client.post(
        "/queue/4711/decision",
        data={"csrf_token": token, "action": "approve", "version": 1},
    )
    assert response.status_code == 403
    assert "Das dürfen Sie nicht" in response.text
    assert desk.comment("4711").state is State.HELD


@pytest.mark.parametrize(
    ("back", "location"),
    [
        ("/queue?list=uncertain&sort=-score", "/queue?list=uncertain&sort=-score"),
        ("", "/queue"),
        ("https://evil.example/", "/queue"),
        ("//evil.example", "/queue"),
    ],
)
def test_a_decision_leads_back_to_where_it_was_made(anna, back, location):
    token = re.search(r'name="csrf_token" value="([^"]+)"', anna.get("/queue"))[1]
    response = anna.client.post(
        "/queue/4711/decision",
        data={"csrf_token": token, "action": "approve", "version": 1, "back": back},
    )
    assert response.status_code == 302
    assert response.location == location


def test_desk_js_is_told_what_was_done_and_the_new_version(anna, desk):
    page = anna.get("/queue")
    answer = anna.ask("/queue/4711/decision", page, action="reject:werbung", version=1)
    assert answer.json == {"text": "Kommentar 4711 abgelehnt (Werbung).", "version": 2}
    answer = anna.ask("/queue/4711/decision", page, action="approve", version=1)
    assert answer.status_code == 409
    assert "bereits entschieden von anna" in answer.json["problem"]


def test_colleagues_see_who_is_reading_a_comment(anna, bernd):
    page = anna.get("/queue")
    assert anna.ask("/queue/4711/claim", page).status_code == 204
    told = "wird gerade bearbeitet von anna"
    assert told in bernd.get("/queue")
    assert told in bernd.get("/queue/4711")
    assert bernd.client.get("/changes").json["claims"] == {"4711": told}
    assert told not in anna.get("/queue")
    assert anna.client.get("/changes").json["claims"] == {}
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
    anna.client.delete("/queue/4711/claim", headers={"X-CSRFToken": token})
    assert told not in bernd.get("/queue")


def test_a_comment_that_does_not_exist_cannot_be_claimed(anna):
    assert anna.ask("/queue/unbekannt/claim", anna.get("/queue")).status_code == 404
