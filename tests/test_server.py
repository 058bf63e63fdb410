"""`moderation serve`: a real server from start to stop."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from moderation.desk import accounts
from moderation.settings import Settings
from moderation.store import Scope, State, Store

COMMAND = Path(sys.executable).with_name("moderation")


def test_a_comment_is_served_from_start_to_stop(serve, empty_database_url, model_dir, tmp_path):
    settings = Settings(data_dir=tmp_path, database_url=empty_database_url, model_dir=model_dir)
    with serve(settings, "--workers", "2") as service:
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
def test_whoever_sends_a_megabyte_is_told_that_it_is_too_much(serve, settings, chunked):
    key = accounts.issue_token(store := Store(settings.database), "blog", [Scope.SUBMIT]).key
    store.close()
    body = json.dumps({"text": "x" * 2**20}).encode()
    with serve(settings, "--workers", "1") as service:
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


@pytest.mark.parametrize(
    "beginning",
    [
        b"GET /healthz HTTP/1.1\r\n",
        b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n\r\n",
    ],
    ids=["headers", "body"],
)
def test_whoever_sends_slowly_is_cut_off_and_keeps_nobody_waiting(serve, settings, beginning):
    options = "--workers", "1", "--threads", "2"
    with serve(settings, *options, MODERATION_REQUEST_SECONDS="1.5") as service:
        service.wait_for("/healthz")
        slow = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(4)]
        start = time.monotonic()
        while time.monotonic() - start < 2:
            for connection in slow:
                with suppress(OSError):
                    connection.send(beginning)
            beginning = b"X-Slow: 1\r\n"
            time.sleep(0.2)
        service.wait_for("/healthz", seconds=20)
        assert all(ended(connection) for connection in slow)


def ended(connection: socket.socket) -> bool:
    """Tell whether the other side has hung up, maybe after an answer."""
    connection.settimeout(20)
    with connection, suppress(ConnectionResetError):
        while connection.recv(4096):
            pass
    return True


def test_with_a_model_that_is_missing_it_is_up_and_says_what_it_lacks(serve, settings, tmp_path):
    lost = settings.model_copy(update={"model_dir": tmp_path / "nowhere"})
    with serve(lost, "--workers", "1") as service:
        service.wait_for("/healthz")
        service.wait_for("/readyz", status=503)
        detail = service.call("GET", "/readyz")[2]["detail"]
        assert "model" in detail
        assert service.stop() == 0


def test_a_new_model_takes_over_without_a_request_lost(serve, settings, model_dir, tmp_path):
    models = tmp_path / "models"
    for version in ("2026.11.1", "2099.1.1"):
        shutil.copytree(model_dir, models / version)
    manifest = models / "2099.1.1" / "manifest.json"
    described = json.loads(manifest.read_text()) | {"version": "2099.1.1"}
    manifest.write_text(json.dumps(described))
    link = models / "default"
    link.symlink_to("2026.11.1")
    store = Store(settings.database)
    key = accounts.issue_token(store, "blog", [Scope.CLASSIFY]).key
    store.close()
    linked = settings.model_copy(update={"model_dir": link})
    with serve(linked, "--workers", "1") as service:
        service.wait_for("/readyz")

        def version() -> str:
            status, answer = service.classify(key, text="Danke!", enqueue=False)
            assert status == 200
            return answer["model"]["version"]

        def lead_to(name: str) -> None:
            (models / "next").symlink_to(name)
            (models / "next").rename(link)

        before = version()
        (models / "broken").mkdir()
        lead_to("broken")
        wait_until(lambda: "The model is refused" in service.log.read_text())
        assert version() == before
        lead_to("2099.1.1")
        wait_until(lambda: version() == "2099.1.1")
        assert service.call("GET", "/readyz")[0] == 200


def wait_until(come_true, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not come_true():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("MODERATION_DATABASE_URL", "mysql://localhost/moderation", "Use sqlite or postgresql."),
        ("MODERATION_RULES_FILE", "/nowhere/rules.toml", "set MODERATION_RULES_FILE to one."),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_served(tmp_path, variable, value, said):
    environment = os.environ | {"MODERATION_DATA_DIR": str(tmp_path), variable: value}
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
