"""Copies of the database: made in use, verified, put back."""

from __future__ import annotations

import shutil
import sqlite3
import stat
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from moderation.store import Scope, Store
from moderation.store.backup import BackupRefused, backup, restore
from moderation.store.commands import db
from moderation.store.errors import UnsupportedDatabase

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path, sqlite_template: Path) -> Path:
    path = tmp_path / "moderation.db"
    shutil.copy(sqlite_template, path)
    return path


@pytest.fixture
def url(path: Path) -> str:
    return f"sqlite:///{path}"


def write(store: Store, number: int) -> None:
    with store.writing() as writer:
        for half in ("a", "b"):
            writer.insert_token(
                f"{number}{half}",
                frozenset({Scope.READ}),
                sha256=f"{number}{half}".rjust(64, "0"),
                expires_at=None,
                at=NOW,
            )


def tokens(path: Path) -> int:
    with sqlite3.connect(path) as database:
        found = database.execute("SELECT count(*) FROM api_tokens").fetchone()[0]
    database.close()
    assert isinstance(found, int)
    return found


def test_a_copy_made_while_others_write_holds_whole_transactions(
    path: Path, url: str, tmp_path: Path
) -> None:
    store = Store(url)
    done = threading.Event()

    def keep_writing() -> None:
        number = 0
        while not done.is_set():
            write(store, number := number + 1)

    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        sizes = []
        for number in range(3):
            copy = backup(url, tmp_path / f"copy-{number}.db")
            sizes.append(tokens(copy.path))
    finally:
        done.set()
        writer.join()
        store.close()
    assert sizes == sorted(sizes)
    assert all(size % 2 == 0 for size in sizes)


def test_a_copy_is_for_its_owner_alone_and_one_file(path: Path, url: str, tmp_path: Path) -> None:
    copy = backup(url, tmp_path / "copies.db")
    assert stat.S_IMODE(copy.path.stat().st_mode) == 0o600
    assert {found.name for found in tmp_path.glob("*copies.db*")} == {"copies.db"}


def test_what_was_restored_is_as_it_was_when_copied(path: Path, url: str, tmp_path: Path) -> None:
    store = Store(url)
    write(store, 1)
    copy = backup(url, tmp_path / "copy.db")
    write(store, 2)
    store.close()
    restored, kept = restore(url, copy.path)
    assert restored.path == path
    assert tokens(path) == 2
    assert kept is not None
    assert tokens(kept) == 4
    store.check()
    write(store, 3)
    store.close()


def test_a_damaged_database_is_replaced_too(path: Path, url: str, tmp_path: Path) -> None:
    copy = backup(url, tmp_path / "copy.db")
    path.write_bytes(b"\xff" * 8192)
    path.with_name(f"{path.name}-wal").write_bytes(b"\xff" * 100)
    restore(url, copy.path)
    store = Store(url)
    store.check()
    store.close()


def test_nothing_is_restored_under_a_running_service(path: Path, url: str, tmp_path: Path) -> None:
    store = Store(url)
    store.migrate()
    copy = backup(url, tmp_path / "copy.db")
    write(store, 1)  # leaves a connection open, as a service does
    with pytest.raises(BackupRefused, match="Stop the service"):
        restore(url, copy.path)
    assert tokens(path) == 2
    store.close()


def test_a_damaged_copy_is_refused_and_the_database_stays(
    path: Path, url: str, tmp_path: Path
) -> None:
    copy = backup(url, tmp_path / "copy.db").path
    content = copy.read_bytes()
    copy.write_bytes(content[:8192] + b"\xff" * (len(content) - 8192))
    before = path.read_bytes()
    with pytest.raises(BackupRefused):
        restore(url, copy)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"not a database" * 99])
def test_what_is_no_database_of_ours_is_refused(url: str, tmp_path: Path, content: bytes) -> None:
    other = tmp_path / "other.db"
    other.write_bytes(content)
    with pytest.raises(BackupRefused):
        restore(url, other)


def test_a_copy_of_a_newer_version_is_refused(url: str, tmp_path: Path) -> None:
    copy = backup(url, tmp_path / "copy.db").path
    with sqlite3.connect(copy) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    with pytest.raises(BackupRefused, match="newer version"):
        restore(url, copy)


def test_an_existing_file_is_never_overwritten(url: str, tmp_path: Path) -> None:
    (tmp_path / "copy.db").write_text("precious")
    with pytest.raises(BackupRefused, match="exists already"):
        backup(url, tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_text() == "precious"


def test_of_a_postgresql_database_it_says_how(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedDatabase, match="pg_dump"):
        backup("postgresql://localhost/moderation", tmp_path / "copy")


def test_the_commands_tell_what_they_did(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, path: Path
) -> None:
    monkeypatch.setenv("MODERATION_DATA_DIR", str(tmp_path))
    copy = str(tmp_path / "copy.db")
    runner = CliRunner()
    assert "0 comments, 0 decisions, verified." in runner.invoke(db, ["backup", copy]).output
    again = runner.invoke(db, ["backup", copy])
    assert again.exit_code == 1
    assert again.output == f"Error: {copy} exists already; name another file.\n"
    restored = runner.invoke(db, ["restore", copy])
    assert restored.exit_code == 0
    assert "What was there is kept as" in restored.output
