"""docs/deploy.md: its unit, its nginx configuration, its settings and its metrics are true."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from moderation.settings import PROJECT_ROOT, Settings

PAGE = (PROJECT_ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")


def block(language: str, containing: str) -> str:
    """Return the code block of a language that contains something."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S)
    (found,) = (one for one in blocks if containing in one)
    return str(found)


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_settings_file_is_accepted(tmp_path, monkeypatch):
    (tmp_path / "moderation.toml").write_text(block("toml", "data_dir"))
    monkeypatch.setenv("MODERATION_CONFIG", str(tmp_path / "moderation.toml"))
    assert Settings().model_dump(include=tomllib.loads(block("toml", "data_dir")).keys())
    assert Settings().trusted_proxies == 1


def test_systemd_accepts_the_unit(tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    command = Path(sys.executable).with_name("moderation")
    unit = tmp_path / "moderation.service"
    unit.write_text(
        block("ini", "ExecStart").replace("/opt/moderation/.venv/bin/moderation", str(command))
    )
    verified = run("systemd-analyze", "verify", unit)
    assert verified.returncode == 0, verified.stderr
    assert "moderation.service" not in verified.stderr


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
    assert {"serve", "doctor", "user", "token", "db"} <= named
    assert named <= set(COMMANDS)
