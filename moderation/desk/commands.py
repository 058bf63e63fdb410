"""``moderation user`` and ``moderation token``: who may work at the desk or call the service."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import click

from moderation.desk import accounts, second_factor
from moderation.desk.base import utc_now
from moderation.desk.errors import DeskError
from moderation.store import ApiToken, Role, Scope, Store
from moderation.store.commands import opened_store


@contextmanager
def _store() -> Iterator[Store]:
    try:
        with opened_store() as store:
            yield store
    except DeskError as error:
        raise click.ClickException(str(error)) from error


_asks_for_password = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input, do not ask."
)


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password


@click.group()
def user() -> None:
    """Open and close the accounts of moderators."""


@user.command("create")
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice(Role, case_sensitive=False),
    default=Role.MODERATOR,
    show_default=True,
    help="Readers look, moderators decide, admins manage people and rules.",
)
@click.option("--display-name", help="What colleagues read; NAME if left out.")
@_asks_for_password
def create_user(name: str, role: Role, display_name: str | None, password_stdin: bool) -> None:
    """Open an account for NAME, who logs in with it.

    The password is asked for and needs at least eight characters.
    """
    password = _password(from_stdin=password_stdin)
    with _store() as store:
        created = accounts.create_moderator(store, name, password, role, display_name=display_name)
    click.echo(f"{created.name} can log in now as {created.role}.")


@user.command("list")
def list_users() -> None:
    """List all accounts."""
    with _store() as store:
        found = accounts.moderators(store)
    _print_table(
        ("NAME", "DISPLAY NAME", "ROLE", "SINCE", "SECOND FACTOR", "STATUS"),
        [
            (
                each.name,
                each.display_name,
                each.role,
                _day(each.created_at),
                _day(each.second_factor_since),
                "disabled" if each.disabled else "active",
            )
            for each in found
        ],
    )


@user.command("password")
@click.argument("name")
@_asks_for_password
def change_password(name: str, password_stdin: bool) -> None:
    """Give NAME a new password."""
    password = _password(from_stdin=password_stdin)
    with _store() as store:
        accounts.set_password(store, name, password)
    click.echo(f"{name} has a new password.")


@user.command("reset-second-factor")
@click.argument("name")
def reset_second_factor(name: str) -> None:
    """Take the second factor off the account of NAME, whose app and recovery codes are lost.

    The password alone opens it then, and all its sessions end.
    """
    with _store() as store:
        second_factor.remove(store, name, by=None)
    click.echo(f"{name} has no second factor any more and can set up a new one in the profile.")


@user.command("disable")
@click.argument("name")
def disable_user(name: str) -> None:
    """Close the account of NAME; their decisions stay."""
    with _store() as store:
        accounts.set_disabled(store, name, disabled=True)
    click.echo(f"{name} can no longer log in.")


@user.command("enable")
@click.argument("name")
def enable_user(name: str) -> None:
    """Open the account of NAME again."""
    with _store() as store:
        accounts.set_disabled(store, name, disabled=False)
    click.echo(f"{name} can log in again.")


@click.group()
def token() -> None:
    """Issue and revoke the tokens that machines call with."""


@token.command("create")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(Scope, case_sensitive=False),
    multiple=True,
    required=True,
    help="What it may be used for; can be given several times.",
)
@click.option(
    "--days", type=click.IntRange(1, 36500), help="How long it is valid; for ever if left out."
)
def create_token(name: str, scopes: tuple[Scope, ...], days: int | None) -> None:
    """Issue a token called NAME and print its key.

    The key is shown this once; only its hash is kept. With "classify" it scores comments without
    storing them, with "submit" it stores them too, with "read" it reads stored comments and
    decisions, with "decide" it approves and rejects, with "metrics" it reads what is counted.
    """
    lifetime = None if days is None else timedelta(days=days)
    with _store() as store:
        issued = accounts.issue_token(store, name, scopes, lifetime=lifetime)
    click.echo(issued.key)
    click.echo("Keep it safe: it cannot be shown again.", err=True)


@token.command("list")
def list_tokens() -> None:
    """List all tokens, without their keys."""
    with _store() as store:
        found = accounts.tokens(store)
    _print_table(
        ("NUMBER", "NAME", "SCOPES", "SINCE", "EXPIRES", "LAST USED", "STATUS"),
        [
            (
                str(each.id),
                each.name,
                ",".join(scope for scope in Scope if scope in each.scopes),
                _day(each.created_at),
                _day(each.expires_at),
                _day(each.last_used_at),
                _status(each),
            )
            for each in found
        ],
    )


@token.command("revoke")
@click.argument("number", type=click.IntRange(1, 2**63 - 1))
def revoke_token(number: int) -> None:
    """End the life of the token with that NUMBER, at once and for good."""
    with _store() as store:
        accounts.revoke_token(store, number)
    click.echo(f"Token {number} is revoked.")


def _status(each: ApiToken) -> str:
    if each.revoked_at is not None:
        return "revoked"
    if each.expires_at is not None and each.expires_at <= utc_now():
        return "expired"
    return "active"


def _day(at: datetime | None) -> str:
    return "-" if at is None else f"{at:%Y-%m-%d}"


def _print_table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())
