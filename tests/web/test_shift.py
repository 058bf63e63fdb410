"""Moderators at work in a real Chromium: by keyboard, in bulk, two at once, live."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from playwright.sync_api import expect

from moderation.comment import Action, DecisionSource
from moderation.store import Listing, State

PASSWORD = "ein langes Passwort"
SHIFT = 50


@pytest.fixture
def fill(submit):
    """Submit so many comments that are all held."""

    def send(count):
        return [submit(f"k{number:02}", f"Du dummer Idiot Nummer {number}!").id
                for number in range(count)]  # fmt: skip

    return send


def card(tab, comment_id):
    return tab.locator(f'[data-comment="{comment_id}"]')


def is_current(comment_card):
    expect(comment_card).to_have_attribute("aria-current", "true")


def states(desk, ids):
    return Counter(desk.comment(comment_id).state for comment_id in ids)


def count_of(tab, listing):
    return tab.locator(f'[data-count="{listing}"]')


def test_a_whole_shift_by_keyboard_alone(tab, desk, fill):
    ids = fill(SHIFT)
    tab.reload()
    is_current(card(tab, ids[0]))
    for place, comment_id in enumerate(ids):
        is_current(card(tab, comment_id))
        match place % 10:
            case 0 | 1 | 2 | 3:
                tab.keyboard.press("a")
            case 4 | 5:
                tab.keyboard.press("1")
            case 6:
                tab.keyboard.press("3")
            case 7:
                tab.keyboard.press("d")
            case 8:  # the suggested rule, confirmed
                tab.keyboard.press("r")
                tab.keyboard.press("Enter")
            case 9:  # with a note: the keys in it decide nothing
                tab.keyboard.press("r")
                card(tab, comment_id).get_by_label("Notiz").focus()
                tab.keyboard.type("ja, klar: 1 2 d x u")
                tab.keyboard.press("Escape")
                tab.keyboard.press("2")
        expect(card(tab, comment_id)).to_have_class(re.compile("decided"))
    expect(tab.get_by_role("main").get_by_text("Alles entschieden.")).to_be_visible()
    assert states(desk, ids) == {State.APPROVED: 20, State.REJECTED: 25, State.DEFERRED: 5}
    rules = Counter(desk.comment(one).decisions[0].rule for one in ids)
    assert rules == {None: 25, "respekt": 15, "werbung": 5, "thema": 5}
    last = desk.comment(ids[-1]).decisions
    assert [(one.note, one.moderator) for one in last] == [("ja, klar: 1 2 d x u", "anna")]
    expect(count_of(tab, "flagged")).to_have_text("0")
    expect(count_of(tab, "deferred")).to_have_text("5")


def test_the_keys_move_select_search_unfold_and_explain(tab, desk, submit):
    for number in range(3):
        submit(f"k{number}", f"Du dummer Idiot Nummer {number}!", thread=("Erster!", "Zweiter."))
    tab.reload()
    is_current(card(tab, "k0"))
    for key, current in (
        ("k", "k0"),
        ("j", "k0"),
        ("j", "k1"),
        ("j", "k2"),
        ("j", "k2"),
        ("k", "k1"),
    ):
        if key == "j" and current == "k0":
            continue
        tab.keyboard.press(key)
        is_current(card(tab, current))
    expect(card(tab, "k1")).to_be_focused()

    thread = card(tab, "k1").get_by_text("Zweiter.")
    expect(thread).to_be_hidden()
    tab.keyboard.press("z")
    expect(thread).to_be_visible()

    tab.keyboard.press("?")
    help_of_keys = tab.get_by_role("dialog", name="Tasten")
    expect(help_of_keys).to_be_visible()
    tab.keyboard.press("a")
    tab.keyboard.press("Escape")
    expect(help_of_keys).to_be_hidden()

    tab.keyboard.press("/")
    search = tab.get_by_label("Suche im Text")
    expect(search).to_be_focused()
    tab.keyboard.type("a1d")
    expect(search).to_have_value("a1d")
    tab.keyboard.press("Escape")
    assert states(desk, ["k0", "k1", "k2"]) == {State.HELD: 3}

    tab.keyboard.press("x")
    tab.keyboard.press("j")
    tab.keyboard.press("x")
    expect(tab.get_by_role("main").get_by_text("2 ausgewählt")).to_be_visible()
    tab.keyboard.press("2")
    expect(tab.locator("[data-toasts]")).to_contain_text("2 Kommentare abgelehnt (Thema).")
    assert states(desk, ["k0", "k1", "k2"]) == {State.HELD: 1, State.REJECTED: 2}
    assert desk.comment("k2").decisions[0].source is DecisionSource.BULK
    tab.keyboard.press("u")
    expect(tab.locator("[data-toasts]")).to_contain_text("2 Entscheidungen zurückgenommen.")
    expect(tab.locator(".case:not(.decided)")).to_have_count(3)
    assert states(desk, ["k0", "k1", "k2"]) == {State.HELD: 3}


def test_undo_brings_the_comment_back_to_where_it_was(tab, desk, fill):
    ids = fill(3)
    tab.reload()
    for key, comment_id in zip("a1", ids, strict=False):
        tab.keyboard.press(key)
        expect(card(tab, comment_id)).to_have_class(re.compile("decided"))
    expect(tab.locator("[data-toasts]")).to_contain_text("Kommentar k01 abgelehnt (Respekt).")
    for comment_id in (ids[1], ids[0]):
        tab.keyboard.press("u")
        is_current(card(tab, comment_id))
        expect(card(tab, comment_id)).to_be_focused()
        expect(card(tab, comment_id).locator("mark").first).to_be_visible()
    assert states(desk, ids) == {State.HELD: 3}
    assert [one.action for one in desk.comment(ids[1]).decisions] == [Action.REJECT, Action.UNDO]
    # and it can be decided anew, and undone with the mouse
    tab.keyboard.press("d")
    tab.locator("[data-toasts]").get_by_role("button", name="Rückgängig").click()
    is_current(card(tab, ids[0]))
    assert desk.comment(ids[0]).state is State.HELD


def test_a_range_is_marked_on_the_histogram_and_decided_as_one(tab, desk, fill):
    ids = fill(25)
    tab.goto("/range?rule=respekt")
    box = tab.locator("[data-plot]").bounding_box()
    tab.mouse.move(box["x"] + 2, box["y"] + 30)
    tab.mouse.down()
    tab.mouse.move(box["x"] + box["width"] - 1, box["y"] + 60, steps=4)
    tab.mouse.up()
    expect(tab.get_by_role("main").get_by_text("25 Kommentare in diesem Bereich")).to_be_visible()
    low, high = tab.get_by_label("Wert von"), tab.get_by_label("Wert bis")
    expect(low).to_have_value("0")
    expect(high).to_have_value("100")

    upper = tab.get_by_role("slider", name="Obere Grenze")
    upper.focus()
    tab.keyboard.press("Home")
    expect(
        tab.get_by_role("main").get_by_text("In diesem Bereich liegt kein Kommentar.")
    ).to_be_visible()
    tab.keyboard.press("End")
    expect(upper).to_have_attribute("aria-valuenow", "100")
    expect(tab.get_by_role("main").get_by_text("25 Kommentare in diesem Bereich")).to_be_visible()

    tab.get_by_label("tippen Sie die Zahl").fill("24")
    tab.get_by_role("button", name="Ablehnen: Respekt").click()
    expect(
        tab.get_by_role("main").get_by_text("Das war nicht die Zahl 25; nichts wurde entschieden.")
    ).to_be_visible()
    assert states(desk, ids) == {State.HELD: 25}
    tab.get_by_label("Zahl der Kommentare").fill("25")
    tab.get_by_role("button", name="25 Kommentare ablehnen (Respekt)").click()
    expect(
        tab.get_by_role("main").get_by_text("25 Kommentare abgelehnt (Respekt).")
    ).to_be_visible()
    assert states(desk, ids) == {State.REJECTED: 25}
    assert desk.comment(ids[7]).decisions[0].source is DecisionSource.BULK
    tab.get_by_role("button", name="Rückgängig machen").click()
    expect(tab.get_by_role("main").get_by_text("25 Entscheidungen zurückgenommen.")).to_be_visible()
    assert states(desk, ids) == {State.HELD: 25}


def test_two_browsers_decide_the_same_comment(open_tab, desk, fill):
    fill(2)
    anna, bernd = open_tab("anna"), open_tab("bernd")
    # each sees what the other is reading
    expect(card(bernd, "k00")).to_contain_text("wird gerade bearbeitet von anna", timeout=15_000)
    anna.route("**/changes*", lambda route: route.abort())  # nothing new is heard for a while
    bernd.keyboard.press("a")
    expect(card(bernd, "k00")).to_have_class(re.compile("decided"))
    anna.keyboard.press("r")
    card(anna, "k00").get_by_label("Notiz").fill("viel zu grob")
    card(anna, "k00").get_by_role("button", name="Ablehnen: Respekt").click()
    told = card(anna, "k00").locator(".done")
    expect(told).to_contain_text("Nicht gespeichert: bereits entschieden von bernd")
    expect(told).to_contain_text("(freigegeben)")
    is_current(card(anna, "k01"))
    assert [one.moderator for one in desk.comment("k00").decisions] == ["bernd"]


def test_a_comment_edited_meanwhile_is_shown_anew_with_the_note_kept(tab, desk, submit):
    submit("4711", "Du dummer Idiot!")
    tab.route("**/changes*", lambda route: route.abort())
    tab.reload()
    tab.keyboard.press("r")
    card(tab, "4711").get_by_label("Notiz").fill("grob")
    submit("4711", "Du dummer Idiot! Und alle anderen auch!")
    tab.keyboard.press("Escape")
    tab.keyboard.press("1")
    shown = card(tab, "4711")
    expect(shown.get_by_role("alert")).to_contain_text("Bitte lesen Sie ihn noch einmal.")
    expect(shown.locator(".comment-text")).to_contain_text("Und alle anderen auch!")
    expect(shown.get_by_label("Notiz")).to_have_value("grob")
    assert desk.comment("4711").state is State.HELD
    tab.keyboard.press("1")
    expect(shown).to_have_class(re.compile("decided"))
    assert desk.comment("4711").decisions[0].note == "grob"


def test_a_comment_retracted_meanwhile_is_told_as_gone(tab, desk, fill):
    fill(2)
    tab.reload()
    desk.retract("k00")
    tab.keyboard.press("a")
    expect(card(tab, "k00")).to_contain_text("von seinem Verfasser zurückgezogen")
    is_current(card(tab, "k01"))


def test_new_comments_and_others_decisions_arrive_without_a_reload(tab, desk, submit):
    expect(tab.get_by_role("main").get_by_text("Alles entschieden.")).to_be_visible()
    submit("k1", "Du dummer Idiot Nummer eins!")
    expect(card(tab, "k1")).to_be_visible(timeout=15_000)
    expect(tab.get_by_role("main").get_by_text("Alles entschieden.")).to_be_hidden()
    expect(count_of(tab, "flagged")).to_have_text("1")
    tab.keyboard.press("j")
    before = card(tab, "k1").bounding_box()
    submit("k2", "Du dummer Idiot Nummer zwei!")
    expect(card(tab, "k2")).to_be_visible(timeout=15_000)
    assert card(tab, "k1").bounding_box() == before
    expect(card(tab, "k1")).to_be_focused()
    desk.decide("k1", Action.REJECT, "bernd", rule="respekt", version=1)
    expect(card(tab, "k1")).to_contain_text("abgelehnt von bernd", timeout=15_000)
    is_current(card(tab, "k2"))
    expect(count_of(tab, "decided")).to_have_text("1")


def test_a_session_that_ends_in_the_middle_of_a_bulk_loses_nothing(tab, desk, fill):
    ids = fill(3)
    tab.goto("/queue?sort=-age")
    tab.keyboard.press("x")
    tab.keyboard.press("j")
    tab.keyboard.press("x")
    tab.context.clear_cookies()
    tab.keyboard.press("1")
    expect(
        tab.get_by_role("main").get_by_text("Ihre Entscheidung ist nicht verloren")
    ).to_be_visible()
    tab.get_by_label("Name").fill("anna")
    tab.get_by_label("Passwort").fill(PASSWORD)
    tab.get_by_role("button", name="Anmelden").click()
    expect(tab.get_by_role("main").get_by_text("2 Kommentare ablehnen (Respekt)")).to_be_visible()
    assert states(desk, ids) == {State.HELD: 3}
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/queue?sort=-age")
    expect(tab.get_by_role("main").get_by_text("2 Kommentare abgelehnt (Respekt).")).to_be_visible()
    assert states(desk, ids) == {State.HELD: 1, State.REJECTED: 2}


def test_from_the_comment_page_the_list_goes_on_where_it_was(tab, desk, fill):
    fill(4)
    tab.reload()
    tab.keyboard.press("j")
    card(tab, "k01").get_by_role("link", name="einzeln ansehen").click()
    expect(tab.get_by_role("heading", name="Kommentar k01")).to_be_visible()
    tab.wait_for_load_state("load")  # keys work from then on
    tab.keyboard.press("3")
    tab.wait_for_url("**/queue")
    expect(
        tab.get_by_role("main").get_by_text("Kommentar k01 abgelehnt (Werbung).")
    ).to_be_visible()
    is_current(card(tab, "k02"))
    tab.keyboard.press("u")
    expect(
        tab.get_by_role("main").get_by_text("Die Entscheidung ist zurückgenommen.")
    ).to_be_visible()
    assert len(desk.listing(Listing.FLAGGED).items) == 4


def test_the_author_is_offered_the_rules_message_and_it_follows_the_rule(tab, desk, fill, runtime):
    fill(1)
    tab.reload()
    tab.keyboard.press("r")
    card(tab, "k00").get_by_label("Dem Verfasser sagen").check()
    message = card(tab, "k00").get_by_label("Nachricht an den Verfasser")
    names = {rule.id: rule.message_to_author.de for rule in runtime.rules.rules}
    expect(message).to_have_value(names["respekt"])
    card(tab, "k00").get_by_role("button", name="Ablehnen: Thema").click()
    expect(card(tab, "k00")).to_have_class(re.compile("decided"))
    assert desk.comment("k00").decisions[0].message == names["thema"]
