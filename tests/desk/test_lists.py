"""The lists moderators work through: the queue and the newest decisions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest
from sqlalchemy import Engine, event

from moderation.comment import Action, Article, Comment, Label, Parent
from moderation.desk import Desk, InvalidCursor, Page, QueueItem, State
from moderation.store import Filter, Listing, SortKey


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
    first = busy.listing(Listing.FLAGGED, limit=3)
    second = busy.listing(Listing.FLAGGED, limit=3, after=first.next)
    third = busy.listing(Listing.FLAGGED, limit=3, after=second.next)

    assert [ids(first), ids(second), ids(third)] == [["0", "1", "2"], ["3", "4", "5"], ["6"]]
    assert third.next is None


def test_a_page_that_ends_with_the_list_has_no_next(busy: Desk) -> None:
    assert busy.listing(Listing.FLAGGED, limit=7).next is None


def test_the_next_page_is_right_even_if_its_predecessor_was_decided_meanwhile(busy: Desk) -> None:
    first = busy.listing(Listing.FLAGGED, limit=3)
    for comment_id in ("0", "1", "2"):
        busy.decide(comment_id, Action.APPROVE, "eva", version=1)

    assert ids(busy.listing(Listing.FLAGGED, limit=3, after=first.next)) == ["3", "4", "5"]


def test_an_item_of_the_queue_has_all_a_moderator_needs(busy: Desk) -> None:
    item = busy.listing(Listing.FLAGGED, limit=1).items[0]

    assert item.article == Article("Artikel 0", id="a0")
    assert item.parent == Parent("Wer war das?", id="p0")
    assert item.verdict.reasons[0].rule == "respekt"
    assert item.assessment.model.version == "2026.11.1"
    assert {rule.id for rule in item.rules.values()} == {"respekt", "thema", "werbung"}
    assert all(rule.threshold == 0.5 for rule in item.rules.values())


def test_a_page_takes_one_statement_however_long_it_is(busy: Desk) -> None:
    for comment_id in ("0", "1", "2"):
        busy.decide(comment_id, Action.APPROVE, "eva", version=1)
    for read in (
        *(partial(busy.listing, listing) for listing in Listing),
        busy.listing_counts,
        busy.counts,
        busy.newest_change,
        partial(busy.histogram, Listing.FLAGGED, Filter(), Label.SPAM),
        partial(busy.matching, Listing.FLAGGED, Filter(), limit=10),
    ):
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
    third = busy.decide("2", Action.REJECT, "max", version=1)
    busy.undo("1", "max", version=2)

    page = busy.listing(Listing.DECIDED, descending=True, limit=1)
    rest = busy.listing(Listing.DECIDED, descending=True, limit=1, after=page.next)
    assert [item.in_force for item in page.items + rest.items] == [third, first]
    assert [item.state for item in page.items + rest.items] == [State.REJECTED, State.APPROVED]
    assert rest.next is None
    assert second not in [item.in_force for item in busy.listing(Listing.FLAGGED).items]


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "-1",
        "age",
        "age~1",
        "age~1~2~3",
        "age~x~1",
        "age~1~x",
        "age~²~1",
        "age~999999999999999999~1",
        "score~0x1p-1~1",
        "age~1~9999999999999999999",
        "age~1~1\0",
    ],
)
def test_a_cursor_of_ones_own_is_refused(desk: Desk, cursor: str) -> None:
    with pytest.raises(InvalidCursor, match="start again at its beginning"):
        desk.listing(Listing.FLAGGED, after=cursor)


@pytest.mark.parametrize("value", ["nan", "inf", "0x1p99999", "½", ""])
def test_a_cursor_with_a_number_of_ones_own_is_refused(desk: Desk, value: str) -> None:
    with pytest.raises(InvalidCursor):
        desk.listing(Listing.FLAGGED, sort=SortKey.SCORE, after=f"score~{value}~1")


@pytest.mark.parametrize(("asked", "given"), [(-1, 1), (0, 1), (1, 1), (10**9, 7)])
def test_a_page_has_a_sensible_length_whatever_is_asked(busy: Desk, asked: int, given: int) -> None:
    assert len(busy.listing(Listing.FLAGGED, limit=asked).items) == given


def test_counts_tell_how_many_are_where(busy: Desk) -> None:
    busy.decide("0", Action.APPROVE, "eva", version=1)
    busy.decide("1", Action.REJECT, "eva", version=1)
    busy.retract("2")

    assert busy.counts() == {
        State.HELD: 4,
        State.DEFERRED: 0,
        State.APPROVED: 2,
        State.REJECTED: 1,
        State.RETRACTED: 1,
    }
