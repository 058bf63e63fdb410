"""The outbox: events on their way to the blog, each told at least once, a comment's in order."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, func, literal_column, or_, select, update
from sqlalchemy.orm import Session, aliased

from moderation.store.records import Backlog, Delivery, OutboxEntry, Outgoing
from moderation.store.tables import CommentRow, EventRow

# Spelled out, for a database uses a partial index only where it can read its condition.
_PENDING: ColumnElement[Delivery] = literal_column(f"'{Delivery.PENDING}'")
_PARKED: ColumnElement[Delivery] = literal_column(f"'{Delivery.PARKED}'")


class OutboxReader:
    """Questions about the outbox; see `Reader.outbox`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def backlog(self) -> Backlog:
        """Count what has not left yet."""
        found = self._session.execute(
            select(EventRow.delivery, func.count(), func.min(EventRow.created_at))
            .where(EventRow.delivery.in_([_PENDING, _PARKED]))
            .group_by(EventRow.delivery)
        ).all()
        counts = {delivery: number for delivery, number, _ in found}
        return Backlog(
            pending=counts.get(Delivery.PENDING, 0),
            parked=counts.get(Delivery.PARKED, 0),
            oldest=min((first for _, _, first in found), default=None),
        )

    def entries(self, deliveries: Collection[Delivery], *, limit: int) -> tuple[OutboxEntry, ...]:
        """List the newest events of which this became, newest first."""
        rows = self._session.execute(
            select(EventRow, CommentRow.external_id)
            .join(CommentRow, CommentRow.id == EventRow.comment_id)
            .where(EventRow.delivery.in_(deliveries))
            .order_by(EventRow.id.desc())
            .limit(limit)
        )
        return tuple(
            OutboxEntry(
                id=row.id,
                comment_id=comment_id,
                kind=row.kind,
                at=row.created_at,
                delivery=row.delivery,
                attempts=row.attempts,
                due_at=row.due_at,
                delivered_at=row.delivered_at,
                failure=row.failure,
            )
            for row, comment_id in rows
        )


class OutboxWriter(OutboxReader):
    """Changes of the outbox; see `Writer.outbox`."""

    def take(self, *, at: datetime, until: datetime) -> Outgoing | None:
        """Take the oldest event that is due and that nothing of its comment has to precede.

        Nobody else is given it before ``until``: whoever dies with it loses nothing, and nobody
        is overtaken by a later event of the same comment.

        Returns
        -------
        Outgoing or None
            ``None`` if nothing is due, or another process has just taken it.
        """
        earlier = aliased(EventRow)
        event = self._session.scalar(
            select(EventRow)
            .where(
                EventRow.delivery == _PENDING,
                or_(EventRow.due_at.is_(None), EventRow.due_at <= at),
                ~exists().where(
                    earlier.comment_id == EventRow.comment_id,
                    earlier.id < EventRow.id,
                    earlier.delivery.in_([_PENDING, _PARKED]),
                ),
            )
            .order_by(EventRow.id)
            .limit(1)
        )
        if event is None:
            return None
        attempts = event.attempts + 1
        # Whoever else has read the same row meanwhile finds another number there.
        unchanged = EventRow.attempts == event.attempts
        if not self._change(event.id, unchanged, attempts=attempts, due_at=until):
            return None
        return Outgoing(event.id, event.kind, event.payload, event.created_at, attempts)

    def delivered(self, event_id: int, *, at: datetime) -> None:
        """Keep that the blog has been told."""
        self._change(
            event_id, delivery=Delivery.DELIVERED, delivered_at=at, due_at=None, failure=None
        )

    def failed(self, taken: Outgoing, failure: str, *, due_at: datetime | None) -> None:
        """Keep that the blog could not be told, and when to try again; ``None`` parks it."""
        self._change(
            taken.id,
            # Who took too long and was given up decides no more.
            EventRow.attempts == taken.attempts,
            delivery=Delivery.PARKED if due_at is None else Delivery.PENDING,
            due_at=due_at,
            failure=failure,
        )

    def _change(self, event_id: int, *which: ColumnElement[bool], **values: Any) -> bool:
        changed = self._session.scalar(
            update(EventRow)
            .where(EventRow.id == event_id, EventRow.delivery == _PENDING, *which)
            .values(values)
            .returning(EventRow.id)
        )
        return changed is not None

    def replay(self, event_ids: Collection[int]) -> int:
        """Send events again, whatever became of them, and tell how many there are."""
        return self._reopen(EventRow.id.in_(event_ids))

    def replay_parked(self) -> int:
        """Send all parked events again, and tell how many there are."""
        return self._reopen(EventRow.delivery == _PARKED)

    def replay_since(self, since: datetime) -> int:
        """Send all events of a time again, whatever became of them, and tell how many there are."""
        return self._reopen(EventRow.created_at >= since)

    def _reopen(self, which: ColumnElement[bool]) -> int:
        return self._set(
            which,
            delivery=Delivery.PENDING,
            attempts=0,
            due_at=None,
            delivered_at=None,
            failure=None,
        )

    def skip(self, event_ids: Collection[int]) -> int:
        """Do not send these events, unless they are delivered already; tell how many."""
        return self._skip(EventRow.id.in_(event_ids))

    def skip_all(self) -> int:
        """Do not send anything of what has not left yet; tell how many events that is."""
        return self._skip()

    def _skip(self, *which: ColumnElement[bool]) -> int:
        open_ones = EventRow.delivery.in_([_PENDING, _PARKED])
        return self._set(open_ones, *which, delivery=Delivery.SKIPPED, due_at=None)

    def _set(self, *which: ColumnElement[bool], **values: Any) -> int:
        changed = update(EventRow).where(*which).values(values).returning(EventRow.id)
        return len(self._session.scalars(changed).all())
