"""`moderation doctor`: what it looks at, and what it says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import gettempdir

import pytest
from click.testing import CliRunner
from pydantic import SecretStr

from moderation.comment import Comment
from moderation.desk import Desk, accounts
from moderation.doctor import Health, doctor, examine
from moderation.store import Role

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def healthy(settings, store):
    """An installation that lacks nothing."""
    accounts.create_moderator(store, "anna", "ein langes Passwort", Role.ADMIN)
    for file in settings.data_dir.glob("moderation.db*"):
        file.chmod(0o600)
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


def test_a_database_without_tables_is_named(healthy, empty_database_url):
    lost = healthy.model_copy(update={"database_url": empty_database_url})
    assert "moderation db migrate" in worst(lost, "database")[0]


def test_without_an_admin_it_says_how_to_get_one(healthy, store):
    accounts.set_disabled(store, "anna", disabled=True)
    assert "moderation user create" in worst(healthy, "accounts")[0]


@pytest.fixture
def open_folders(healthy):
    """Let others into every folder above the data, as where it lies in a home folder or in /srv."""
    above = [healthy.data_dir, *healthy.data_dir.parents]
    ours = [folder for folder in above if Path(gettempdir()) in folder.parents]
    modes = {folder: folder.stat().st_mode for folder in ours}
    for folder in ours:
        folder.chmod(0o755)
    yield
    for folder, mode in modes.items():
        folder.chmod(mode)


@pytest.mark.usefixtures("open_folders")
def test_a_secret_others_can_read_is_named_with_the_remedy(healthy):
    key = healthy.data_dir / "session_key"
    key.write_text("geheim" * 9)
    key.chmod(0o644)
    assert f"chmod 600 {key}" in worst(healthy, "permissions")[0]


def test_behind_a_proxy_it_asks_for_safe_cookies(healthy):
    behind = healthy.model_copy(update={"trusted_proxies": 1})
    assert "MODERATION_COOKIES_OVER_HTTPS_ONLY" in worst(behind, "https")[0]


@pytest.fixture
def submitted(store, classifier, rules):
    """Let a comment come in so long ago; the blog is to be told of it."""

    def submit(age):
        desk = Desk(store, classifier, rules, clock=lambda: datetime.now(UTC) - age)
        desk.submit(Comment("Danke!", id="1", email_hash="0" * 64))

    return submit


def test_parked_webhooks_are_counted_and_the_way_to_send_them_named(healthy, store, submitted):
    submitted(timedelta(0))
    assert worst(healthy, "webhooks") == []
    with store.writing() as writer:
        now = datetime.now(UTC)
        taken = writer.outbox.take(at=now, until=now)
        writer.outbox.failed(taken, "The answer was 404.", due_at=None)
    (sentence,) = worst(healthy, "webhooks")
    assert "are parked: 1." in sentence
    assert "moderation webhooks replay --parked" in sentence


@pytest.mark.parametrize(("hours", "told"), [(0.9, False), (1.1, True)])
def test_events_that_nobody_sends_are_named_where_somebody_should(healthy, submitted, hours, told):
    submitted(timedelta(hours=hours))
    telling = healthy.model_copy(
        update={"webhook_url": "https://blog.example/", "webhook_keys": (SecretStr(KEY),)}
    )
    sentences = worst(telling, "webhooks")
    assert any("moderation webhooks run" in each for each in sentences) == told
    assert worst(healthy, "webhooks") == []


def test_a_webhook_without_a_key_to_sign_is_broken(healthy):
    unsigned = healthy.model_copy(update={"webhook_url": "https://blog.example/"})
    assert "`moderation webhooks key` prints" in worst(unsigned, "webhooks")[0]


def test_hashes_whose_key_is_missing_are_named(healthy, submitted):
    assert worst(healthy, "privacy") == []
    submitted(timedelta(0))
    assert "MODERATION_PRIVACY_KEY" in worst(healthy, "privacy")[0]
    keyed = healthy.model_copy(update={"privacy_key": "ein langer Schlüssel"})
    assert worst(keyed, "privacy") == []


def test_the_command_fails_only_for_what_is_broken(healthy, installed, monkeypatch):
    assert CliRunner().invoke(doctor).exit_code == 0
    monkeypatch.setenv("MODERATION_MODEL_DIR", "/nowhere")
    broken = CliRunner().invoke(doctor)
    assert broken.exit_code == 1
    assert "broken   model" in broken.output
