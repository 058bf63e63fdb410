"""Comments of a live WordPress into the store: what is new, edited, or decided there since."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from tqdm import tqdm

from moderation.archive.comparison import Scores
from moderation.archive.record import ArchivedComment, Problem, Status
from moderation.archive.rescore import Judges
from moderation.archive.storing import DECISIONS, Storing
from moderation.archive.wordpress.context import Context
from moderation.archive.wordpress.errors import SiteError
from moderation.archive.wordpress.position import Position
from moderation.archive.wordpress.resources import RemoteComment
from moderation.archive.wordpress.site import Site
from moderation.comment import Action, Assessment, DecisionSource
from moderation.desk import InvalidInput
from moderation.desk.base import utc_now
from moderation.desk.intake import checked
from moderation.desk.standing import standing
from moderation.store import Judgement, LockedComment, Seen, Store, Writer

_ACTIONS = {**DECISIONS, Status.PENDING: Action.DEFER}
"""What follows when people in WordPress change a status; put back, a comment waits here too."""


@dataclass(slots=True)
class Pulled:
    """What a pull has done: comments read, added and edited, decisions added."""

    read: int = 0
    added: int = 0
    edited: int = 0
    decisions: int = 0


class Pull:
    """A pull from one blog into one store.

    Each page of comments is kept as a whole, with how far it reaches, or not at all: after a kill
    the same call goes on behind the last page. A page that comes again changes nothing.

    Parameters
    ----------
    site
        Where comments come from.
    store
        Where they go.
    judges
        The model and the rules that judge what is new or edited.
    tell
        Called with everything that could not be used as it was.
    clock
        Tells the time in UTC.
    """

    def __init__(
        self,
        site: Site,
        store: Store,
        judges: Judges,
        *,
        tell: Callable[[Problem], None],
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._site = site
        self._store = store
        self._judges = judges
        self._storing = Storing(judges, clock)
        self._tell = tell
        self._clock = clock
        self._reached = Position()
        self._hidden: set[str | None] = set()
        self.done = Pulled()

    def start(
        self,
        *,
        again: float,
        since: datetime | None = None,
        everything: bool = False,
        moved: bool = False,
    ) -> Position:
        """Return where to begin.

        Parameters
        ----------
        again
            Days before the newest comment known that are read again, to notice what has become
            of their comments since.
        since
            Where to begin if the blog was never read, in its local time; by default at its first
            comment.
        everything
            Whether to forget how far the blog was read.
        moved
            Whether the blog that this store follows has moved to the site's address.

        Raises
        ------
        SiteError
            If the store follows another blog.
        StoreUnavailable
            If the store cannot be used.
        """
        with self._store.reading() as reader:
            followed = reader.blog.followed()
        if followed is None or everything:
            start = Position(None if since is None else since.isoformat(timespec="seconds"))
        else:
            self._reached = Position(followed[1]["date"], tuple(followed[1]["ids"]))
            start = self._reached.back(again)
        if followed is not None and followed[0] != self._site.url and not moved:
            raise SiteError(
                f"This database follows {followed[0]}. Give {self._site.url} one of its own"
                " (MODERATION_DATABASE_URL), or say --moved if it is the same blog."
            )
        return start

    def run(self, start: Position) -> Pulled:
        """Read all comments behind a position.

        Raises
        ------
        SiteError
            If the blog cannot be used; what was read until then is kept.
        StoreUnavailable
            If the store cannot be used; the same holds.
        """
        with tqdm(unit=" comments", desc="pull", disable=None) as progress:
            for page in self._site.pages(start):
                progress.total = progress.total or page.total
                for problem in page.problems:
                    self._tell(problem)
                self._reached = self._reached.further(page.position)
                self.take_in(page.comments)
                progress.update(len(page.comments) + len(page.problems))
        return self.done

    def take_in(self, comments: Sequence[RemoteComment]) -> None:
        """Keep comments as they are in the blog now, and how far it was read.

        Raises
        ------
        SiteError, StoreUnavailable
            As `run` does; nothing of these comments was kept.
        """
        found = self._found(comments)
        with self._store.reading() as reader:
            stored = reader.blog.texts([str(archived.comment.id) for archived in found])
        # what was erased here stays erased
        found = [each for each in found if stored.get(str(each.comment.id), "") is not None]
        fresh = self._fresh(found, stored)
        with self._store.writing() as writer:
            for archived in found:
                self._keep(writer, archived, fresh.get(str(archived.comment.id)))
            position = {"date": self._reached.date, "ids": list(self._reached.ids)}
            writer.blog.follow(self._site.url, position, at=self._clock())
        self.done.read += len(comments)

    def _found(self, comments: Sequence[RemoteComment]) -> list[ArchivedComment]:
        articles = self._site.articles(comments)
        found = []
        for remote in comments:
            for each in remote.found(articles.get(remote.post)):
                if isinstance(each, Problem):
                    self._tell(each)
                    continue
                try:
                    found.append(replace(each, comment=checked(each.comment)))
                except InvalidInput as error:
                    self._tell(Problem(each.place, str(error)))
        return found

    def _fresh(
        self, found: list[ArchivedComment], stored: Mapping[str, str | None]
    ) -> dict[str, _Fresh]:
        """Judge what is not stored with the text it has now, before anybody waits for a lock."""
        context = Context(self._site, self._store, found)
        new = [
            replace(archived, comment=context.fill_in(archived.comment))
            for archived in found
            if stored.get(str(archived.comment.id)) != archived.comment.text
        ]
        for archived in new:
            self._tell_what_is_missing(archived)
        assessed = self._judges.classifier.assess_many(archived.comment for archived in new)
        return {
            str(archived.comment.id): _Fresh(
                archived, self._storing.judgement(archived, _scores(assessment))
            )
            for archived, assessment in zip(new, assessed, strict=True)
        }

    def _tell_what_is_missing(self, archived: ArchivedComment) -> None:
        article, parent = archived.comment.article, archived.comment.parent
        if parent and not parent.text:
            sentence = f"Its parent {parent.id} is not in the blog; it is judged without it."
            self._tell(Problem(archived.place, sentence))
        if article and article.id not in self._hidden and not (article.title or article.text):
            self._hidden.add(article.id)
            sentence = (
                "The blog does not give it out; whether its comments are about it is not judged."
            )
            self._tell(Problem(f"article {article.id}", sentence))

    def _keep(self, writer: Writer, archived: ArchivedComment, fresh: _Fresh | None) -> None:
        comment_id = str(archived.comment.id)
        locked = writer.lock(comment_id)
        is_new = False
        if fresh and locked is None:
            locked = self._storing.insert(writer, fresh.archived, fresh.judgement)
            is_new = locked is not None
            self.done.added += is_new
        elif fresh and locked and locked.text != archived.comment.text and not locked.retracted_at:
            locked = self._storing.edit(writer, locked, fresh.archived, fresh.judgement)
            is_new = True
            self.done.edited += 1
        if locked is not None:
            self._follow(writer, locked, archived.status, is_new=is_new)

    def _follow(
        self, writer: Writer, locked: LockedComment, status: Status | None, *, is_new: bool
    ) -> None:
        """Keep what people in WordPress decided, unless people here were first and it is not out.

        In that case what was seen before stays, and the push will find the two contradict.
        """
        seen = writer.blog.seen([locked.comment_id]).get(locked.comment_id)
        if _is_uncarried(locked, seen):
            if seen is None:
                writer.blog.note(locked.row, Seen(status))
            return
        if seen is not None and seen.status == status and not is_new:
            return
        action = status and _ACTIONS.get(status)
        before = standing(locked.decisions)
        is_decided_so = (before.action if before else Action.DEFER) is action
        if action and not is_decided_so and not locked.retracted_at:
            self._storing.decide(writer, locked, action, spam=status is Status.SPAM)
            self.done.decisions += 1
        writer.blog.note(locked.row, Seen(status, settled=None if seen is None else seen.settled))


@dataclass(frozen=True, slots=True)
class _Fresh:
    """A comment that is new or edited, with its context and what is to be said of it."""

    archived: ArchivedComment
    judgement: Judgement


def _is_uncarried(locked: LockedComment, seen: Seen | None) -> bool:
    if not locked.decisions or locked.retracted_at:
        return False
    newest = locked.decisions[-1]
    settled = seen.settled if seen and seen.settled else 0
    return newest.source is not DecisionSource.IMPORT and newest.id > settled


def _scores(assessment: Assessment) -> Scores:
    return {
        label: None if found is None else found.score for label, found in assessment.labels.items()
    }
