"""docs/deploy.md: its units, its nginx configuration, its settings and its metrics are true."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from moderation.cli import main
from moderation.settings import PROJECT_ROOT, Settings
from moderation.webhooks import sender

PAGE = (PROJECT_ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")


def block(language: str, containing: str) -> str:
    """Return the code block of a language that contains something."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S)
    (found,) = (one for one in blocks if containing in one)
    return str(found)


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_settings_file_is_accepted_with_what_may_be_added(tmp_path, monkeypatch, store):
    written = block("toml", "data_dir") + block("toml", "webhook_url")
    for secret, group in (("whsec_…", "webhooks"), ("…", "privacy")):
        printed = CliRunner().invoke(main, [group, "key"]).stdout.strip()
        written = written.replace(f'"{secret}"', f'"{printed}"')
    (tmp_path / "moderation.toml").write_text(written, encoding="utf-8")
    monkeypatch.setenv("MODERATION_CONFIG", str(tmp_path / "moderation.toml"))
    settings = Settings()
    assert tomllib.loads(written).keys() == settings.model_fields_set
    assert settings.trusted_proxies == 1
    assert settings.privacy_key
    assert sender(store, settings)


def units() -> dict[str, str]:
    """Return every unit of the page by its name."""
    found = re.findall(r"`/etc/systemd/system/(\S+)`[^`]*```ini\n(.*?)^```", PAGE, re.M | re.S)
    return dict(found)


def test_systemd_accepts_the_units(tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    command = Path(sys.executable).with_name("moderation")
    for name, unit in units().items():
        installed = unit.replace("/opt/moderation/.venv/bin/moderation", str(command))
        (tmp_path / name).write_text(installed, encoding="utf-8")
    assert len(units()) == PAGE.count("```ini") == 4
    verified = run("systemd-analyze", "verify", *tmp_path.iterdir())
    assert verified.returncode == 0, verified.stderr
    assert "moderation" not in verified.stderr


def test_what_a_unit_starts_is_a_command():
    started = re.findall(r"^ExecStart=/opt/moderation/.venv/bin/moderation (.+)$", PAGE, re.M)
    assert len(started) == 3
    for line in started:
        called = CliRunner().invoke(main, [*line.split(), "--help"])
        assert called.exit_code == 0, called.output


def test_the_timer_comes_every_night_and_calls_its_unit():
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    (when,) = re.findall(r"^OnCalendar=(.+)$", PAGE, re.M)
    told = run("systemd-analyze", "calendar", when)
    assert re.search(r"Normalized form: \*-\*-\* \d\d:\d\d:00$", told.stdout, re.M), told.stderr
    (timer,) = (name for name in units() if name.endswith(".timer"))
    assert timer.replace(".timer", ".service") in units()


def test_nginx_accepts_its_configuration(tmp_path):
    if shutil.which("nginx") is None or shutil.which("openssl") is None:
        pytest.skip("nginx and openssl are not installed")
    made = run(
        *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
        *("-subj", "/CN=desk.example", "-keyout", tmp_path / "key", "-out", tmp_path / "pem"),
    )
    assert made.returncode == 0, made.stderr
    site = (
        block("nginx", "upstream")
        .replace("/etc/ssl/desk.example.pem", str(tmp_path / "pem"))
        .replace("/etc/ssl/desk.example.key", str(tmp_path / "key"))
        .replace("listen 443", "listen 127.0.0.1:8443")
    )
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{ access_log off;\n{site}}}\n"
    )
    tested = run("nginx", "-t", "-p", tmp_path, "-c", tmp_path / "nginx.conf")
    assert tested.returncode == 0, tested.stderr
    assert "[warn]" not in tested.stderr


def test_every_metric_it_names_exists():
    code = (PROJECT_ROOT / "moderation" / "telemetry" / "metrics.py").read_text()
    named = set(re.findall(r"`(moderation_\w+?)(?:_total)?\{", PAGE))
    assert named
    assert all(f'"{name}"' in code for name in named)


def test_every_command_it_names_exists():
    from moderation.cli import COMMANDS

    named = set(re.findall(r"(?:^|/bin/)moderation ([a-z]+)", PAGE, re.M))
    assert {"serve", "doctor", "user", "token", "db", "webhooks", "privacy"} <= named
    assert named <= set(COMMANDS)
