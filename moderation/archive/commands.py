"""``moderation classify``, ``rescore`` and ``import``: what can be done with many comments."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import click
from tqdm import tqdm

from moderation.archive.apply import SAID, Application, opened_statuses
from moderation.archive.applying import changed, undo_changes
from moderation.archive.changelog import ChangeLog
from moderation.archive.classify import classify_lines, lines_of
from moderation.archive.comparison import Basis
from moderation.archive.importing import import_archive as imported
from moderation.archive.options import ArchiveOptions, reads_archives, scores_with_workers
from moderation.archive.reading.source import OUR_STORE
from moderation.archive.record import Applied, ArchiveError, Problem
from moderation.archive.rescore import Destination, Judges
from moderation.archive.rescore import rescore as rescored
from moderation.archive.scoring import Crew
from moderation.archive.workfile import WorkFile
from moderation.archive.writing import whole_file, write_problems
from moderation.classifier import Classifier, ModelError
from moderation.desk import rules_in_force
from moderation.rules import RuleBook, RulesError
from moderation.settings import Settings
from moderation.store import Store, StoreUnavailable
from moderation.store.commands import opened_store
from moderation.wire import Language

_SHOWN = 20
"""Problems that are printed; a list of thousands helps nobody on a screen."""


@click.command()
@click.argument("source", metavar="IN.jsonl", type=click.Path(dir_okay=False, allow_dash=True))
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="OUT.jsonl",
    type=click.Path(dir_okay=False, allow_dash=True),
    help="Where the answers go, one a line in the same order; - for standard output.",
)
@click.option(
    "--language",
    type=click.Choice(["de", "en"]),
    default="de",
    show_default=True,
    help="Of the reasons.",
)
def classify(source: str, output: str, language: str) -> None:
    """Score comments from a JSONL file (- for standard input).

    Each line is one object in the shape of POST /classify and gets the same answer; nothing is
    stored. A bad line becomes an error object with its line number, the run goes on, and the exit
    status is 1 if there was any. OUT.jsonl appears only when it is complete.
    """
    classifier, rules = _judges(Settings())
    bad = 0
    with _input(source) as incoming, _output(output) as outgoing, _progress(source) as progress:
        lines = lines_of(incoming)
        for answered in classify_lines(lines, classifier, rules, cast("Language", language)):
            body = dict(answered.answer)
            if answered.bad:
                bad += 1
                body["line"] = answered.line
            outgoing.write(json.dumps(body, ensure_ascii=False).encode() + b"\n")
            progress.update(answered.size)
    if bad:
        click.echo(f"{bad} lines could not be scored; their answers say why.", err=True)
        sys.exit(1)


@click.command()
@click.argument("source", metavar="SOURCE")
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="OUT",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the results go: .jsonl, .csv or .parquet.",
)
@reads_archives
@scores_with_workers
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The page for people; report.html beside OUT if left out.",
)
@click.option("--only-changed", is_flag=True, help="Write only comments judged differently now.")
@click.option(
    "--compare",
    "basis",
    type=click.Choice([basis.value for basis in Basis]),
    default=Basis.AUTO.value,
    show_default=True,
    help="With earlier scores, with the status people gave, or with what there is.",
)
@click.option("--restart", is_flag=True, help="Forget an unfinished run with the same OUT.")
@click.option(
    "--apply",
    "applying",
    is_flag=True,
    help="Say which statuses would change in the store or the WordPress; with --yes change them.",
)
@click.option("--yes", is_flag=True, help="Do what --apply says.")
def rescore(
    *,
    source: str,
    output: Path,
    archive: ArchiveOptions,
    crew: Crew,
    report: Path | None,
    only_changed: bool,
    basis: str,
    restart: bool,
    applying: bool,
    yes: bool,
) -> None:
    """Score an archive again and show what would be judged differently now.

    SOURCE is a file (.jsonl, .csv, .parquet, or .xml for a WordPress export), the word store for
    our own database, or the address of a WordPress. It is only read, unless --apply and --yes are
    given. A run that was interrupted, even killed, goes on when the same command is given again.
    What cannot be used is listed in OUT.problems.jsonl, and the exit status is then 1.
    """
    if yes and not applying:
        raise click.UsageError("--yes says yes to --apply; give both.")
    settings = Settings()
    classifier, rules = _judges(settings)
    to = Destination(output, report or output.with_name("report.html"), only_changed)
    try:
        read = archive.source(source, settings.database)
        if read.kind == OUR_STORE:
            with opened_store() as store:
                store.check()
                rules = _in_force(rules, store)
        judges = Judges(settings.model_dir, classifier, rules, Basis(basis))
        apply = Application(read, judges, settings, output, yes) if applying else None

        def finish(work: WorkFile) -> bool:
            for kind, count in work.changes().items():
                click.echo(f"{kind.value.replace('_', ' '):<16} {count:>10}")
            click.echo(f"{to.output}, {to.report}")
            return apply is None or apply(work)

        finished = rescored(read, to, judges, crew, restart=restart, finish=finish)
    except (ArchiveError, ModelError, StoreUnavailable) as error:
        raise click.ClickException(str(error)) from None
    _complain(finished.problems, to.problems)


@click.command()
@click.argument("log", metavar="LOG", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Change the statuses back.")
def undo(*, log: Path, yes: bool) -> None:
    """Take back what an applied run of rescore has changed.

    LOG is the file that the run has named (OUT.applied-1.jsonl). All comments get their former
    status back, except those that somebody has changed since: they are left alone and listed, and
    the exit status is then 1. May be repeated.
    """
    settings = Settings()
    try:
        with ChangeLog(log) as changes:
            count = len(changed(changes))
            click.echo(
                f"{count} comments in {changes.about['source']} get their former status back."
            )
            if not yes:
                click.echo("Nothing has been changed yet. Add --yes to the same command.")
                return
            with opened_statuses(changes.about, settings, *_judges(settings)) as statuses:
                done = tqdm(
                    undo_changes(changes, statuses),
                    total=count,
                    unit=" comments",
                    desc="undo",
                    disable=None,
                )
                left = [
                    (change.comment_id, result)
                    for change, result in done
                    if result not in (Applied.CHANGED, Applied.ALREADY)
                ]
    except (ArchiveError, StoreUnavailable) as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{count - len(left)} comments have their former status.")
    for comment_id, result in left[:_SHOWN]:
        click.echo(f"{comment_id}: {SAID[result]}", err=True)
    if len(left) > _SHOWN:
        click.echo(f"… and {len(left) - _SHOWN} more.", err=True)
    if left:
        sys.exit(1)


@click.command("import")
@click.argument("source", metavar="SOURCE")
@reads_archives
@scores_with_workers
@click.option(
    "--problems",
    "listed",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to list what could not be used, one JSON object a line.",
)
def import_archive(
    *, source: str, archive: ArchiveOptions, crew: Crew, listed: Path | None
) -> None:
    """Bring an archive into the database: articles, threads, comments and what became of them.

    SOURCE is a file (.jsonl, .csv, .parquet, or .xml for a WordPress export) or the address of a
    WordPress. What was approved,
    rejected or marked as spam becomes a decision; what is pending waits in the queue. May be
    repeated: only what is new is added. The exit status is 1 if something could not be used.
    """
    settings = Settings()
    classifier, rules = _judges(settings)
    problems: list[Problem] = []
    try:
        with opened_store() as store:
            store.check()
            judges = Judges(settings.model_dir, classifier, _in_force(rules, store))
            read = archive.source(source, settings.database)
            done = imported(read, store, judges, crew, tell=problems.append)
        if listed:
            write_problems(listed, problems)
    except (ArchiveError, ModelError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(
        f"{done.comments} comments and {done.decisions} decisions added, {done.known} comments were"
        " there before."
    )
    for problem in problems[:_SHOWN]:
        click.echo(problem, err=True)
    if len(problems) > _SHOWN:
        click.echo(f"… and {len(problems) - _SHOWN} more; list all with --problems.", err=True)
    if problems:
        sys.exit(1)


def _complain(count: int, listed: Path) -> None:
    if count:
        click.echo(f"{count} places of the archive were a problem; see {listed}.", err=True)
        sys.exit(1)


def _judges(settings: Settings) -> tuple[Classifier, RuleBook]:
    try:
        classifier = Classifier.load(settings.model_dir)
        rules = RuleBook.load(settings.rules_file)
        return classifier, rules.with_thresholds(classifier.manifest.thresholds)
    except (ModelError, RulesError) as error:
        raise click.ClickException(str(error)) from None


def _in_force(rules: RuleBook, store: Store) -> RuleBook:
    """Return the rules by which the desk judges the comments of this store."""
    with store.reading() as reader:
        return rules_in_force(rules, reader)


@contextmanager
def _input(source: str) -> Iterator[BinaryIO]:
    if source == "-":
        yield sys.stdin.buffer
        return
    try:
        stream = Path(source).open("rb")  # noqa: SIM115 - closed below
    except OSError as error:
        raise click.ClickException(f"{source} cannot be read: {error.strerror}.") from None
    with stream:
        yield stream


@contextmanager
def _output(output: str) -> Iterator[BinaryIO]:
    if output == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        with whole_file(Path(output)) as stream:
            yield stream
    except ArchiveError as error:
        raise click.ClickException(str(error)) from None


def _progress(source: str) -> tqdm:
    size = None if source == "-" else Path(source).stat().st_size
    return tqdm(
        total=size,
        unit="B",
        unit_scale=True,
        unit_divisor=1024,
        disable=None,  # only on a terminal
        desc="classify",
    )
