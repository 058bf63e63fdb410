"""A blog that listens, as a real HTTP server, and an outbox with something to tell it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from threading import Lock, Thread
from typing import Any

import pytest

from moderation.comment import (
    Assessment,
    Comment,
    Label,
    LabelAssessment,
    ModelVersion,
    Outcome,
    Verdict,
)
from moderation.store import AppliedRule, EventKind, Judgement, NewEvent, State, Store
from moderation.webhooks import Key, Receiver, Sender

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
LOOPBACK = (ip_network("127.0.0.0/8"),)
JUDGEMENT = Judgement(
    assessment=Assessment({Label.SPAM: LabelAssessment(0.9)}, ModelVersion("2026.11.1", "0" * 64)),
    verdict=Verdict(Outcome.HOLD, (Label.SPAM,), ()),
    rules={Label.SPAM: AppliedRule("werbung", 0.5)},
)


class Blog(ThreadingHTTPServer):
    """Keeps the messages that it accepted; `answer` says how it answers one."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/hook?blog=1"
        self.accepted: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.answer: Callable[[dict[str, Any]], tuple[int, dict[str, str]]] = lambda _: (204, {})
        self.lock = Lock()

    @property
    def told(self) -> list[tuple[str, int]]:
        """The comments and versions that were accepted, in that order."""
        return [(one["data"]["comment"], one["data"]["version"]) for one in self.accepted]


class _Handler(BaseHTTPRequestHandler):
    server: Blog

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        message_id, sent = self.headers["webhook-id"], self.headers["webhook-timestamp"]
        secret = base64.b64decode(KEY.removeprefix("whsec_"))
        signed = f"{message_id}.{sent}.".encode() + body
        expected = base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()
        assert f"v1,{expected}" in self.headers["webhook-signature"].split()
        message = json.loads(body)
        with self.server.lock:
            self.server.asked.append(message_id)
            status, headers = self.server.answer(message)
            if status < 300:
                self.server.accepted.append(message)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def blog() -> Iterator[Blog]:
    server = Blog()
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


class Clock:
    """Stands still until it is set forward."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sender_for(store: Store, blog: Blog, clock: Clock) -> Callable[..., Sender]:
    """Make senders to the blog."""

    def make(*, attempts: int = 3, back_off: float = 4, seconds: float = 5) -> Sender:
        receiver = Receiver(blog.url, [Key.read(KEY)], LOOPBACK, seconds=seconds)
        return Sender(store, receiver, attempts=attempts, back_off=back_off, clock=clock)

    return make


def happen(store: Store, *changes: tuple[str, int]) -> None:
    """Put events into the outbox: that these comments reached these versions."""
    at = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
    with store.writing() as writer:
        for comment_id, version in changes:
            row = writer.insert_comment(
                Comment("Danke!", id=comment_id),
                JUDGEMENT,
                article_row=None,
                state=State.HELD,
                sampled=False,
                at=at,
            )
            if row is None:
                locked = writer.lock(comment_id)
                assert locked is not None
                row = locked.row
            payload = {"comment": comment_id, "state": "held", "version": version}
            writer.record_events([NewEvent(row, EventKind.DECIDED, payload, at)])


@pytest.fixture
def happened(store: Store) -> Callable[..., None]:
    return lambda *changes: happen(store, *changes)


@pytest.fixture
def happened_in() -> Callable[..., None]:
    """Put events into the outbox of any store."""
    return happen


@pytest.fixture
def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
