"""Carry the changes of a re-scoring to where the comments live, and take them back again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from moderation.archive.changelog import ChangeLog, StatusChange
from moderation.archive.comparison import Change
from moderation.archive.record import Applied, Status
from moderation.archive.workfile import Result
from moderation.comment import Outcome

EXAMPLES = 5
"""Comments that are named for each kind of change."""


class Statuses(Protocol):
    """Where comments live: a blog, or our own store."""

    def change(self, change: StatusChange) -> Applied:
        """Make a change if the comment still has the status it is known by."""

    def take_back(self, change: StatusChange) -> Applied:
        """Give a comment its former status back if it still has the one it was given."""


@dataclass(slots=True)
class Plan:
    """What applying would change: how many of each kind, some ids; and what has no id to go by."""

    counts: Counter[tuple[Change, Status, Status]] = field(default_factory=Counter)
    examples: dict[tuple[Change, Status, Status], list[str]] = field(default_factory=dict)
    decided_here: int = 0

    @property
    def total(self) -> int:
        """Comments that would be changed."""
        return self.counts.total()


def wanted(result: Result) -> StatusChange | None:
    """Return how a comment's status should follow its new verdict, if at all.

    What is newly violating and published goes back to people (or is rejected, where the rules let
    the machine reject). What is newly fine and waits is published. What people threw away a
    machine does not publish: newly fine, it goes back to people as well. What people decided here
    stays.
    """
    archived = result.entry.archived
    comment_id, status = archived.comment.id, archived.status
    if comment_id is None or status is None or archived.decided:
        return None
    after: Status | None = None
    if result.change is Change.NEWLY_VIOLATING and status is Status.APPROVED:
        after = Status.REJECTED if result.now.outcome is Outcome.REJECT else Status.PENDING
    elif result.change is Change.NEWLY_FINE and status is Status.PENDING:
        after = Status.APPROVED
    elif result.change is Change.NEWLY_FINE and status in (Status.REJECTED, Status.SPAM):
        after = Status.PENDING
    return None if after is None else StatusChange(comment_id, status, after)


def planned(results: Iterable[Result]) -> Plan:
    """Count what applying would change."""
    plan = Plan()
    for result in results:
        plan.decided_here += result.entry.archived.decided
        change = wanted(result)
        if change:
            kind = (result.change, change.before, change.after)
            plan.counts[kind] += 1
            examples = plan.examples.setdefault(kind, [])
            if len(examples) < EXAMPLES:
                examples.append(change.comment_id)
    return plan


def apply_changes(
    changes: Iterable[StatusChange], statuses: Statuses, log: ChangeLog
) -> Iterator[Applied]:
    """Make the changes that the log has not seen made, each once; yields what became of each.

    Raises
    ------
    ArchiveError, StoreUnavailable
        If the comments cannot be changed at the moment. Called again with the same log, it goes
        on where it stopped.
    """
    for change in changes:
        if change.comment_id in log.results:
            yield log.results[change.comment_id]
            continue
        begun = change.comment_id in log.changes
        if not begun:
            log.intend(change)
        result = statuses.change(change)
        if begun and result is Applied.ALREADY:  # it was us, and then came a kill
            result = Applied.CHANGED
        log.settle(change.comment_id, result)
        yield result
    log.close_run()


def undo_changes(log: ChangeLog, statuses: Statuses) -> Iterator[tuple[StatusChange, Applied]]:
    """Give all comments of a log the status back that they had; the last changed come first.

    Safe to repeat. A comment that somebody has changed since is left alone (``MEANWHILE``).

    Raises
    ------
    ArchiveError, StoreUnavailable
        If the comments cannot be changed at the moment; call it again later.
    """
    for change in reversed(changed(log)):
        yield change, statuses.take_back(change)


def changed(log: ChangeLog) -> list[StatusChange]:
    """Return what was changed, or may have been, when a kill kept it from being noted."""
    return [
        change
        for comment_id, change in log.changes.items()
        if log.results.get(comment_id, Applied.CHANGED) is Applied.CHANGED
    ]
