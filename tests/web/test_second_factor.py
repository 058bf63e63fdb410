"""The second factor as moderators use it: the login's second page, the profile, admins' resets."""

from __future__ import annotations

import logging
import re
import time

import pyotp
import pytest
from flask import Flask

from moderation.desk import accounts, second_factor
from moderation.desk.second_factor import RECOVERY_CODES, SecondFactors
from moderation.store import Role
from moderation.telemetry import JsonFormatter
from moderation.web import login

PASSWORD = "ein langes Passwort"
PROFILE = "/profile/second-factor"


@pytest.fixture
def factors(runtime) -> SecondFactors:
    return runtime.second_factors


@pytest.fixture
def phone(factors) -> pyotp.TOTP:
    """The app on Anna's phone, in force for a while."""
    factors.begin("anna")
    phone = pyotp.TOTP(factors.setup("anna").secret)
    assert factors.confirm("anna", phone.at(time.time() - 30))
    return phone


@pytest.fixture
def vera(app: Flask, runtime, visitor):
    """An admin."""
    accounts.create_moderator(runtime.store, "vera", PASSWORD, Role.ADMIN)
    return type(visitor)(app.test_client()).log_in("vera")


def show_password(visitor, address="/login") -> str:
    return visitor.send(address, visitor.get(address), name="anna", password=PASSWORD)


def is_in(visitor) -> bool:
    return visitor.client.get("/queue").status_code == 200


def test_the_password_alone_opens_nothing(visitor, phone):
    page = show_password(visitor)
    assert "Die sechs Ziffern, die Ihre App gerade zeigt." in page
    for path in ("/queue", "/profile", PROFILE, "/dashboard"):
        assert visitor.client.get(path).location.startswith("/login?next=")
    assert visitor.client.post("/profile/language", data={"language": "en"}).status_code == 400


def test_password_and_code_lead_to_the_page_that_was_asked_for(visitor, phone, submit):
    submit("4711")
    page = show_password(visitor, "/login?next=/queue/4711")
    page = visitor.send("/login/code?next=/queue/4711", page, code=phone.now())
    assert "Kommentar 4711" in page
    assert "Anna Berger" in page


def test_the_login_with_a_code_never_leads_elsewhere(visitor, phone):
    page = show_password(visitor)
    token = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', page)[1]
    answer = visitor.client.post(
        "/login/code?next=//evil.example", data={"csrf_token": token, "code": phone.now()}
    )
    assert answer.location == "/queue"


def test_each_step_of_the_login_begins_a_session_of_its_own(visitor, phone):
    visitor.get("/login")
    with visitor.client.session_transaction() as session:
        session["planted"] = "by somebody else"
        tokens = [session["csrf_token"]]
    page = show_password(visitor)
    with visitor.client.session_transaction() as session:
        assert "planted" not in session
        assert "_user_id" not in session
        tokens.append(session["csrf_token"])
        session["planted"] = "by somebody else"
    visitor.send("/login/code", page, code=phone.now())
    with visitor.client.session_transaction() as session:
        assert session["_user_id"].startswith("anna\n")
        assert session.keys().isdisjoint({"planted", "awaited"})
        tokens.append(session.get("csrf_token"))
    assert len(set(tokens)) == 3


def test_a_code_that_was_used_does_not_open_again(visitor, app, phone):
    code = phone.now()
    visitor.send("/login/code", show_password(visitor), code=code)
    other = type(visitor)(app.test_client())
    page = other.send("/login/code", show_password(other), 403, code=code)
    assert "wurde schon benutzt" in page
    assert code not in page
    assert not is_in(other)


def test_a_recovery_code_stands_in_for_the_phone(visitor, factors, phone):
    codes = factors.renew_recovery_codes("anna")
    page = visitor.send("/login/code?recovery=1", show_password(visitor), other=1)
    assert "Einer der Wiederherstellungscodes" in page
    assert "Bitte geben Sie den Code ein." not in page
    page = visitor.send("/login/code?recovery=1", page, code=codes[0])
    assert f"Sie haben noch {RECOVERY_CODES - 1} Wiederherstellungscodes." in page
    assert is_in(visitor)


def test_without_the_password_there_is_no_second_page(visitor, phone):
    assert visitor.client.get("/login/code?next=/queue").location == "/login?next=/queue"
    page = visitor.get("/login")
    assert "Anmelden" in visitor.send("/login/code", page, code=phone.now())
    assert not is_in(visitor)


def test_the_code_has_to_come_within_minutes(visitor, phone, monkeypatch):
    page = show_password(visitor)
    now = time.time()
    monkeypatch.setattr(login.time, "time", lambda: now + login.CODE_WITHIN.total_seconds() + 1)
    assert "Passwort" in visitor.send("/login/code", page, code=phone.now())
    assert not is_in(visitor)


def test_a_new_password_ends_a_login_that_waits_for_its_code(visitor, phone, runtime):
    page = show_password(visitor)
    accounts.set_password(runtime.store, "anna", "ein ganz anderes Passwort")
    visitor.send("/login/code", page, code=phone.now())
    assert not is_in(visitor)


def test_wrong_codes_make_wait_and_the_right_password_between_them_does_not_help(visitor, phone):
    for _ in range(5):
        page = show_password(visitor)
        visitor.send("/login/code", page, 403, code="000000")
    refused = visitor.send("/login/code", page, 429, code=phone.now())
    assert "Zu viele Versuche" in refused
    assert not is_in(visitor)


def test_a_decision_kept_over_the_login_is_kept_over_the_code_too(anna, app, submit, factors):
    submit("4711")
    page = anna.get("/queue/4711")
    anna.client.delete_cookie("moderation")
    factors.begin("anna")
    phone = pyotp.TOTP(factors.setup("anna").secret)
    factors.confirm("anna", phone.at(time.time() - 30))
    fields = {"version": 1, "action": "approve", "note": "Das passt."}
    page = anna.send("/queue/4711/decision", page, 401, **fields)
    page = anna.send("/login", page, name="anna", password=PASSWORD, kept=kept(page))
    page = anna.send("/login/code", page, 409, code=phone.now(), kept=kept(page))
    assert "Ihre Entscheidung wartet noch" in page
    assert "Das passt." in page


def kept(page: str) -> str:
    found = re.search(r'name="kept"[^>]* value="([^"]+)"', page)[1]
    return found.replace("&#34;", '"')


def test_it_is_set_up_with_the_password_and_a_first_code(anna, app, factors):
    other = type(anna)(app.test_client()).log_in("anna")
    page = anna.send(f"{PROFILE}/begin", anna.get(PROFILE), present=PASSWORD)
    secret = factors.setup("anna").secret
    assert " ".join(re.findall("....", secret)) in page
    assert 'src="data:image/svg+xml' in page
    assert anna.client.get(PROFILE).headers["Cache-Control"] == "no-store"
    assert is_in(other)

    wrong = anna.send(f"{PROFILE}/confirm", page, 422, code="000000")
    assert "Geht die Uhr Ihres Telefons richtig?" in wrong
    page = anna.send(f"{PROFILE}/confirm", wrong, code=pyotp.TOTP(secret).now())
    codes = re.findall(r"<li>((?:[a-z2-7]{4}-?){4})</li>", page)
    assert len(codes) == RECOVERY_CODES
    assert is_in(anna)
    assert not is_in(other)
    for path in ("/profile", PROFILE):
        shown = anna.get(path)
        assert secret[:4] not in shown
        assert not [code for code in codes if code in shown]
    assert "10 Wiederherstellungscodes sind noch nicht benutzt." in anna.get(PROFILE)


def test_none_is_set_up_by_who_does_not_know_the_password(anna, factors):
    page = anna.send(f"{PROFILE}/begin", anna.get(PROFILE), 422, present="falsch")
    assert "Das ist nicht Ihr jetziges Passwort." in page
    assert factors.of("anna") is None


@pytest.mark.parametrize("action", ["recovery-codes", "remove"])
def test_nothing_is_changed_by_who_does_not_know_the_password(anna_with_phone, factors, action):
    before = factors.of("anna")
    page = anna_with_phone.get(PROFILE)
    page = anna_with_phone.send(f"{PROFILE}/{action}", page, 422, present="falsch")
    assert "Das ist nicht Ihr jetziges Passwort." in page
    assert factors.of("anna") == before


def test_new_recovery_codes_are_shown_once(anna_with_phone, factors):
    page = anna_with_phone.get(PROFILE)
    page = anna_with_phone.send(f"{PROFILE}/recovery-codes", page, present=PASSWORD)
    codes = re.findall(r"<li>((?:[a-z2-7]{4}-?){4})</li>", page)
    assert len(codes) == RECOVERY_CODES
    assert codes[0] not in anna_with_phone.get(PROFILE)
    assert factors.accept("anna", codes[0])


def test_it_is_switched_off_with_the_password(anna_with_phone, factors):
    page = anna_with_phone.get(PROFILE)
    page = anna_with_phone.send(f"{PROFILE}/remove", page, present=PASSWORD)
    assert "Ihr zweiter Faktor ist abgeschaltet." in page
    assert "zurückgesetzt" not in page
    assert factors.of("anna").secret is None
    assert is_in(anna_with_phone)


@pytest.fixture
def anna_with_phone(visitor, phone):
    """Anna, logged in with her phone."""
    visitor.send("/login/code", show_password(visitor), code=phone.now())
    return visitor


def test_an_admin_resets_it_for_who_has_lost_it_and_they_are_told(anna_with_phone, vera, app):
    address = "/moderators/second-factor?name=anna"
    assert address in vera.get("/moderators")
    assert "Sitzungen enden" in vera.get(address)
    page = vera.send(address, vera.get(address), 422, present="falsch")
    assert not vera.client.get("/moderators").text.count("ist zurückgesetzt")
    page = vera.send(address, page, present=PASSWORD)
    assert "Der zweite Faktor von Anna Berger ist zurückgesetzt." in page
    assert not is_in(anna_with_phone)
    told = type(vera)(app.test_client()).log_in("anna").get(PROFILE)
    assert re.search(r"Ihr zweiter Faktor wurde am .* von vera zurückgesetzt\.", told)


def test_one_resets_nobodys_who_is_not_there_and_not_ones_own_without_the_profile(vera):
    for name in ("vera", "niemand", "", "%00"):
        vera.get(f"/moderators/second-factor?name={name}", 404)
    page = vera.get("/moderators")
    assert "Zurücksetzen" not in page


def test_moderators_neither_see_the_accounts_nor_reset_anything(anna, bernd, factors, phone):
    bernd.get("/moderators", 403)
    assert "Konten" not in bernd.get("/queue")
    page = bernd.get("/profile")
    bernd.send("/moderators/second-factor?name=anna", page, 403, present=PASSWORD)
    assert factors.of("anna").confirmed_at is not None


def test_a_reset_from_the_command_line_is_told_too(anna, runtime, factors, phone, app):
    second_factor.remove(runtime.store, "anna", by=None)
    page = type(anna)(app.test_client()).log_in("anna").get(PROFILE)
    assert "von der Technik zurückgesetzt" in page


def test_no_log_holds_a_secret_or_a_code(visitor, app, factors, caplog):
    with caplog.at_level(logging.DEBUG):
        page = visitor.log_in("anna").send(
            f"{PROFILE}/begin", visitor.get(PROFILE), present=PASSWORD
        )
        secret = factors.setup("anna").secret
        phone = pyotp.TOTP(secret)
        codes = [phone.at(time.time() + 30 * step) for step in (-1, 0, 1)]
        page = visitor.send(f"{PROFILE}/confirm", page, code=codes[0])
        recovery = re.findall(r"<li>((?:[a-z2-7]{4}-?){4})</li>", page)
        for code in (codes[1], "000000", recovery[0], "not-a-code"):
            other = type(visitor)(app.test_client())
            page = show_password(other)
            other.send(
                "/login/code", page, 403 if code in ("000000", "not-a-code") else 200, code=code
            )
    formatter = JsonFormatter()
    written = "\n".join(formatter.format(record) for record in caplog.records)
    assert "/login/code" in written
    assert not [one for one in (secret, *codes, *recovery, PASSWORD) if one in written]
