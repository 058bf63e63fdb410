"""Decisions made here out to a live WordPress, each once, and none over one that was made there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tqdm import tqdm

from moderation.archive.record import Problem, Status
from moderation.archive.wordpress.errors import Refused
from moderation.archive.wordpress.pull import Pull
from moderation.archive.wordpress.site import Site
from moderation.store import Seen, State, Store, Uncarried

_PAGE = 50
_REFUSALS = 3
"""Refusals in a row after which it is the blog, not the comments."""

_STATUS = {
    State.APPROVED: Status.APPROVED,
    State.HELD: Status.PENDING,
    State.DEFERRED: Status.PENDING,
    State.REJECTED: Status.REJECTED,
}
_SAID = {
    Status.APPROVED: "approved",
    Status.PENDING: "pending",
    Status.REJECTED: "in the trash",
    Status.SPAM: "spam",
    None: "of no status we know",
}


@dataclass(slots=True)
class Pushed:
    """What a push has done: decisions carried, found there already, and contradicted there."""

    carried: int = 0
    there: int = 0
    conflicts: int = 0


class Push:
    """A push from one store into one blog.

    Each decision is noted when the blog has it. After a kill in between, the next push finds that
    the blog has it already.

    Parameters
    ----------
    site
        Where decisions go.
    store
        Where they were made.
    pull
        Takes in comments that turn out to have been edited in the blog.
    spam_rule
        The id of the rule whose violation is spam; all others lead to the trash.
    tell
        Called with everything that could not be carried.
    """

    def __init__(
        self,
        site: Site,
        store: Store,
        pull: Pull,
        spam_rule: str,
        *,
        tell: Callable[[Problem], None],
    ) -> None:
        self._site = site
        self._store = store
        self._pull = pull
        self._spam_rule = spam_rule
        self._tell = tell
        self._refusals = 0
        self.done = Pushed()

    def run(self) -> Pushed:
        """Carry all decisions that the blog has not.

        Raises
        ------
        SiteError
            If the blog cannot be used; what was carried until then is noted.
        StoreUnavailable
            If the store cannot be used; the same holds.
        """
        for uncarried in tqdm(self._uncarried(), unit=" decisions", desc="push", disable=None):
            try:
                self._carry(uncarried)
                self._refusals = 0
            except Refused as error:
                self._refusals += 1
                if self._refusals == _REFUSALS:
                    raise
                self._tell(Problem(f"comment {uncarried.comment_id}", str(error)))
        return self.done

    def _uncarried(self) -> Iterator[Uncarried]:
        after = 0
        while True:
            with self._store.reading() as reader:
                found = reader.blog.uncarried(limit=_PAGE, after=after)
            if not found:
                return
            yield from found
            after = found[-1].decision

    def _carry(self, uncarried: Uncarried) -> None:
        wanted = self._wanted(uncarried.comment_id)
        if wanted is None:
            return
        comment = self._site.comment(uncarried.comment_id)
        if comment is None:
            self._give_way(uncarried, None, "It is no longer in the blog.")
            return
        if comment.text != uncarried.text:
            self._pull.take_in([comment])
            self._tell_of(uncarried, "It was edited in the blog after the decision; decide again.")
            return
        now = comment.known_status
        if now is wanted:
            self._settle(uncarried, wanted)
            self.done.there += 1
        elif now is not None and now == uncarried.seen.status:
            self._site.set_status(comment, wanted)
            self._settle(uncarried, wanted)
            self.done.carried += 1
        else:
            self._give_way(
                uncarried,
                now,
                f"Decided here, it should be {_SAID[wanted]}, but in the blog it was made"
                f" {_SAID[now]} meanwhile and stays so; decide again here to overrule that.",
            )

    def _wanted(self, comment_id: str) -> Status | None:
        with self._store.reading() as reader:
            stored = reader.comment(comment_id)
        if stored is None or stored.state not in _STATUS:
            return None
        rule = stored.in_force and stored.in_force.rule
        if stored.state is State.REJECTED and rule == self._spam_rule:
            return Status.SPAM
        return _STATUS[stored.state]

    def _settle(self, uncarried: Uncarried, status: Status | None) -> None:
        with self._store.writing() as writer:
            locked = writer.lock(uncarried.comment_id)
            if locked is not None:
                writer.blog.note(locked.row, Seen(status, settled=uncarried.decision))

    def _give_way(self, uncarried: Uncarried, now: Status | None, sentence: str) -> None:
        self._settle(uncarried, now)
        self.done.conflicts += 1
        self._tell_of(uncarried, sentence)

    def _tell_of(self, uncarried: Uncarried, sentence: str) -> None:
        self._tell(Problem(f"comment {uncarried.comment_id}", sentence))
