"""Copies of an SQLite database: made while it is in use, verified, and put back."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url

from moderation.store.database import known_revisions
from moderation.store.errors import StoreUnavailable, UnsupportedDatabase
from moderation.store.errors import problem as problem_of


class BackupRefused(StoreUnavailable):
    """A copy cannot be made or put back; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A verified copy: where it is, of which revision, with how many comments and decisions."""

    path: Path
    revision: str
    comments: int
    decisions: int


def backup(database_url: str, target: Path) -> Copy:
    """Copy a database that may be in use, as it is at one moment.

    Readers and writers go on meanwhile. The copy is one file that only its owner may read; it
    appears under its name once it is whole and verified.

    Raises
    ------
    BackupRefused
        If ``target`` exists, or the copy does not pass verification.
    UnsupportedDatabase
        If it is not SQLite.
    StoreUnavailable
        If the database cannot be read.
    """
    source = _file(database_url)
    if target.exists():
        raise BackupRefused(f"{target} exists already; name another file.")
    return _copied(source, target)


def restore(database_url: str, source: Path) -> tuple[Copy, Path | None]:
    """Put a copy back as the database; the file that was there is kept beside it.

    Returns
    -------
    copy : Copy
        What the database is now.
    kept : Path or None
        The database as it was, if there was one.

    Raises
    ------
    BackupRefused
        If the copy is missing, damaged or of a newer version, or the database is in use.
    UnsupportedDatabase
        If it is not SQLite.
    """
    target = _file(database_url)
    if not source.is_file():
        raise BackupRefused(f"There is no file {source}.")
    draft = target.with_name(f"{target.name}.restoring")
    draft.unlink(missing_ok=True)
    copy = _copied(source, draft)
    kept = None
    if target.exists():
        _close_for_good(target)
        kept = _put_aside(target)
    draft.rename(target)
    _sync(target.parent)
    return Copy(target, copy.revision, copy.comments, copy.decisions), kept


def _file(database_url: str) -> Path:
    url = make_url(database_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        raise UnsupportedDatabase(
            "Only SQLite is copied by this command. For PostgreSQL use pg_dump and pg_restore; "
            "docs/deploy.md says how."
        )
    return Path(url.database)


def _copied(source: Path, target: Path) -> Copy:
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        draft.touch(mode=0o600, exist_ok=False)
        with closing(_opened(source)) as original, closing(sqlite3.connect(draft)) as copy:
            # in one step: a snapshot, and no change meanwhile makes it begin again
            original.backup(copy, pages=-1)
            copy.execute("PRAGMA journal_mode = DELETE")
            found = _verified(copy, target)
        _sync(draft)
        draft.rename(target)
        _sync(target.parent)
    except (sqlite3.Error, OSError) as error:
        raise BackupRefused(_sentence(error)) from error
    finally:
        draft.unlink(missing_ok=True)
    return found


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True)


def _verified(copy: sqlite3.Connection, path: Path) -> Copy:
    """Check every page, every index and every reference of a copy."""
    damage = copy.execute("PRAGMA integrity_check").fetchone()[0]
    dangling = copy.execute("PRAGMA foreign_key_check").fetchone()
    if damage != "ok" or dangling is not None:
        raise BackupRefused("The copy is damaged and was thrown away. Check the database and disk.")
    tables = {name for (name,) in copy.execute("SELECT name FROM sqlite_master")}
    if not {"alembic_version", "comments", "decisions"} <= tables:
        raise BackupRefused("This is not a database of this program.")
    revision = copy.execute("SELECT version_num FROM alembic_version").fetchone()[0]
    if revision not in known_revisions():
        raise BackupRefused(
            "The database is of a newer version of this program. Install that version."
        )
    comments, decisions = (
        copy.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - our own names
        for table in ("comments", "decisions")
    )
    return Copy(path, revision, comments, decisions)


def _close_for_good(path: Path) -> None:
    """Write the log of a database back into its file, which only works if nobody has it open."""
    try:
        with closing(sqlite3.connect(path, timeout=1)) as database:
            mode = database.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
    except sqlite3.OperationalError:
        mode = "wal"
    except sqlite3.DatabaseError:
        return  # damaged, which is why a copy is put back
    if mode != "delete":
        raise BackupRefused("The database is in use. Stop the service, then restore.")


def _put_aside(path: Path) -> Path:
    number = 1
    while (kept := path.with_name(f"{path.name}.before-restore-{number}")).exists():
        number += 1
    # a log that could not be written back belongs to this file, and would spoil the next one
    for suffix in ("-wal", "-shm", ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(kept.with_name(kept.name + suffix))
    return kept


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sentence(error: sqlite3.Error | OSError) -> str:
    if isinstance(error, sqlite3.Error):
        return problem_of(error) or "The database cannot be copied. Check the file and the disk."
    return f"The copy cannot be written ({error.strerror}). Choose another place."
