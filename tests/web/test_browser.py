"""A moderator at work in a real Chromium, under the strict Content-Security-Policy."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from moderation.comment import Action
from moderation.store import State

INJECTIONS = [
    "<script>document.title='getroffen'</script> du dummer Idiot",
    "<img src=x onerror=\"document.title='getroffen'\"> du dummer Idiot",
    "</div></mark><svg onload=\"document.title='getroffen'\"> du dummer Idiot",
    "{{ 7 * 7 }}{% raw %} ${7*7} du dummer Idiot",
    '" onmouseover="document.title=\'getroffen\'" x=" du dummer Idiot',
    "<style>body{display:none}</style><meta http-equiv=refresh content=0> du dummer Idiot",
    "\u202eDu dummer Idiot rückwärts",
]


def test_a_held_comment_is_approved_rejected_and_put_back(tab, desk, submit):
    submit("k1")
    submit("k2")
    tab.goto("/queue")
    expect(tab.get_by_role("article")).to_have_count(2)
    first = tab.get_by_role("article").first
    expect(first.locator("mark").first).to_be_visible()
    assert first.locator("mark").first.get_attribute("title").startswith("Respekt: ")

    first.get_by_role("button", name="Freigeben").click()
    expect(tab.get_by_role("status")).to_contain_text("Kommentar k1 freigegeben.")
    assert desk.comment("k1").state is State.APPROVED

    remaining = tab.get_by_role("article")
    remaining.get_by_label("Verletzte Regel").select_option("Respekt")
    remaining.get_by_label("Notiz").fill("Beleidigung")
    remaining.get_by_role("button", name="Ablehnen").click()
    expect(tab.get_by_text("Alles entschieden.")).to_be_visible()
    assert desk.comment("k2").state is State.REJECTED

    tab.get_by_role("button", name="Rückgängig machen").click()
    expect(tab.get_by_role("article")).to_have_count(1)
    assert [decision.action for decision in desk.comment("k2").decisions] == [
        Action.REJECT,
        Action.UNDO,
    ]


@pytest.mark.parametrize("text", INJECTIONS)
def test_what_is_injected_into_a_comment_stays_text(tab, submit, text):
    submit("4711", text, author=text[:100])
    for path in ("/queue", "/queue/4711"):
        tab.goto(path)
        shown = tab.locator(".comment-text").first
        expect(shown).to_be_visible()
        assert shown.text_content().strip() == text.strip()
        shown.hover()
        assert "getroffen" not in tab.title()
        assert shown.locator("*:not(mark)").count() == 0


def test_the_policy_lets_no_inline_script_run(browser, address):
    tab = browser.new_page(base_url=address)
    tab.goto("/login")
    allowed = tab.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "document.title = 'getroffen'";
            const refused = new Promise((resolve) =>
                document.addEventListener("securitypolicyviolation", () => resolve(false))
            );
            document.head.append(script);
            return document.title === "getroffen" ? true : refused;
        }"""
    )
    assert allowed is False
    tab.close()


def test_a_word_without_end_does_not_widen_the_page(tab, submit):
    submit("4711", "Idiot" * 2_000)
    tab.set_viewport_size({"width": 390, "height": 844})
    for path in ("/queue", "/queue/4711", "/decided"):
        tab.goto(path)
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_pages_follow_the_systems_colours(tab, submit):
    submit("4711")
    shades = []
    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme=scheme)
        tab.goto("/queue")
        shades.append(tab.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert shades[0] != shades[1]


def test_everything_can_be_reached_by_keyboard(tab, submit):
    submit("4711")
    tab.goto("/queue")
    tab.keyboard.press("Tab")
    expect(tab.get_by_role("link", name="Zum Inhalt")).to_be_focused()
    approve = tab.get_by_role("button", name="Freigeben")
    for _ in range(12):
        tab.keyboard.press("Tab")
        if approve.evaluate("button => button === document.activeElement"):
            break
    expect(approve).to_be_focused()
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("status")).to_contain_text("freigegeben")


@pytest.mark.parametrize("path", ["/queue", "/queue/4711", "/decided", "/docs"])
def test_every_field_has_a_label_and_every_page_one_main_heading(tab, desk, submit, path):
    submit("4711")
    submit("4712")
    desk.decide("4712", Action.APPROVE, "bernd", version=1)
    tab.goto(path)
    assert tab.locator("h1").count() == 1
    assert tab.get_by_role("main").count() == 1
    unnamed = tab.evaluate(
        """() => [...document.querySelectorAll("input:not([type=hidden]), select, button")]
            .filter((field) => !(field.labels?.length || field.textContent.trim()))
            .map((field) => field.outerHTML)"""
    )
    assert unnamed == []
    doubled = tab.evaluate(
        """() => [...document.querySelectorAll("[id]")].map((one) => one.id)
            .filter((id, place, ids) => ids.indexOf(id) !== place)"""
    )
    assert doubled == []
