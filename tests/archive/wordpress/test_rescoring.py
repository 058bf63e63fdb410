"""A live WordPress is scored again, its statuses follow if that is wanted, and come back."""

import json

import pytest
from click.testing import CliRunner

from moderation.cli import main

INSULT = "Du bist doch ein dummer Idiot, halt einfach das Maul!"


@pytest.fixture
def command(wordpress, key, model_dir, tmp_path, monkeypatch):
    """Run a command about archives in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MODERATION_MODEL_DIR", str(model_dir))
    monkeypatch.setenv("MODERATION_WORDPRESS_PASSWORD", key)
    return lambda *arguments: CliRunner().invoke(main, arguments)


def test_statuses_follow_a_rescoring_and_come_back_with_addresses_intact(
    wordpress, command, tmp_path
):
    article = wordpress.publish("Akku", "<p>Der Akku hält zwei Tage.</p>")
    published = wordpress.say(article, INSULT)
    wordpress.set_status(published, "approve")
    before = wordpress.comment(published)
    rescore = ("rescore", wordpress.url, "--user", wordpress.user, "-o", "out.jsonl", "--jobs", "1")

    looked = command(*rescore, "--apply")
    assert wordpress.comment(published) == before, looked.output
    [line] = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["change"] == "newly_violating"

    applied = command(*rescore, "--apply", "--yes")
    assert applied.exit_code == 0, applied.output
    assert wordpress.comment(published) == before | {"comment_approved": "0"}

    undone = command("undo", "out.jsonl.applied-1.jsonl", "--yes")
    assert undone.exit_code == 0, undone.output
    assert wordpress.comment(published) == before
