"""Bring an archive into the store: articles, threads, comments, and what people made of them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from tqdm import tqdm

from moderation.archive.reading import Source
from moderation.archive.record import ArchivedComment, Problem, Status
from moderation.archive.rescore import Judges
from moderation.archive.scoring import Chunk, Crew, scores_of
from moderation.archive.storing import DECISIONS, Storing
from moderation.archive.workfile import WorkFile
from moderation.desk import InvalidInput
from moderation.desk.base import utc_now
from moderation.desk.intake import checked
from moderation.store import Judgement, LockedComment, Store, Writer


@dataclass(slots=True)
class Imported:
    """What an import has added, and how many comments were there before."""

    comments: int = 0
    decisions: int = 0
    known: int = 0


def import_archive(
    source: Source,
    store: Store,
    judges: Judges,
    crew: Crew,
    *,
    tell: Callable[[Problem], None],
    clock: Callable[[], datetime] = utc_now,
) -> Imported:
    """Add to the store what an archive has and the store has not.

    A comment that was approved, rejected or marked as spam gets a decision of source ``import``;
    one that was pending is held, whatever the model thinks, because people had not decided. A
    comment that is stored already stays as it is, except that it gets its first decision if the
    archive has one by now. Each chunk is kept as a whole or not at all, so after a kill the same
    call adds the rest. The blog is told nothing: it knows its own archive.

    Parameters
    ----------
    source
        The archive.
    store
        Where it goes.
    judges
        Every stored comment has an assessment; these make it.
    crew
        Who scores.
    tell
        Called with everything that could not be used as it was.
    clock
        Tells the time in UTC, for decisions and for comments without a date.

    Raises
    ------
    ArchiveError
        If the archive cannot be read at all.
    StoreUnavailable
        If the store cannot be used.
    """
    with (
        tempfile.TemporaryDirectory(prefix="moderation-import-") as folder,
        WorkFile(Path(folder) / "work", {}) as work,
    ):
        work.read(tqdm(source.read(), unit=" comments", desc="read", disable=None))
        done = _Import(work, store, judges, clock).run(crew)
        for problem in work.problems():
            tell(problem)
    return done


class _Import:
    """One import on its way from the working copy to the store."""

    def __init__(
        self, work: WorkFile, store: Store, judges: Judges, clock: Callable[[], datetime]
    ) -> None:
        self._work = work
        self._store = store
        self._judges = judges
        self._storing = Storing(judges, clock)
        self._done = Imported()
        self._waiting: dict[int, ArchivedComment] = {}

    def run(self, crew: Crew) -> Imported:
        judges = self._judges
        with tqdm(
            total=self._work.count(), unit=" comments", desc="import", disable=None
        ) as progress:
            chunks = self._chunks(crew.chunk, progress)
            for scored in scores_of(chunks, judges.model_dir, judges.classifier.version, crew):
                judged = []
                for number, scores in scored:
                    archived = self._waiting.pop(number)
                    judged.append((archived, self._storing.judgement(archived, scores)))
                with self._store.writing() as writer:
                    for archived, judgement in judged:
                        self._keep(writer, archived, judgement)
                progress.update(len(scored))
        return self._done

    def _chunks(self, size: int, progress: tqdm) -> Iterator[Chunk]:
        for entries in self._work.pending(size):
            new: Chunk = []
            for entry in entries:
                archived = self._storable(entry.archived)
                if archived is not None and self._is_new(archived):
                    self._waiting[entry.number] = archived
                    new.append((entry.number, archived.comment))
            progress.update(len(entries) - len(new))
            if new:
                yield new

    def _storable(self, archived: ArchivedComment) -> ArchivedComment | None:
        if archived.comment.id is None:
            problem = "The comment has no id, so it could not be found again; it is left out."
            self._work.note(Problem(archived.place, problem))
            return None
        try:
            return replace(archived, comment=checked(archived.comment))
        except InvalidInput as error:
            self._work.note(Problem(archived.place, str(error)))
            return None

    def _is_new(self, archived: ArchivedComment) -> bool:
        comment_id = str(archived.comment.id)
        with self._store.reading() as reader:
            stored = reader.comment(comment_id)
            if stored is None:
                return True
            undecided = not reader.decisions(comment_id)
        self._done.known += 1
        if undecided and stored.comment.text == archived.comment.text:
            with self._store.writing() as writer:
                locked = writer.lock(comment_id)
                if locked and not locked.retracted_at:
                    self._decide(writer, locked, archived)
        return False

    def _keep(self, writer: Writer, archived: ArchivedComment, judgement: Judgement) -> None:
        locked = self._storing.insert(writer, archived, judgement)
        if locked is None:  # somebody else has stored it since we looked
            self._done.known += 1
            return
        self._done.comments += 1
        self._decide(writer, locked, archived)

    def _decide(self, writer: Writer, locked: LockedComment, archived: ArchivedComment) -> None:
        action = archived.status and DECISIONS.get(archived.status)
        if action:
            self._storing.decide(writer, locked, action, spam=archived.status is Status.SPAM)
            self._done.decisions += 1
