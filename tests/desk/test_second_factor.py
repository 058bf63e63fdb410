"""The second factor: set up by a first code, each code once, recovery codes, taken off again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pyotp
import pytest
from sqlalchemy import create_engine, text

from moderation.desk import accounts, second_factor
from moderation.desk.second_factor import (
    RECOVERY_CODES,
    SETUP_TIME,
    NoSecondFactor,
    Proof,
    SecondFactorInForce,
    SecondFactors,
)
from moderation.store import Store

PASSWORD = "Büroklammer 7"
KEY = "ein Schlüssel für die Tests"
STEP = timedelta(seconds=30)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = accounts.utc_now()

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def factors(store: Store, clock: Clock) -> SecondFactors:
    accounts.create_moderator(store, "eva", PASSWORD)
    return SecondFactors(store, KEY, clock=clock)


@pytest.fixture
def app(factors: SecondFactors, clock: Clock) -> pyotp.TOTP:
    """Eva's app, in force for half a minute."""
    factors.begin("eva")
    setup = factors.setup("eva")
    assert setup is not None
    app = pyotp.TOTP(setup.secret)
    assert factors.confirm("eva", app.at(clock.now)) is not None
    clock.now += STEP
    return app


def test_a_secret_waits_for_its_first_code(
    factors: SecondFactors, store: Store, clock: Clock
) -> None:
    factors.begin("eva")
    setup = factors.setup("eva")
    assert setup is not None
    assert pyotp.parse_uri(setup.uri).secret == setup.secret
    assert setup.uri.startswith("otpauth://totp/Moderation:eva?")
    assert setup.secret not in repr(setup)
    app = pyotp.TOTP(setup.secret)

    assert factors.accept("eva", app.at(clock.now)) is None
    assert factors.confirm("eva", "000000") is None
    verified = accounts.verify(store, "eva", PASSWORD)
    assert verified is not None
    assert verified.second_factor_since is None

    codes = factors.confirm("eva", app.at(clock.now))
    assert codes is not None
    assert len(set(codes)) == RECOVERY_CODES
    moderator = accounts.moderator(store, "eva")
    assert moderator is not None
    assert moderator.second_factor_since == clock.now
    assert accounts.moderators(store) == (moderator,)


def test_a_secret_in_force_is_never_shown_again(factors: SecondFactors, app: pyotp.TOTP) -> None:
    assert factors.setup("eva") is None
    assert factors.confirm("eva", app.now()) is None
    with pytest.raises(SecondFactorInForce, match="take it off"):
        factors.begin("eva")


def test_beginning_again_makes_another_secret(factors: SecondFactors, clock: Clock) -> None:
    secrets = []
    for _ in range(2):
        factors.begin("eva")
        setup = factors.setup("eva")
        assert setup is not None
        secrets.append(setup.secret)
    assert secrets[0] != secrets[1]
    assert factors.confirm("eva", pyotp.TOTP(secrets[0]).at(clock.now)) is None
    assert factors.confirm("eva", pyotp.TOTP(secrets[1]).at(clock.now)) is not None


def test_a_secret_that_nobody_confirms_is_shown_for_a_while_only(
    factors: SecondFactors, clock: Clock
) -> None:
    factors.begin("eva")
    setup = factors.setup("eva")
    assert setup is not None
    clock.now += SETUP_TIME
    assert factors.setup("eva") is None
    assert factors.confirm("eva", pyotp.TOTP(setup.secret).at(clock.now)) is None


@pytest.mark.parametrize(
    ("off", "proof"), [(-2, None), (-1, "app"), (0, "app"), (1, "app"), (2, None)]
)
def test_clocks_may_differ_by_half_a_minute(
    factors: SecondFactors, app: pyotp.TOTP, clock: Clock, off: int, proof: str | None
) -> None:
    clock.now += 10 * STEP
    assert factors.accept("eva", app.at(clock.now + off * STEP)) == proof


def test_a_code_is_taken_once_and_none_before_it(
    factors: SecondFactors, app: pyotp.TOTP, clock: Clock
) -> None:
    clock.now += STEP
    earlier, now = app.at(clock.now - STEP), app.at(clock.now)
    assert factors.accept("eva", now) is Proof.APP
    assert factors.accept("eva", now) is None
    assert factors.accept("eva", earlier) is None
    clock.now += STEP
    assert factors.accept("eva", now) is None
    assert factors.accept("eva", app.at(clock.now)) is Proof.APP


def test_the_code_that_put_it_in_force_does_not_open_the_account_too(
    factors: SecondFactors, app: pyotp.TOTP, clock: Clock
) -> None:
    assert factors.accept("eva", app.at(clock.now - STEP)) is None


def test_of_two_at_once_with_one_code_one_gets_in(
    factors: SecondFactors,
    app: pyotp.TOTP,
    clock: Clock,
    at_once: Callable[[Sequence[Callable[[], Any]]], list[Any]],
) -> None:
    codes = factors.renew_recovery_codes("eva")
    assert codes is not None
    for code, proof in ((app.at(clock.now), Proof.APP), (codes[0], Proof.RECOVERY_CODE)):
        found = at_once([lambda code=code: factors.accept("eva", code)] * 8)
        assert sorted(map(str, found)) == sorted([*["None"] * 7, str(proof)])


def test_people_may_type_blanks_and_capitals(
    factors: SecondFactors, app: pyotp.TOTP, clock: Clock
) -> None:
    now = app.at(clock.now)
    assert factors.accept("eva", f" {now[:3]} {now[3:]}\n") is Proof.APP
    codes = factors.renew_recovery_codes("eva")
    assert codes is not None
    assert factors.accept("eva", codes[3].upper().replace("-", " ")) is Proof.RECOVERY_CODE


@pytest.mark.parametrize(
    "code",
    ["", "000000", "12345", "１２３４５６", "٠٠٠٠٠٠", "\0", "\ud83d", "x" * 10**6, "%", "' OR 1=1"],
)
def test_anything_else_is_no_code(factors: SecondFactors, app: pyotp.TOTP, code: str) -> None:
    assert factors.accept("eva", code) is None
    assert factors.accept("nobody", code) is None


def test_a_recovery_code_opens_once_and_only_its_owners_account(
    factors: SecondFactors, app: pyotp.TOTP, store: Store
) -> None:
    accounts.create_moderator(store, "max", PASSWORD)
    codes = factors.renew_recovery_codes("eva")
    assert codes is not None
    assert factors.accept("max", codes[0]) is None
    assert factors.accept("eva", codes[0]) is Proof.RECOVERY_CODE
    assert factors.accept("eva", codes[0]) is None
    kept = factors.of("eva")
    assert kept is not None
    assert kept.recovery_codes == RECOVERY_CODES - 1


def test_new_recovery_codes_replace_the_old_ones(factors: SecondFactors, app: pyotp.TOTP) -> None:
    old, new = factors.renew_recovery_codes("eva"), factors.renew_recovery_codes("eva")
    assert old is not None
    assert new is not None
    assert factors.accept("eva", old[0]) is None
    assert factors.accept("eva", new[0]) is Proof.RECOVERY_CODE


def test_without_a_second_factor_there_are_no_recovery_codes(factors: SecondFactors) -> None:
    assert factors.renew_recovery_codes("eva") is None
    factors.begin("eva")
    assert factors.renew_recovery_codes("eva") is None


def test_taken_off_nothing_of_it_is_left_but_who_did_it(
    factors: SecondFactors, app: pyotp.TOTP, store: Store, clock: Clock
) -> None:
    codes = factors.renew_recovery_codes("eva")
    assert codes is not None
    second_factor.remove(store, "eva", by="vera")

    kept = factors.of("eva")
    assert kept is not None
    assert (kept.secret, kept.confirmed_at, kept.last_step, kept.recovery_codes) == (
        *(None,) * 3,
        0,
    )
    assert kept.removed_by == "vera"
    assert factors.accept("eva", app.at(clock.now)) is None
    assert factors.accept("eva", codes[0]) is None
    with pytest.raises(NoSecondFactor, match="nothing to reset"):
        second_factor.remove(store, "eva", by=None)
    factors.begin("eva")
    assert factors.setup("eva") is not None


def test_who_has_no_account_has_no_second_factor(factors: SecondFactors, store: Store) -> None:
    with pytest.raises(accounts.UnknownModerator):
        factors.begin("max")
    with pytest.raises(accounts.UnknownModerator):
        second_factor.remove(store, "max", by=None)
    assert factors.setup("max") is None


def test_putting_it_in_force_and_taking_it_off_end_all_sessions(
    factors: SecondFactors, store: Store, clock: Clock
) -> None:
    stamps = [accounts.session_stamp(store, "eva")]
    factors.begin("eva")
    assert accounts.session_stamp(store, "eva") == stamps[0]
    setup = factors.setup("eva")
    assert setup is not None
    factors.confirm("eva", pyotp.TOTP(setup.secret).at(clock.now))
    stamps.append(accounts.session_stamp(store, "eva"))
    second_factor.remove(store, "eva", by=None)
    assert stamps[0] is not None
    assert accounts.session_holder(store, "eva", stamps[0]) is not None
    assert stamps[1] is not None
    assert accounts.session_holder(store, "eva", stamps[1]) is None


def test_secrets_and_recovery_codes_are_nowhere_in_the_database(
    factors: SecondFactors, app: pyotp.TOTP, database_url: str
) -> None:
    codes = factors.renew_recovery_codes("eva")
    assert codes is not None
    engine = create_engine(database_url)
    with engine.connect() as connection:
        kept = [
            str(row).lower()
            for table in ("moderators", "second_factors", "recovery_codes")
            for row in connection.execute(text(f"SELECT * FROM {table}"))
        ]
    engine.dispose()

    assert len(kept) == 2 + RECOVERY_CODES
    secrets = [app.secret.lower(), *codes, *(code.replace("-", "") for code in codes)]
    assert not [row for row in kept for secret in secrets if secret in row]


def test_with_another_key_only_recovery_codes_open_and_the_log_says_why(
    factors: SecondFactors,
    app: pyotp.TOTP,
    store: Store,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    codes = factors.renew_recovery_codes("eva")
    assert codes is not None
    other = SecondFactors(store, "ein ganz anderer Schlüssel", clock=clock)
    with caplog.at_level(logging.ERROR):
        assert other.accept("eva", app.at(clock.now)) is None
    assert "MODERATION_SECOND_FACTOR_KEY" in caplog.text
    assert other.accept("eva", codes[0]) is Proof.RECOVERY_CODE


def test_the_codes_are_those_of_the_standard() -> None:
    """RFC 6238, appendix B, SHA-1; the last six of its eight digits."""
    app = pyotp.TOTP("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
    for at, code in ((59, "287082"), (1111111109, "081804"), (20000000000, "353130")):
        assert app.at(at) == code
