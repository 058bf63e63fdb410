"""Signatures as the Standard Webhooks specification describes them.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping
from typing import Self

PREFIX = "whsec_"
SHORTEST_KEY = 24
"""Bytes."""

LONGEST_KEY = 64
"""Bytes."""


class UnusableKey(Exception):  # noqa: N818 - a state of the settings, not a mistake in the code
    """A key is not of the form ``whsec_`` and base64; the message says what to do."""


class Key:
    """A secret shared with the blog.

    Parameters
    ----------
    secret
        24 to 64 bytes.

    Examples
    --------
    >>> Key.read("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").signature(
    ...     "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    ... )
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    @classmethod
    def read(cls, written: str) -> Self:
        """Read a key as it stands in the settings.

        Raises
        ------
        UnusableKey
            If it is not one. The key is not repeated in the message.
        """
        try:
            secret = base64.b64decode(written.removeprefix(PREFIX), validate=True)
        except binascii.Error:
            secret = b""
        if not (written.startswith(PREFIX) and SHORTEST_KEY <= len(secret) <= LONGEST_KEY):
            raise UnusableKey(
                f"A key for webhooks is {PREFIX} followed by {SHORTEST_KEY} to {LONGEST_KEY} bytes "
                "in base64; `moderation webhooks key` makes one."
            )
        return cls(secret)

    def signature(self, message_id: str, timestamp: int, body: bytes) -> str:
        """Sign a message: its id, the time of sending (seconds since 1970) and its raw body."""
        signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
        digest = hmac.digest(self._secret, signed, hashlib.sha256)
        return f"v1,{base64.b64encode(digest).decode()}"


def new_key() -> str:
    """Make a key as it is written in the settings.

    Examples
    --------
    >>> Key.read(new_key()) != Key.read(new_key())
    True
    """
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def headers(keys: Iterable[Key], message_id: str, timestamp: int, body: bytes) -> Mapping[str, str]:
    """Return what proves where a message comes from; each key signs, so that keys can change."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(key.signature(message_id, timestamp, body) for key in keys),
    }
