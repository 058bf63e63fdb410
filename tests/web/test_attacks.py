"""Headers, other people's accounts, other people's decisions: nothing is got by asking for it."""

from __future__ import annotations

import pytest

from moderation.comment import Action
from moderation.desk import accounts
from moderation.store import Role, State

PASSWORD = "ein langes Passwort"
NEW = "ein ganz anderes Passwort"
SPLITS = ("\r\nSet-Cookie: planted=1", "\nX-Planted: 1", "\r\n\r\n<script>", "\u560d\u560aX: 1")


@pytest.mark.parametrize("split", SPLITS)
def test_nothing_in_an_address_becomes_a_header(visitor, submit, split):
    submit("4711")
    page = visitor.get("/login")
    token = page.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
    answers = [
        visitor.client.get("/queue", query_string={"q": split}),
        visitor.client.get(f"/queue/{split}"),
        visitor.client.get(f"/queue//{split}"),
        visitor.client.get("/login", headers={"X-Request-ID": split.strip("\r\n")[:8]}),
        visitor.client.post(
            "/login",
            query_string={"next": f"/queue{split}"},
            data={"csrf_token": token, "name": "anna", "password": PASSWORD},
        ),
        visitor.client.post(
            "/queue/4711/decision",
            data={"csrf_token": token, "back": f"/queue{split}", "action": "approve", "version": 1},
        ),
    ]
    for answer in answers:
        assert answer.status_code < 500
        assert "X-Planted" not in answer.headers
        for name, value in answer.headers:
            assert value.isprintable(), name
            assert not value.startswith("planted"), name
            assert value.isascii(), name


def test_nobody_reaches_anothers_account_by_naming_it(anna, runtime):
    named = {"name": "bernd", "id": "2", "user": "bernd", "moderator": "bernd", "role": "admin"}
    anna.send("/profile/language?name=bernd", anna.get("/profile"), language="en", **named)
    anna.send(
        "/profile/password?name=bernd",
        anna.get("/profile"),
        present=PASSWORD,
        new=NEW,
        again=NEW,
        **named,
    )
    anna.send(
        "/profile/second-factor/begin?name=bernd",
        anna.get("/profile/second-factor"),
        present=NEW,
        **named,
    )
    bernd = accounts.verify(runtime.store, "bernd", PASSWORD)
    assert bernd.language is None
    assert runtime.second_factors.of("bernd") is None
    assert accounts.moderator(runtime.store, "anna").role is Role.MODERATOR
    assert runtime.second_factors.of("anna") is not None


def test_a_decision_bears_the_name_of_who_is_logged_in_whatever_is_sent(anna, desk, submit):
    submit("4711")
    anna.decide("4711", action="approve", moderator="bernd", name="bernd", by="bernd")
    assert desk.comment("4711").in_force.moderator == "anna"


def test_a_reader_undoes_nothing_by_its_number_or_name(lea, desk, submit):
    submit("4711")
    desk.decide("4711", Action.APPROVE, "anna", version=1)
    number = str(desk.comment("4711").in_force.id)
    page = lea.get("/queue")
    lea.send("/queue/4711/decision", page, 403, action="undo", version=2)
    lea.send("/bulk/undo", page, 403, decisions=number)
    lea.send("/bulk", page, 403, choice="2:4711", action="reject:respekt")
    assert desk.comment("4711").state is State.APPROVED
