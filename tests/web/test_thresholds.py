"""The threshold explorer: what another threshold would have meant, and putting it into force."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from moderation.comment import Action, Label
from moderation.desk import accounts
from moderation.store import Role, State, ThresholdEffect, ThresholdEffects
from moderation.web.thresholds import InvalidThreshold, effect_at, parse_threshold

PASSWORD = "ein langes Passwort"


@pytest.fixture
def vera(visitor, runtime):
    """An admin."""
    accounts.create_moderator(runtime.store, "vera", PASSWORD, Role.ADMIN)
    return visitor.log_in("vera")


@pytest.fixture
def decided(desk, submit) -> None:
    """Two comments decided one by one, one still waiting."""
    for number in "123":
        submit(number)
    desk.decide("1", Action.REJECT, "anna", rule="respekt", version=1)
    desk.decide("2", Action.APPROVE, "anna", version=1)


def effects_of(*thresholds: float, violations: int = 1) -> ThresholdEffects:
    return ThresholdEffects(
        label=Label.SPAM,
        in_force=0.5,
        comments=2,
        violations=violations,
        effects=tuple(ThresholdEffect(at, 0.5, 1.0, 0.0, 0.1) for at in thresholds),
    )


def test_between_two_scores_a_threshold_means_what_the_higher_one_means():
    effects = effects_of(0.2, 0.6)
    assert effect_at(effects, 0.0).threshold == 0.2
    assert effect_at(effects, 0.2).threshold == 0.2
    assert effect_at(effects, 0.21).threshold == 0.6


def test_above_every_score_nothing_is_held():
    above = effect_at(effects_of(0.2, 0.6), 0.9)
    assert (above.precision, above.recall, above.miss_rate, above.freed) == (1.0, 0.0, 1.0, 1.0)
    assert effect_at(effects_of(0.2, violations=0), 0.9).recall == 1.0


def test_before_the_first_decision_a_threshold_means_nothing(vera):
    assert effect_at(effects_of(), 0.5) is None
    assert "lässt sich erst danach sagen" in vera.get("/thresholds?percent=50")


@pytest.mark.parametrize(
    ("entered", "threshold"),
    [("12.5", 0.125), ("12,5 %", 0.125), ("0", 0.0), ("100", 1.0), (" ", None), (None, None)],
)
def test_a_threshold_is_entered_in_percent(entered, threshold):
    assert parse_threshold(entered) == threshold


@pytest.mark.parametrize("entered", ["viel", "-1", "100.1", "nan", "inf", "1e999", "1_0,0,0"])
def test_what_is_no_threshold_is_refused(app, entered):
    with app.test_request_context(), pytest.raises(InvalidThreshold, match="von 0 bis 100"):
        parse_threshold(entered)


def test_the_page_says_what_would_change(anna, decided):
    page = anna.get("/thresholds?rule=respekt&percent=99.99")
    assert "dann: 100\N{NO-BREAK SPACE}%" in page
    assert "Neue Kommentare werden ab 100\N{NO-BREAK SPACE}% zurückgehalten" in page
    assert re.search(r"die nicht zurückgehalten worden wären: \d von 1\.", page)
    assert "Grundlage: 2 einzeln entschiedene Kommentare" in page
    assert "noch zu wenig" in page


def test_a_wrong_entry_is_told_and_kept(anna, decided):
    answer = anna.client.get("/thresholds?rule=respekt&percent=viel")
    assert answer.status_code == 422
    assert "Bitte geben Sie eine Zahl von 0 bis 100 ein." in answer.text
    assert 'value="viel"' in answer.text


def test_there_is_no_page_for_a_rule_there_is_not(anna):
    assert "Hier ist nichts" in anna.get("/thresholds?rule=nirgends", status=404)


def test_only_admins_change_a_threshold(anna, desk, decided):
    before = desk.thresholds()
    page = anna.get("/thresholds?rule=respekt&percent=40&confirm=1")
    assert "Diese Schwelle übernehmen" not in page
    assert "Ja, Schwelle ändern" not in page
    assert "Schwellen ändert, wer die Moderation verwaltet." in page
    forged = _form(page) | {"rule": "respekt", "percent": "40"}
    assert anna.client.post("/thresholds", data=forged).status_code == 403
    assert desk.thresholds() == before


def test_an_admin_sees_what_changes_confirms_and_can_go_back(vera, desk, submit, decided):
    models = desk.thresholds()[Label.DISPARAGING]
    assert "Diese Schwelle übernehmen" in vera.get("/thresholds?rule=respekt&percent=100")
    page = vera.get("/thresholds?rule=respekt&percent=100&confirm=1")
    assert "Soll die Schwelle der Regel „Respekt“ wirklich" in page
    page = _post(vera, _form(page) | {"percent": "100"})
    assert "Für die Regel „Respekt“ gilt ab jetzt die Schwelle 100\N{NO-BREAK SPACE}%." in page
    assert desk.thresholds()[Label.DISPARAGING] == 1.0
    submit("danach")
    assert Label.DISPARAGING not in desk.comment("danach").verdict.flagged
    assert desk.comment("3").state is State.HELD  # what waited still waits
    change = desk.threshold_history()[0]
    assert (change.moderator, change.before, change.after) == ("vera", None, 1.0)

    page = _post(vera, _form(vera.get("/thresholds?rule=respekt")) | {"percent": ""})
    assert desk.thresholds()[Label.DISPARAGING] == models
    assert page.count("voreingestellte Schwelle") >= 2


def test_a_change_made_meanwhile_is_not_overwritten(vera, desk, decided):
    form = _form(vera.get("/thresholds?rule=respekt&percent=30&confirm=1"))
    desk.apply_threshold(Label.DISPARAGING, 0.6, "jemand anderes")
    page = _post(vera, form | {"percent": "30"})
    assert "Nicht geändert: Die Schwelle ist inzwischen eine andere." in page
    assert desk.thresholds()[Label.DISPARAGING] == 0.6


def test_a_rule_that_rejects_cannot_hold_only_above_that(vera, runtime, desk, decided):
    rules = runtime.rules
    strict = rules.rules[0].model_copy(update={"reject_at": 0.9})
    runtime.rules = rules.model_copy(update={"rules": (strict, *rules.rules[1:])})
    answer = vera.client.get("/thresholds?rule=respekt&percent=95")
    assert answer.status_code == 422
    assert "zurückgehalten werden kann nur darunter" in answer.text


def test_the_slider_shows_at_once_what_a_threshold_means(tab, decided):
    tab.goto("/thresholds?rule=respekt")
    tab.evaluate("window.stillTheSamePage = true")
    slider = tab.get_by_role("slider")
    slider.focus()
    slider.press("End")
    expect(tab.get_by_text("dann: 100\N{NO-BREAK SPACE}%")).to_be_visible()
    expect(tab.locator("#announcements")).to_contain_text("Schwelle 100\N{NO-BREAK SPACE}%:")
    expect(tab.get_by_role("spinbutton")).to_have_value("100")
    assert tab.url.endswith("rule=respekt&percent=100")
    assert tab.evaluate("window.stillTheSamePage")


def test_without_script_a_number_is_sent(browser, address, vera, decided):
    context = browser.new_context(base_url=address, locale="de-DE", java_script_enabled=False)
    session = vera.client.get_cookie("moderation").value
    context.add_cookies([{"name": "moderation", "value": session, "url": address}])
    tab = context.new_page()
    tab.goto("/thresholds?rule=respekt")
    expect(tab.get_by_role("slider")).to_have_count(0)
    tab.get_by_role("spinbutton", name="Schwelle in Prozent").fill("40")
    tab.get_by_role("button", name="Ansehen").click()
    tab.get_by_role("link", name="Diese Schwelle übernehmen").click()
    tab.get_by_role("button", name="Ja, Schwelle ändern").click()
    expect(tab.get_by_text("gilt ab jetzt die Schwelle 40\N{NO-BREAK SPACE}%")).to_be_visible()
    context.close()


def _form(page: str) -> dict[str, str]:
    """Return the hidden fields of the page."""
    fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page)
    return dict(fields)


def _post(visitor, form: dict[str, str]) -> str:
    answer = visitor.client.post("/thresholds", data=form, follow_redirects=True)
    assert answer.status_code == 200
    return answer.text
