"""Where statuses can be changed: our own store, by the system's decisions, and a WordPress."""

from __future__ import annotations

from moderation.archive.changelog import StatusChange
from moderation.archive.reading.stored import STATUS, decided_by_people
from moderation.archive.record import Applied, Status
from moderation.archive.wordpress import Refused, Site
from moderation.comment import Action, DecisionSource
from moderation.desk import CommentRetracted, Desk, QueueItem, StaleVersion, UnknownComment

_ACTIONS = {
    Status.APPROVED: Action.APPROVE,
    Status.PENDING: Action.DEFER,
    Status.REJECTED: Action.REJECT,
}


class StoredStatuses:
    """The statuses of our own comments; a change is a decision of the system's, not of people's.

    A comment about which people have decided is left alone.

    Parameters
    ----------
    desk
        Where the decisions are made.
    note
        What is noted beside them, for the moderators.
    """

    def __init__(self, desk: Desk, note: str) -> None:
        self._desk = desk
        self._note = note

    def change(self, change: StatusChange) -> Applied:
        """Make a change if the comment still has the status it is known by.

        Raises
        ------
        StoreUnavailable
            If the store cannot be used.
        """
        try:
            item = self._desk.comment(change.comment_id)
            found = _found(item, expected=change.before, wanted=change.after)
            if found is Applied.CHANGED:
                self._desk.decide(
                    change.comment_id,
                    _ACTIONS[change.after],
                    None,
                    note=self._note,
                    version=item.version,
                    source=DecisionSource.SYSTEM,
                )
        except StaleVersion:  # somebody was quicker by a moment
            return Applied.MEANWHILE
        except (UnknownComment, CommentRetracted):
            return Applied.GONE
        return found

    def take_back(self, change: StatusChange) -> Applied:
        """Take the system's decision back if it is still in force.

        Raises
        ------
        StoreUnavailable
            If the store cannot be used.
        """
        try:
            item = self._desk.comment(change.comment_id)
            found = _found(item, expected=change.after, wanted=change.before)
            if found is Applied.CHANGED:
                if item.in_force is None or item.in_force.source is not DecisionSource.SYSTEM:
                    return Applied.MEANWHILE
                self._desk.undo(
                    change.comment_id, None, version=item.version, source=DecisionSource.SYSTEM
                )
        except StaleVersion:
            return Applied.MEANWHILE
        except (UnknownComment, CommentRetracted):
            return Applied.GONE
        return found


def _found(item: QueueItem, *, expected: Status, wanted: Status) -> Applied:
    """Say what comes of a change of a comment as it is found; ``CHANGED`` if it may be made."""
    now = STATUS.get(item.state)
    if now is None:  # its author has withdrawn it
        return Applied.GONE
    if decided_by_people(item):
        return Applied.MEANWHILE
    if now is wanted:
        return Applied.ALREADY
    return Applied.CHANGED if now is expected else Applied.MEANWHILE


class SiteStatuses:
    """The statuses of the comments of a live WordPress."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def change(self, change: StatusChange) -> Applied:
        """Make a change if the comment still has the status it is known by.

        Raises
        ------
        SiteError
            If the blog cannot be used.
        """
        return self._set(change.comment_id, change.before, change.after)

    def take_back(self, change: StatusChange) -> Applied:
        """Give a comment its former status back. Errors are those of `change`."""
        return self._set(change.comment_id, change.after, change.before)

    def _set(self, comment_id: str, before: Status, after: Status) -> Applied:
        try:
            return self._site.change(comment_id, before=before, after=after)
        except Refused as error:
            if error.status in _NOT_ALLOWED:  # then nothing else is allowed either
                raise
            return Applied.REFUSED


_NOT_ALLOWED = (401, 403)
