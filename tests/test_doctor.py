"""`moderation doctor`: what it looks at, and what it says."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from moderation.desk import accounts
from moderation.doctor import Health, doctor, examine
from moderation.store import Role, Store


@pytest.fixture
def healthy(settings):
    """An installation that lacks nothing."""
    store = Store(settings.database)
    accounts.create_moderator(store, "anna", "ein langes Passwort", Role.ADMIN)
    store.close()
    (settings.data_dir / "moderation.db").chmod(0o600)
    return settings


def worst(settings, subject):
    return [
        finding.sentence
        for finding in examine(settings)
        if finding.subject == subject and finding.health is not Health.OK
    ]


def test_it_finds_nothing_wrong_with_a_healthy_installation(healthy):
    assert all(finding.health is Health.OK for finding in examine(healthy))


def test_without_rules_it_says_so(healthy, tmp_path):
    lost = healthy.model_copy(update={"rules_file": tmp_path / "nowhere.toml"})
    assert "MODERATION_RULES_FILE" in worst(lost, "rules")[0]


def test_without_a_model_it_says_so(healthy, tmp_path):
    lost = healthy.model_copy(update={"model_dir": tmp_path / "nowhere"})
    assert "moderation train" in worst(lost, "model")[0]


def test_a_database_without_tables_is_named(healthy, tmp_path):
    lost = healthy.model_copy(update={"database_url": f"sqlite:///{tmp_path / 'empty.db'}"})
    assert "moderation db migrate" in worst(lost, "database")[0]


def test_without_an_admin_it_says_how_to_get_one(healthy):
    store = Store(healthy.database)
    accounts.set_disabled(store, "anna", disabled=True)
    store.close()
    assert "moderation user create" in worst(healthy, "accounts")[0]


def test_a_secret_others_can_read_is_named_with_the_remedy(healthy):
    key = healthy.data_dir / "session_key"
    key.write_text("geheim" * 9)
    key.chmod(0o644)
    for parent in list(key.parents)[:3]:
        parent.chmod(0o755)
    assert f"chmod 600 {key}" in worst(healthy, "permissions")[0]


def test_behind_a_proxy_it_asks_for_safe_cookies(healthy):
    behind = healthy.model_copy(update={"trusted_proxies": 1})
    assert "MODERATION_COOKIES_OVER_HTTPS_ONLY" in worst(behind, "https")[0]


def test_the_command_fails_only_for_what_is_broken(healthy, monkeypatch):
    monkeypatch.setenv("MODERATION_DATA_DIR", str(healthy.data_dir))
    assert CliRunner().invoke(doctor).exit_code == 0
    monkeypatch.setenv("MODERATION_MODEL_DIR", "/nowhere")
    broken = CliRunner().invoke(doctor)
    assert broken.exit_code == 1
    assert "broken   model" in broken.output
