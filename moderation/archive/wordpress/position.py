"""How far the comments of a blog were read, and how to ask for those that follow."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

_EXCLUDED = 500
"""Ids that an address can name without becoming too long for web servers."""


@dataclass(frozen=True, slots=True)
class Position:
    """Everything before ``date`` was read, and of its second the comments ``ids``.

    WordPress filters by no other time than ``comment_date``, the blog's local one, so the
    comments are asked for in the order of that: in the order of ``date_gmt``, those of an hour
    that comes twice in autumn, or from before a change of the blog's time zone, would be missed.
    A place in a list would not do either, for the list moves when a comment in it is deleted.

    ``date`` is ISO 8601 without a zone; ``None`` at the beginning and among comments without
    dates, which come first.

    Examples
    --------
    >>> start = Position()
    >>> first = start.after([(7, None), (1, "2026-01-01T10:00:00"), (2, "2026-01-01T10:00:00")])
    >>> first
    Position(date='2026-01-01T10:00:00', ids=(1, 2))
    >>> first.parameters()
    {'exclude': '1,2', 'after': '2026-01-01T09:59:59'}
    >>> first.after([(3, "2026-01-01T10:00:00")]).ids
    (1, 2, 3)
    """

    date: str | None = None
    ids: tuple[int, ...] = ()

    def after(self, read: Iterable[tuple[int, str | None]]) -> Position:
        """Return the position when comments of these ids and dates were read, too."""
        position = self
        for number, date in read:
            if date is None or date == position.date:
                ids = dict.fromkeys((*position.ids, number))
                position = Position(position.date, tuple(ids))
            else:
                position = Position(date, (number,))
        return position

    def back(self, days: float) -> Position:
        """Return the position so many days before this one."""
        if self.date is None or not days:
            return self
        return Position((datetime.fromisoformat(self.date) - timedelta(days=days)).isoformat())

    def further(self, other: Position) -> Position:
        """Return the later one of two positions."""
        return other if (other.date or "") >= (self.date or "") else self

    def parameters(self) -> dict[str, str | int]:
        """Return what asks WordPress for the comments that follow."""
        asked: dict[str, str | int] = {}
        if self.ids:
            asked["exclude"] = ",".join(str(number) for number in self.ids[:_EXCLUDED])
        if len(self.ids) > _EXCLUDED:  # so many in one second come of an import without dates
            asked["offset"] = len(self.ids) - _EXCLUDED
        if self.date is not None:
            second = datetime.fromisoformat(self.date)
            asked["after"] = (second - timedelta(seconds=1)).isoformat()  # it leaves out its own
        return asked
