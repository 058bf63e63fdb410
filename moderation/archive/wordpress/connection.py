"""Requests to the REST interface of one WordPress: polite and patient."""

from __future__ import annotations

import ipaddress
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.auth import HTTPBasicAuth
from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

from moderation.archive.wordpress.errors import (
    NotJson,
    Refused,
    SiteError,
    endless,
    refusal,
    unanswered,
    unreadable,
)

AGENT = f"moderation/{version('moderation')}"

LARGEST_ANSWER = 64 * 2**20
"""Bytes, unpacked; a hundred comments as large as WordPress takes them are a tenth of it."""

_PART = 2**16
"""Bytes that are unpacked at once."""

_CONNECT_TIMEOUT = 10.0
_LONGEST_WAIT = 120.0
"""Seconds; a blog that asks us to wait longer is left alone until the next run."""

_PASSING = frozenset({429, 500, 502, 503, 504})
"""Refusals that may be over in a moment."""

_ROOTS = ("/wp-json", "/?rest_route=")
"""Where the interface may be: the second is for blogs with plain permalinks."""

Parameters = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Pace:
    """How hard a blog is asked.

    ``rate`` is the most requests a second, ``tries`` how often one is sent before giving up,
    ``back_off`` the seconds before the second try, doubled before each further one, and
    ``timeout`` the seconds of silence after which a connection counts as lost.
    """

    rate: float = 5.0
    tries: int = 5
    back_off: float = 1.0
    timeout: float = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a blog answered: its JSON, and of a list the ``total`` of its items, if it said so."""

    content: Any
    total: int | None


@dataclass(frozen=True, slots=True)
class _Failure:
    """A try that came to nothing, whether another may, and how many seconds the blog wants."""

    error: SiteError
    passing: bool = True
    wait: float | None = None


class Connection:
    """One login at one WordPress.

    Parameters
    ----------
    url
        Of the blog. Only https, except on this machine: every request carries the password.
    user
        The login of a WordPress user.
    password
        An application password of that user.
    pace
        How hard the blog is asked.

    Raises
    ------
    SiteError
        If the address cannot be one.
    """

    def __init__(self, url: str, user: str, password: str, pace: Pace) -> None:
        self.url = site_url(url)
        self.user = user
        self._pace = pace
        self._root: str | None = None
        self._next_turn = 0.0
        self._session = requests.Session()
        # as bytes, for of letters requests knows but those of Latin-1
        self._session.auth = HTTPBasicAuth(user.encode(), password.encode())
        self._session.headers["Accept"] = "application/json"

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def get(self, route: str, parameters: Parameters | None = None) -> Answer:
        """Ask for something, such as ``/wp/v2/comments``.

        Raises
        ------
        Refused
            If the blog says no.
        SiteError
            If it does not answer sensibly, however often it is asked.
        """
        return self._send("GET", route, params=parameters)

    def post(self, route: str, body: Mapping[str, Any], *, agent: str = AGENT) -> Answer:
        """Change something, as a program called ``agent``. Errors are those of `get`."""
        return self._send("POST", route, json=body, agent=agent)

    def delete(self, route: str) -> Answer:
        """Put something into the blog's trash. Errors are those of `get`."""
        return self._send("DELETE", route)

    def _send(self, method: str, route: str, **how: Any) -> Answer:
        if self._root is None:
            self._root = self._find_root()
        return self._persist(method, self._root + route, **how)

    def _find_root(self) -> str:
        problem: SiteError | None = None
        for root in _ROOTS:
            try:
                index = self._persist("GET", f"{self.url}{root}/", params={"_fields": "namespaces"})
            except NotJson as error:
                problem = error
            except Refused as error:
                if error.status != 404:
                    raise
            else:
                if isinstance(index.content, dict) and "namespaces" in index.content:
                    return self.url + root
        raise problem or SiteError(
            f"There is no WordPress with a REST interface at {self.url}. Give the address of the"
            " blog's front page, and check that no plugin closes /wp-json/."
        )

    def _persist(self, method: str, address: str, **how: Any) -> Answer:
        """Send a request until it is answered or was sent often enough."""
        back_off = self._pace.back_off
        for tries_left in reversed(range(self._pace.tries)):
            self._await_turn()
            outcome = self._try(method, address, **how)
            if isinstance(outcome, Answer):
                return outcome
            wait = back_off if outcome.wait is None else outcome.wait
            if not (outcome.passing and tries_left) or wait > _LONGEST_WAIT:
                raise outcome.error
            time.sleep(wait)
            back_off *= 2
        raise AssertionError("a request is sent at least once")

    def _await_turn(self) -> None:
        time.sleep(max(0.0, self._next_turn - time.monotonic()))
        self._next_turn = time.monotonic() + 1 / self._pace.rate

    def _try(
        self, method: str, address: str, *, agent: str = AGENT, **content: Any
    ) -> Answer | _Failure:
        try:
            response = self._session.request(
                method,
                address,
                headers={"User-Agent": agent},
                timeout=(_CONNECT_TIMEOUT, self._pace.timeout),
                # followed, it could carry the password elsewhere, or make a POST a GET
                allow_redirects=False,
                stream=True,
                **content,
            )
            body = _body(response)
        except requests.RequestException as error:
            passing = not isinstance(error, requests.exceptions.SSLError)
            return _Failure(unanswered(self.url, error), passing)
        if body is None:
            return _Failure(endless(self.url, LARGEST_ANSWER), passing=False)
        if not response.ok or response.is_redirect:
            return _Failure(
                refusal(self.url, self.user, response, body),
                response.status_code in _PASSING,
                _wanted_wait(response),
            )
        try:
            # a plugin's stray byte order mark is no reason to give up
            content = json.loads(body.decode("utf-8-sig"))
        except ValueError:
            unread = unreadable(self.url, response)
            return _Failure(unread, not isinstance(unread, NotJson))
        total = response.headers.get("X-WP-Total", "")
        return Answer(content, int(total) if total.isdecimal() else None)


def _body(response: requests.Response) -> bytes | None:
    """Return the body, unpacked; ``None`` if it is too large: a few bytes can unpack to any."""
    body = bytearray()
    with response:
        for part in response.iter_content(_PART):
            body += part
            if len(body) > LARGEST_ANSWER:
                return None
    return bytes(body)


def site_url(url: str) -> str:
    """Return the address of a blog without a slash at its end.

    Raises
    ------
    SiteError
        If it is none, holds a login, or would send the password unencrypted over a network.

    Examples
    --------
    >>> site_url("https://blog.example/")
    'https://blog.example'
    """
    try:
        parts = urlsplit(url.strip())
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https") or parts.query or parts.fragment:
        raise SiteError(f"{url} is not the address of a blog; write it like https://blog.example.")
    if parts.username or parts.password:
        raise SiteError(
            "The address of the blog must hold no login: name the user with --user and put the"
            " password into MODERATION_WORDPRESS_PASSWORD."
        )
    if parts.scheme == "http" and not _is_this_machine(host):
        raise SiteError(
            f"http://{host} would send the password for everybody to read; use https://{host}."
        )
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", ""))


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _wanted_wait(response: requests.Response) -> float | None:
    wanted = response.headers.get("Retry-After")
    try:
        return None if wanted is None else Retry().parse_retry_after(wanted)
    except InvalidHeader:
        return None
