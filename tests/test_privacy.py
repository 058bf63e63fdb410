"""Privacy as blog and operator meet it: over HTTP, and by commands in processes of their own."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
import requests

from moderation.app import create_app
from moderation.comment import Action
from moderation.desk import accounts
from moderation.desk.privacy import Pseudonyms
from moderation.settings import Settings
from moderation.store import Scope

COMMAND = Path(sys.executable).with_name("moderation")
CANARY = "Kanarienvogel9c1f"
EMAIL, ADDRESS = f"{CANARY}@blog.example", "203.0.113.77"
KEY = "der Schlüssel dieses Blogs"
EVA = {
    "author": f"Eva {CANARY}",
    "email": EMAIL,
    "address": ADDRESS,
    "article": {"id": "7", "title": "Das Notebook im Test", "text": "Der Akku hält acht Stunden."},
}


@pytest.fixture
def privacy_key(monkeypatch):
    monkeypatch.setenv("MODERATION_PRIVACY_KEY", KEY)
    return KEY


@pytest.fixture
def app(installed, classifier):
    """The application with the settings that commands find too."""
    app = create_app(Settings(), classifier=classifier)
    yield app
    app.extensions["moderation"].store.close()


@pytest.fixture
def desk(app):
    return app.extensions["moderation"].desk


@pytest.fixture
def send(app, address):
    """Send a comment of Eva's to the service and return status and answer."""
    key = accounts.issue_token(app.extensions["moderation"].store, "blog", list(Scope)).key

    def send(text, **fields):
        headers = {"Authorization": f"Bearer {key}"}
        body = EVA | {"text": text} | fields
        answer = requests.post(f"{address}/classify", json=body, headers=headers, timeout=60)
        return answer.status_code, answer.json()

    return send


def moderation(*arguments, status=0):
    """Run a command as an operator does and return what it printed."""
    ended = subprocess.run(
        [COMMAND, *arguments], capture_output=True, text=True, timeout=300, check=False
    )
    assert ended.returncode == status, ended.stderr
    return ended.stdout if status == 0 else ended.stderr


@pytest.mark.usefixtures("privacy_key")
def test_what_is_not_to_be_stored_leaves_no_trace(send, everything_kept, settings, sql):
    context = {"parent": {"id": CANARY, "text": CANARY}, "thread": [CANARY]}
    article = {"id": CANARY, "title": CANARY, "text": CANARY, "url": f"https://{CANARY}.example/"}
    status, answer = send(f"Du Idiot! {CANARY}", id=CANARY, store=False, article=article, **context)
    assert (status, answer["verdict"]) == (200, "hold")
    assert "queue_url" not in answer
    assert CANARY.lower() not in everything_kept()
    assert Pseudonyms(KEY).email(EMAIL) not in everything_kept()
    for table in ("comments", "articles", "assessments", "events"):
        assert sql(f"SELECT count(*) FROM {table}") == [(0,)]
    for path in settings.data_dir.rglob("*"):
        assert not path.is_file() or CANARY.encode() not in path.read_bytes()


def test_of_the_addresses_only_a_hash_with_the_key_is_kept(privacy_key, send, everything_kept):
    assert send("Danke!", id="1")[0] == 200
    kept, pseudonyms = everything_kept(), Pseudonyms(privacy_key)
    assert pseudonyms.email(EMAIL) in kept
    assert pseudonyms.address(ADDRESS) in kept
    for secret in (EMAIL, ADDRESS):
        assert secret.lower() not in kept
        for spelling in (secret, secret.lower()):
            assert sha256(spelling.encode()).hexdigest() not in kept


def test_without_a_key_nothing_of_the_addresses_is_kept(send, desk, everything_kept):
    assert send("Danke!", id="1")[0] == 200
    comment = desk.comment("1").comment
    assert comment.email_hash is comment.address_hash is None
    assert EMAIL.lower() not in everything_kept()
    assert ADDRESS not in everything_kept()
    refused = moderation("privacy", "erase", "--author", EVA["author"], "--email", EMAIL, status=1)
    assert refused.startswith("Error: Without a key nobody is found by e-mail or IP address")
    assert desk.comment("1").erased_at is None


@pytest.mark.usefixtures("privacy_key")
def test_a_person_gets_all_of_their_data_and_then_has_it_erased(
    send, desk, everything_kept, tmp_path
):
    assert send(f"Mein {CANARY} hat keinen Akku.", id="1")[0] == 200
    assert send(f"Mein {CANARY} hat einen Akku.", id="1")[0] == 200
    assert send(f"Du Idiot, {CANARY}!", id="2")[1]["verdict"] == "hold"
    desk.decide("2", Action.REJECT, "max", note=CANARY, message=CANARY, version=1)
    other = {"author": "Max", "email": "max@blog.example", "address": "203.0.113.78"}
    assert send("Gute Frage.", id="3", parent={"id": "2"}, **other)[0] == 200

    written = tmp_path / "eva.json"
    moderation("privacy", "export", "--email", EMAIL.upper(), "-o", written)
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    first, second = json.loads(written.read_text())["comments"]
    assert first["past_texts"][0]["text"] == f"Mein {CANARY} hat keinen Akku."
    assert second["decisions"][0]["message"] == CANARY
    printed = moderation("privacy", "export", "--address", ADDRESS, "--author", EVA["author"])
    assert json.loads(printed)["comments"] == [first, second]
    assert json.loads(moderation("privacy", "export", "--email", "x@y.example"))["comments"] == []

    assert moderation("privacy", "erase", "--email", EMAIL, "--yes") == "2 comments are erased.\n"
    kept = everything_kept()
    assert CANARY.lower() not in kept
    assert Pseudonyms(KEY).email(EMAIL) not in kept
    assert Pseudonyms(KEY).address(ADDRESS) not in kept
    assert "gute frage." in kept
    assert desk.comment("2").decisions[0].action is Action.REJECT
    status, problem = send(f"Mein {CANARY} hat einen Akku.", id="1")
    assert (status, problem["type"]) == (409, "/docs#problem-retracted")
    assert moderation("privacy", "erase", "--email", EMAIL, "--yes") == "0 comments are erased.\n"


def test_texts_expire_by_the_settings(send, desk, monkeypatch):
    for comment_id in ("1", "2"):
        assert send(f"Du Idiot, {CANARY}!", id=comment_id)[1]["verdict"] == "hold"
    desk.decide("1", Action.APPROVE, "max", version=1)
    assert "Set one of MODERATION_RETENTION_DAYS" in moderation("privacy", "expire", status=1)
    monkeypatch.setenv("MODERATION_RETENTION_DAYS_APPROVED", "0")
    monkeypatch.setenv("MODERATION_RETENTION_DAYS_WAITING", "1")
    printed = moderation("privacy", "expire")
    assert printed.splitlines() == [
        "Approved  1 erased",
        "Held      0 erased",
        "Deferred  0 erased",
    ]
    assert desk.comment("1").comment.text == ""
    assert desk.comment("2").comment.text == f"Du Idiot, {CANARY}!"


def test_a_new_key_can_be_used(monkeypatch):
    monkeypatch.setenv("MODERATION_PRIVACY_KEY", moderation("privacy", "key").strip())
    assert Settings().privacy_key
