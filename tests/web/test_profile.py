"""A moderator's own account: language and password."""

from __future__ import annotations

import pytest

from moderation.desk import accounts

PASSWORD = "ein langes Passwort"
NEW = "ein neues langes Passwort"
ENGLISH = {"Accept-Language": "en"}


def test_the_profile_shows_who_one_is_and_may_do(anna, lea):
    assert "Anna Berger" in anna.get("/profile")
    assert "angemeldet als anna · Moderation: entscheidet" in anna.get("/profile")
    assert "Nur lesen" in lea.get("/profile")


def test_a_stranger_has_no_profile(visitor):
    assert "Anmelden" in visitor.get("/profile")


def test_the_chosen_language_wins_over_the_browsers_and_is_kept(anna, app, runtime):
    page = anna.send("/profile/language", anna.get("/profile"), language="en")
    assert '<html lang="en">' in page
    assert "Your language is saved." in page
    assert accounts.moderator(runtime.store, "anna").language == "en"
    other_browser = type(anna)(app.test_client()).log_in("anna")
    assert '<html lang="en">' in other_browser.get("/queue")


def test_the_choice_is_left_to_the_browser_again(anna, runtime):
    anna.send("/profile/language", anna.get("/profile"), language="de")
    assert '<html lang="de">' in anna.client.get("/profile", headers=ENGLISH).text
    anna.send("/profile/language", anna.get("/profile"), language="")
    assert accounts.moderator(runtime.store, "anna").language is None
    assert '<html lang="en">' in anna.client.get("/profile", headers=ENGLISH).text


def test_a_language_there_is_not_is_refused(anna, runtime, token):
    answer = anna.client.post("/profile/language", data={"csrf_token": token, "language": "tlh"})
    assert answer.status_code == 422
    assert accounts.moderator(runtime.store, "anna").language is None


def test_a_new_password_replaces_the_old_one(anna, runtime):
    page = anna.send(
        "/profile/password", anna.get("/profile"), present=PASSWORD, new=NEW, again=NEW
    )
    assert "Ihr Passwort ist geändert." in page
    assert accounts.verify(runtime.store, "anna", NEW)
    assert not accounts.verify(runtime.store, "anna", PASSWORD)


def test_a_password_is_changed_only_by_who_knows_the_present_one(anna, runtime, token):
    form = {"csrf_token": token, "present": PASSWORD, "new": NEW, "again": NEW}
    for entered, told in (
        ({"present": "falsch"}, "Das ist nicht Ihr jetziges Passwort."),
        ({"present": ""}, "Bitte geben Sie Ihr jetziges Passwort ein."),
        ({"new": "kurz", "again": "kurz"}, "Ein Passwort hat 8 bis 1024 Zeichen."),
        ({"new": ""}, "Bitte geben Sie ein neues Passwort ein."),
        ({"again": "etwas anderes"}, "Die beiden Eingaben sind verschieden."),
    ):
        answer = anna.client.post("/profile/password", data=form | entered)
        assert answer.status_code == 422
        assert told in answer.text
        assert NEW not in answer.text
    assert accounts.verify(runtime.store, "anna", PASSWORD)


@pytest.fixture
def token(anna) -> str:
    """What a form of the profile carries against forgery."""
    page = anna.get("/profile")
    return page.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
