"""A second factor at the login: six digits of an authenticator app (TOTP, RFC 6238).

Secrets are kept encrypted, each code is taken once, and recovery codes stand in for a lost app.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

import pyotp
from cryptography.fernet import Fernet, InvalidToken
from pyotp.exceptions import OTPVerificationError

from moderation.desk.accounts import UnknownModerator, moderator
from moderation.desk.base import utc_now
from moderation.desk.errors import DeskError
from moderation.store import SecondFactor, Store

log = logging.getLogger(__name__)

ISSUER = "Moderation"
"""What apps call the account by, beside its name."""

TOLERATED_STEPS = 1
"""By how many times 30 seconds the clocks of app and service may differ."""

SETUP_TIME = timedelta(minutes=15)
"""For how long a secret is shown and waits for its first code."""

RECOVERY_CODES = 10
"""How many are made at once."""

RECOVERY_BYTES = 10
"""Random bytes of a recovery code."""


class SecondFactorInForce(DeskError):  # noqa: N818 - the matter with a request, like all of DeskError
    """A new one can be set up only after the present one was taken off."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} has a second factor already; take it off before setting one up.")


class NoSecondFactor(DeskError):  # noqa: N818
    """There is none to be taken off."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} has no second factor; there is nothing to reset.")


class Proof(StrEnum):
    """What a moderator showed beside the password."""

    APP = "app"
    RECOVERY_CODE = "recovery_code"


@dataclass(frozen=True, slots=True)
class Setup:
    """What an app needs to know: the secret in letters and digits, and the same as an address."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)


class SecondFactors:
    """Sets up second factors and checks their codes.

    Parameters
    ----------
    store
        Where they are kept.
    key
        Encrypts their secrets; at least 16 characters.
    clock
        Tells the time in UTC.
    """

    def __init__(self, store: Store, key: str, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._seal = Fernet(base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest()))
        self._clock = clock

    def of(self, name: str) -> SecondFactor | None:
        """Find what is kept of a moderator's; ``None`` if they never began to set one up."""
        with self._store.reading() as reader:
            return reader.second_factors.of(name)

    def begin(self, name: str) -> None:
        """Make a secret; the factor is in force once the app's first code is entered.

        Raises
        ------
        UnknownModerator
            If there is no such moderator.
        SecondFactorInForce
            If the moderator has one.
        """
        sealed = self._seal.encrypt(pyotp.random_base32().encode()).decode()
        with self._store.writing() as writer:
            if writer.second_factors.begin(name, sealed, at=self._clock()):
                return
        if moderator(self._store, name) is None:
            raise UnknownModerator(name)
        raise SecondFactorInForce(name)

    def setup(self, name: str) -> Setup | None:
        """Tell what the app needs, while it is waited for; a secret in force is never shown."""
        waiting = self._waiting(name)
        secret = None if waiting is None else self._opened(waiting.secret)
        if secret is None:
            return None
        uri = pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=ISSUER)
        return Setup(secret, uri)

    def confirm(self, name: str, code: str) -> tuple[str, ...] | None:
        """Put the factor in force by the app's first code.

        Returns
        -------
        tuple of str
            The recovery codes; they cannot be shown again. ``None`` if the code is wrong, or
            nothing waits for one.
        """
        waiting = self._waiting(name)
        if waiting is None or waiting.secret is None:
            return None
        step = self._step(waiting.secret, code)
        if step is None:
            return None
        codes = _recovery_codes()
        with self._store.writing() as writer:
            kept = writer.second_factors
            if not kept.confirm(name, waiting.secret, step=step, at=self._clock()):
                return None
            kept.replace_recovery_codes(name, map(_sha256, codes))
        return codes

    def accept(self, name: str, code: str) -> Proof | None:
        """Take a code of the app or a recovery code, each once; ``None`` if it is neither."""
        typed = _typed(code)
        factor = self.of(name)
        if factor is None or factor.secret is None or factor.confirmed_at is None:
            return None
        if not re.fullmatch(r"[0-9]{6}", typed):
            return self._accept_recovery_code(name, typed)
        step = self._step(factor.secret, typed)
        if step is None:
            return None
        with self._store.writing() as writer:
            used = writer.second_factors.use_step(name, factor.secret, step=step)
        return Proof.APP if used else None

    def renew_recovery_codes(self, name: str) -> tuple[str, ...] | None:
        """Make new recovery codes; those before are void. ``None`` without a factor in force."""
        factor = self.of(name)
        if factor is None or factor.confirmed_at is None:
            return None
        codes = _recovery_codes()
        with self._store.writing() as writer:
            writer.second_factors.replace_recovery_codes(name, map(_sha256, codes))
        return codes

    def _accept_recovery_code(self, name: str, typed: str) -> Proof | None:
        with self._store.writing() as writer:
            used = writer.second_factors.use_recovery_code(name, _sha256(typed))
        return Proof.RECOVERY_CODE if used else None

    def _waiting(self, name: str) -> SecondFactor | None:
        factor = self.of(name)
        if factor is None or factor.secret is None or factor.confirmed_at is not None:
            return None
        return factor if self._clock() - factor.begun_at < SETUP_TIME else None

    def _step(self, sealed: str, code: str) -> int | None:
        """Return the number of the 30 seconds that a code is right for."""
        secret = self._opened(sealed)
        if secret is None:
            return None
        try:
            return pyotp.TOTP(secret).verify_and_get_timecode(
                _typed(code), for_time=self._clock(), valid_window=TOLERATED_STEPS
            )
        except OTPVerificationError:
            return None

    def _opened(self, sealed: str | None) -> str | None:
        if sealed is None:
            return None
        try:
            return self._seal.decrypt(sealed).decode()
        except InvalidToken:
            log.error(  # noqa: TRY400 - the sentence is enough
                "A second factor was encrypted with another key. Put back "
                "MODERATION_SECOND_FACTOR_KEY or the file second_factor_key, or run "
                "`moderation user reset-second-factor` for whoever cannot log in."
            )
            return None


def remove(store: Store, name: str, *, by: str | None) -> None:
    """Take a moderator's second factor off; the password alone opens the account again.

    Parameters
    ----------
    by
        The name of whoever does it; ``None`` for whoever runs this installation.

    Raises
    ------
    UnknownModerator
        If there is no such moderator.
    NoSecondFactor
        If there is nothing to take off.
    """
    with store.writing() as writer:
        removed = writer.second_factors.remove(name, by=by, at=utc_now())
    if removed:
        return
    if moderator(store, name) is None:
        raise UnknownModerator(name)
    raise NoSecondFactor(name)


def _recovery_codes() -> tuple[str, ...]:
    return tuple(_recovery_code() for _ in range(RECOVERY_CODES))


def _recovery_code() -> str:
    letters = base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode().lower()
    return "-".join(re.findall("....", letters))


def _typed(code: str) -> str:
    """Return a code without what people put in for their eyes."""
    return re.sub(r"[\s-]", "", code[:100]).lower()


def _sha256(code: str) -> str:
    # 80 random bits need no slow hash: nobody tries them all
    return hashlib.sha256(_typed(code).encode(errors="replace")).hexdigest()
