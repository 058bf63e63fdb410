"""Who may work at the desk, and which machines may call."""

from __future__ import annotations

import logging
import os
from datetime import timedelta
from pathlib import Path
from time import perf_counter

import pytest
from argon2 import PasswordHasher, extract_parameters
from sqlalchemy import create_engine, text

from moderation.desk import InvalidInput, accounts
from moderation.desk.accounts import NameTaken, UnknownModerator, UnknownToken
from moderation.store import Role, Scope, Store

PASSWORD = "Büroklammer 7"


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = accounts.utc_now()

    def __call__(self):  # type: ignore[no-untyped-def]
        return self.now


def test_a_moderator_logs_in_with_the_right_password_only(store: Store) -> None:
    created = accounts.create_moderator(
        store, "eva", PASSWORD, Role.ADMIN, display_name="Eva Muster"
    )

    assert (created.name, created.display_name, created.role) == ("eva", "Eva Muster", Role.ADMIN)
    assert accounts.verify(store, "eva", PASSWORD) == created
    for wrong in ("Büroklammer 8", "", PASSWORD + "x", "\ud83d" * 8, "x" * 100_000):
        assert accounts.verify(store, "eva", wrong) is None


@pytest.mark.parametrize("name", ["max", "", "eva\0", "\ud83d", "EVA"])
def test_a_name_that_is_not_known_is_refused(store: Store, name: str) -> None:
    accounts.create_moderator(store, "eva", PASSWORD)

    assert accounts.verify(store, name, PASSWORD) is None
    assert accounts.moderator(store, name) is None


def test_an_unknown_name_takes_as_long_as_a_wrong_password(store: Store) -> None:
    accounts.create_moderator(store, "eva", PASSWORD)

    def quickest(name: str) -> float:
        times = []
        for _ in range(5):
            start = perf_counter()
            accounts.verify(store, name, "falsch geraten")
            times.append(perf_counter() - start)
        return min(times)

    # Both hash once with the same parameters; without that, one would take a hundredth.
    assert 0.4 < quickest("max") / quickest("eva") < 2.5
    assert extract_parameters(accounts._NOBODYS_HASH) == extract_parameters(
        PasswordHasher().hash(PASSWORD)
    )


def test_passwords_and_keys_are_nowhere_in_the_database(store: Store, database_url: str) -> None:
    accounts.create_moderator(store, "eva", PASSWORD)
    key = accounts.issue_token(store, "blog", [Scope.CLASSIFY]).key
    engine = create_engine(database_url)
    with engine.connect() as connection:
        kept = [
            str(row)
            for table in ("moderators", "api_tokens")
            for row in connection.execute(text(f"SELECT * FROM {table}"))
        ]
    engine.dispose()

    assert len(kept) == 2
    assert not [row for row in kept if PASSWORD in row or key in row or key[4:] in row]


def test_a_hash_made_with_weaker_parameters_is_replaced_at_the_next_login(store: Store) -> None:
    accounts.create_moderator(store, "eva", PASSWORD)
    weak = PasswordHasher(time_cost=1, memory_cost=8192).hash(PASSWORD)
    with store.writing() as writer:
        writer.set_password_hash("eva", weak)

    assert accounts.verify(store, "eva", PASSWORD) is not None
    with store.reading() as reader:
        found = reader.moderator("eva")
    assert found is not None
    assert extract_parameters(found[1]) == extract_parameters(accounts._NOBODYS_HASH)
    assert accounts.verify(store, "eva", PASSWORD) is not None


def test_a_name_is_given_once(store: Store) -> None:
    accounts.create_moderator(store, "eva", PASSWORD)

    with pytest.raises(NameTaken, match="choose another name"):
        accounts.create_moderator(store, "eva", "ein anderes Passwort")
    assert accounts.verify(store, "eva", PASSWORD) is not None


@pytest.mark.parametrize(
    ("name", "password", "field"),
    [
        ("", PASSWORD, "name"),
        (" eva", PASSWORD, "name"),
        ("eva\n", PASSWORD, "name"),
        ("e" * 65, PASSWORD, "name"),
        ("eva", "kurz", "password"),
        ("eva", "x" * 1025, "password"),
    ],
)
def test_names_and_passwords_have_a_form(
    store: Store, name: str, password: str, field: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        accounts.create_moderator(store, name, password)
    assert refusal.value.field == field
    assert accounts.moderators(store) == ()


def test_a_disabled_account_is_closed_until_it_is_opened_again(store: Store) -> None:
    accounts.create_moderator(store, "eva", PASSWORD)
    accounts.set_disabled(store, "eva", disabled=True)

    assert accounts.verify(store, "eva", PASSWORD) is None
    moderator = accounts.moderator(store, "eva")
    assert moderator is not None
    assert moderator.disabled
    accounts.set_disabled(store, "eva", disabled=False)
    assert accounts.verify(store, "eva", PASSWORD) is not None


def test_a_new_password_replaces_the_old_one(store: Store) -> None:
    accounts.create_moderator(store, "eva", PASSWORD)
    accounts.set_password(store, "eva", "Locher und Hefter")

    assert accounts.verify(store, "eva", PASSWORD) is None
    assert accounts.verify(store, "eva", "Locher und Hefter") is not None
    with pytest.raises(InvalidInput):
        accounts.set_password(store, "eva", "kurz")


def test_who_has_no_account_cannot_be_changed(store: Store) -> None:
    with pytest.raises(UnknownModerator, match="user list"):
        accounts.set_password(store, "max", PASSWORD)
    with pytest.raises(UnknownModerator):
        accounts.set_disabled(store, "max", disabled=True)


def test_a_token_is_found_by_its_key_with_its_scopes(store: Store) -> None:
    issued = accounts.issue_token(store, "blog", [Scope.SUBMIT, Scope.CLASSIFY])

    assert issued.key.startswith("mod_")
    assert len(issued.key) == 4 + 43
    holder = accounts.token_holder(store, issued.key)
    assert holder == issued.token
    assert holder.scopes == {Scope.CLASSIFY, Scope.SUBMIT}


@pytest.mark.parametrize("key", ["", "mod_", "mod_" + "x" * 43, "\ud83d", "a\0b"])
def test_a_key_that_was_never_issued_is_refused(store: Store, key: str) -> None:
    accounts.issue_token(store, "blog", [Scope.CLASSIFY])

    assert accounts.token_holder(store, key) is None


def test_a_token_ends_when_its_time_is_over(store: Store) -> None:
    clock = Clock()
    key = accounts.issue_token(
        store, "blog", [Scope.READ], lifetime=timedelta(days=1), clock=clock
    ).key

    clock.now += timedelta(days=1, seconds=-1)
    assert accounts.token_holder(store, key, clock=clock) is not None
    clock.now += timedelta(seconds=1)
    assert accounts.token_holder(store, key, clock=clock) is None


def test_a_revoked_token_is_refused_at_once_and_stays_so(store: Store) -> None:
    issued = accounts.issue_token(store, "blog", [Scope.READ])
    accounts.revoke_token(store, issued.token.id)

    assert accounts.token_holder(store, issued.key) is None
    (listed,) = accounts.tokens(store)
    accounts.revoke_token(store, issued.token.id)
    assert accounts.tokens(store) == (listed,)
    with pytest.raises(UnknownToken, match="token list"):
        accounts.revoke_token(store, issued.token.id + 1)


def test_the_last_use_of_a_token_is_kept_to_the_minute(store: Store) -> None:
    clock = Clock()
    issued = accounts.issue_token(store, "blog", [Scope.READ], clock=clock)
    start = clock.now
    for seconds in (0, 30, 59, 61):
        clock.now = start + timedelta(seconds=seconds)
        accounts.token_holder(store, issued.key, clock=clock)

    assert accounts.tokens(store)[0].last_used_at == start + timedelta(seconds=61)


@pytest.mark.parametrize(
    ("name", "scopes", "lifetime", "field"),
    [
        ("", [Scope.READ], None, "name"),
        ("blog", [], None, "scopes"),
        ("blog", [Scope.READ], timedelta(), "lifetime"),
    ],
)
def test_a_token_that_could_not_be_used_is_not_issued(
    store: Store, name: str, scopes: list[Scope], lifetime: timedelta | None, field: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        accounts.issue_token(store, name, scopes, lifetime=lifetime)
    assert refusal.value.field == field


def test_a_token_is_good_even_while_nothing_can_be_written(
    sqlite_template: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "moderation.db"
    path.write_bytes(sqlite_template.read_bytes())
    writable = Store(f"sqlite:///{path}")
    issued = accounts.issue_token(writable, "blog", [Scope.CLASSIFY])
    writable.close()
    read_only = Store(f"sqlite:///file:{os.fspath(path)}?mode=ro&uri=true")

    with caplog.at_level(logging.WARNING):
        assert accounts.token_holder(read_only, issued.key) == issued.token
    read_only.close()
    assert "not kept: The database is read-only." in caplog.text
