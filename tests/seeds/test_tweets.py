"""What readers said of tweets by our rule, and what becomes of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from moderation.seeds import SeedsError, tweet_labels
from moderation.seeds.check import check
from moderation.settings import PROJECT_ROOT


def write(folder: Path, *rows: dict[str, str]) -> Path:
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "tweets.jsonl").write_text(text, encoding="utf-8")
    return folder


def row(id: str, first: str, second: str) -> dict[str, str]:
    return {"id": id, "first": first, "second": second}


def test_only_what_both_readers_say_is_known(tmp_path: Path) -> None:
    write(
        tmp_path,
        row("a", "fine", "fine"),
        row("b", "disparaging", "disparaging"),
        row("c", "fine", "disparaging"),
        row("d", "public_figure", "public_figure"),
        row("e", "public_figure", "fine"),
    )
    assert tweet_labels(tmp_path) == {"a": False, "b": True, "c": None, "d": None, "e": None}


def test_without_the_file_nothing_is_known(tmp_path: Path) -> None:
    assert tweet_labels(tmp_path) == {}


@pytest.mark.parametrize("bad", [row("a", "rude", "fine"), {"id": "a", "first": "fine"}])
def test_a_line_that_is_wrong_is_named(tmp_path: Path, bad: dict[str, str]) -> None:
    with pytest.raises(SeedsError, match=r"tweets\.jsonl"):
        tweet_labels(write(tmp_path, bad))


def test_the_check_finds_a_reading_it_does_not_know(tmp_path: Path) -> None:
    seeds = PROJECT_ROOT / "seeds"
    shutil.copy(seeds / "schema.json", tmp_path)
    for name in ("articles.jsonl", "comments.jsonl", "second_opinion.jsonl"):
        first, _, _ = (seeds / name).read_text(encoding="utf-8").partition("\n")
        (tmp_path / name).write_text(first + "\n", encoding="utf-8")
    write(tmp_path, row("0123456789abcdef", "rude", "fine"))
    (finding,) = check(tmp_path)
    assert "tweets.jsonl" in finding.message
    assert finding.ids == ("0123456789abcdef",)
