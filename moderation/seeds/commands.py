"""``moderation seeds``: check and describe our own corpus."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from moderation.settings import PROJECT_ROOT

FOLDER = click.option(
    "--folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=PROJECT_ROOT / "seeds",
    help="Folder of the corpus; by default the project's seeds/.",
)


@click.group()
def seeds() -> None:
    """Check and describe the labelled comments in seeds/ (needs the "train" extra)."""


@seeds.command()
@FOLDER
def check(folder: Path) -> None:
    """Check schema, splits, counts, duplicates, pairs and leakage; exit 1 if anything is wrong."""
    from moderation.seeds.corpus import SeedsError

    try:
        from moderation.seeds.check import check as findings_of
    except ModuleNotFoundError as error:
        raise click.ClickException(
            f"The check needs {error.name}. Run `pip install -e '.[train]'`."
        ) from None

    try:
        findings = findings_of(folder)
    except SeedsError as error:
        raise click.ClickException(str(error)) from None
    for finding in findings:
        click.echo(finding)
    click.echo(f"{len(findings)} findings." if findings else "The seeds are sound.")
    sys.exit(1 if findings else 0)


@seeds.command()
@FOLDER
@click.option("--write", is_flag=True, help="Put the tables into the folder's README.md.")
def report(folder: Path, write: bool) -> None:
    """Print counts, agreement of the two readers and leakage as Markdown tables."""
    from moderation.seeds.corpus import SeedsError
    from moderation.seeds.report import report as tables
    from moderation.seeds.report import write_report

    try:
        if write:
            write_report(folder / "README.md")
        click.echo(tables(folder))
    except SeedsError as error:
        raise click.ClickException(str(error)) from None
