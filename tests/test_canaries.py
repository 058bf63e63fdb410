"""Canaries sent through every route, in every place a caller can write to, appear in no log."""

from __future__ import annotations

import io
import json
import logging
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from moderation.app import create_app
from moderation.comment import Comment
from moderation.desk import accounts
from moderation.store import Role, Scope, Store
from moderation.telemetry import JsonFormatter

CANARY = "Kanarienvogel9c1f"
TOKEN = "mod_Kanarienvogel9c1f"
PASSWORD = "Kanarienvogel9c1f ist ein langes Passwort"
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "GEHEIM")
SHAPES = ("json", "form", "garbage")


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Everything that is logged, as `moderation serve` would write it."""
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield lines
    root.setLevel(level)
    root.removeHandler(handler)


@pytest.fixture
def app(settings, classifier) -> Iterator[Flask]:
    unlimited = settings.model_copy(update={"requests_per_minute": 10**9})
    app = create_app(unlimited, classifier=classifier)
    store = app.extensions["moderation"].store
    accounts.create_moderator(store, "anna", PASSWORD, Role.ADMIN)
    yield app
    store.close()


def body_of(shape: str) -> dict[str, object]:
    fields = {
        "text": f"Du Idiot! {CANARY}",
        "author": CANARY,
        "email": f"{CANARY}@blog.example",
        "id": CANARY,
        "article": {"title": CANARY, "text": CANARY, "url": f"https://{CANARY}.example/"},
        "parent": {"text": CANARY},
        "thread": [CANARY],
    }
    if shape == "json":
        return {"json": fields}
    if shape == "form":
        names = ("name", "password", "note", "q", "message", "action", "rule", "next", "back")
        return {"data": dict.fromkeys(names, CANARY)}
    return {"data": CANARY.encode() + b"\xff", "content_type": "application/json"}


def send_canaries(app: Flask, key: str, *, session: str = CANARY, form_token: str = CANARY) -> int:
    """Call every route with every method, a canary in each place; return how many calls."""
    calls = 0
    client = app.test_client()
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<[^>]*>", CANARY, rule.rule)
        for method in METHODS:
            for shape in SHAPES:
                client.set_cookie("moderation", session)
                client.open(
                    f"{path}?q={CANARY}&after={CANARY}&next={CANARY}&author={CANARY}",
                    method=method,
                    headers={
                        "Authorization": f"Bearer {key}",
                        "User-Agent": CANARY,
                        "Referer": f"https://localhost/{CANARY}",
                        "X-Request-ID": CANARY,
                        "X-CSRFToken": form_token,
                        "Accept-Language": CANARY,
                    },
                    **body_of(shape),
                )
                calls += 1
    return calls


def session_of_anna(app: Flask) -> dict[str, str]:
    """Log in and return the cookie and the token that forms send, so that they get further in."""
    client = app.test_client()
    sent = {"csrf_token": form_token(client, "/login"), "name": "anna", "password": PASSWORD}
    assert client.post("/login", data=sent).status_code == 302
    token = form_token(client, "/queue")
    return {"session": client.get_cookie("moderation").value, "form_token": token}


def form_token(client, path: str) -> str:
    return re.search(r'name="csrf_token"[^>]* value="([^"]+)"', client.get(path).text)[1]


@pytest.mark.parametrize(
    ("who", "reached"),
    [
        ("stranger", "POST /classify 401"),
        ("blog", "POST /classify 200"),
        ("moderator", "GET /queue/<id:comment_id> 200"),
    ],
)
def test_no_log_holds_what_a_caller_sent(app, written, who, reached):
    runtime = app.extensions["moderation"]
    key = accounts.issue_token(runtime.store, "blog", list(Scope)).key if who == "blog" else TOKEN
    logged_in = session_of_anna(app) if who == "moderator" else {}
    runtime.desk.submit(Comment(f"Du Idiot! {CANARY}", id=CANARY))
    calls = send_canaries(app, key, **logged_in)
    assert written.getvalue().count('"moderation.requests"') >= calls
    assert reached in written.getvalue()
    assert CANARY not in written.getvalue()
    assert key not in written.getvalue()


@pytest.mark.parametrize("who", ["blog", "moderator"])
def test_nor_does_it_when_the_database_fails(app, written, ruin, who):
    store = app.extensions["moderation"].store
    key = accounts.issue_token(store, "blog", list(Scope)).key
    logged_in = session_of_anna(app) if who == "moderator" else {}
    store.close()
    sentence = ruin()
    send_canaries(app, key, **logged_in)
    assert sentence in written.getvalue()
    assert CANARY not in written.getvalue()
    assert key not in written.getvalue()


def test_no_problem_repeats_what_was_sent(app, written):
    key = accounts.issue_token(app.extensions["moderation"].store, "blog", list(Scope)).key
    client = app.test_client()
    headers = {"Authorization": f"Bearer {key}"}
    for body in ({"text": 7, CANARY: 1}, {"text": CANARY, "id": f"../{CANARY}"}, [CANARY], CANARY):
        response = client.post("/classify", json=body, headers=headers)
        assert response.status_code == 422
        # an unknown field's name is told if it looks like one, so that a slip can be found
        told = json.dumps([problem["detail"] for problem in response.json["errors"]])
        assert CANARY not in told + response.json["detail"]


HOSTILE = (
    f"{CANARY}\r\n\r\n",
    f"GET /{CANARY} {CANARY}\r\n\r\n",
    f"GET /{CANARY} HTTP/9.9\r\nHost: x\r\n\r\n",
    f"GET / HTTP/1.1\r\n{CANARY} broken\r\n\r\n",
    f"GET / HTTP/1.1\r\nHost: x\r\nX: {CANARY}\0\r\n\r\n",
    f"GET /{CANARY}{'x' * 9000} HTTP/1.1\r\nHost: x\r\n\r\n",
    f"GET / HTTP/1.1\r\nHost: x\r\nX: {CANARY}{'x' * 20000}\r\n\r\n",
    f"POST /classify HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: {CANARY}\r\n\r\n",
    f"POST /classify HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{CANARY}\r\n",
    f"POST /classify HTTP/1.1\r\nHost: x\r\nContent-Length: {CANARY}\r\n\r\n",
    f"GET / HTTP/1.1\r\nHost: x\r\nExpect: {CANARY}\r\n\r\n",
    f"GET / HTTP/1.1\r\nHost: {CANARY}\x01\r\n\r\n",
)


def raw(port: int, said: str) -> bytes:
    """Send bytes as they are and return the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(said.encode("latin1"))
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(65536):
            answer += part
        return answer


def test_a_real_server_writes_no_canary_anywhere(serve, settings):
    store = Store(settings.database)
    key = accounts.issue_token(store, "blog", [Scope.SUBMIT]).key
    store.close()
    with serve(settings, "--workers", "1") as service:
        service.wait_for("/readyz")
        assert service.classify(key, text=f"Du Idiot! {CANARY}", id="4711")[0] == 200
        assert service.call("GET", f"/{CANARY}?q={CANARY}", Cookie=f"moderation={CANARY}")[0] == 404
        for said in HOSTILE:
            assert CANARY.encode() not in raw(service.port, said), said
        service.wait_for("/healthz")
        assert service.stop() == 0
    told = service.log.read_text()
    for line in told.splitlines():
        assert json.loads(line)["message"]
    assert CANARY not in told
    assert key not in told
    assert holding(settings.data_dir, CANARY.encode()) <= {"moderation.db", "moderation.db-wal"}
    assert holding(settings.data_dir, key.encode()) == set()


def holding(folder: Path, secret: bytes) -> set[str]:
    """Name the files in a folder that hold a secret."""
    return {
        path.name for path in folder.rglob("*") if path.is_file() and secret in path.read_bytes()
    }
