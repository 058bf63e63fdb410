"""A session that ends in the middle of a decision: nothing is lost, nothing happens unseen."""

from __future__ import annotations

import html
import re

import pytest

from moderation.store import State

PASSWORD = "ein langes Passwort"


@pytest.fixture(autouse=True)
def held(submit):
    """Every test here starts with three held comments."""
    return [submit(f"k{number}").id for number in range(3)]


def fields_of(page):
    """Return the hidden fields of the page's last form."""
    form = page[page.rindex("<form") :]
    found = re.findall(r'<input[^>]*name="([^"]+)"[^>]* value="([^"]*)"', form)
    fields = {}
    for name, value in found:
        fields.setdefault(name, []).append(html.unescape(value))
    return fields


def log_in_again(visitor, page, name="anna", password=PASSWORD):
    kept = fields_of(page)
    return visitor.client.post("/login", data={**kept, "name": name, "password": password})


def end_session(visitor):
    visitor.client.delete_cookie("moderation")


def states(desk, ids):
    return [desk.comment(comment_id).state for comment_id in ids]


def test_a_bulk_decision_goes_on_after_the_login(anna, desk, held):
    page = anna.get("/queue")
    end_session(anna)
    page = anna.send(
        "/bulk",
        page,
        401,
        action="reject:respekt",
        choice=[f"1:{comment_id}" for comment_id in held],
        note="Streit & „Zank“",
        back="/queue?sort=-score",
    )
    assert "Ihre Entscheidung ist nicht verloren" in page
    answer = log_in_again(anna, page)
    assert "3 Kommentare ablehnen (Respekt)" in answer.text
    assert html.escape("Streit & „Zank“") in answer.text
    assert states(desk, held) == [State.HELD] * 3
    done = anna.client.post("/bulk", data=fields_of(answer.text))
    assert done.location == "/queue?sort=-score"
    assert states(desk, held) == [State.REJECTED] * 3
    assert desk.comment("k1").decisions[0].note == "Streit & „Zank“"


def test_a_range_goes_on_with_the_number_that_was_typed(anna, desk, held):
    page = anna.get("/range?rule=respekt&low=0&high=100")
    seen = re.search(r'name="seen" value="(\w+)"', page)[1]
    end_session(anna)
    page = anna.send(
        "/bulk", page, 401, action="approve", seen=seen, rule="respekt", low=0, high=100, typed="3"
    )
    answer = log_in_again(anna, page)
    assert "3 Kommentare freigeben" in answer.text
    anna.client.post("/bulk", data=fields_of(answer.text))
    assert states(desk, held) == [State.APPROVED] * 3


def test_one_decision_and_an_undo_go_on_too(anna, desk):
    for fields, sentence, state in (
        ({"action": "approve", "version": 1}, "Einen Kommentar freigeben", State.APPROVED),
        ({"action": "undo", "version": 2}, "Eine Entscheidung zurücknehmen", State.HELD),
    ):
        page = anna.get("/queue")
        end_session(anna)
        page = anna.send("/queue/k0/decision", page, 401, **fields)
        answer = log_in_again(anna, page)
        assert sentence in answer.text
        anna.client.post("/queue/k0/decision", data=fields_of(answer.text))
        assert desk.comment("k0").state is state


def test_a_mistyped_password_does_not_lose_it(anna, desk):
    page = anna.get("/queue")
    end_session(anna)
    page = anna.send("/queue/k0/decision", page, 401, action="approve", version=1)
    refused = log_in_again(anna, page, password="falsches Passwort")
    assert refused.status_code == 403
    assert "Einen Kommentar freigeben" in log_in_again(anna, refused.text).text


def test_after_a_login_in_another_tab_it_is_offered_at_once(anna, desk):
    page = anna.get("/queue")
    anna.client.delete_cookie("moderation")
    anna.log_in("anna")
    page = anna.send("/queue/k0/decision", page, 409, action="approve", version=1)
    assert "Ihre Entscheidung wartet noch" in page
    assert desk.comment("k0").state is State.HELD
    anna.client.post("/queue/k0/decision", data=fields_of(page))
    assert desk.comment("k0").state is State.APPROVED


def test_desk_js_hears_that_the_session_is_over(anna):
    page = anna.get("/queue")
    end_session(anna)
    assert anna.ask("/queue/k0/decision", page, action="approve", version=1).status_code == 401
    assert anna.client.get("/changes", headers={"Accept": "application/json"}).status_code == 401


def test_a_form_from_another_site_is_not_kept(anna):
    response = anna.client.post(
        "/queue/k0/decision",
        data={"action": "approve", "version": 1},
        headers={"Origin": "https://evil.example"},
    )
    assert response.status_code == 400
    assert "wartet noch" not in response.text


@pytest.mark.parametrize(
    "kept",
    [
        "kein JSON",
        "{}",
        "[]",
        "[1, 2]",
        '["/bulk", 7]',
        '["/bulk", [["choice"]]]',
        '["/logout", []]',
        '["/nirgends", []]',
        '["https://evil.example/queue/k0/decision", []]',
    ],
)
def test_what_was_not_kept_by_us_leads_to_the_queue(visitor, kept):
    page = visitor.get("/login")
    token = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', page)[1]
    response = visitor.client.post(
        "/login", data={"csrf_token": token, "name": "anna", "password": PASSWORD, "kept": kept}
    )
    assert response.location == "/queue"
