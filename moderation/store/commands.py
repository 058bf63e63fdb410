"""``moderation db``: make and check the tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from moderation.settings import Settings
from moderation.store.backup import Copy, backup, restore
from moderation.store.database import Store, newest_revision
from moderation.store.errors import StoreUnavailable


@contextmanager
def opened_store() -> Iterator[Store]:
    """Open the store that the settings name; what is wrong with it ends the command."""
    with _explained():
        store = Store(Settings().database)
        try:
            yield store
        finally:
            store.close()


@click.group()
def db() -> None:
    """Make, check and copy the database.

    Which database is meant, the environment variable MODERATION_DATABASE_URL says.
    """


@db.command()
def migrate() -> None:
    """Bring the tables to this program's version.

    Creates them in an empty database. Safe to repeat, and safe to call from several
    machines at once.
    """
    with opened_store() as store:
        store.migrate()
        click.echo(f"{store.url} is at revision {store.revision()}.")


@db.command("backup")
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
def make_backup(target: Path) -> None:
    """Copy the database into the new file TARGET while it is in use, and verify the copy.

    For SQLite; docs/deploy.md tells the way for PostgreSQL.
    """
    with _explained():
        copy = backup(Settings().database, target)
    click.echo(f"{target}: {_contents(copy)}, verified.")


@db.command("restore")
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def restore_backup(source: Path) -> None:
    """Put the copy SOURCE back as the database, after verifying it.

    The service has to be stopped. The database as it was is kept beside it under another name.
    """
    with _explained():
        copy, kept = restore(Settings().database, source)
    click.echo(f"{copy.path}: {_contents(copy)}.")
    if kept is not None:
        click.echo(f"What was there is kept as {kept}.")


def _contents(copy: Copy) -> str:
    return f"revision {copy.revision}, {copy.comments} comments, {copy.decisions} decisions"


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except StoreUnavailable as error:
        raise click.ClickException(str(error)) from error


@db.command()
def status() -> None:
    """Show whether the database can be used, and how many comments are in which state.

    Exits with status 1 if it cannot be used.
    """
    with opened_store() as store:
        click.echo(f"Database  {store.url}")
        click.echo(f"Revision  {store.revision() or 'none'} (newest: {newest_revision()})")
        store.check()
        with store.reading() as reader:
            for state, number in reader.counts().items():
                click.echo(f"{state.capitalize():<9} {number}")
