"""The moderators' lists: pages in any order, counts, histograms.

A page is one statement and a range of one index, however many comments there are; a search takes
one more to see whether it finds few or many.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, String, and_, exists, func, select, tuple_, type_coerce
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased, join

from moderation.comment import Label
from moderation.store import search
from moderation.store.entries import WHOLE
from moderation.store.loading import item_of, loaded
from moderation.store.records import Filter, Listing, Page, QueueItem, SortKey, State
from moderation.store.tables import ArticleRow, CommentRow, ListEntryRow

FEW = 5000
"""Comments found by their words that are looked up one by one."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"-?[0-9]{1,18}")

_ORDERS: Mapping[SortKey, tuple[InstrumentedAttribute[Any], ...]] = {
    SortKey.AGE: (ListEntryRow.listed_at, ListEntryRow.comment_id),
    SortKey.SCORE: (ListEntryRow.score, ListEntryRow.comment_id),
    SortKey.UNCERTAINTY: (ListEntryRow.uncertainty, ListEntryRow.comment_id),
    SortKey.ARTICLE: (ListEntryRow.article_key, ListEntryRow.listed_at, ListEntryRow.comment_id),
}


class Lists:
    """Questions about the moderators' lists within one transaction; see `Reader.lists`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def page(
        self,
        listing: Listing,
        narrowed: Filter,
        *,
        sort: SortKey,
        descending: bool,
        limit: int,
        after: str | None = None,
    ) -> Page[QueueItem]:
        """Read a part of a list.

        Parameters
        ----------
        after
            ``next`` of the part before, for the same ``sort``.

        Raises
        ------
        ValueError
            If ``after`` is not such a value.
        """
        order = _ORDERS[sort]
        wanted = self._conditions(listing, narrowed, few=self._names_few(narrowed))
        if after is not None:
            place = tuple_(*_place(sort, after))
            here = tuple_(*order)
            wanted = and_(wanted, here < place if descending else here > place)
        rows = self._session.execute(
            loaded(join(ListEntryRow, CommentRow, CommentRow.id == ListEntryRow.comment_id))
            .add_columns(*order)
            .where(wanted)
            .order_by(*(column.desc() if descending else column for column in order))
            .limit(limit + 1)
        ).all()
        items = tuple(item_of(*row[: -len(order)]) for row in rows[:limit])
        more = len(rows) > limit
        return Page(items, _cursor(sort, rows[limit - 1][-len(order) :]) if more else None)

    def count(self, narrowed: Filter, *, at_most: int) -> Mapping[Listing, int]:
        """Count what is in each list, no further than ``at_most``."""
        few = self._names_few(narrowed)
        counts = [
            select(func.count())
            .select_from(
                select(ListEntryRow.comment_id)
                .where(self._conditions(listing, narrowed, few=few))
                .limit(at_most)
                .subquery()
            )
            .scalar_subquery()
            for listing in Listing
        ]
        found = self._session.execute(select(*counts)).one()
        return dict(zip(Listing, found, strict=True))

    def histogram(
        self, listing: Listing, narrowed: Filter, label: Label, *, bins: int
    ) -> tuple[int, ...]:
        """Count a list's comments by their score for a label, in equal parts of [0, 1].

        Comments that were not assessed for the label are in no part.
        """
        scored = aliased(ListEntryRow)
        parts = [
            func.count().filter(scored.score >= each / bins, scored.score < (each + 1) / bins)
            for each in range(bins - 1)
        ]
        parts.append(func.count().filter(scored.score >= (bins - 1) / bins))
        found = self._session.execute(
            select(*parts)
            .select_from(ListEntryRow)
            .join(
                scored,
                and_(
                    scored.comment_id == ListEntryRow.comment_id,
                    scored.listing == listing,
                    scored.label == label.value,
                ),
            )
            .where(self._conditions(listing, narrowed, few=self._names_few(narrowed)))
        ).one()
        return tuple(found)

    def matching(
        self, listing: Listing, narrowed: Filter, *, limit: int
    ) -> tuple[tuple[str, int], ...]:
        """Give the blog's ids and the versions of a list's comments, oldest first."""
        rows = self._session.execute(
            select(CommentRow.external_id, CommentRow.version)
            .join(ListEntryRow, ListEntryRow.comment_id == CommentRow.id)
            .where(self._conditions(listing, narrowed, few=self._names_few(narrowed)))
            .order_by(*_ORDERS[SortKey.AGE])
            .limit(limit)
        )
        return tuple((row[0], row[1]) for row in rows)

    def decided_of(self, author: str, *, besides: str) -> Mapping[State, int]:
        """Count what people decided about an author's comments, by state, one comment left out."""
        decided = exists().where(
            ListEntryRow.comment_id == CommentRow.id,
            ListEntryRow.listing.in_([Listing.DECIDED, Listing.DEFERRED]),
            ListEntryRow.label == WHOLE,
        )
        found = self._session.execute(
            select(CommentRow.state, func.count())
            .where(CommentRow.author == author, CommentRow.external_id != besides, decided)
            .group_by(CommentRow.state)
        )
        return {row[0]: row[1] for row in found}

    def decided_akin(self, text: str, *, besides: str, limit: int) -> tuple[tuple[int, str], ...]:
        """Find the newest decided comments that share a rare word with a text: row and text."""
        hits = search.akin(self._session, text)
        if hits is None:
            return ()
        rows = self._session.execute(
            select(CommentRow.id, CommentRow.text)
            .join(ListEntryRow, ListEntryRow.comment_id == CommentRow.id)
            .where(
                ListEntryRow.listing == Listing.DECIDED,
                ListEntryRow.label == WHOLE,
                CommentRow.id.in_(hits),
                CommentRow.external_id != besides,
            )
            .order_by(CommentRow.id.desc())
            .limit(limit)
        )
        return tuple((row[0], row[1]) for row in rows)

    def decided(self, rows: Sequence[int]) -> tuple[QueueItem, ...]:
        """Read decided comments by their rows, in that order."""
        found = self._session.execute(
            loaded(join(ListEntryRow, CommentRow, CommentRow.id == ListEntryRow.comment_id)).where(
                ListEntryRow.comment_id.in_(rows),
                ListEntryRow.listing == Listing.DECIDED,
                ListEntryRow.label == WHOLE,
            )
        )
        items = {row[0].id: item_of(*row) for row in found}
        return tuple(items[row] for row in rows if row in items)

    def _conditions(self, listing: Listing, narrowed: Filter, *, few: bool) -> ColumnElement[bool]:
        entry = ListEntryRow
        listed: ColumnElement[str] = type_coerce(entry.listing, String)
        if few:
            # Takes the list's indexes off the planner's table: to look up the few is quicker than
            # to walk a long list in its order in search of them.
            listed = listed + ""
        wanted: list[ColumnElement[bool]] = [
            listed == listing.value,
            entry.label == (WHOLE if narrowed.label is None else narrowed.label.value),
            # Nothing is flagged in what the machine approved; there the label is only scored.
            entry.flagged == (narrowed.label is None or listing is not Listing.SAMPLE),
        ]
        if narrowed.score_from is not None:
            wanted.append(entry.score >= narrowed.score_from)
        if narrowed.score_to is not None and narrowed.score_to < 1:
            wanted.append(entry.score < narrowed.score_to)
        if narrowed.since is not None:
            wanted.append(entry.listed_at >= narrowed.since)
        if narrowed.until is not None:
            wanted.append(entry.listed_at < narrowed.until)
        if narrowed.model is not None:
            wanted.append(entry.model_version == narrowed.model)
        if narrowed.article is not None:
            article = select(ArticleRow.id).where(ArticleRow.external_id == narrowed.article)
            wanted.append(entry.article_key == article.scalar_subquery())
        if narrowed.author is not None:
            theirs = select(CommentRow.id).where(CommentRow.author == narrowed.author)
            wanted.append(entry.comment_id.in_(theirs))
        if narrowed.words is not None and narrowed.words.strip():
            hits = search.hits(self._session, narrowed.words)
            wanted.append(entry.comment_id.in_([]) if hits is None else entry.comment_id.in_(hits))
        return and_(*wanted)

    def _names_few(self, narrowed: Filter) -> bool:
        """Whether author or words leave so few comments that they had better be looked up."""
        if narrowed.author is not None:
            return True
        hits = search.hits(self._session, narrowed.words or "")
        if hits is None:
            return False
        some = hits.limit(FEW + 1).subquery()
        return (self._session.scalar(select(func.count()).select_from(some)) or 0) <= FEW


def _cursor(sort: SortKey, values: Sequence[datetime | float | int]) -> str:
    return "~".join([sort.value, *(_written(value) for value in values)])


def _place(sort: SortKey, cursor: str) -> list[datetime | float | int]:
    """Read a cursor back, or raise ValueError."""
    name, *values = cursor.split("~")
    readers = [_READERS[column.key] for column in _ORDERS[sort]]
    if name != sort.value:
        raise ValueError("the cursor belongs to another order")
    return [read(value) for read, value in zip(readers, values, strict=True)]


def _written(value: datetime | float | int) -> str:
    if isinstance(value, datetime):
        return str((value - _EPOCH) // timedelta(microseconds=1))
    return value.hex() if isinstance(value, float) else str(value)


def _integer(written: str) -> int:
    if not _NUMBER.fullmatch(written):
        raise ValueError("not a whole number")
    return int(written)


def _time(written: str) -> datetime:
    try:
        return _EPOCH + timedelta(microseconds=_integer(written))
    except OverflowError as error:
        raise ValueError("not a point in time") from error


def _share(written: str) -> float:
    try:
        value = float.fromhex(written)
    except OverflowError as error:
        raise ValueError("not a finite number") from error
    if not math.isfinite(value):
        raise ValueError("not a finite number")
    return value


_READERS: Mapping[str, Callable[[str], datetime | float | int]] = {
    "listed_at": _time,
    "score": _share,
    "uncertainty": _share,
    "article_key": _integer,
    "comment_id": _integer,
}
