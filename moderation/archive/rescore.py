"""Score an archive again: read it in, score what is not scored yet, write the results.

Each step leaves on disk what the next one needs, so the same call goes on after a kill at any
moment and ends with the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tqdm import tqdm

from moderation.archive.comparison import Basis, Change, change, former, present
from moderation.archive.reading import Source
from moderation.archive.record import ArchiveError
from moderation.archive.report import write_report
from moderation.archive.scoring import Chunk, Crew, Scored, scores_of
from moderation.archive.workfile import Entry, Result, WorkFile
from moderation.archive.writing import ResultRows, whole_file, write_problems, writer_for
from moderation.classifier import Classifier
from moderation.rules import RuleBook
from moderation.store import StoreUnavailable

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the results go, with everything that is written beside them."""

    output: Path
    report: Path
    only_changed: bool = False

    @property
    def work(self) -> Path:
        """The folder that keeps an unfinished run."""
        return self.output.with_name(f"{self.output.name}.rescore")

    @property
    def problems(self) -> Path:
        """The file that lists what could not be used; there only if there was something."""
        return self.output.with_name(f"{self.output.name}.problems.jsonl")


@dataclass(frozen=True, slots=True)
class Judges:
    """The model and the rules of a run, and what they are compared with."""

    model_dir: Path
    classifier: Classifier
    rules: RuleBook
    basis: Basis = Basis.AUTO

    def identity(self) -> dict[str, object]:
        """Return what must be the same for two runs to give the same results."""
        rules = hashlib.sha256(self.rules.model_dump_json().encode()).hexdigest()
        return {"model": self.classifier.version.sha256, "rules": rules, "basis": self.basis}


@dataclass(frozen=True, slots=True)
class Finished:
    """How a run ended: comments by kind of change, and how many problems there were."""

    changes: dict[Change, int]
    problems: int


def rescore(
    source: Source,
    to: Destination,
    judges: Judges,
    crew: Crew,
    *,
    restart: bool = False,
    finish: Callable[[WorkFile], bool] | None = None,
) -> Finished:
    """Score an archive and write results, report and problems.

    Parameters
    ----------
    source
        The archive; it is only read.
    to
        Where everything is written.
    judges
        Model, rules, and what is compared.
    crew
        Who scores. It changes how long it takes, never the result.
    restart
        Whether to forget an unfinished run.
    finish
        What is done with the results once everything is written; returns whether the run is
        finished. If not, the working copy stays, and the same call comes back to this point.

    Raises
    ------
    ArchiveError
        If the archive cannot be read at all, something cannot be written, or there is an
        unfinished run about something else.
    StoreUnavailable
        If the archive is our own store and that cannot be used.
    """
    write = writer_for(to.output)
    with WorkFile(to.work, source.identity() | judges.identity()) as work:
        if restart or not work.has_read():
            _read(work, source)
        _score(work, judges, crew)
        rows = ResultRows(judges.rules, judges.classifier.version)
        with whole_file(to.output) as stream:
            results = work.results(only_changed=to.only_changed)
            write(stream, _progress(results, "write"), rows)
        write_report(to.report, work, source.name, judges.classifier, judges.rules)
        finished = Finished(work.changes(), work.count_problems())
        if finished.problems:
            write_problems(to.problems, work.problems())
        else:
            to.problems.unlink(missing_ok=True)
        if finish is None or finish(work):
            work.remove()
    return finished


def _read(work: WorkFile, source: Source) -> None:
    try:
        work.read(_progress(source.read(), "read"))
    except (ArchiveError, StoreUnavailable):
        work.remove()
        raise


def _score(work: WorkFile, judges: Judges, crew: Crew) -> None:
    waiting: dict[int, Entry] = {}
    version = judges.classifier.version

    def chunks() -> Iterator[Chunk]:
        for entries in work.pending(crew.chunk):
            waiting.update((entry.number, entry) for entry in entries)
            yield [(entry.number, entry.archived.comment) for entry in entries]

    with tqdm(
        total=work.count(),
        initial=work.count_scored(),
        unit=" comments",
        desc="score",
        disable=None,  # only on a terminal
    ) as progress:
        for scored in scores_of(chunks(), judges.model_dir, version, crew):
            work.keep(_results(scored, waiting, judges))
            progress.update(len(scored))


def _results(scored: Scored, waiting: dict[int, Entry], judges: Judges) -> Iterator[Result]:
    version = judges.classifier.version
    for number, scores in scored:
        entry = waiting.pop(number)
        now = present(scores, judges.rules, entry.archived.comment.text, version)
        before = former(entry.archived, judges.rules, judges.basis, version)
        yield Result(entry, scores, now, before, change(before, now))


def _progress(items: Iterator[Item], doing: str) -> Iterator[Item]:
    yield from tqdm(items, unit=" comments", desc=doing, disable=None)
