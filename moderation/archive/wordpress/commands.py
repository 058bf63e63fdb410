"""``moderation wordpress``: pull comments from a live WordPress, push decisions to it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Any

import click

from moderation.archive.record import ArchiveError, Problem
from moderation.archive.rescore import Judges
from moderation.archive.wordpress.connection import Pace
from moderation.archive.wordpress.pull import Pull
from moderation.archive.wordpress.push import Push
from moderation.archive.wordpress.site import Site
from moderation.archive.writing import write_problems
from moderation.classifier import Classifier, ModelError
from moderation.comment import Label
from moderation.desk import rules_in_force
from moderation.rules import RuleBook, RulesError
from moderation.settings import Settings
from moderation.store import Store
from moderation.store.commands import opened_store

Command = Callable[..., None]

_USUAL = Pace()
_SHOWN = 20
"""Problems that are printed; a list of thousands helps nobody on a screen."""


@dataclass(frozen=True, slots=True)
class _Login:
    """Which blog is meant, as whom, how hard it may be asked, and where problems are listed."""

    url: str
    user: str
    pace: Pace
    listed: Path | None


@dataclass(frozen=True, slots=True)
class _Extent:
    """What a pull is to read."""

    again: float
    since: datetime | None
    everything: bool
    moved: bool


@click.group()
def wordpress() -> None:
    """Work together with a live WordPress through its REST interface.

    The password is an application password (in WordPress: Users, Profile) of a user who may
    moderate comments, in the environment variable MODERATION_WORDPRESS_PASSWORD.
    """


def _logs_in(command: Command) -> Command:
    @click.option("--url", required=True, help="Of the blog, such as https://blog.example.")
    @click.option("--user", required=True, help="The login of a WordPress user, such as an editor.")
    @click.option(
        "--rate",
        type=click.FloatRange(min=0, min_open=True),
        default=_USUAL.rate,
        show_default=True,
        help="The most requests a second.",
    )
    @click.option(
        "--tries",
        type=click.IntRange(min=1),
        default=_USUAL.tries,
        show_default=True,
        help="How often a request is sent before the run stops.",
    )
    @click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        default=_USUAL.timeout,
        show_default=True,
        help="Seconds of silence after which a connection counts as lost.",
    )
    @click.option(
        "--problems",
        "listed",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Where to list what was a problem, one JSON object a line.",
    )
    @wraps(command)
    def with_options(
        *,
        url: str,
        user: str,
        rate: float,
        tries: int,
        timeout: float,
        listed: Path | None,
        **others: Any,
    ) -> None:
        pace = Pace(rate=rate, tries=tries, timeout=timeout)
        command(login=_Login(url, user, pace, listed), **others)

    return with_options


def _reads(command: Command) -> Command:
    @click.option(
        "--again",
        metavar="DAYS",
        type=click.FloatRange(min=0, max=36500),
        default=3.0,
        show_default=True,
        help="Read the days before the newest known comment again, for edits and moderation.",
    )
    @click.option(
        "--since",
        type=click.DateTime(),
        help="Where the first pull begins, in the blog's time; at its first comment if left out.",
    )
    @click.option(
        "--all",
        "everything",
        is_flag=True,
        help="Read everything again, to notice changes of any age.",
    )
    @click.option("--moved", is_flag=True, help="The blog has moved to this address.")
    @wraps(command)
    def with_options(
        again: float, since: datetime | None, everything: bool, moved: bool, **others: Any
    ) -> None:
        command(extent=_Extent(again, since, everything, moved), **others)

    return with_options


@wordpress.command()
@_logs_in
@_reads
def pull(login: _Login, extent: _Extent) -> None:
    """Bring comments with their articles and statuses from WordPress into the database.

    Goes on where the last pull stopped, even if that was killed. What was approved, marked as
    spam or thrown away there becomes a decision here; what is pending waits in the queue. What
    people decided here is not overruled. The exit status is 1 if something could not be used.
    """
    with _session(login) as (reading, _):
        _pull(reading, extent)


@wordpress.command()
@_logs_in
def push(login: _Login) -> None:
    """Carry decisions made here to WordPress, as changes of status.

    Only comments that were pulled are touched, and of them nothing but the status. A comment that
    people moderated in WordPress meanwhile is left alone and named. The exit status is 1 if
    anything could not be carried.
    """
    with _session(login) as (reading, writing):
        reading.start(again=0)
        _push(writing)


@wordpress.command()
@_logs_in
@_reads
def sync(login: _Login, extent: _Extent) -> None:
    """Pull, then push."""
    with _session(login) as (reading, writing):
        _pull(reading, extent)
        _push(writing)


@contextmanager
def _session(login: _Login) -> Iterator[tuple[Pull, Push]]:
    """Open blog and store; afterwards tell what was a problem, and end with status 1 if any was."""
    settings = Settings()
    problems: list[Problem] = []
    try:
        try:
            with (
                Site.from_settings(login.url, login.user, settings, login.pace) as site,
                opened_store() as store,
            ):
                store.check()
                judges = _judges(settings, store)
                reading = Pull(site, store, judges, tell=problems.append)
                spam_rule = judges.rules.rule_for(Label.SPAM).id
                yield reading, Push(site, store, reading, spam_rule, tell=problems.append)
        finally:
            _tell(problems, login.listed)
    except (ArchiveError, ModelError, RulesError) as error:
        raise click.ClickException(str(error)) from None
    if problems:
        sys.exit(1)


def _judges(settings: Settings, store: Store) -> Judges:
    """Load model and rules, with the thresholds that admins changed at the desk."""
    classifier = Classifier.load(settings.model_dir)
    rules = RuleBook.load(settings.rules_file).with_thresholds(classifier.manifest.thresholds)
    with store.reading() as reader:
        return Judges(settings.model_dir, classifier, rules_in_force(rules, reader))


def _pull(reading: Pull, extent: _Extent) -> None:
    start = reading.start(
        again=extent.again, since=extent.since, everything=extent.everything, moved=extent.moved
    )
    done = reading.run(start)
    click.echo(
        f"{done.read} comments read: {done.added} added, {done.edited} edited;"
        f" {done.decisions} decisions taken over."
    )


def _push(writing: Push) -> None:
    done = writing.run()
    click.echo(
        f"{done.carried} decisions carried to WordPress, {done.there} were there before,"
        f" {done.conflicts} contradict what was decided there."
    )


def _tell(problems: list[Problem], listed: Path | None) -> None:
    if listed is not None:
        write_problems(listed, problems)
    for problem in problems[:_SHOWN]:
        click.echo(problem, err=True)
    if len(problems) > _SHOWN:
        click.echo(f"… and {len(problems) - _SHOWN} more; list all with --problems.", err=True)
