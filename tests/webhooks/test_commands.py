"""``moderation webhooks`` as an operator uses it."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from moderation.cli import main
from moderation.webhooks import Key

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def run(installed, monkeypatch, blog):
    """Run a command on an installation whose blog listens on this machine."""
    monkeypatch.setenv("MODERATION_WEBHOOK_URL", blog.url)
    monkeypatch.setenv("MODERATION_WEBHOOK_KEYS", KEY)
    monkeypatch.setenv("MODERATION_WEBHOOK_NETWORKS", "10.0.0.0/8, 127.0.0.0/8")
    return lambda *arguments: CliRunner().invoke(main, ["webhooks", *arguments])


@pytest.fixture
def waiting(store, happened_in):
    """Three events that nobody was told of."""
    happened_in(store, ("4711", 1), ("4711", 2), ("4712", 1))


@pytest.mark.usefixtures("waiting")
def test_what_waits_is_sent_once_and_listed(run, blog):
    assert run("list").stderr.startswith(
        "3 pending, 0 parked; the oldest is of 2026-11-22 07:00:00Z"
    )
    blog.answer = lambda message: (204 if message["data"]["comment"] == "4712" else 404, {})
    sent = run("run", "--once")
    assert sent.exit_code == 1
    assert sent.stdout == "1 delivered, 1 failed.\n"
    listed = run("list")
    assert "attempts: 1  The answer was 404." in listed.stdout
    assert len(listed.stdout.splitlines()) == 2
    assert len(run("list", "--state", "delivered").stdout.splitlines()) == 1


@pytest.mark.usefixtures("waiting")
def test_events_are_skipped_and_replayed_by_number_or_time(run, blog):
    assert run("skip", "1", "2").stdout == "2 events will not be sent.\n"
    assert run("run", "--once").stdout == "1 delivered, 0 failed.\n"
    assert run("replay", "2").stdout == "1 events will be sent again.\n"
    assert run("replay", "--since", "2026-11-22T06:59:59").stdout.startswith("3 events")
    assert run("run", "--once").stdout == "3 delivered, 0 failed.\n"
    assert blog.told == [("4712", 1), ("4711", 1), ("4711", 2), ("4712", 1)]
    assert run("skip", "--all").stdout.startswith("0 events")


@pytest.mark.parametrize("arguments", [("replay",), ("skip",), ("skip", "1", "--all")])
def test_it_has_to_be_said_which(run, arguments):
    assert run(*arguments).exit_code == 2


def test_a_new_key_can_be_used(run):
    Key.read(run("key").stdout.strip())


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("URL", None, "Nobody is to be told. Set MODERATION_WEBHOOK_URL"),
        ("KEYS", None, "MODERATION_WEBHOOK_KEYS to what `moderation webhooks key` prints"),
        ("KEYS", "geheim", "MODERATION_WEBHOOK_KEYS is wrong: A key for webhooks is whsec_"),
        ("URL", "ftp://blog.example/", "an address that starts with https://"),
        ("URL", "https://eva:geheim@blog.example/", "leave out login and fragment"),
        ("URL", "https://blog.example:geheim/", "MODERATION_WEBHOOK_URL is wrong"),
        ("NETWORKS", "geheim", "MODERATION_WEBHOOK_NETWORKS is wrong"),
    ],
)
def test_settings_that_do_not_do_are_named_and_not_repeated(
    run, monkeypatch, name, value, sentence
):
    if value is None:
        monkeypatch.delenv(f"MODERATION_WEBHOOK_{name}")
    else:
        monkeypatch.setenv(f"MODERATION_WEBHOOK_{name}", value)
    ended = run("run", "--once")
    assert ended.exit_code == 1
    assert sentence in ended.stderr
    assert "geheim" not in ended.stderr
