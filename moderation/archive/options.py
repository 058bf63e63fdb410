"""Options that the commands for archives share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import click

from moderation.archive.reading import FORMATS, Source
from moderation.archive.reading.tables import COLUMNS
from moderation.archive.scoring import Crew

Command = Callable[..., None]


@dataclass(frozen=True, slots=True)
class ArchiveOptions:
    """How an archive is to be read."""

    format: str | None
    columns: dict[str, str]
    encoding: str | None
    user: str | None

    def source(self, name: str, database: str) -> Source:
        """Return the archive of that name; ``database`` is our own store's."""
        return Source(name, self.format, self.columns, self.encoding, database, self.user)


def reads_archives(command: Command) -> Command:
    """Add the options for reading; the command gets them as ``archive``."""

    @click.option(
        "--format", "format_", type=click.Choice(FORMATS), help="If the ending does not tell."
    )
    @click.option(
        "--column",
        "columns",
        multiple=True,
        metavar="OURS=THEIRS",
        callback=_mapping,
        help=f"What a table calls a column; ours are {', '.join(COLUMNS)}. May be repeated.",
    )
    @click.option("--encoding", help="Of a CSV file; looked for if left out.")
    @click.option("--user", help="Who logs in to a live WordPress.")
    @wraps(command)
    def with_options(
        format_: str | None,
        columns: dict[str, str],
        encoding: str | None,
        user: str | None,
        **others: Any,
    ) -> None:
        command(archive=ArchiveOptions(format_, columns, encoding, user), **others)

    return with_options


def scores_with_workers(command: Command) -> Command:
    """Add the options that say who scores; the command gets them as ``crew``."""

    @click.option(
        "--jobs",
        type=click.IntRange(min=1),
        help="Processes that score; one for each core if left out.",
    )
    @click.option(
        "--backend",
        type=click.Choice(["processes", "dask"]),
        default="processes",
        show_default=True,
        help="Score with processes here or on a Dask cluster. The results are the same.",
    )
    @click.option("--scheduler", metavar="ADDRESS", help="Of Dask, such as tcp://host:8786.")
    @wraps(command)
    def with_options(jobs: int | None, backend: str, scheduler: str | None, **others: Any) -> None:
        if (backend == "dask") != (scheduler is not None):
            raise click.UsageError("--backend dask and --scheduler ADDRESS go together.")
        command(crew=Crew(jobs or -1, scheduler), **others)

    return with_options


def _mapping(
    _context: click.Context, _option: click.Parameter, told: tuple[str, ...]
) -> dict[str, str]:
    columns = {}
    for each in told:
        ours, equals, theirs = each.partition("=")
        if not equals or ours not in COLUMNS:
            raise click.BadParameter(f"{each} is not OURS=THEIRS; ours is {', '.join(COLUMNS)}.")
        columns[ours] = theirs
    return columns
