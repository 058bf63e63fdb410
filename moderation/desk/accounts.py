"""Who works at the desk and which machines may call: moderators and API tokens."""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from moderation.desk.base import utc_now
from moderation.desk.errors import DeskError, InvalidInput
from moderation.desk.intake import check_words, is_storable
from moderation.store import ApiToken, Moderator, Role, Scope, Store, StoreUnavailable

log = logging.getLogger(__name__)

SHORTEST_PASSWORD = 8
"""Characters."""

LONGEST_PASSWORD = 1024
"""Characters; the hash takes longer for more."""

LONGEST_NAME = 64
"""Characters of a moderator's or a token's name."""

TOKEN_BYTES = 32
"""Random bytes of an API token's key."""

USE_IS_NOTED_EVERY = timedelta(minutes=1)
"""The last use of a token is kept no finer than this, so that reading does not write each time."""

_hasher = PasswordHasher()
# Verified when there is no such moderator, so that the answer takes as long as for one. A test
# makes sure that its parameters are those of the hasher.
_NOBODYS_HASH = (
    "$argon2id$v=19$m=65536,t=3,p=4$"
    "XwfxroK38wkbGT99nXYHLg$xk6hGtAvf7wMdbl79kHYJ1w4FzWcc3Py2SNF6Bljsfw"
)


class NameTaken(DeskError):  # noqa: N818 - the matter with a request, like all of DeskError
    """There is a moderator of that name already."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is a moderator named {name} already; choose another name.")
        self.name = name


class UnknownModerator(DeskError):  # noqa: N818
    """There is no moderator of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no moderator named {name}; `moderation user list` shows all.")
        self.name = name


class UnknownToken(DeskError):  # noqa: N818
    """There is no API token of that number."""

    def __init__(self, token_id: int) -> None:
        super().__init__(
            f"There is no token with the number {token_id}; `moderation token list` shows all."
        )
        self.token_id = token_id


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new API token with its key, which is shown this once and kept nowhere."""

    token: ApiToken
    key: str


def create_moderator(
    store: Store,
    name: str,
    password: str,
    role: Role = Role.MODERATOR,
    *,
    display_name: str | None = None,
) -> Moderator:
    """Open an account.

    Parameters
    ----------
    name
        What the moderator logs in with and decisions are kept under; 1 to 64 printable
        characters, no white space around.
    password
        At least 8 characters.
    display_name
        What colleagues read; the name if left out.

    Raises
    ------
    InvalidInput
        If name or password are not of that kind.
    NameTaken
        If there is such a moderator already.
    """
    _check_name("name", name)
    _check_password(password)
    shown = display_name or name
    _check_name("display_name", shown)
    moderator = Moderator(
        name=name, display_name=shown, role=role, disabled=False, created_at=utc_now()
    )
    password_hash = _hasher.hash(password)
    with store.writing() as writer:
        if not writer.insert_moderator(moderator, password_hash=password_hash):
            raise NameTaken(name)
    return moderator


def verify(store: Store, name: str, password: str) -> Moderator | None:
    """Find the moderator of that name and password; ``None`` if there is none or it is disabled.

    An unknown name takes as long as a wrong password.
    """
    with store.reading() as reader:
        found = reader.moderator(name) if is_storable(name) else None
    moderator, password_hash = found or (None, _NOBODYS_HASH)
    try:
        # Longer passwords than any account's need not be hashed in full.
        _hasher.verify(password_hash, password[: LONGEST_PASSWORD + 1].encode(errors="replace"))
    except VerifyMismatchError:
        return None
    if moderator is None or moderator.disabled:
        return None
    if _hasher.check_needs_rehash(password_hash):
        with store.writing() as writer:
            writer.set_password_hash(name, _hasher.hash(password))
    return moderator


def moderator(store: Store, name: str) -> Moderator | None:
    """Find a moderator by name, disabled or not."""
    if not is_storable(name):
        return None
    with store.reading() as reader:
        found = reader.moderator(name)
    return None if found is None else found[0]


def session_stamp(store: Store, name: str) -> str | None:
    """Return what a moderator's sessions carry; it changes with password and second factor.

    ``None`` if there is no such moderator or the account is closed.
    """
    found = _with_stamp(store, name)
    return None if found is None else found[1]


def session_holder(store: Store, name: str, stamp: str) -> Moderator | None:
    """Find the moderator of a session.

    ``None`` if password or second factor have changed since it began.
    """
    found = _with_stamp(store, name)
    if found is None or not hmac.compare_digest(found[1].encode(), stamp.encode()):
        return None
    return found[0]


def _with_stamp(store: Store, name: str) -> tuple[Moderator, str] | None:
    if not is_storable(name):
        return None
    with store.reading() as reader:
        found = reader.moderator(name)
    if found is None or found[0].disabled:
        return None
    moderator, password_hash = found
    since = moderator.second_factor_since
    # the hash is salted, so that its digest tells nothing of the password
    return moderator, _sha256(password_hash + (since.isoformat() if since else ""))


def moderators(store: Store) -> tuple[Moderator, ...]:
    """List all moderators by name."""
    with store.reading() as reader:
        return reader.moderators()


def set_password(store: Store, name: str, password: str) -> None:
    """Give a moderator a new password.

    Raises
    ------
    InvalidInput
        If it is too short.
    UnknownModerator
        If there is no such moderator.
    """
    _check_password(password)
    password_hash = _hasher.hash(password)
    with store.writing() as writer:
        if not writer.set_password_hash(name, password_hash):
            raise UnknownModerator(name)


def set_language(store: Store, name: str, language: str | None) -> None:
    """Keep the language a moderator wants to read the desk in; ``None`` leaves it to the browser.

    Raises
    ------
    UnknownModerator
        If there is no such moderator.
    """
    with store.writing() as writer:
        if not writer.set_language(name, language):
            raise UnknownModerator(name)


def set_disabled(store: Store, name: str, *, disabled: bool) -> None:
    """Close an account, or open it again; the moderator's decisions stay.

    Raises
    ------
    UnknownModerator
        If there is no such moderator.
    """
    with store.writing() as writer:
        if not writer.set_disabled(name, disabled=disabled):
            raise UnknownModerator(name)


def issue_token(
    store: Store,
    name: str,
    scopes: Iterable[Scope],
    *,
    lifetime: timedelta | None = None,
    clock: Callable[[], datetime] = utc_now,
) -> IssuedToken:
    """Make an API token.

    Parameters
    ----------
    name
        What it is for, as shown in lists.
    scopes
        What it may be used for, at least one.
    lifetime
        How long it is valid; for ever if left out.

    Returns
    -------
    IssuedToken
        With the key; it cannot be shown again.

    Raises
    ------
    InvalidInput
        If there is no name, no scope, or a lifetime that is over already.
    """
    _check_name("name", name)
    wanted = frozenset(scopes)
    if not wanted:
        raise InvalidInput("scopes", "A token needs at least one scope.")
    if lifetime is not None and lifetime <= timedelta():
        raise InvalidInput("lifetime", "A token must be valid for some time.")
    key = f"mod_{secrets.token_urlsafe(TOKEN_BYTES)}"
    now = clock()
    with store.writing() as writer:
        token = writer.insert_token(
            name,
            wanted,
            sha256=_sha256(key),
            expires_at=None if lifetime is None else now + lifetime,
            at=now,
        )
    return IssuedToken(token, key)


def token_holder(
    store: Store, key: str, *, clock: Callable[[], datetime] = utc_now
) -> ApiToken | None:
    """Find the token that a key belongs to; ``None`` if it is unknown, expired or revoked."""
    sha256 = _sha256(key)
    with store.reading() as reader:
        found = reader.token(sha256)
    # The look-up is by hash, so its timing tells nothing of a key; neither does this comparison.
    if found is None or not hmac.compare_digest(found[1], sha256):
        return None
    token, now = found[0], clock()
    if token.revoked_at is not None or (token.expires_at and token.expires_at <= now):
        return None
    if token.last_used_at is None or now - token.last_used_at >= USE_IS_NOTED_EVERY:
        _note_use(store, token, now)
    return token


def tokens(store: Store) -> tuple[ApiToken, ...]:
    """List all API tokens, oldest first."""
    with store.reading() as reader:
        return reader.tokens()


def revoke_token(store: Store, token_id: int) -> None:
    """End an API token's life. Safe to repeat.

    Raises
    ------
    UnknownToken
        If there is none of that number.
    """
    with store.writing() as writer:
        if not writer.revoke_token(token_id, at=utc_now()):
            raise UnknownToken(token_id)


def _note_use(store: Store, token: ApiToken, now: datetime) -> None:
    try:
        with store.writing() as writer:
            writer.touch_token(token.id, at=now)
    except StoreUnavailable as error:
        # Whoever may call may do so even while nothing can be written; scoring needs no writing.
        log.warning("The last use of token %d is not kept: %s", token.id, error)


def _sha256(key: str) -> str:
    return hashlib.sha256(key.encode(errors="replace")).hexdigest()


def _check_name(field: str, name: str) -> None:
    check_words(field, name)
    if not name.isprintable() or name != name.strip() or not 0 < len(name) <= LONGEST_NAME:
        raise InvalidInput(
            field, f"A name has 1 to {LONGEST_NAME} printable characters, no blank at either end."
        )


def _check_password(password: str) -> None:
    check_words("password", password)
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise InvalidInput(
            "password", f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters."
        )
