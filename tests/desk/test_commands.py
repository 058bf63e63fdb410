"""``moderation user``, ``token`` and ``db`` as an operator types them."""

from __future__ import annotations

import re

import pyotp
import pytest
from click.testing import CliRunner, Result

from moderation.cli import main
from moderation.desk import accounts
from moderation.desk.second_factor import SecondFactors
from moderation.store import Role, Scope, Store

PASSWORD = "Büroklammer 7"


@pytest.fixture(autouse=True)
def _settings(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODERATION_DATABASE_URL", database_url)


def run(*arguments: str, typed: str | None = None, status: int = 0) -> Result:
    result = CliRunner().invoke(main, arguments, input=typed)
    assert result.exit_code == status, result.output
    return result


def test_an_account_is_opened_with_a_password_typed_twice(store: Store) -> None:
    result = run("user", "create", "eva", "--role", "admin", typed=f"{PASSWORD}\n{PASSWORD}\n")

    assert PASSWORD not in result.output
    moderator = accounts.verify(store, "eva", PASSWORD)
    assert moderator is not None
    assert moderator.role is Role.ADMIN


def test_a_script_may_send_the_password_on_standard_input(store: Store) -> None:
    run("user", "create", "eva", "--password-stdin", typed=PASSWORD + "\n")

    assert accounts.verify(store, "eva", PASSWORD) is not None


def test_accounts_are_listed_closed_opened_and_given_a_new_password(store: Store) -> None:
    accounts.create_moderator(store, "eva", PASSWORD, display_name="Eva Muster")
    assert "closed" not in run("user", "list").output
    run("user", "disable", "eva")
    assert re.search(r"^eva +Eva Muster +moderator .* disabled$", run("user", "list").output, re.M)
    run("user", "enable", "eva")
    run("user", "password", "eva", "--password-stdin", typed="Locher und Hefter\n")

    assert accounts.verify(store, "eva", "Locher und Hefter") is not None


def test_a_second_factor_is_listed_and_reset(store: Store) -> None:
    accounts.create_moderator(store, "eva", PASSWORD)
    factors = SecondFactors(store, "ein Schlüssel für die Tests")
    factors.begin("eva")
    setup = factors.setup("eva")
    assert setup is not None
    factors.confirm("eva", pyotp.TOTP(setup.secret).now())
    listed = run("user", "list").output
    assert re.search(r"^eva .* \d{4}-\d\d-\d\d +\d{4}-\d\d-\d\d +active$", listed, re.M)
    assert setup.secret not in listed

    assert "no second factor any more" in run("user", "reset-second-factor", "eva").output
    assert re.search(r"^eva .* - +active$", run("user", "list").output, re.M)


def test_what_cannot_be_done_ends_with_one_sentence(store: Store) -> None:
    accounts.create_moderator(store, "eva", PASSWORD)
    for arguments, sentence in [
        (("user", "create", "eva", "--password-stdin"), "choose another name"),
        (("user", "disable", "max"), "no moderator named max"),
        (("user", "reset-second-factor", "max"), "no moderator named max"),
        (("user", "reset-second-factor", "eva"), "nothing to reset"),
        (("token", "revoke", "99"), "no token with the number 99"),
    ]:
        output = run(*arguments, typed=PASSWORD + "\n", status=1).output
        assert re.fullmatch(rf"Error: [^\n]*{sentence}[^\n]*\.\n", output)


def test_a_key_is_printed_once_and_works_until_it_is_revoked(store: Store) -> None:
    printed = run("token", "create", "blog", "--scope", "classify", "--scope", "submit")
    key = printed.stdout.strip()

    holder = accounts.token_holder(store, key)
    assert holder is not None
    assert holder.scopes == {Scope.CLASSIFY, Scope.SUBMIT}
    listed = run("token", "list").output
    assert key not in listed
    assert re.search(rf"^{holder.id} +blog +classify,submit .* active$", listed, re.M)
    run("token", "revoke", str(holder.id))
    assert accounts.token_holder(store, key) is None
    assert "revoked" in run("token", "list").output


def test_a_token_may_be_made_to_expire(store: Store) -> None:
    run("token", "create", "blog", "--scope", "read", "--days", "30")

    (token,) = accounts.tokens(store)
    assert token.expires_at is not None
    assert (token.expires_at - token.created_at).days == 30


def test_a_token_needs_a_scope() -> None:
    assert "Missing option '--scope'" in run("token", "create", "blog", status=2).output


def test_the_status_shows_the_revision_and_the_counts() -> None:
    output = run("db", "status").output

    assert re.search(r"^Revision +(\w+) \(newest: \1\)$", output, re.M)
    assert re.search(r"^Held +0$", output, re.M)


@pytest.mark.parametrize("group", ["user", "token", "db"])
def test_every_command_has_a_help_of_its_own(group: str) -> None:
    overview = run(group, "--help").output
    for line in overview.split("Commands:\n")[1].splitlines():
        name, summary = line.split(maxsplit=1)
        assert summary.endswith(".")
        assert run(group, name, "--help").output.startswith(f"Usage: main {group} {name}")
