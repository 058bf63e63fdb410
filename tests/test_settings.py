"""Settings from the environment, and the secrets an installation keeps."""

import re
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from pydantic import ValidationError

from moderation.settings import PROJECT_ROOT, Settings, keep_secret


def test_the_environment_sets_a_field(monkeypatch, tmp_path):
    monkeypatch.setenv("MODERATION_DATA_DIR", str(tmp_path))
    assert Settings().database == f"sqlite:///{tmp_path / 'moderation.db'}"


def test_a_database_url_beats_the_data_folder(monkeypatch):
    monkeypatch.setenv("MODERATION_DATABASE_URL", "postgresql+psycopg://localhost/comments")
    assert Settings().database == "postgresql+psycopg://localhost/comments"


def test_an_unknown_setting_is_refused():
    with pytest.raises(ValidationError, match="extra"):
        Settings(colour="blue")


def test_a_short_session_key_is_refused():
    with pytest.raises(ValidationError, match="at least 16"):
        Settings(secret_key="geheim")


def test_the_session_key_is_generated_once_and_for_us_alone(tmp_path):
    settings = Settings(data_dir=tmp_path / "new")
    key = settings.session_key()
    assert len(key) >= 16
    assert Settings(data_dir=tmp_path / "new").session_key() == key
    assert stat.S_IMODE((tmp_path / "new" / "session_key").stat().st_mode) == 0o600


def test_of_many_that_start_together_one_secret_wins(tmp_path):
    with ThreadPoolExecutor(16) as pool:
        kept = list(pool.map(lambda n: keep_secret(tmp_path / "key", f"secret {n}"), range(64)))
    assert len(set(kept)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_the_documentation_names_every_setting_and_no_other():
    text = (PROJECT_ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    documented = re.findall(r"^\| `MODERATION_(\w+)`", text, re.M)
    assert [name.lower() for name in documented] == list(Settings.model_fields)
