"""The lists moderators work through: the queue and the newest decisions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, event

from moderation.comment import Action, Article, Comment, Parent
from moderation.desk import Desk, InvalidCursor, Page, QueueItem, State


@contextmanager
def statements() -> Iterator[list[str]]:
    """Collect the SQL statements that are sent meanwhile."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            sent.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@pytest.fixture
def busy(desk: Desk) -> Desk:
    """A desk with seven held comments, 0 to 6, under three articles, and a fine one."""
    for number in range(7):
        desk.submit(
            Comment(
                f"Du Trottel Nummer {number}",
                id=str(number),
                article=Article(f"Artikel {number % 3}", id=f"a{number % 3}"),
                parent=Parent("Wer war das?", id=f"p{number}"),
            )
        )
    desk.submit(Comment("Danke!", id="fein"))
    return desk


def ids(page: Page[QueueItem]) -> list[str | None]:
    return [item.comment.id for item in page.items]


def test_the_queue_is_read_page_by_page_oldest_first(busy: Desk) -> None:
    first = busy.held(limit=3)
    second = busy.held(limit=3, after=first.next)
    third = busy.held(limit=3, after=second.next)

    assert [ids(first), ids(second), ids(third)] == [["0", "1", "2"], ["3", "4", "5"], ["6"]]
    assert third.next is None


def test_a_page_that_ends_with_the_list_has_no_next(busy: Desk) -> None:
    assert busy.held(limit=7).next is None


def test_the_next_page_is_right_even_if_its_predecessor_was_decided_meanwhile(busy: Desk) -> None:
    first = busy.held(limit=3)
    for comment_id in ("0", "1", "2"):
        busy.decide(comment_id, Action.APPROVE, "eva", version=1)

    assert ids(busy.held(limit=3, after=first.next)) == ["3", "4", "5"]


def test_an_item_of_the_queue_has_all_a_moderator_needs(busy: Desk) -> None:
    item = busy.held(limit=1).items[0]

    assert item.article == Article("Artikel 0", id="a0")
    assert item.parent == Parent("Wer war das?", id="p0")
    assert item.verdict.reasons[0].rule == "respekt"
    assert item.assessment.model.version == "2026.11.1"
    assert {rule.id for rule in item.rules.values()} == {"respekt", "thema", "werbung"}
    assert all(rule.threshold == 0.5 for rule in item.rules.values())


def test_a_page_takes_one_statement_however_long_it_is(busy: Desk) -> None:
    for comment_id in ("0", "1", "2"):
        busy.decide(comment_id, Action.APPROVE, "eva", version=1)
    for read in (busy.held, busy.decided, busy.counts):
        with statements() as sent:
            read()
        assert len(sent) == 1, read


def test_a_comment_with_its_history_takes_three_statements(busy: Desk) -> None:
    for version in range(1, 9):
        busy.decide("0", Action.APPROVE, "eva", version=version)
    with statements() as sent:
        busy.comment("0")
    assert len(sent) == 3


def test_the_newest_decision_comes_first_with_its_comment_as_it_stands(busy: Desk) -> None:
    first = busy.decide("0", Action.APPROVE, "eva", version=1)
    second = busy.decide("1", Action.REJECT, "max", version=1)
    third = busy.undo("1", "max", version=2)

    page = busy.decided(limit=2)
    rest = busy.decided(limit=2, after=page.next)
    assert [found.decision for found in page.items + rest.items] == [third, second, first]
    assert [found.item.state for found in page.items] == [State.HELD, State.HELD]
    assert rest.items[0].item.comment.id == "0"
    assert rest.next is None


@pytest.mark.parametrize("cursor", ["", "x", "-1", "1.5", "²", "9" * 19, "0\0"])
def test_a_cursor_of_ones_own_is_refused(desk: Desk, cursor: str) -> None:
    for read in (desk.held, desk.decided):
        with pytest.raises(InvalidCursor, match="start again at its beginning"):
            read(after=cursor)


@pytest.mark.parametrize(("asked", "given"), [(-1, 1), (0, 1), (1, 1), (10**9, 7)])
def test_a_page_has_a_sensible_length_whatever_is_asked(busy: Desk, asked: int, given: int) -> None:
    assert len(busy.held(limit=asked).items) == given


def test_counts_tell_how_many_are_where(busy: Desk) -> None:
    busy.decide("0", Action.APPROVE, "eva", version=1)
    busy.decide("1", Action.REJECT, "eva", version=1)
    busy.retract("2")

    assert busy.counts() == {
        State.HELD: 4,
        State.APPROVED: 2,
        State.REJECTED: 1,
        State.RETRACTED: 1,
    }
