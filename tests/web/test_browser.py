"""The pages in a real Chromium: strict policy, hostile comments, phones, colours, no script."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from moderation.comment import Action, Article, Parent
from moderation.store import State

HIT = "document.title='getroffen'"
INJECTIONS = [
    f"<script>{HIT}</script> du dummer Idiot",
    f'<img src=x onerror="{HIT}"> du dummer Idiot',
    f'</div></mark></article><svg onload="{HIT}"> du dummer Idiot',
    f'"><details open ontoggle="{HIT}"> du dummer Idiot',
    f'<iframe srcdoc="<script>parent.{HIT}</script>"></iframe> du dummer Idiot',
    f'<a href="javascript:{HIT}">klick</a> du dummer Idiot',
    f"</textarea></title></template><script>{HIT}</script> du dummer Idiot",
    "{{ 7 * 7 }}{% raw %} ${7*7} <%= 7*7 %> du dummer Idiot",
    f'" onmouseover="{HIT}" autofocus onfocus="{HIT}" x=" du dummer Idiot',
    "<style>body{display:none}</style><meta http-equiv=refresh content=0> du dummer Idiot",
    "<base href=//evil.example><form action=//evil.example><input name=action> du dummer Idiot",
    "\u202eDu dummer Idiot rückwärts \u2066\u2067",
    "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘ du dummer Idiot",
]
PAGES = ["/queue", "/queue?list=decided", "/queue/4711", "/range?rule=respekt&low=0&high=100"]


def test_what_is_injected_stays_text_everywhere(tab, desk, submit):
    for number, text in enumerate(INJECTIONS):
        submit(
            f"{number}-{text[:40]}".replace("/", "|"),
            text,
            author=text[:100],
            article=Article(
                id=f"a{number}", title=text, text=text, url=f"javascript:{HIT}//{number}"
            ),
            parent=Parent(text),
            thread=(text,),
        )
    ids = [f"{number}-{text[:40]}".replace("/", "|") for number, text in enumerate(INJECTIONS)]
    tab.goto("/queue")
    shown = tab.locator(".comment-text")
    expect(shown).to_have_count(len(INJECTIONS))
    assert [words.strip() for words in shown.all_text_contents()] == [
        text.strip() for text in INJECTIONS
    ]
    assert tab.locator(".comment-text :not(mark)").count() == 0
    for number, comment_id in enumerate(ids[:8]):
        with tab.expect_response("**/decision"):
            tab.keyboard.press("1" if number % 2 else "d")
        expect(tab.locator("[data-toasts]")).to_contain_text(comment_id)
    for path in ("/queue?list=decided", "/queue?list=deferred", PAGES[-1]):
        tab.goto(path)
        tab.keyboard.press("z")
    for comment_id in ids:
        tab.goto("/queue")
        tab.evaluate("id => location.assign('/queue/' + encodeURIComponent(id))", comment_id)
        expect(tab.locator(".comment-text")).to_be_visible()
        tab.locator(".comment-text").hover()
        assert tab.title() != "getroffen"
    assert tab.locator("a[href^='javascript:' i], script:not([src]), [style], iframe").count() == 0


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


def test_a_phone_shows_everything_without_scrolling_sideways(tab, desk, submit):
    submit("4711", "Idiot" * 12_000, author="W" * 200, thread=("x" * 500,))
    submit("4712", "🙈" * 10_000 + " du dummer Idiot", article=None)
    submit("k" * 255, author="\u202eAnna")
    desk.decide("4712", Action.REJECT, "bernd", rule="respekt", note="n" * 1000, version=1)
    tab.set_viewport_size({"width": 360, "height": 740})
    for path in (*PAGES, "/queue/4712"):
        tab.goto(path)
        assert tab.evaluate("document.documentElement.scrollWidth") <= 360, path
    tab.goto("/queue")
    approve = tab.get_by_role("article").first.get_by_role("button", name="Freigeben")
    assert approve.bounding_box()["height"] >= 24
    approve.tap() if tab.evaluate("'ontouchstart' in window") else approve.click()
    expect(tab.locator("[data-toasts]")).to_contain_text("freigegeben")


def test_the_pages_follow_the_systems_colours(tab, submit):
    submit("4711")
    shades = []
    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme=scheme)
        tab.goto("/queue")
        shades.append(tab.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert shades[0] != shades[1]


@pytest.mark.parametrize("path", [*PAGES, "/docs"])
def test_every_field_has_a_label_and_every_page_one_main_heading(tab, desk, submit, path):
    submit("4711")
    submit("4712")
    desk.decide("4712", Action.APPROVE, "bernd", version=1)
    tab.goto(path)
    assert tab.locator("h1").count() == 1
    assert tab.get_by_role("main").count() == 1
    unnamed = tab.evaluate(
        """() => [...document.querySelectorAll("input, select, button, textarea")]
            .filter((field) => field.type !== "hidden" && !field.ariaLabel)
            .filter((field) => !field.labels?.length && !field.textContent.trim())
            .map((field) => field.outerHTML)"""
    )
    assert unnamed == []
    doubled = tab.evaluate(
        """() => [...document.querySelectorAll("[id]")].map((one) => one.id)
            .filter((id, place, ids) => ids.indexOf(id) !== place)"""
    )
    assert doubled == []


def test_without_script_the_basics_work(open_tab, desk, submit):
    for number in range(6):
        submit(f"k{number}", f"Du dummer Idiot Nummer {number}!", author=f"Max {number}")
    tab = open_tab(java_script_enabled=False)
    cards = tab.get_by_role("article")
    expect(cards).to_have_count(6)

    cards.first.get_by_text("Notiz, Nachricht").click()
    cards.first.get_by_label("Notiz").fill("Beleidigung")
    cards.first.get_by_role("button", name="Ablehnen: Respekt").click()
    expect(tab.get_by_role("main").get_by_text("Kommentar k0 abgelehnt (Respekt).")).to_be_visible()
    assert desk.comment("k0").decisions[0].note == "Beleidigung"
    tab.get_by_role("button", name="Rückgängig machen").click()
    assert desk.comment("k0").state is State.HELD

    for number in (1, 2):
        tab.get_by_label(f"Kommentar k{number} auswählen").check()
    tab.get_by_role("form", name="Sammelentscheidung").get_by_role(
        "button", name="Freigeben"
    ).click()
    expect(tab.get_by_role("main").get_by_text("2 Kommentare freigegeben.")).to_be_visible()
    tab.get_by_role("button", name="Rückgängig machen").click()
    expect(cards).to_have_count(6)

    tab.get_by_label("Suche im Text").fill("Nummer 4")
    tab.get_by_role("button", name="Anwenden").first.click()
    expect(cards).to_have_count(1)

    tab.get_by_role("link", name="Bereich entscheiden").click()
    tab.get_by_label("Wert von").fill("0")
    tab.get_by_label("Wert bis").fill("100")
    tab.get_by_role("button", name="Ansehen").click()
    expect(tab.get_by_role("main").get_by_text("Ein Kommentar in diesem Bereich")).to_be_visible()
    tab.get_by_role("button", name="Ablehnen: Respekt").click()
    expect(
        tab.get_by_role("main").get_by_text("Ein Kommentar abgelehnt (Respekt).")
    ).to_be_visible()
    assert desk.comment("k4").state is State.REJECTED
