"""The page of one comment."""

from __future__ import annotations

import html
import re

import pytest

from moderation.comment import Action, Article, DecisionSource, Parent
from moderation.store import State


def shown(page):
    """Return the words of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def section(page, heading):
    """Return the words of one panel."""
    return shown(page).split(heading, 1)[1]


def test_the_thread_as_it_was_sent_is_shown(anna, submit):
    submit("4711", thread=("Ich komme auf sechs Stunden.",), parent=Parent(text="Und jetzt?"))
    page = shown(anna.get("/queue/4711"))
    assert "Ich komme auf sechs Stunden." in page
    assert "Und jetzt?" in page


def test_the_thread_from_the_store_is_shown_whole_and_folded(anna, submit):
    submit("k1", "Wie lange hält der Akku?", author="Erika")
    submit("k2", "Sechs Stunden, du Trottel.", author="Max", parent=Parent("…", "k1"))
    submit("k3", "Danke, Max!", author="Erika", parent=Parent("…", "k2"))
    page = anna.get("/queue/k2")
    thread = page[page.index("data-thread") :]
    assert thread.index("Wie lange") < thread.index("Sechs Stunden") < thread.index("Danke, Max!")
    assert "3 Kommentare im ganzen Gespräch" in thread
    assert "dieser Kommentar" in thread


def test_what_people_decided_stands_apart_from_the_machine(anna, desk, submit, insult):
    submit("4711")
    anna.decide("4711", action="reject:respekt", note="schon der dritte heute")
    submit("4711", insult + " Wirklich!")
    page = anna.get("/queue/4711")
    machine = page[page.index('class="machine"') : page.index("</section>")]
    assert f"Modell {desk.comment('4711').assessment.model.version}" in machine
    assert "anna" not in machine
    people = section(page[page.index("</article>") :], "Entscheidungen")
    assert "abgelehnt wegen „Respekt“ von anna" in people
    assert "schon der dritte heute" in people
    assert "Frühere Fassungen" in people
    assert "(geändert" in page
    assert "wartet auf Entscheidung" in page


@pytest.mark.parametrize(
    ("source", "who"),
    [(DecisionSource.IMPORT, "einem Import"), (DecisionSource.SYSTEM, "dem System")],
)
def test_where_nobody_is_named_the_source_of_a_decision_is(anna, desk, submit, source, who):
    submit("4711")
    desk.decide("4711", Action.APPROVE, None, version=1, source=source)
    assert f"freigegeben von {who} ," in section(anna.get("/queue/4711"), "Entscheidungen")
    assert f"freigegeben von {who}<" in anna.get("/queue?list=decided")


def test_the_authors_earlier_comments_are_counted_and_the_last_ones_shown(anna, desk, submit):
    for number in range(3):
        submit(f"alt{number}", f"Schon wieder Unfug, du Trottel Nummer {number}!", author="Max")
        action = Action.APPROVE if number else Action.REJECT
        desk.decide(f"alt{number}", action, "bernd", rule=None if number else "respekt", version=1)
    submit("4711", author="Max")
    record = section(anna.get("/queue/4711"), "Bisher unter diesem Namen")
    assert "2-mal freigegeben" in record
    assert "einmal abgelehnt" in record
    assert "Trottel Nummer 0" in record


def test_other_comments_of_the_author_that_wait_for_a_second_opinion_are_counted(
    anna, desk, submit
):
    for number in range(2):
        submit(f"alt{number}", author="Max")
    submit("4711", author="Max")
    desk.decide("alt0", Action.DEFER, "bernd", version=1)
    assert "einer wartet auf eine zweite Meinung" in shown(anna.get("/queue/4711"))
    desk.decide("alt1", Action.DEFER, "bernd", version=1)
    assert "2 warten auf eine zweite Meinung" in shown(anna.get("/queue/4711"))


def test_similar_comments_are_shown_with_what_was_decided(anna, desk, submit):
    submit("alt", "Du bist doch ein dummer Idiot, halt einfach den Mund!", author="Erika")
    desk.decide("alt", Action.REJECT, "bernd", rule="respekt", version=1)
    submit("4711")
    similar = section(anna.get("/queue/4711"), "Ähnliche, schon entschiedene Kommentare")
    assert "abgelehnt von bernd" in similar
    assert "halt einfach den Mund!" in similar
    assert "Ähnlichkeit" in similar


def test_a_comment_about_which_nothing_is_known_says_so(anna, submit):
    submit("4711", author=None)
    page = shown(anna.get("/queue/4711"))
    for sentence in (
        "Noch hat niemand entschieden.",
        "Der Kommentar wurde ohne Namen eingereicht.",
        "Noch gibt es keinen ähnlichen.",
        "es ist kein Gesprächsverlauf bekannt",
    ):
        assert sentence in page


def test_a_script_for_an_address_does_not_become_a_link(anna, submit):
    submit("4711", article=Article(id="weg", title="Weg"))
    submit("4712", article=Article(url="javascript:alert(1)", title="Falle"))
    assert "javascript:" not in anna.get("/queue/4712")
    assert "Weg" in anna.get("/queue/4711")


def test_opened_from_a_list_it_leads_back_to_it(anna, submit):
    submit("4711")
    page = anna.get("/queue/4711?list=uncertain&sort=-score")
    assert 'href="/queue?list=uncertain&amp;sort=-score"' in page
    assert 'name="back" value="/queue?list=uncertain&amp;sort=-score"' in page


def test_opened_by_itself_a_decision_stays_on_it(anna, submit):
    submit("4711")
    assert 'name="back" value="/queue/4711"' in anna.get("/queue/4711")


def test_the_last_decision_can_be_taken_back_here(anna, desk, submit):
    submit("4711")
    assert "data-undo-last" not in anna.get("/queue/4711")
    anna.decide("4711", action="approve")
    assert "data-undo-last" in anna.get("/queue/4711")


def test_an_unknown_comment_is_not_found(anna):
    assert "Hier ist nichts" in anna.get("/queue/unbekannt", status=404)


@pytest.mark.parametrize(
    "name",
    ["/2024/05/akku/#k-7", "a//b", "50 % Rabatt?", "Größe: 3", "4711/decision", "x/claim"],
)
def test_whatever_its_id_a_comment_opens_from_the_queue_and_is_decided(anna, desk, submit, name):
    submit(name)
    link = re.search(r'class="case-link" href="([^"]+)"', anna.get("/queue"))
    page = anna.get(html.unescape(link[1]))
    action = re.search(r'action="(/queue/[^"]+/decision)"', page)
    anna.send(html.unescape(action[1]), page, action="approve", version=1)
    assert desk.comment(name).state is State.APPROVED
