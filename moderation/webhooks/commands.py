"""``moderation webhooks``: tell the blog, and see what it was not told."""

from __future__ import annotations

import signal
import threading
from datetime import UTC, datetime

import click

from moderation.settings import Settings
from moderation.store import Delivery, OutboxEntry
from moderation.store.commands import opened_store
from moderation.telemetry import log_as_json
from moderation.webhooks.sender import WebhooksUnset, sender
from moderation.webhooks.signature import new_key


@click.group()
def webhooks() -> None:
    """Tell the blog of submissions, edits, decisions and withdrawals by signed requests.

    They go to MODERATION_WEBHOOK_URL; docs/webhooks.md tells how the blog checks them.
    """


@webhooks.command()
@click.option("--once", is_flag=True, help="Send what is due now, then end.")
def run(once: bool) -> None:
    """Send what is in the outbox, and what comes into it, until stopped.

    Runs beside the service, best as a unit of its own; several may run at once. SIGTERM lets it
    finish the current message. The log goes to standard error, one JSON object a line. With --once
    the exit status is 1 if anything could not be delivered.
    """
    log_as_json()
    with opened_store() as store:
        try:
            sending = sender(store, Settings())
        except WebhooksUnset as error:
            raise click.ClickException(str(error)) from None
        store.check()
        if once:
            delivered, failed = sending.run_once()
            click.echo(f"{delivered} delivered, {failed} failed.")
            if failed:
                raise click.exceptions.Exit(1)
            return
        stop = threading.Event()
        for asked in (signal.SIGTERM, signal.SIGINT):
            signal.signal(asked, lambda *_: stop.set())
        sending.run(stop)


@webhooks.command("list")
@click.option(
    "--state",
    "states",
    type=click.Choice(Delivery, case_sensitive=False),
    multiple=True,
    default=(Delivery.PENDING, Delivery.PARKED),
    show_default=True,
    help="Of which events; can be given several times.",
)
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
def list_events(states: tuple[Delivery, ...], limit: int) -> None:
    """List events of the outbox, newest first, and what went wrong last."""
    with opened_store() as store, store.reading() as reader:
        backlog = reader.outbox.backlog()
        entries = reader.outbox.entries(states, limit=limit)
    for entry in entries:
        click.echo(_line(entry))
    oldest = "" if backlog.oldest is None else f"; the oldest is of {_moment(backlog.oldest)}"
    click.echo(f"{backlog.pending} pending, {backlog.parked} parked{oldest}.", err=True)


def _line(entry: OutboxEntry) -> str:
    parts = [
        f"{entry.id:>8}  {_moment(entry.at)}  {entry.delivery:<9}  {entry.kind:<17}",
        entry.comment_id,
    ]
    if entry.attempts:
        parts.append(f"attempts: {entry.attempts}")
    if entry.failure:
        parts.append(entry.failure)
    return "  ".join(parts)


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}Z"


@webhooks.command()
@click.argument("numbers", nargs=-1, type=click.IntRange(1, 2**63 - 1))
@click.option("--parked", is_flag=True, help="All that failed too often.")
@click.option("--since", type=click.DateTime(), help="All from this time (UTC) on, delivered too.")
def replay(numbers: tuple[int, ...], parked: bool, since: datetime | None) -> None:
    """Send events again: those of these NUMBERS, all parked ones, or all since a time.

    A receiver sees the same webhook-id as the first time.
    """
    if not (numbers or parked or since):
        raise click.UsageError("Give numbers, --parked or --since.")
    with opened_store() as store, store.writing() as writer:
        count = writer.outbox.replay(numbers) if numbers else 0
        count += writer.outbox.replay_parked() if parked else 0
        count += writer.outbox.replay_since(since.replace(tzinfo=UTC)) if since else 0
    click.echo(f"{count} events will be sent again.")


@webhooks.command()
@click.argument("numbers", nargs=-1, type=click.IntRange(1, 2**63 - 1))
@click.option("--all", "everything", is_flag=True, help="All that has not been delivered.")
def skip(numbers: tuple[int, ...], everything: bool) -> None:
    """Do not send the events of these NUMBERS, or any that is waiting; replay takes it back."""
    if bool(numbers) == everything:
        raise click.UsageError("Give numbers or --all.")
    with opened_store() as store, store.writing() as writer:
        count = writer.outbox.skip_all() if everything else writer.outbox.skip(numbers)
    click.echo(f"{count} events will not be sent.")


@webhooks.command()
def key() -> None:
    """Print a new key to sign with; keep it where only this service and the blog can read it."""
    click.echo(new_key())
