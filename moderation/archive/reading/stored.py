"""Our own store, read as an archive: every comment with its state and its latest assessment."""

from __future__ import annotations

from collections.abc import Iterator

from moderation.archive.record import ArchivedComment, Status
from moderation.comment import DecisionSource
from moderation.store import QueueItem, State, Store

STATUS = {
    State.APPROVED: Status.APPROVED,
    State.HELD: Status.PENDING,
    State.DEFERRED: Status.PENDING,
    State.REJECTED: Status.REJECTED,
}
"""What each state is called in an archive; withdrawn comments are none of an archive's business."""

_PEOPLES = (DecisionSource.INDIVIDUAL, DecisionSource.BULK)
_PAGE = 200


def read(store: Store) -> Iterator[ArchivedComment]:
    """Yield the comments of a store, first those that are published, then the held, the rejected.

    Raises
    ------
    StoreUnavailable
        If the store cannot be used.
    """
    for state, status in STATUS.items():
        after: int | None = 0
        while after is not None:
            with store.reading() as reader:
                page = reader.in_state(state, limit=_PAGE, after=after)
            for item in page.items:
                yield _archived(item, status)
            after = None if page.next is None else int(page.next)


def _archived(item: QueueItem, status: Status) -> ArchivedComment:
    return ArchivedComment(
        comment=item.comment,
        place=f"comment {item.comment.id}",
        status=status,
        date=item.submitted_at,
        scores={
            label: None if found is None else found.score
            for label, found in item.assessment.labels.items()
        },
        verdict=item.verdict.outcome,
        decided=decided_by_people(item),
    )


def decided_by_people(item: QueueItem) -> bool:
    """Tell whether a comment stands where it stands because moderators have decided so."""
    return item.in_force is not None and item.in_force.source in _PEOPLES
