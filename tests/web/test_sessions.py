"""Sessions: who holds one, how it ends, and the cookie it is kept in."""

from __future__ import annotations

import re
import time

import pytest

from moderation.app import create_app
from moderation.desk import accounts
from moderation.web import session as sessions

NEW = "ein ganz anderes Passwort"


def test_a_new_password_ends_the_sessions_begun_with_the_old_one(anna, bernd, runtime):
    accounts.set_password(runtime.store, "anna", NEW)
    assert anna.client.get("/queue").status_code == 302
    assert bernd.client.get("/queue").status_code == 200


def test_whoever_changes_the_password_can_begin_anew_and_stay(app, anna, runtime):
    cookie = anna.client.get_cookie("moderation").value
    with app.test_request_context():
        accounts.set_password(runtime.store, "anna", NEW)
        sessions.begin(accounts.moderator(runtime.store, "anna"))
        renewed = app.session_interface.get_signing_serializer(app).dumps(dict(sessions.session))
    anna.client.set_cookie("moderation", renewed)
    assert anna.client.get("/queue").status_code == 200
    anna.client.set_cookie("moderation", cookie)
    assert anna.client.get("/queue").status_code == 302


def test_every_login_gets_a_cookie_of_its_own(visitor):
    visitor.get("/login")
    before = visitor.client.get_cookie("moderation").value
    visitor.log_in("anna")
    assert visitor.client.get_cookie("moderation").value != before


def test_a_session_ends_after_a_shift_even_if_it_is_used(anna, monkeypatch):
    assert anna.client.get("/queue").status_code == 200
    later = time.time() + sessions.SHIFT.total_seconds() + 1
    monkeypatch.setattr(sessions.time, "time", lambda: later)
    assert anna.client.get("/queue").status_code == 302


@pytest.mark.parametrize(
    "forged", ["anna", "anna\n", "anna\n\n", "anna\nstamp\n0", "\n\n", "a\0\nb\n9"]
)
def test_a_session_of_another_shape_is_nobodys(app, visitor, forged):
    with visitor.client.session_transaction() as session:
        session["_user_id"] = forged
        session["_fresh"] = True
    assert visitor.client.get("/queue").status_code == 302


def test_a_cookie_signed_with_another_key_is_nobodys(settings, classifier, anna):
    cookie = anna.client.get_cookie("moderation").value
    other = create_app(settings.model_copy(update={"secret_key": "x" * 32}), classifier=classifier)
    client = other.test_client()
    client.set_cookie("moderation", cookie)
    assert client.get("/queue").status_code == 302
    other.extensions["moderation"].store.close()


def test_over_https_the_cookie_is_bound_to_this_host(settings, classifier):
    safer = settings.model_copy(update={"cookies_over_https_only": True})
    app = create_app(safer, classifier=classifier)
    cookie = app.test_client().get("/login", base_url="https://desk.example").headers["Set-Cookie"]
    assert cookie.startswith("__Host-moderation=")
    for attribute in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert attribute in cookie
    assert "Domain" not in cookie
    app.extensions["moderation"].store.close()


def test_the_present_password_cannot_be_guessed_in_the_profile_either(anna):
    client = anna.client
    page = client.get("/profile").text
    token = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', page)[1]
    sent = {"csrf_token": token, "present": "falsch", "new": NEW, "again": NEW}
    statuses = [client.post("/profile/password", data=sent).status_code for _ in range(6)]
    assert statuses == [422] * 5 + [429]
