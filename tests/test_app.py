"""The application from outside: headers on every answer, and a real server from start to stop."""

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
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from moderation.app import create_app
from moderation.desk import accounts
from moderation.rules import RulesError
from moderation.settings import Settings
from moderation.store import Scope, State, Store

COMMAND = Path(sys.executable).with_name("moderation")


@pytest.fixture
def settings(tmp_path: Path, sqlite_template: Path, model_dir: Path) -> Settings:
    shutil.copy(sqlite_template, tmp_path / "moderation.db")
    return Settings(data_dir=tmp_path, model_dir=model_dir)


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/healthz", "/login", "/nothing"])
def test_every_answer_forbids_what_it_does_not_need(settings, classifier, path):
    app = create_app(settings, classifier=classifier)
    headers = app.test_client().get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"
    assert "Strict-Transport-Security" not in headers
    secure = app.test_client().get(path, base_url="https://desk.example").headers
    assert "max-age" in secure["Strict-Transport-Security"]
    app.extensions["moderation"].store.close()


def test_without_rules_there_is_no_application(settings, tmp_path):
    lost = settings.model_copy(update={"rules_file": tmp_path / "nowhere.toml"})
    with pytest.raises(RulesError, match="MODERATION_RULES_FILE"):
        create_app(lost)


class Service:
    """`moderation serve` as a process, and what it says."""

    def __init__(self, process: subprocess.Popen[str], port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self.log = log

    def call(self, method, path, body=None, **headers):
        """Return status, headers and decoded body of one call."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.headers, json.loads(response.read())
        finally:
            connection.close()

    def wait_for(self, path: str, status: int = 200, seconds: float = 60) -> None:
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
        return self.process.wait(30)


@contextmanager
def served(settings: Settings, *options: str) -> Iterator[Service]:
    """Run the command on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "MODERATION_DATA_DIR": str(settings.data_dir),
        "MODERATION_MODEL_DIR": str(settings.model_dir),
    }
    log = settings.data_dir / "serve.log"
    command = [COMMAND, "serve", "--port", str(port), *options]
    with log.open("w") as output:
        process = subprocess.Popen(
            command, env=environment, stdout=output, stderr=subprocess.STDOUT, text=True
        )
    try:
        yield Service(process, port, log)
    finally:
        process.kill()
        process.wait()


def test_a_comment_is_served_from_start_to_stop(settings):
    (settings.data_dir / "moderation.db").unlink()  # the command makes its database itself
    with served(settings, "--workers", "2") as service:
        service.wait_for("/healthz")
        service.wait_for("/readyz")
        store = Store(settings.database)
        key = accounts.issue_token(store, "blog", [Scope.SUBMIT]).key
        text = "Kanarienvogel, du bist ein dummer Idiot, halt die Fresse!"
        status, headers, answer = service.call(
            "POST",
            "/classify",
            json.dumps({"id": "4711", "text": text}),
            Authorization=f"Bearer {key}",
            **{"Content-Type": "application/json"},
        )
        assert status == 200
        assert headers["Content-Type"] == "application/json"
        assert answer["verdict"] == "hold"
        with store.reading() as reader:
            assert reader.counts()[State.HELD] == 1
        store.close()
        assert service.stop() == 0
        log = service.log.read_text()
    assert "POST /classify" in log
    assert "Kanarienvogel" not in log
    assert key not in log


@pytest.mark.parametrize("chunked", [False, True])
def test_whoever_sends_a_megabyte_is_told_that_it_is_too_much(settings, chunked):
    key = accounts.issue_token(store := Store(settings.database), "blog", [Scope.SUBMIT]).key
    store.close()
    body = json.dumps({"text": "x" * 2**20}).encode()
    with served(settings, "--workers", "1") as service:
        service.wait_for("/readyz")
        status, headers, problem = service.call(
            "POST",
            "/classify",
            iter([body]) if chunked else body,
            Authorization=f"Bearer {key}",
            **{"Content-Type": "application/json"},
        )
        assert status == problem["status"] == 413
        assert headers["Content-Type"] == "application/problem+json"
        service.wait_for("/healthz")


def test_with_a_model_that_is_missing_it_is_up_and_says_what_it_lacks(settings, tmp_path):
    lost = settings.model_copy(update={"model_dir": tmp_path / "nowhere"})
    with served(lost, "--workers", "1") as service:
        service.wait_for("/healthz")
        service.wait_for("/readyz", status=503)
        detail = service.call("GET", "/readyz")[2]["detail"]
        assert "model" in detail
        assert service.stop() == 0


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("MODERATION_DATABASE_URL", "mysql://localhost/moderation", "Use sqlite or postgresql."),
        ("MODERATION_RULES_FILE", "/nowhere/rules.toml", "set MODERATION_RULES_FILE to one."),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_served(settings, variable, value, said):
    environment = os.environ | {"MODERATION_DATA_DIR": str(settings.data_dir), variable: value}
    done = subprocess.run(
        [COMMAND, "serve", "--port", "0"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
