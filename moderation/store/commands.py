"""``moderation db``: make and check the tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from moderation.settings import Settings
from moderation.store.database import Store, newest_revision
from moderation.store.errors import StoreUnavailable


@contextmanager
def opened_store() -> Iterator[Store]:
    """Open the store that the settings name; what is wrong with it ends the command."""
    try:
        store = Store(Settings().database)
        try:
            yield store
        finally:
            store.close()
    except StoreUnavailable as error:
        raise click.ClickException(str(error)) from error


@click.group()
def db() -> None:
    """Make and check the database.

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
