"""``moderation db`` as an operator types it."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result

from moderation.cli import main
from moderation.store.database import newest_revision


def test_an_empty_database_gets_its_tables(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODERATION_DATABASE_URL", empty_database_url)

    def run(command: str) -> Result:
        return CliRunner().invoke(main, ["db", command])

    before = run("status")
    assert before.exit_code == 1
    assert "Run `moderation db migrate`" in before.output
    first, second = run("migrate"), run("migrate")
    assert (first.exit_code, first.output) == (second.exit_code, second.output)
    assert f"is at revision {newest_revision()}" in first.output
    assert run("status").exit_code == 0
