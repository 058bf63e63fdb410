"""One message to receivers of every kind: those that hang, lie, lead astray, or are forbidden."""

from __future__ import annotations

import base64
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from threading import Event, Thread

import pytest

from moderation.webhooks import Key, Message, Receiver, Undelivered, UnusableKey
from moderation.webhooks.signature import new_key

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
LOOPBACK = [ip_network("127.0.0.0/8"), ip_network("::1/128")]
MESSAGE = Message(7, "comment.decided", NOW, {"comment": "4711"})

Behaviour = Callable[[socket.socket], None]


@pytest.fixture
def listen() -> Iterator[Callable[..., int]]:
    """Start a server that treats each connection as it is told; gives its port."""
    over, threads, listeners = Event(), [], []

    def start(behave: Behaviour, tls: ssl.SSLContext | None = None) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(0.1)
        listeners.append(listener)

        def serve() -> None:
            while not over.is_set():
                with suppress(OSError):
                    line, _ = listener.accept()
                    with line if tls is None else tls.wrap_socket(line, server_side=True) as line:
                        behave(line)

        threads.append(Thread(target=serve))
        threads[-1].start()
        return listener.getsockname()[1]

    yield start
    over.set()
    for thread in threads:
        thread.join()
    for listener in listeners:
        listener.close()


def request(line: socket.socket) -> bytes:
    """Read a request as a whole."""
    read = b""
    while not read.endswith(b"}}") and (part := line.recv(65536)):
        read += part
    return read


def saying(*parts: bytes, pause: float = 0.0, then: float = 0.0) -> Behaviour:
    """Read a request and answer with these bytes, slowly if need be; then be silent a while."""

    def behave(line: socket.socket) -> None:
        request(line)
        for part in parts:
            line.sendall(part)
            time.sleep(pause)
        time.sleep(then)

    return behave


def receiver(port: int, *, networks=LOOPBACK, seconds=0.5, keys=None, scheme="http") -> Receiver:
    keys = keys or [Key.read(new_key())]
    return Receiver(f"{scheme}://127.0.0.1:{port}/hook", keys, networks, seconds=seconds)


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def test_a_2xx_is_enough_whatever_follows_it(listen):
    endless = b"HTTP/1.1 202 Accepted\r\nContent-Length: 999999999\r\n\r\n"
    started = time.monotonic()
    receiver(listen(saying(OK))).deliver(MESSAGE, at=NOW)
    receiver(listen(saying(endless, then=0.4)), seconds=5).deliver(MESSAGE, at=NOW)
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    ("behave", "sentence"),
    [
        (saying(then=0.9), "did not answer within 0.5 seconds"),
        (saying(*[bytes([each]) for each in OK], pause=0.03), "did not answer within 0.5 seconds"),
        (saying(*[b"X-Slow: 1\r\n"] * 40, pause=0.03), "failed|did not answer"),
        (saying(b"HTTP/1.1 100 Continue\r\n\r\n", then=0.9), "did not answer within 0.5 seconds"),
        (saying(b"HTTP/1.1 500 Oh\r\n\r\n"), "The answer was 500"),
        (saying(b"HTTP/1.1 404 No\r\n\r\n"), "The answer was 404"),
        (saying(b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n"), "302; no redirect is followed"),
        (saying(), "failed"),
        (saying(b"Guten Tag\r\n\r\n"), "failed"),
        (saying(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70000), "failed"),
        (saying(b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 200), "failed"),
    ],
    ids=[
        "hangs",
        "says 200 too slowly",
        "headers without end",
        "only says to go on",
        "500",
        "404",
        "redirects",
        "hangs up",
        "is no HTTP",
        "a header too long",
        "headers too many",
    ],
)
def test_everything_else_is_a_failure_within_the_time_limit(listen, behave, sentence):
    port = listen(behave)
    started = time.monotonic()
    with pytest.raises(Undelivered, match=sentence):
        receiver(port).deliver(MESSAGE, at=NOW)
    assert time.monotonic() - started < 1.5


def test_only_some_failures_say_that_nothing_else_would_get_through(listen):
    unavailable = {}
    for status in (400, 404, 408, 429, 500, 503):
        port = listen(saying(f"HTTP/1.1 {status} No\r\n\r\n".encode()))
        with pytest.raises(Undelivered) as failure:
            receiver(port).deliver(MESSAGE, at=NOW)
        unavailable[status] = failure.value.unavailable
    assert unavailable == {400: False, 404: False, 408: True, 429: True, 500: True, 503: True}


def test_nobody_listening_is_said(listen):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with pytest.raises(Undelivered, match="refuses the connection"):
        receiver(port).deliver(MESSAGE, at=NOW)


def test_the_request_carries_one_signature_for_each_key(listen):
    asked = []

    def behave(line: socket.socket) -> None:
        asked.append(request(line).decode())
        line.sendall(OK)

    old, new = (Key.read(new_key()) for _ in range(2))
    receiver(listen(behave), keys=[new, old]).deliver(MESSAGE, at=NOW)
    head, body = asked[0].split("\r\n\r\n")
    first, *lines = head.split("\r\n")
    headers = dict(line.split(": ") for line in lines)
    assert first == "POST /hook HTTP/1.1"
    assert body == (
        '{"type":"comment.decided","timestamp":"2026-11-22T08:00:00+00:00",'
        '"data":{"comment":"4711"}}'
    )
    assert headers["webhook-id"] == "evt_7"
    assert headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert headers["webhook-signature"].split() == [
        key.signature("evt_7", int(NOW.timestamp()), body.encode()) for key in (new, old)
    ]


@pytest.mark.parametrize(
    "written", ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_geheim", "whsec_AAAA"]
)
def test_a_key_that_is_none_is_refused_without_repeating_it(written):
    with pytest.raises(UnusableKey, match="`moderation webhooks key` makes one") as refusal:
        Key.read(written)
    assert "geheim" not in str(refusal.value)


# ------------------------------------------------------------------------ where it may go


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0"])
def test_loopback_is_not_connected_to_unless_it_is_allowed(listen, host):
    asked = []
    port = listen(asked.append)
    for scheme in ("http", "https"):
        receiver = Receiver(f"{scheme}://{host}:{port}/", [Key.read(new_key())], [], seconds=1)
        with pytest.raises(Undelivered, match="MODERATION_WEBHOOK_NETWORKS"):
            receiver.deliver(MESSAGE, at=NOW)
    assert asked == []


@pytest.fixture
def names(monkeypatch) -> dict[str, list[str]]:
    """What names lead to, answer by answer; every other name is looked up as usual."""
    answers: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def look_up(host, port, *args, **kwargs):
        if host in answers:
            host = answers[host].pop(0)
        return real(host, port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return answers


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.7", "169.254.169.254", "192.168.1.1"])
def test_a_name_that_leads_inside_is_not_connected_to(names, address):
    names["blog.example"] = [address]
    receiver = Receiver("https://blog.example/", [Key.read(new_key())], [], seconds=1)
    with pytest.raises(Undelivered, match="leads to a loopback or private address"):
        receiver.deliver(MESSAGE, at=NOW)


def test_a_name_is_looked_up_once_so_that_a_second_answer_cannot_lead_elsewhere(listen, names):
    asked = []

    def behave(line: socket.socket) -> None:
        asked.append(request(line))
        line.sendall(OK)

    port = listen(behave)
    # the second answer would be 127.0.0.2, where nobody listens
    names["blog.example"] = ["127.0.0.1", "127.0.0.2"]
    receiver = Receiver(f"http://blog.example:{port}/", [Key.read(new_key())], LOOPBACK, seconds=1)
    receiver.deliver(MESSAGE, at=NOW)
    assert names["blog.example"] == ["127.0.0.2"]
    assert b"Host: blog.example" in asked[0]


def test_without_encryption_only_allowed_networks_are_told(names):
    names["blog.example"] = ["93.184.216.34"]
    receiver = Receiver("http://blog.example/", [Key.read(new_key())], LOOPBACK, seconds=1)
    with pytest.raises(Undelivered, match="would be told without encryption"):
        receiver.deliver(MESSAGE, at=NOW)


def test_a_name_that_is_none_is_said():
    receiver = Receiver("https://blog.invalid/", [Key.read(new_key())], [], seconds=1)
    with pytest.raises(Undelivered, match="cannot be resolved"):
        receiver.deliver(MESSAGE, at=NOW)


# ------------------------------------------------------------------------ encrypted


@pytest.fixture(scope="session")
def certificate(tmp_path_factory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that nobody vouches for, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    made = (folder / "cert.pem", folder / "key.pem")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += [
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=blog",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
    ]
    command += ["-out", str(made[0]), "-keyout", str(made[1])]
    subprocess.run(command, check=True, capture_output=True)
    return made


@pytest.fixture
def tls(certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


def test_a_certificate_nobody_vouches_for_is_refused(listen, tls):
    port = listen(saying(OK), tls)
    with pytest.raises(Undelivered, match=r"certificate of 127\.0\.0\.1 is not valid: self-signed"):
        receiver(port, scheme="https", seconds=2).deliver(MESSAGE, at=NOW)


def test_a_vouched_certificate_is_fine_and_time_limits_hold(listen, tls, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    receiver(listen(saying(OK), tls), scheme="https", seconds=5).deliver(MESSAGE, at=NOW)
    slow = saying(*[bytes([each]) for each in OK], pause=0.03)
    started = time.monotonic()
    with pytest.raises(Undelivered, match=r"did not answer within 0\.5 seconds"):
        receiver(listen(slow, tls), scheme="https").deliver(MESSAGE, at=NOW)
    with pytest.raises(Undelivered, match=r"did not answer within 0\.5 seconds"):
        receiver(listen(saying(then=0.9)), scheme="https").deliver(MESSAGE, at=NOW)
    assert time.monotonic() - started < 3


def test_the_specification_s_own_example_is_signed_as_it_says():
    key = Key(base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
    signed = key.signature("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
