"""The lists moderators work through, and a comment with its history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from moderation.comment import Label
from moderation.desk.base import DeskPart
from moderation.desk.errors import InvalidCursor, UnknownComment
from moderation.desk.intake import is_storable
from moderation.store import Filter, Listing, Page, QueueItem, Reader, SortKey, State

LARGEST_PAGE = 500
"""Items of one page of a list; whoever asks for more gets this many."""

LARGEST_COUNT = 10_000
"""No list is counted further; this number stands for "that many or more"."""

MOST_BINS = 100
"""Parts of a histogram."""

EVERYTHING = Filter()
"""Leaves a list as it is."""


class Lists(DeskPart):
    """Questions about comments; see `Desk`."""

    def listing(
        self,
        listing: Listing,
        narrowed: Filter = EVERYTHING,
        *,
        sort: SortKey = SortKey.AGE,
        descending: bool = False,
        limit: int = 50,
        after: str | None = None,
    ) -> Page[QueueItem]:
        """Read a part of a list.

        Parameters
        ----------
        listing
            Which list.
        narrowed
            What it is narrowed to; nothing by default.
        sort, descending
            In which order; by default what came first comes first.
        limit
            How many at most, 1 to `LARGEST_PAGE`.
        after
            ``next`` of the part before, in the same order; ``None`` starts at the beginning.

        Raises
        ------
        InvalidCursor
            If ``after`` is not such a value.
        """
        if not _is_findable(narrowed):
            return Page((), None)
        with self._store.reading() as reader:
            try:
                page = reader.lists.page(
                    listing,
                    narrowed,
                    sort=sort,
                    descending=descending,
                    limit=max(1, min(limit, LARGEST_PAGE)),
                    after=after,
                )
            except ValueError as error:
                raise InvalidCursor from error
        now = self._clock()
        return Page(tuple(without_past_claim(item, now) for item in page.items), page.next)

    def listing_counts(self, narrowed: Filter = EVERYTHING) -> Mapping[Listing, int]:
        """Count what is in each list, no further than `LARGEST_COUNT`."""
        if not _is_findable(narrowed):
            return dict.fromkeys(Listing, 0)
        with self._store.reading() as reader:
            return reader.lists.count(narrowed, at_most=LARGEST_COUNT)

    def histogram(
        self, listing: Listing, narrowed: Filter, label: Label, bins: int = 20
    ) -> tuple[int, ...]:
        """Count a list's comments by their score for a label, in equal parts of [0, 1].

        Each part has its lower end but not its upper, the last one both; part number ``n`` is
        what a filter from ``n / bins`` to ``(n + 1) / bins`` finds. Comments that were not
        assessed for the label are in no part.

        Parameters
        ----------
        bins
            How many parts, 1 to `MOST_BINS`.
        """
        bins = max(1, min(bins, MOST_BINS))
        if not _is_findable(narrowed):
            return (0,) * bins
        with self._store.reading() as reader:
            return reader.lists.histogram(listing, narrowed, label, bins=bins)

    def matching(
        self, listing: Listing, narrowed: Filter, *, limit: int
    ) -> tuple[tuple[str, int], ...]:
        """Give ids and versions of a list's comments, oldest first, as `decide_many` takes them."""
        if not _is_findable(narrowed):
            return ()
        with self._store.reading() as reader:
            return reader.lists.matching(listing, narrowed, limit=limit)

    def comment(self, comment_id: str) -> QueueItem:
        """Find a comment with all decisions about it and the texts it had before.

        Raises
        ------
        UnknownComment
            If there is none of that id.
        """
        with self._store.reading() as reader:
            item = replace(
                stored(reader, comment_id),
                decisions=reader.decisions(comment_id),
                past_texts=reader.past_texts(comment_id),
            )
        return without_past_claim(item, self._clock())

    def counts(self) -> Mapping[State, int]:
        """Count the comments in each state."""
        with self._store.reading() as reader:
            return reader.counts()

    def newest_change(self) -> int:
        """Give a number that is greater after every submission, edit, decision and withdrawal."""
        with self._store.reading() as reader:
            return reader.newest_change()


def stored(reader: Reader, comment_id: str) -> QueueItem:
    """Find a comment without its history, or raise UnknownComment."""
    found = reader.comment(comment_id) if is_storable(comment_id) else None
    if found is None:
        raise UnknownComment(comment_id)
    return found


def without_past_claim(item: QueueItem, now: datetime) -> QueueItem:
    """Give the comment back as nobody's, if who had it open is gone."""
    past = item.claim is not None and item.claim.until <= now
    return replace(item, claim=None) if past else item


def _is_findable(narrowed: Filter) -> bool:
    """Whether no word is asked for that cannot be in any database."""
    asked = (narrowed.article, narrowed.author, narrowed.model)
    return all(is_storable(words) for words in asked if words is not None)
