"""The lists and what they say of each comment."""

from __future__ import annotations

import re

import pytest
from markupsafe import escape

from moderation.comment import Action, Article, Parent
from moderation.runtime import Runtime
from moderation.store import State
from moderation.web.lists import PAGE_LENGTH


def test_with_nothing_held_the_queue_says_so(anna):
    page = anna.get("/queue")
    assert "Alles entschieden." in page


def test_what_the_machine_lets_through_is_not_in_the_queue(anna, desk, submit):
    submit("4711")
    desk.decide("4711", Action.APPROVE, "bernd", version=1)
    assert "4711" not in anna.get("/queue")


def test_a_card_shows_the_comment_with_its_context_and_the_reason(anna, desk, submit, insult):
    submit("4711", parent=Parent(text="Wie lange hält der Akku?"))
    page = anna.get("/queue")
    item = desk.comment("4711")
    shown = re.sub(r"<[^>]+>", "", page)
    assert str(escape(insult)) in shown
    assert "<mark" in page
    for words in ("Max", "Das neue Notebook im Test", "Wie lange hält der Akku?", "Respekt"):
        assert words in shown
    assert "Der Akku hält acht Stunden." in shown
    assert str(escape(item.verdict.reasons[0].de)) in page
    assert f"Maschinelle Einschätzung · Modell {item.assessment.model.version}" in shown
    assert "Kommentare dürfen nicht nur dazu dienen" in shown
    assert "trägt" in re.search(r'<mark[^>]* title="([^"]+)"', page)[1]


def test_times_are_those_of_berlin(anna, desk, submit):
    submit("4711")
    submitted = desk.comment("4711").submitted_at
    assert submitted.isoformat() in anna.get("/queue")
    assert re.search(r"\d\d\.\d\d\.\d{4}, \d\d:\d\d Uhr", anna.get("/queue"))


def test_without_an_article_the_topic_is_shown_as_not_assessed(anna, submit):
    submit("4711", article=None)
    page = anna.get("/queue")
    assert "nicht beurteilt" in page
    assert "Ohne Artikel eingereicht" in page


def test_a_long_queue_is_read_page_by_page(anna, submit):
    for number in range(PAGE_LENGTH + 1):
        submit(f"k{number:02}")
    first = anna.get("/queue")
    following = re.search(r'rel="next" href="([^"]+)"', first)[1]
    second = anna.get(following)
    assert first.count('<article class="card case"') == PAGE_LENGTH
    assert second.count('<article class="card case"') == 1
    assert 'rel="next"' not in second
    assert "Zum Anfang" in second


def test_a_place_that_the_queue_does_not_have_is_not_found(anna):
    page = anna.get("/queue?after=nonsense", status=404)
    assert "Hier ist nichts" in page


def test_markup_in_a_comment_is_text(anna, submit):
    evil = '<script>alert(1)</script><img src=x onerror="alert(2)"> du dummer Idiot'
    submit(
        "4711",
        evil,
        author="<b>Max</b>",
        article=Article(title="<i>Test</i>", text="<u>Text</u>", id="1"),
        parent=Parent(text="<s>Eltern</s>"),
        thread=("<em>Faden</em>",),
    )
    for path in ("/queue", "/queue/4711"):
        page = anna.get(path)
        for tag in ("<script>alert", "<img", "<b>", "<i>", "<u>", "<s>", "<em>"):
            assert tag not in page


def test_the_newest_decision_is_listed_first(anna, submit):
    submit("k1")
    submit("k2")
    anna.decide("k1", action="approve")
    anna.decide("k2", action="reject:werbung")
    page = anna.get("/queue?list=decided")
    assert page.index("/queue/k2") < page.index("/queue/k1")
    assert "anna" in page
    assert "Werbung" in page


def test_before_the_first_decision_the_list_says_so(anna):
    assert "Noch wurde nichts entschieden." in anna.get("/queue?list=decided")


def test_people_can_work_while_the_model_loads(app, anna, desk, submit, settings):
    submit("4711")
    still_loading = Runtime(settings)
    still_loading.attach(app)
    assert "4711" in anna.get("/queue")
    anna.decide("4711", action="approve")
    assert desk.comment("4711").state is State.APPROVED
    still_loading.store.close()


@pytest.mark.parametrize("table", ["comments", "moderators"])
def test_a_database_that_fails_is_told_in_german(anna, sql, table):
    sql(f"ALTER TABLE {table} RENAME TO lost")
    page = anna.client.get("/queue")
    assert page.status_code == 503
    assert "Die Datenbank kann im Moment nicht benutzt werden." in page.text
