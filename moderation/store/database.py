"""The store itself: one database, its transactions and its migrations."""

from __future__ import annotations

import os
import sqlite3
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, make_url, text
from sqlalchemy.orm import Session

from moderation.store.changes import Writer
from moderation.store.errors import MIGRATE, StoreOutdated, StoreUnavailable, UnsupportedDatabase
from moderation.store.errors import problem as problem_of
from moderation.store.queries import Reader

MIGRATIONS = Path(__file__).parent / "migrations"
# Any number will do as long as nothing else in the same PostgreSQL database uses it.
MIGRATION_LOCK = 0x6D6F6465


class Store:
    """Everything that is kept, in SQLite or PostgreSQL.

    Parameters
    ----------
    database_url
        ``sqlite:///path/to/file.db`` or ``postgresql://user:password@host/name``.
    lock_timeout
        Seconds to wait for another process's lock before giving up.

    Raises
    ------
    UnsupportedDatabase
        If the URL names another kind of database, or one that is not kept on disk.

    Examples
    --------
    >>> import tempfile
    >>> from moderation.store import State
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = Store(f"sqlite:///{folder}/moderation.db")
    ...     store.migrate()
    ...     with store.reading() as reader:
    ...         counts = reader.counts()
    ...     store.close()
    >>> counts[State.HELD]
    0
    """

    def __init__(self, database_url: str, *, lock_timeout: float = 5.0) -> None:
        self._engine = _engine(_supported(database_url), lock_timeout)
        # A worker forked from a process that has used the store must not share its connections.
        os.register_at_fork(after_in_child=_forget_connections(self._engine))

    @property
    def url(self) -> str:
        """The database's URL without the password."""
        return self._engine.url.render_as_string(hide_password=True)

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """Ask questions in one transaction.

        Raises
        ------
        StoreUnavailable
            If the database cannot be used; the message says what to do.
        """
        with _explained(), Session(self._engine) as session, session.begin():
            yield Reader(session)

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """Change things in one transaction: all of it is kept at the end, or nothing.

        Raises
        ------
        StoreUnavailable
            If the database cannot be used; the message says what to do. Nothing was changed.
        """
        with (
            _explained(),
            Session(_for_writing(self._engine), expire_on_commit=False) as session,
            session.begin(),
        ):
            yield Writer(session)

    def check(self) -> None:
        """Make sure that the database can be read and written and has this program's tables.

        Raises
        ------
        StoreUnavailable
            If it cannot be used; the message says what to do.
        StoreOutdated
            If its tables are missing or of another version of this program.
        """
        with _explained(), _for_writing(self._engine).connect() as connection:
            found = _revision(connection)
            if found != newest_revision():
                raise StoreOutdated(_outdated(found))
            # It changes nothing and is not committed, but a read-only database refuses it.
            connection.execute(text("UPDATE alembic_version SET version_num = version_num"))
            connection.rollback()

    def revision(self) -> str | None:
        """Tell which migration the database has; ``None`` before the first."""
        with _explained(), self._engine.begin() as connection:
            return _revision(connection)

    def migrate(self, revision: str = "head") -> None:
        """Bring the tables to this program's version, or to ``revision``, also an older one.

        ``base`` removes all tables.

        Several processes may call it at once: one migrates, the others wait and find it done.
        """
        _make_folder(self._engine.url)
        with _explained():
            if self._engine.dialect.name == "sqlite":
                _use_write_ahead_log(self._engine)
            with _for_writing(self._engine).begin() as connection:
                if connection.dialect.name == "postgresql":
                    connection.execute(
                        text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK}
                    )
                _move(connection, revision)

    def scrub(self) -> None:
        """Take what was erased out of the database's files too, as far as it can be reached there.

        Raises
        ------
        StoreUnavailable
            If the database cannot be used.
        """
        with _explained(), self._engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                autocommit = connection.execution_options(isolation_level="AUTOCOMMIT")
                autocommit.execute(text("VACUUM"))
                return
            # the index keeps words of what was deleted until its parts are merged
            connection.execute(text("INSERT INTO comment_words(comment_words) VALUES('optimize')"))
            connection.commit()
            connection.connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close all connections; the store opens new ones if it is used again."""
        self._engine.dispose()


def newest_revision() -> str | None:
    """Tell which migration this program's tables are described by."""
    return ScriptDirectory(str(MIGRATIONS)).get_current_head()


def known_revisions() -> frozenset[str]:
    """Tell every migration this program knows."""
    scripts = ScriptDirectory(str(MIGRATIONS)).walk_revisions()
    return frozenset(script.revision for script in scripts)


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _outdated(found: str | None) -> str:
    if found is None:
        return f"The database has no tables of this program yet. {MIGRATE}"
    if found in known_revisions():
        return f"The database is of an older version of this program. {MIGRATE}"
    return "The database is of a newer version of this program. Install that version."


def _move(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    applied = {
        each.revision
        for each in ScriptDirectory.from_config(config).iterate_revisions(
            _revision(connection), "base"
        )
    }
    if revision == "base" or revision in applied:
        command.downgrade(config, revision)
    else:
        command.upgrade(config, revision)


def _supported(database_url: str) -> URL:
    try:
        url = make_url(database_url)
    except exc.ArgumentError as error:
        raise UnsupportedDatabase(
            "The database URL cannot be read. Use sqlite:///path/to/file.db or "
            "postgresql://user:password@host/name."
        ) from error
    backend = url.get_backend_name()
    if backend in ("postgres", "postgresql"):
        return url.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise UnsupportedDatabase(
            f"A database of the kind {backend} is not supported. Use sqlite or postgresql."
        )
    if url.database in (None, "", ":memory:"):
        raise UnsupportedDatabase(
            "A database in memory would lose every comment. Name a file: sqlite:///path/to/file.db."
        )
    return url


def _engine(url: URL, lock_timeout: float) -> Engine:
    # Parameters hold people's words; they must not reach a log through an error message.
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"timeout": lock_timeout}, hide_parameters=True)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    milliseconds = int(lock_timeout * 1000)
    try:
        return create_engine(
            url,
            connect_args={
                "connect_timeout": max(2, int(lock_timeout)),
                "options": f"-c lock_timeout={milliseconds}",
            },
            pool_pre_ping=True,
            hide_parameters=True,
        )
    except ModuleNotFoundError as error:
        raise UnsupportedDatabase(
            "The driver for PostgreSQL is missing. Run `pip install 'moderation[postgres]'`."
        ) from error


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver would begin transactions late and never for reads; `_begin_sqlite` does it.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")
    # What is erased is overwritten, not only forgotten.
    connection.execute("PRAGMA secure_delete = ON")
    # What was acknowledged survives not only a killed process but a power cut too.
    connection.execute("PRAGMA synchronous = FULL")


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes its lock at once: to ask for it after reading could fail without waiting.
    writes = connection.get_execution_options().get("moderation_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _for_writing(engine: Engine) -> Engine:
    return engine.execution_options(moderation_writes=True)


def _use_write_ahead_log(engine: Engine) -> None:
    """Let readers and one writer work side by side; the database file remembers it."""
    connection = engine.raw_connection()
    try:
        connection.cursor().execute("PRAGMA journal_mode = WAL")
    finally:
        connection.close()


def _make_folder(url: URL) -> None:
    if url.get_backend_name() != "sqlite" or url.database is None or url.query.get("uri"):
        return
    folder = Path(url.database).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnavailable(
            f"The folder {folder} for the database cannot be made ({error.strerror}). "
            "Make it by hand or choose another path in the database URL."
        ) from error


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except (exc.SQLAlchemyError, sqlite3.Error) as error:
        sentence = problem_of(error)
        if sentence is None:
            raise
        raise StoreUnavailable(sentence) from error


def _forget_connections(engine: Engine) -> Any:
    known = weakref.ref(engine)

    def forget() -> None:
        inherited = known()
        if inherited is not None:
            inherited.dispose(close=False)

    return forget
