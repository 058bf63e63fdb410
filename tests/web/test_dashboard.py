"""The dashboard: what came in, who decided what, and how often machine and people agree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

import pytest
from sqlalchemy import Engine, event

from moderation.comment import Action, Article

MOST_STATEMENTS = 12


def rows(page: str, section: str) -> list[list[str]]:
    """Return the words of each line of the table in a section of the page."""
    body = page.split(f'id="{section}"')[1].partition("<tbody>")[2].partition("</tbody>")[0]
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in body.split("<tr>")]
    return [
        [
            unescape(re.sub(r"<svg.*</svg>|<[^>]+>", "", cell, flags=re.DOTALL)).strip()
            for cell in row
        ]
        for row in cells[1:]
    ]


@pytest.fixture
def a_days_work(desk, submit) -> None:
    """Four comments are held and one is not; one is approved, two rejected, one deferred."""
    submit("ok", "Danke für den ausführlichen Test, der Akku hält bei mir auch acht Stunden.")
    for number in "1234":
        submit(number)
    desk.decide("1", Action.APPROVE, "anna", version=1)
    desk.decide("2", Action.REJECT, "anna", rule="respekt", version=1)
    desk.decide("3", Action.REJECT, "bernd", rule="respekt", version=1)
    desk.decide("4", Action.DEFER, "bernd", version=1)


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """The SQL statements sent from now on."""
    sent: list[str] = []

    def note(*arguments: object) -> None:
        sent.append(str(arguments[2]))

    event.listen(Engine, "before_cursor_execute", note)
    yield sent
    event.remove(Engine, "before_cursor_execute", note)


def test_a_days_work_is_counted(anna, desk, a_days_work):
    page = anna.get("/dashboard")
    held = 4 + (desk.comment("ok").state == "held")
    assert rows(page, "verdicts")[-1][1:] == [str(5 - held), str(held), "0", "5", "3"]
    assert rows(page, "by-rule")[0][:2] == ["Respekt", "2"]
    assert rows(page, "by-moderator") == [
        ["Anna Berger", "1", "1", "0", ""],
        ["bernd", "0", "1", "1", ""],
    ]
    assert rows(page, "by-article") == [["Das neue Notebook im Test", "1", "2", "1", ""]]
    assert 'href="/queue?list=decided&amp;article=123"' in page


def test_where_machine_and_people_agree_is_counted_for_each_rule(anna, a_days_work):
    respect = rows(anna.get("/dashboard"), "agreement")[0]
    name, share, both, neither, only_machine, only_people, _ = respect
    assert name == "Respekt"
    assert [both, neither, only_machine, only_people] == ["2", "0", "1", "0"]
    assert share == "67\N{NO-BREAK SPACE}%"


def test_without_a_comment_the_dashboard_says_so(anna):
    page = anna.get("/dashboard")
    assert "In diesem Zeitraum kam kein Kommentar." in page
    assert "In diesem Zeitraum hat niemand einen Kommentar abgelehnt." in page
    assert page.count("In diesem Zeitraum wurde nichts entschieden.") == 3


def test_a_span_of_days_can_be_chosen(anna, submit):
    submit()
    for wanted, shown in (("7", 7), ("90", 90), ("8", 14), ("", 14), ("-1", 14), ("٧", 14)):
        page = anna.client.get("/dashboard", query_string={"days": wanted}).text
        assert len(rows(page, "verdicts")) == shown, wanted


def test_every_drawing_has_a_name_and_its_numbers_in_a_table(anna, a_days_work):
    page = anna.get("/dashboard")
    drawings = re.findall(r"<svg[^>]*(?:role|aria-hidden)=[^>]*>", page)
    assert len(re.findall(r"<svg", page)) == len(drawings) + page.count("<svg y=")
    for drawing in drawings:
        assert "aria-label" in drawing or 'aria-hidden="true"' in drawing
    for named in re.findall(r'aria-labelledby="(per-day[^"]*)"', page):
        for one in named.split():
            assert re.search(rf'id="{one}">[^<]+<', page)


def test_a_title_from_outside_stays_text(anna, desk, submit):
    submit(article=Article(title="<script>alert(1)</script> & \u202e", id="böse"))
    desk.decide("4711", Action.APPROVE, "anna", version=1)
    page = anna.get("/dashboard")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp;" in page


def test_a_page_asks_the_database_only_a_few_questions(anna, a_days_work, statements):
    for path in ("/dashboard", "/thresholds?rule=respekt&percent=40", "/profile"):
        statements.clear()
        anna.get(path)
        assert 0 < len(statements) <= MOST_STATEMENTS, path
