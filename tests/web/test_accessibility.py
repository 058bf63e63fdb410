"""Pages that everybody can use: axe on every page, and what axe cannot see."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from moderation.comment import Action
from moderation.desk import accounts
from moderation.store import Role

PASSWORD = "ein langes Passwort"
WIDE = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OF_COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
PAGES = (
    "/queue",
    "/queue?list=uncertain&sort=score",
    "/queue?list=deferred",
    "/queue?list=sample",
    "/queue?list=decided",
    "/queue?q=nichts-davon",
    "/queue/1",
    "/queue/2",
    "/range?list=flagged&rule=respekt",
    "/dashboard",
    "/thresholds?rule=respekt&percent=40&confirm=1",
    "/thresholds?percent=viel",
    "/profile",
    "/profile/second-factor",
    "/moderators",
    "/nowhere",
    "/docs",
)


@pytest.fixture
def busy(app: Flask, desk, submit) -> None:
    """A desk with comments of every kind."""
    submit("1", author="Max")
    submit("2", "Idiot! " * 400, thread=("Erster!", "Zweiter."))
    submit("3", article=None)
    submit("4")
    submit("5")
    submit("ok", "Danke für den Test, der Akku hält bei mir auch acht Stunden.")
    desk.decide("1", Action.REJECT, "bernd", rule="respekt", note="Beleidigung", version=1)
    desk.undo("1", "anna", version=2)
    desk.decide("3", Action.APPROVE, "anna", version=1)
    desk.decide("4", Action.DEFER, "anna", note="Was meint ihr?", version=1)
    desk.decide("5", Action.REJECT, "anna", rule="respekt", version=1)
    accounts.create_moderator(app.extensions["moderation"].store, "vera", PASSWORD, Role.ADMIN)


@pytest.fixture(params=["de-DE", "en-GB"])
def admin(request: pytest.FixtureRequest, browser: Browser, address: str, busy) -> Iterator[Page]:
    """An admin's tab in a German and in an English browser, not yet logged in."""
    context = browser.new_context(
        base_url=address, locale=request.param, reduced_motion="reduce", viewport=WIDE
    )
    yield context.new_page()
    context.close()


def log_in(tab: Page, follows: str = "**/queue*") -> None:
    tab.goto("/login")
    tab.locator("input[name=name]").fill("vera")
    tab.locator("input[name=password]").fill(PASSWORD)
    tab.locator("main button").click()
    tab.wait_for_url(follows)


def found_by_axe(tab: Page) -> list[str]:
    """Return what axe finds: everything in light colours, what depends on colours in dark ones."""
    found = []
    for scheme, rules in (("light", STANDARDS), ("dark", OF_COLOURS)):
        tab.emulate_media(color_scheme=scheme)
        expect(tab.locator("html")).to_have_attribute("data-bs-theme", scheme)
        results = Axe().run(tab, options={"runOnly": rules, "resultTypes": ["violations"]})
        found += [
            f"{tab.url} {scheme}: {one['id']} ({one['help']}) {node['target']} {node['html'][:200]}"
            for one in results.response["violations"]
            for node in one["nodes"]
        ]
    return found


def test_axe_finds_nothing_on_any_page(admin: Page):
    admin.goto("/login")
    found = found_by_axe(admin)
    log_in(admin)
    for path in PAGES:
        admin.goto(path)
        found += found_by_axe(admin)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("admin", ["de-DE"], indirect=True)
def test_axe_finds_nothing_on_a_phone(admin: Page):
    log_in(admin)
    admin.set_viewport_size(PHONE)
    found = []
    for path in ("/queue", "/queue/2", "/dashboard", "/thresholds?rule=respekt&percent=40"):
        admin.goto(path)
        found += found_by_axe(admin)
        assert admin.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path
    assert not found, "\n".join(found)


@pytest.mark.parametrize("admin", ["de-DE"], indirect=True)
def test_axe_finds_nothing_while_a_second_factor_is_set_up_and_used(admin: Page, app: Flask):
    log_in(admin)
    admin.goto("/profile/second-factor")
    admin.get_by_label("Jetziges Passwort").fill(PASSWORD)
    admin.get_by_role("button", name="Einrichten").click()
    expect(admin.get_by_role("img", name="QR-Code")).to_be_visible()
    found = found_by_axe(admin)
    setup = app.extensions["moderation"].second_factors.setup("vera")
    phone = pyotp.TOTP(setup.secret)
    admin.get_by_label("Code", exact=True).fill(phone.at(time.time() - 30))
    admin.get_by_role("button", name="In Kraft setzen").click()
    expect(admin.get_by_role("heading", name="Wiederherstellungscodes")).to_be_visible()
    found += found_by_axe(admin)
    admin.get_by_role("link", name="Ich habe sie aufbewahrt").click()
    expect(admin.get_by_role("button", name="Abschalten")).to_be_visible()
    found += found_by_axe(admin)
    admin.get_by_role("button", name="Abmelden").click()
    log_in(admin, follows="**/login/code*")
    expect(admin.get_by_label("Code", exact=True)).to_be_focused()
    found += found_by_axe(admin)
    admin.keyboard.type(phone.now())
    admin.keyboard.press("Enter")
    admin.wait_for_url("**/queue*")
    assert not found, "\n".join(found)


def test_every_page_begins_with_a_way_past_the_navigation(tab: Page, busy):
    for path in ("/queue", "/queue/1", "/dashboard", "/thresholds", "/profile"):
        tab.goto(path)
        tab.keyboard.press("Tab")
        skip = tab.get_by_role("link", name="Zum Inhalt")
        expect(skip).to_be_focused()
        expect(skip).to_be_in_viewport()
        tab.keyboard.press("Enter")
        expect(tab.get_by_role("main")).to_be_focused()


def test_headings_tell_the_outline_of_every_page(tab: Page, busy):
    for path in ("/queue", "/queue/1", "/range", "/dashboard", "/thresholds", "/profile"):
        tab.goto(path)
        levels = tab.evaluate(
            """() => [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")]
                .filter((one) => one.checkVisibility()).map((one) => Number(one.tagName[1]))"""
        )
        assert levels[0] == 1, path
        assert levels.count(1) == 1, path
        steps = [after - before for before, after in pairwise(levels)]
        assert max(steps, default=0) <= 1, (path, levels)


def test_whatever_has_the_focus_shows_it(tab: Page, busy):
    for path in ("/queue", "/dashboard", "/thresholds", "/profile"):
        tab.goto(path)
        for _ in range(25):
            tab.keyboard.press("Tab")
            shown = tab.evaluate(
                """() => {
                    const one = document.activeElement;
                    const style = getComputedStyle(one);
                    return one === document.body || style.boxShadow !== "none"
                        || (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2)
                        || one.outerHTML.slice(0, 200);
                }"""
            )
            assert shown is True, (path, shown)


def test_whoever_wants_no_motion_gets_none(browser: Browser, address: str, tab: Page, busy):
    tab.emulate_media(reduced_motion="reduce")
    for path in ("/queue", "/queue/1", "/thresholds"):
        tab.goto(path)
        moving = tab.evaluate(
            """() => [...document.querySelectorAll("*")].filter((one) => {
                const style = getComputedStyle(one);
                const seconds = `${style.transitionDuration}, ${style.animationDuration}`
                    .split(", ").map(parseFloat);
                return Math.max(...seconds) > 0.01;
            }).map((one) => one.outerHTML.slice(0, 120))"""
        )
        assert moving == [], path
