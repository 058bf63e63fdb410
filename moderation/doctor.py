"""``moderation doctor``: looks at an installation; says what is wrong and what to do about it."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

import click

from moderation.classifier import ModelError
from moderation.classifier.manifest import read_manifest
from moderation.desk import accounts
from moderation.rules import RuleBook, RulesError
from moderation.settings import Settings
from moderation.store import Role, State, Store, StoreUnavailable
from moderation.webhooks.sender import WebhooksUnset, sender

FREE_SPACE = 2**30
"""Bytes that should be free on the disk of the data folder."""

LONGEST_SILENCE = timedelta(hours=1)
"""After which an event should have been told to the blog."""


class Health(StrEnum):
    """What was found."""

    OK = "ok"
    WARNING = "warning"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, and what about it in one sentence."""

    health: Health
    subject: str
    sentence: str


@click.command()
def doctor() -> None:
    """Check settings, rules, model, database, permissions and disk.

    Changes nothing and can be run beside the service. Exits with status 1 if something is broken.
    """
    findings = list(examine(Settings()))
    for finding in findings:
        click.echo(f"{finding.health:<8} {finding.subject:<12} {finding.sentence}")
    if any(finding.health is Health.BROKEN for finding in findings):
        raise click.exceptions.Exit(1)


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at everything an installation needs; nothing is changed."""
    yield Finding(Health.OK, "settings", "All of them are known and of the right kind.")
    checks: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
        _rules_and_model,
        _database,
        _permissions,
        _disk,
        _exposure,
    )
    for check in checks:
        yield from check(settings)


def _rules_and_model(settings: Settings) -> Iterator[Finding]:
    try:
        rules = RuleBook.load(settings.rules_file)
    except RulesError as error:
        yield Finding(Health.BROKEN, "rules", str(error))
        return
    yield Finding(Health.OK, "rules", f"{len(rules.rules)} rules in {settings.rules_file}.")
    try:
        manifest, _ = read_manifest(settings.model_dir)
        rules.with_thresholds(manifest.thresholds)
    except (ModelError, RulesError) as error:
        yield Finding(Health.BROKEN, "model", str(error))
        return
    yield Finding(
        Health.OK,
        "model",
        f"{manifest.version} in {settings.model_dir}; every file has its SHA-256.",
    )


def _database(settings: Settings) -> Iterator[Finding]:
    try:
        store = Store(settings.database, lock_timeout=2)
    except StoreUnavailable as error:
        yield Finding(Health.BROKEN, "database", str(error))
        return
    try:
        store.check()
        with store.reading() as reader:
            counts = reader.counts()
        waiting = counts[State.HELD] + counts[State.DEFERRED]
        yield Finding(Health.OK, "database", f"{store.url} can be written; waiting: {waiting}.")
        yield from _accounts(store)
        yield from _webhooks(store, settings)
        yield from _privacy(store, settings)
    except StoreUnavailable as error:
        yield Finding(Health.BROKEN, "database", str(error))
    finally:
        store.close()


def _accounts(store: Store) -> Iterator[Finding]:
    admins = [one for one in accounts.moderators(store) if one.role is Role.ADMIN]
    if not any(not admin.disabled for admin in admins):
        yield Finding(
            Health.WARNING,
            "accounts",
            "There is no admin. Run `moderation user create NAME --role admin`.",
        )


def _webhooks(store: Store, settings: Settings) -> Iterator[Finding]:
    wanted = settings.webhook_url is not None or bool(settings.webhook_keys)
    if wanted:
        try:
            sender(store, settings)
        except WebhooksUnset as error:
            yield Finding(Health.BROKEN, "webhooks", str(error))
    with store.reading() as reader:
        backlog = reader.outbox.backlog()
    if backlog.parked:
        yield Finding(
            Health.WARNING,
            "webhooks",
            f"Events that the blog was not told of are parked: {backlog.parked}. See why with "
            "`moderation webhooks list --state parked`, then run `moderation webhooks replay "
            "--parked`.",
        )
    elif wanted and backlog.oldest and datetime.now(UTC) - backlog.oldest > LONGEST_SILENCE:
        yield Finding(
            Health.WARNING,
            "webhooks",
            f"Events wait since {backlog.oldest:%Y-%m-%d %H:%M}Z: {backlog.pending}. See that "
            "`moderation webhooks run` runs, and what it logs.",
        )


def _privacy(store: Store, settings: Settings) -> Iterator[Finding]:
    with store.reading() as reader:
        hashed = reader.personal.any_hashes()
    if hashed and not settings.privacy_key:
        yield Finding(
            Health.WARNING,
            "privacy",
            "There are hashes of e-mail or IP addresses, and no key to find anybody by them. Set "
            "MODERATION_PRIVACY_KEY to the one they were made with.",
        )


def _permissions(settings: Settings) -> Iterator[Finding]:
    if not settings.data_dir.is_dir():
        yield Finding(Health.WARNING, "permissions", f"There is no folder {settings.data_dir} yet.")
        return
    open_to_others = [path for path in _private(settings.data_dir) if _others_may_read(path)]
    for path in open_to_others:
        yield Finding(
            Health.WARNING, "permissions", f"Others can read {path}. Run `chmod 600 {path}`."
        )
    if not open_to_others:
        yield Finding(Health.OK, "permissions", "Secrets and database are for this user alone.")


def _private(folder: Path) -> Iterator[Path]:
    secrets = ("session_key", "second_factor_key", "demo_token", "demo_password")
    for name in (*secrets, "moderation.db"):
        path = folder / name
        if path.exists():
            yield path


def _others_may_read(path: Path) -> bool:
    closed = (parent.stat().st_mode & stat.S_IXOTH == 0 for parent in path.parents)
    return bool(path.stat().st_mode & stat.S_IROTH) and not any(closed)


def _disk(settings: Settings) -> Iterator[Finding]:
    folder = next(path for path in (settings.data_dir, *settings.data_dir.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    health = Health.OK if free >= FREE_SPACE else Health.WARNING
    yield Finding(health, "disk", f"{free / 2**30:.1f} GiB are free at {folder}.")


def _exposure(settings: Settings) -> Iterator[Finding]:
    if settings.trusted_proxies and not settings.cookies_over_https_only:
        yield Finding(
            Health.WARNING,
            "https",
            "Behind a proxy sessions should go over https alone. "
            "Set MODERATION_COOKIES_OVER_HTTPS_ONLY to true.",
        )
