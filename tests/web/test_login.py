"""Logging in and out."""

from __future__ import annotations

import pytest

from moderation.app import create_app
from moderation.desk import accounts

PAGES = ["/queue", "/queue/4711", "/dashboard", "/profile"]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_asks_strangers_to_log_in(visitor, path):
    response = visitor.client.get(path)
    assert response.status_code == 302
    assert response.location.startswith("/login?next=")


def test_the_bare_address_leads_to_the_queue(anna):
    assert "Warteschlange" in anna.get("/")


def test_whoever_is_logged_in_needs_no_login_page(anna):
    assert anna.client.get("/login").location == "/queue"


def test_an_address_with_a_slash_too_many_leads_to_the_page(anna):
    response = anna.client.get("/profile//second-factor")
    assert response.status_code == 308
    assert response.location.endswith("/profile/second-factor")


def test_after_the_login_the_page_that_was_asked_for_follows(visitor, submit):
    submit("4711")
    page = visitor.get("/login?next=/queue/4711")
    page = visitor.send(
        "/login?next=/queue/4711", page, name="anna", password="ein langes Passwort"
    )
    assert "Kommentar 4711" in page
    assert "Anna Berger" in page


@pytest.mark.parametrize("address", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_the_login_never_leads_elsewhere(visitor, address):
    page = visitor.get("/login")
    response = visitor.client.post(
        "/login",
        query_string={"next": address},
        data={
            "csrf_token": page.split('name="csrf_token"')[1].split('value="')[1].split('"')[0],
            "name": "anna",
            "password": "ein langes Passwort",
        },
    )
    assert response.location == "/queue"


@pytest.mark.parametrize(
    ("name", "password"), [("anna", "falsches Passwort"), ("niemand", "ein langes Passwort")]
)
def test_a_wrong_name_and_a_wrong_password_look_the_same(visitor, name, password):
    token = visitor.get("/login").split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
    response = visitor.client.post(
        "/login", data={"csrf_token": token, "name": name, "password": password}
    )
    assert response.status_code == 403
    assert "Name oder Passwort stimmen nicht." in response.text
    assert password not in response.text


def test_a_moderator_whose_account_is_closed_is_out_at_once(anna, runtime):
    accounts.set_disabled(runtime.store, "anna", disabled=True)
    assert anna.client.get("/queue").status_code == 302


def test_logging_out_ends_the_session(anna):
    anna.send("/logout", anna.get("/queue"))
    assert anna.client.get("/queue").status_code == 302


def test_the_login_leaves_nothing_of_the_session_before(visitor):
    visitor.get("/login")
    with visitor.client.session_transaction() as session:
        session["planted"] = "by somebody else"
    visitor.log_in("anna")
    with visitor.client.session_transaction() as session:
        assert "planted" not in session


def test_the_cookie_is_kept_from_scripts_and_other_sites(visitor):
    cookie = visitor.client.get("/login").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_where_the_desk_is_reached_by_https_the_cookie_is_too(settings, classifier):
    safer = settings.model_copy(update={"cookies_over_https_only": True})
    app = create_app(safer, classifier=classifier)
    assert "Secure" in app.test_client().get("/login").headers["Set-Cookie"]
    app.extensions["moderation"].store.close()
