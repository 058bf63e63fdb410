"""`Receiver`: where the blog listens, and how one message is brought there."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from urllib.parse import urlsplit

from moderation.webhooks.addresses import Forbidden, Network, NoSuchHost, permitted
from moderation.webhooks.signature import Key, headers

AGENT = f"moderation/{version('moderation')}"
_PORTS = {"https": 443, "http": 80}
_PASSING = frozenset({408, 425, 429})
"""Of the 4xx those that say more of the moment than of the message."""


class Undelivered(Exception):  # noqa: N818 - a state of the world, not a mistake in the code
    """The message did not arrive, as far as we know; the sentence says why.

    Parameters
    ----------
    sentence
        For the operator; nothing the receiver has sent is in it.
    unavailable
        Whether another message would fare no better at the moment.
    wait
        Seconds after which the receiver wants to be asked again, if it said so.
    """

    def __init__(
        self, sentence: str, *, unavailable: bool = True, wait: float | None = None
    ) -> None:
        super().__init__(sentence)
        self.unavailable = unavailable
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Message:
    """What the blog is told; ``number`` stays the same however often it is sent."""

    number: int
    kind: str
    at: datetime
    content: Mapping[str, object]

    @property
    def id(self) -> str:
        """What a receiver knows a repeated message by."""
        return f"evt_{self.number}"

    def body(self) -> bytes:
        """Write it as JSON, the same bytes each time."""
        told = {"type": self.kind, "timestamp": self.at.isoformat(), "data": self.content}
        return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


class Receiver:
    """The blog's address for webhooks.

    Parameters
    ----------
    url
        With ``https``, or ``http`` within ``networks``.
    keys
        Each signs every message.
    networks
        Addresses that may be connected to besides public ones.
    seconds
        Within which a message must have been accepted, from the look-up of the name on.
    """

    def __init__(
        self, url: str, keys: Sequence[Key], networks: Sequence[Network], *, seconds: float
    ) -> None:
        address = urlsplit(url)
        self.host = address.hostname or ""
        self._port = address.port or _PORTS[address.scheme]
        self._target = (address.path or "/") + (f"?{address.query}" if address.query else "")
        self._tls = ssl.create_default_context() if address.scheme == "https" else None
        self._keys = keys
        self._networks = networks
        self.seconds = seconds

    def deliver(self, message: Message, *, at: datetime) -> None:
        """Send a message; it has arrived once the receiver has answered with a 2xx.

        Parameters
        ----------
        at
            The time that is signed.

        Raises
        ------
        Undelivered
            If it is not known to have arrived.
        """
        body = message.body()
        signed = headers(self._keys, message.id, int(at.timestamp()), body)
        said = {"Content-Type": "application/json", "User-Agent": AGENT, "Connection": "close"}
        connection = _Connection(self.host, self._port, self._tls, self._networks, self.seconds)
        try:
            connection.request("POST", self._target, body, headers={**said, **signed})
            # What follows the headers does not matter, so it is not waited for.
            with closing(connection.getresponse()) as response:
                status, wait = response.status, _seconds(response.getheader("Retry-After"))
            if connection.is_overdue:  # headers that were cut off look like complete ones
                raise TimeoutError
        except NoSuchHost:
            raise Undelivered(f"The name {self.host} cannot be resolved.") from None
        except Forbidden:
            raise Undelivered(_forbidden(self.host, encrypted=self._tls is not None)) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Undelivered(self._lost(connection, error)) from None
        finally:
            connection.close()
        _check(status, wait)

    def _lost(self, connection: _Connection, error: Exception) -> str:
        if connection.is_overdue:
            return f"{self.host} did not answer within {self.seconds:g} seconds."
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"The certificate of {self.host} is not valid: {error.verify_message}."
        if isinstance(error, ConnectionRefusedError):
            return f"{self.host} refuses the connection."
        return f"The connection to {self.host} failed ({type(error).__name__})."


def _forbidden(host: str, *, encrypted: bool) -> str:
    if encrypted:
        return (
            f"{host} leads to a loopback or private address. If it is yours, name its network "
            "in MODERATION_WEBHOOK_NETWORKS."
        )
    return (
        f"{host} would be told without encryption. Use https, or name its network in "
        "MODERATION_WEBHOOK_NETWORKS."
    )


def _check(status: int, wait: float | None) -> None:
    if 200 <= status < 300:
        return
    if 300 <= status < 400:
        raise Undelivered(f"The answer was {status}; no redirect is followed, give the final URL.")
    passing = status >= 500 or status in _PASSING
    raise Undelivered(
        f"The answer was {status}.", unavailable=passing, wait=wait if passing else None
    )


def _seconds(said: str | None) -> float | None:
    return float(said) if said and said.isascii() and said.isdecimal() and len(said) < 9 else None


class _Connection(http.client.HTTPConnection):
    """A connection to one of the addresses a name is allowed to lead to, cut when time is up."""

    def __init__(
        self,
        host: str,
        port: int,
        tls: ssl.SSLContext | None,
        networks: Sequence[Network],
        seconds: float,
    ) -> None:
        super().__init__(host, port)
        # which is left out of the header Host
        self.default_port = _PORTS["http" if tls is None else "https"]
        self._tls = tls
        self._networks = networks
        self._until = time.monotonic() + seconds
        self._cut: _Cut | None = None

    @property
    def is_overdue(self) -> bool:
        """Whether time is up."""
        return time.monotonic() >= self._until

    def connect(self) -> None:
        """Connect to the first address that answers."""
        encrypted = self._tls is not None
        found = permitted(self.host, self.port, self._networks, encrypted=encrypted)
        self.sock = self._first_of([str(address) for address in found])
        # headers and body leave one after the other; neither waits for the other's receipt
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._cut = _Cut(self.sock, self._left())
        if self._tls is not None:
            self.sock = self._tls.wrap_socket(self.sock, server_hostname=self.host)

    def _first_of(self, addresses: Sequence[str]) -> socket.socket:
        failure: OSError = TimeoutError()
        for number, address in enumerate(addresses):
            patience = self._left() / (len(addresses) - number)
            try:
                return socket.create_connection((address, self.port), timeout=patience)
            except OSError as error:
                failure = error
        raise failure

    def _left(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def close(self) -> None:
        """Close it and forget the alarm."""
        if self._cut is not None:
            self._cut.cancel()
            self._cut = None
        super().close()


class _Cut:
    """Ends a connection at a moment, wherever it is stuck; a time-out counts only each silence."""

    def __init__(self, line: socket.socket, seconds: float) -> None:
        line.settimeout(seconds)
        # of its own, for TLS takes the other one over
        self._line = line.dup()
        self._alarm = threading.Timer(seconds, self._hang_up)
        self._alarm.daemon = True
        self._alarm.start()

    def _hang_up(self) -> None:
        with suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)

    def cancel(self) -> None:
        """Let the connection be."""
        self._alarm.cancel()
        self._alarm.join()
        self._line.close()
