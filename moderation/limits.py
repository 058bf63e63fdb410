"""How often a caller may ask: per API token, per address, and per name at the login.

Each worker process counts for itself, in memory; see docs/settings.md for what that means.
"""

from __future__ import annotations

import hashlib
import time
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from limits import RateLimitItem, RateLimitItemPerMinute, parse_many
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter, RateLimiter, SlidingWindowCounterRateLimiter

FROM_ONE_ADDRESS = "5/minute; 20/hour; 50/day"
"""Failed logins with one name from one address: after each step the wait is longer."""

FROM_ALL_ADDRESSES = "100/hour"
"""Failed logins with one name from anywhere; many, or a stranger could keep a moderator out."""

WITH_ALL_NAMES = "30/minute; 100/hour"
"""Failed logins from one address."""


WRONG_CODES = "10/hour; 30/day"
"""Wrong codes of one name's second factor from anywhere: only who has the password gets to them."""


class TooManyRequests(Exception):  # noqa: N818 - the request's fault, not the code's
    """A limit is reached.

    Parameters
    ----------
    limit
        Which: ``token``, ``address`` or ``login``.
    retry_after
        Whole seconds until asking again can help, at least 1.
    """

    def __init__(self, limit: str, retry_after: int) -> None:
        super().__init__(f"Too many requests; repeat it in {retry_after} seconds.")
        self.limit = limit
        self.retry_after = retry_after


class RateLimits:
    """The limits of one process.

    Parameters
    ----------
    comments_per_minute
        A token may have scored, counted within a sliding minute.
    requests_per_minute
        An address may make without a valid token.
    """

    def __init__(self, *, comments_per_minute: int, requests_per_minute: int) -> None:
        memory = MemoryStorage()
        self._window = SlidingWindowCounterRateLimiter(memory)
        self._failures = MovingWindowRateLimiter(memory)
        self._comments = RateLimitItemPerMinute(comments_per_minute, namespace="token")
        self._requests = RateLimitItemPerMinute(requests_per_minute, namespace="address")

    def count_comments(self, token: int, number: int) -> None:
        """Count comments against a token, or none of them if they are too many.

        Raises
        ------
        TooManyRequests
            If they are.
        """
        if not self._window.hit(self._comments, str(token), cost=number):
            raise TooManyRequests("token", _wait(self._window, self._comments, str(token)))

    def count_request(self, address: str | None) -> None:
        """Count a request against an address.

        Raises
        ------
        TooManyRequests
            If it is one too many.
        """
        key = whose(address)
        if not self._window.hit(self._requests, key):
            raise TooManyRequests("address", _wait(self._window, self._requests, key))

    def check_login(self, name: str, address: str | None) -> None:
        """Let a login be tried, whether there is such a moderator or not.

        Raises
        ------
        TooManyRequests
            If too many have failed.
        """
        self._check(*_login_limits(name, address))

    def check_code(self, name: str, address: str | None) -> None:
        """Let a code of a second factor be tried after the right password.

        Raises
        ------
        TooManyRequests
            If too many codes or passwords were wrong.
        """
        self._check(*_login_limits(name, address), *_code_limits(name))

    def count_wrong_code(self, name: str, address: str | None) -> None:
        """Count a wrong code, as a failed login too."""
        self._count(*_login_limits(name, address), *_code_limits(name))

    def count_failed_login(self, name: str, address: str | None) -> None:
        """Count a login that failed."""
        self._count(*_login_limits(name, address))

    def forget_failed_logins(self, name: str, address: str | None) -> None:
        """Forget those with a name from an address, because one of them succeeded."""
        for limit, key in _one_address(name, address):
            self._failures.clear(limit, key)

    def _check(self, *counted: tuple[RateLimitItem, str]) -> None:
        waits = [
            _wait(self._failures, limit, key)
            for limit, key in counted
            if not self._failures.test(limit, key)
        ]
        if waits:
            raise TooManyRequests("login", max(waits))

    def _count(self, *counted: tuple[RateLimitItem, str]) -> None:
        for limit, key in counted:
            self._failures.hit(limit, key)


def _login_limits(name: str, address: str | None) -> list[tuple[RateLimitItem, str]]:
    return [
        *_one_address(name, address),
        *((limit, f"name {_digest(name)}") for limit in parse_many(FROM_ALL_ADDRESSES)),
        *((limit, f"from {whose(address)}") for limit in parse_many(WITH_ALL_NAMES)),
    ]


def _code_limits(name: str) -> list[tuple[RateLimitItem, str]]:
    return [(limit, f"code {_digest(name)}") for limit in parse_many(WRONG_CODES)]


def _one_address(name: str, address: str | None) -> list[tuple[RateLimitItem, str]]:
    key = f"both {_digest(name)} {whose(address)}"
    return [(limit, key) for limit in parse_many(FROM_ONE_ADDRESS)]


def _digest(name: str) -> str:
    # what is typed as a name may be a password, and may be long
    return hashlib.sha256(name.encode(errors="replace")).hexdigest()


def _wait(limiter: RateLimiter, limit: RateLimitItem, key: str) -> int:
    return max(1, round(limiter.get_window_stats(limit, key).reset_time - time.time()))


def whose(address: str | None) -> str:
    """Return what tells callers apart: an IPv4 address, or the network of an IPv6 address.

    Examples
    --------
    >>> [whose(a) for a in ("192.0.2.7", "::ffff:192.0.2.7", "2001:db8::1:2:3:4", None)]
    ['192.0.2.7', '192.0.2.7', '2001:db8::/64', 'unknown']
    """
    try:
        found: IPv4Address | IPv6Address = ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(found, IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    # whoever has one address of a network has all 2^64
    return str(IPv6Network((found, 64), strict=False))
