"""Settings from the environment, and the secrets an installation keeps."""

import re
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner

from moderation.cli import main
from moderation.settings import PROJECT_ROOT, Settings, SettingsError, keep_secret


def test_the_environment_sets_a_field(monkeypatch, tmp_path):
    monkeypatch.setenv("MODERATION_DATA_DIR", str(tmp_path))
    assert Settings().database == f"sqlite:///{tmp_path / 'moderation.db'}"


def test_a_database_url_beats_the_data_folder(monkeypatch):
    monkeypatch.setenv("MODERATION_DATABASE_URL", "postgresql+psycopg://localhost/comments")
    assert Settings().database == "postgresql+psycopg://localhost/comments"


def test_an_unknown_setting_is_refused():
    with pytest.raises(SettingsError, match="MODERATION_COLOUR is not a setting; take it out"):
        Settings(colour="blue")


def test_an_unknown_variable_is_refused_and_its_value_not_repeated(monkeypatch):
    monkeypatch.setenv("MODERATION_SECRETKEY", "geheim")
    with pytest.raises(SettingsError, match="or call it MODERATION_SECRET_KEY") as refusal:
        Settings()
    assert "geheim" not in str(refusal.value)


@pytest.fixture
def file(tmp_path, monkeypatch):
    """Write the settings file that ``MODERATION_CONFIG`` names."""

    def write(content):
        path = tmp_path / "moderation.toml"
        path.write_bytes(content)
        monkeypatch.setenv("MODERATION_CONFIG", str(path))

    return write


def test_a_file_sets_a_field_and_the_environment_beats_it(file, monkeypatch):
    file(b'data_dir = "/srv"\ntrusted_proxies = 1')
    assert Settings().data_dir == Path("/srv")
    monkeypatch.setenv("MODERATION_DATA_DIR", "/var")
    assert Settings().data_dir == Path("/var")
    assert Settings().trusted_proxies == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'data_dri = "/srv"', "MODERATION_DATA_DRI is not a setting.* call it MODERATION_DATA_"),
        (b"[server]\nport = 1", "MODERATION_SERVER is not a setting"),
        (b'trusted_proxies = "many"', "MODERATION_TRUSTED_PROXIES is wrong: .* valid integer"),
        (b"data_dir = ", "cannot be read as TOML"),
        (b"\xff", "cannot be read as TOML"),
    ],
)
def test_a_file_that_is_wrong_is_refused(file, content, said):
    file(content)
    with pytest.raises(SettingsError, match=said):
        Settings()


def test_a_file_that_is_missing_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("MODERATION_CONFIG", str(tmp_path / "nowhere.toml"))
    with pytest.raises(SettingsError, match="No such file"):
        Settings()


def test_every_command_stops_with_the_sentence(monkeypatch):
    monkeypatch.setenv("MODERATION_COLOUR", "blue")
    done = CliRunner().invoke(main, ["db", "status"])
    assert done.exit_code == 1
    assert done.output == "Error: MODERATION_COLOUR is not a setting; take it out.\n"


def test_a_short_session_key_is_refused():
    with pytest.raises(SettingsError, match=r"MODERATION_SECRET_KEY is wrong: .* at least 16"):
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
