"""What can be wrong with the database, told in one sentence that says what to do."""

from __future__ import annotations

import sqlite3

from sqlalchemy import exc

MIGRATE = "Run `moderation db migrate`."


class StoreUnavailable(Exception):  # noqa: N818 - a state of the world, not a mistake in the code
    """The database cannot be used right now; the message says why and what to do."""


class StoreOutdated(StoreUnavailable):
    """The database was made by another version of the program and needs its migrations."""


class UnsupportedDatabase(StoreUnavailable):
    """The database URL names something this program cannot work with."""


_SQLITE_PROBLEMS = {
    sqlite3.SQLITE_BUSY: "The database is locked by another process. Try again in a moment.",
    sqlite3.SQLITE_LOCKED: "The database is locked by another process. Try again in a moment.",
    sqlite3.SQLITE_READONLY: (
        "The database is read-only. Make the file and its folder writable for this user."
    ),
    sqlite3.SQLITE_PERM: (
        "The database may not be opened. Make the file and its folder writable for this user."
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "The database file cannot be opened. Run `moderation db migrate` if there is none yet, "
        "else check its path and the folder's permissions."
    ),
    sqlite3.SQLITE_FULL: "The disk of the database is full. Free some space and try again.",
    sqlite3.SQLITE_IOERR: "The disk of the database reports an error. Check the disk.",
    sqlite3.SQLITE_NOTADB: "The database file is not an SQLite database. Check the database URL.",
    sqlite3.SQLITE_CORRUPT: "The database file is damaged. Restore it from a backup.",
}

# The first two characters of an SQLSTATE are its class; whole states are looked up first.
_POSTGRESQL_PROBLEMS = {
    "25006": "The database is read-only. Connect to the primary server.",
    "28": "The database refuses the login. Check user and password in the database URL.",
    "3D": "The database does not exist. Create it or check the database URL.",
    "40": "The database gave up on a conflict between two changes. Try again.",
    "42P01": f"The database has no tables of this program yet. {MIGRATE}",
    "53": "The database is out of resources (disk, memory or connections). Relieve it, try again.",
    "55P03": "The database is locked by another process. Try again in a moment.",
    "57": "The database is shutting down or starting up. Try again in a moment.",
}
_UNREACHABLE = "The database cannot be reached. Check that it runs and the database URL is right."


def problem(error: exc.SQLAlchemyError | sqlite3.Error) -> str | None:
    """Say what is wrong with the database, or ``None`` if the fault is in the program itself."""
    if isinstance(error, sqlite3.Error):
        return _sqlite_problem(error)
    if isinstance(error, exc.TimeoutError):
        return "All connections to the database are in use. Try again in a moment."
    if not isinstance(error, exc.DBAPIError):
        return None
    if isinstance(error.orig, sqlite3.Error):
        return _sqlite_problem(error.orig)
    return _postgresql_problem(error)


def _sqlite_problem(error: sqlite3.Error) -> str | None:
    if str(error).startswith("no such table"):
        return f"The database has no tables of this program yet. {MIGRATE}"
    code = getattr(error, "sqlite_errorcode", None)
    # The low byte is the primary code; the rest only refines it.
    return None if code is None else _SQLITE_PROBLEMS.get(code & 0xFF)


def _postgresql_problem(error: exc.DBAPIError) -> str | None:
    state: str | None = getattr(error.orig, "sqlstate", None)
    if state is None or state.startswith("08"):
        return _UNREACHABLE if isinstance(error, exc.OperationalError) else None
    return _POSTGRESQL_PROBLEMS.get(state) or _POSTGRESQL_PROBLEMS.get(state[:2])
