"""When the database cannot be used: one sentence that says what to do, and nothing lost."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, exc, text

from moderation.comment import Comment
from moderation.store import Judgement, State, Store, StoreUnavailable, UnsupportedDatabase

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
NOBODY = 65534


def write(store: Store) -> None:
    with store.writing() as writer:
        writer.set_disabled("eva", disabled=True)


@pytest.fixture
def database_file(sqlite_template: Path) -> Iterator[Path]:
    """A migrated database file in a folder that other users can reach."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "moderation.db"
        shutil.copy(sqlite_template, path)
        Path(folder).chmod(0o755)
        path.chmod(0o644)
        yield path


@contextmanager
def without_privileges() -> Iterator[None]:
    """Give up what root may do, so that file permissions count."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_read_only_file_can_be_read_and_says_why_it_cannot_be_written(
    database_file: Path,
) -> None:
    store = Store(f"sqlite:///{database_file}")
    store.check()
    with store.reading() as reader:
        reader.counts()
    database_file.chmod(0o444)
    # The folder as well, or else nothing of it is read-only to its owner.
    for beside in database_file.parent.iterdir():
        beside.chmod(0o444)
    database_file.parent.chmod(0o555)
    store.close()
    try:
        with without_privileges():
            for use in (store.check, lambda: write(store), store.migrate):
                with pytest.raises(StoreUnavailable, match=r"read-only|cannot be opened"):
                    use()
    finally:
        database_file.parent.chmod(0o755)


def test_a_database_opened_read_only_says_so(database_file: Path) -> None:
    store = Store(f"sqlite:///file:{database_file}?mode=ro&uri=true")
    with store.reading() as reader:
        assert sum(reader.counts().values()) == 0
    for use in (store.check, lambda: write(store)):
        with pytest.raises(StoreUnavailable, match="Make the file and its folder writable"):
            use()
    store.close()


def test_a_file_locked_by_another_process_is_waited_for_and_then_given_up(
    database_file: Path,
) -> None:
    store = Store(f"sqlite:///{database_file}", lock_timeout=0.2)
    other = sqlite3.connect(database_file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    start = time.monotonic()
    with pytest.raises(StoreUnavailable, match="locked by another process"):
        write(store)
    assert time.monotonic() - start >= 0.2
    with store.reading() as reader:  # readers are not kept out
        reader.counts()
    other.execute("COMMIT")
    other.close()

    write(store)
    store.close()


@pytest.mark.parametrize("content", [b"not a database " * 400, b"\0" * 100])
def test_a_file_that_is_no_database_is_named_as_such(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "moderation.db"
    path.write_bytes(content)
    store = Store(f"sqlite:///{path}")
    with pytest.raises(StoreUnavailable, match=r"not an SQLite database"):
        store.check()
    store.close()
    assert path.read_bytes() == content


def test_a_damaged_file_is_named_as_such(database_file: Path) -> None:
    whole = database_file.read_bytes()
    database_file.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    store = Store(f"sqlite:///{database_file}")
    with pytest.raises(StoreUnavailable, match="Restore it from a backup"), store.reading() as read:
        read.counts()
    store.close()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = Store(f"sqlite:///{tmp_path}/file/below/moderation.db")
    with pytest.raises(StoreUnavailable, match=r"cannot be made .* choose another path"):
        store.migrate()
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        store.check()


def test_a_full_database_says_so_and_keeps_what_it_has(database_file: Path) -> None:
    store = Store(f"sqlite:///{database_file}")
    with pytest.raises(StoreUnavailable, match="full"), store.writing() as writer:  # noqa: PT012
        writer._session.execute(text("PRAGMA max_page_count = 1"))
        for number in range(1000):
            writer.insert_token(
                str(number), frozenset(), sha256=f"{number:064}", expires_at=None, at=NOW
            )
    store.check()
    with store.reading() as reader:
        assert reader.tokens() == ()
    store.close()


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mysql://localhost/x", "mysql is not supported. Use sqlite or postgresql"),
        ("sqlite://", "would lose every comment"),
        ("sqlite:///:memory:", "would lose every comment"),
        ("not a url", "cannot be read"),
    ],
)
def test_a_database_it_cannot_work_with_is_refused_at_once(url: str, sentence: str) -> None:
    with pytest.raises(UnsupportedDatabase, match=sentence):
        Store(url)


def test_a_server_that_is_not_there_is_named_and_its_password_is_not() -> None:
    store = Store("postgresql://eva:geheim@127.0.0.1:1/moderation", lock_timeout=0.5)
    with pytest.raises(StoreUnavailable, match="Check that it runs") as refusal:
        store.check()
    assert "geheim" not in str(refusal.value) + store.url
    assert isinstance(refusal.value.__cause__, Exception)
    assert "geheim" not in str(refusal.value.__cause__)


def test_a_database_the_server_does_not_have_is_named(postgresql_server: str) -> None:
    store = Store(postgresql_server.replace("/postgres?", "/nowhere?"))
    with pytest.raises(StoreUnavailable, match=r"does not exist|cannot be reached"):
        store.check()


@pytest.mark.database("postgresql")
def test_a_server_that_only_reads_says_so(store: Store, database_url: str) -> None:
    engine = create_engine(database_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        name = connection.engine.url.database
        connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_read_only = on"))
    engine.dispose()
    store.close()

    for use in (store.check, lambda: write(store)):
        with pytest.raises(StoreUnavailable, match="Connect to the primary server"):
            use()
    with store.reading() as reader:
        reader.counts()


@pytest.mark.database("postgresql")
def test_a_connection_the_server_closed_is_replaced_unnoticed(
    store: Store, database_url: str
) -> None:
    write(store)
    engine = create_engine(database_url)
    with engine.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    engine.dispose()

    write(store)


def test_a_fault_in_the_middle_takes_back_the_whole_change(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.writing() as writer:  # noqa: PT012
        writer.insert_token("blog", frozenset(), sha256="0" * 64, expires_at=None, at=NOW)
        1 / 0  # noqa: B018
    with store.reading() as reader:
        assert reader.tokens() == ()


def test_no_error_repeats_what_was_to_be_stored(
    store: Store, judgement: Judgement, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "Kanarienvogel"
    comment = Comment(secret, id="1")
    caplog.set_level(logging.DEBUG)
    with pytest.raises(exc.IntegrityError) as refusal, store.writing() as writer:
        writer.insert_comment(
            comment, judgement, article_row=999, state=State.HELD, sampled=False, at=NOW
        )
    assert secret not in str(refusal.value)
    assert secret not in caplog.text


def test_a_forked_worker_opens_connections_of_its_own(store: Store) -> None:
    write(store)
    read, told = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            write(store)
            os.write(told, b"written")
        finally:
            os._exit(0)
    os.close(told)
    os.waitpid(child, 0)
    with os.fdopen(read, "rb") as heard:
        assert heard.read() == b"written"

    write(store)
