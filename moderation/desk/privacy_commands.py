"""``moderation privacy``: show people their data, erase it, and erase what is old enough."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from pathlib import Path
from typing import Any

import click

from moderation.desk.errors import DeskError
from moderation.desk.privacy import WAITING, Asked, Pseudonyms, erase, expire, export
from moderation.settings import Settings
from moderation.store import Person, State
from moderation.store.commands import opened_store

Command = Callable[..., None]


@click.group()
def privacy() -> None:
    """Show people what is kept about them, erase it, and erase what is old enough."""


def _asks_for_a_person(command: Command) -> Command:
    @click.option("--author", help="The name their comments have, exactly.")
    @click.option("--email", help="Their e-mail address, if the blog sends it along.")
    @click.option("--address", help="Their IP address, if the blog sends it along.")
    @wraps(command)
    def with_options(
        author: str | None, email: str | None, address: str | None, **others: Any
    ) -> None:
        if not (author or email or address):
            raise click.UsageError("Say who: --author, --email or --address.")
        try:
            own = Settings().privacy_key
            person = Asked(author, email, address).person(Pseudonyms(own) if own else None)
            command(person, **others)
        except DeskError as error:
            raise click.ClickException(str(error)) from None

    return with_options


@privacy.command("export")
@_asks_for_a_person
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A new file that only you may read; standard output if left out.",
)
def export_person(person: Person, output: Path | None) -> None:
    """Write everything that is kept about a person as JSON.

    Of several options all have to fit. A name alone may belong to several people: look at what
    was written before you hand it out.
    """
    with opened_store() as store:
        found = export(store, person)
    written = json.dumps(found, ensure_ascii=False, indent=2)
    if output is None:
        click.echo(written)
        return
    try:
        handle = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise click.ClickException(f"{output} cannot be made: {error.strerror}.") from None
    with open(handle, "w", encoding="utf-8") as file:
        file.write(written + "\n")
    click.echo(f"{output}: {len(found['comments'])} comments.")


@privacy.command("erase")
@_asks_for_a_person
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase_person(person: Person, yes: bool) -> None:
    """Erase all words of a person and about them; decisions, scores and counts stay.

    It cannot be taken back. Of several options all have to fit. Copies of the database made
    earlier (moderation db backup) still hold them.
    """
    with opened_store() as store:
        with store.reading() as reader:
            number = len(reader.personal.comments_of(person))
        if number and not yes:
            click.confirm(f"Erase {number} comments for good?", abort=True)
        click.echo(f"{erase(store, person)} comments are erased.")


@privacy.command("expire")
def expire_old() -> None:
    """Erase the text of comments that are older than the settings MODERATION_RETENTION_… say.

    Counted from when a comment came to stand where it stands. Best called once a day.
    """
    settings = Settings()
    days = {
        State.APPROVED: settings.retention_days_approved,
        State.REJECTED: settings.retention_days_rejected,
        State.RETRACTED: settings.retention_days_retracted,
        **dict.fromkeys(WAITING, settings.retention_days_waiting),
    }
    periods = {state: timedelta(days=each) for state, each in days.items() if each is not None}
    if not periods:
        raise click.ClickException(
            "Everything is kept for ever. Set one of MODERATION_RETENTION_DAYS_APPROVED, "
            "…_REJECTED, …_RETRACTED and …_WAITING."
        )
    with opened_store() as store:
        done = expire(store, periods)
    for state, number in done.items():
        click.echo(f"{state.capitalize():<9} {number} erased")


@privacy.command()
def key() -> None:
    """Print a new key to hash e-mail and IP addresses with, for MODERATION_PRIVACY_KEY.

    Keep it as long as the comments: with another one nobody is found by their addresses any more.
    """
    click.echo(secrets.token_urlsafe(48))
