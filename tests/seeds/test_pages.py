from __future__ import annotations

import json
from pathlib import Path

import pytest

from moderation.comment import Label
from moderation.seeds import SeedsError, read_corpus, read_pages
from moderation.settings import PROJECT_ROOT

PAGE = {"id": "p1", "title": "Neuer Akku", "text": "Er hält zwei Tage."}


def folder_with(folder: Path, *pages: dict[str, object]) -> Path:
    text = "".join(json.dumps(page) + "\n" for page in pages)
    (folder / "pages.jsonl").write_text(text, encoding="utf-8")
    return folder


def test_comments_come_with_article_parent_and_thread(tmp_path: Path) -> None:
    told = [
        {"text": "Wie teuer?"},
        {"text": "40 Euro.", "parent": 0},
        {"text": "Erster!", "violates": "off_topic"},
        {"text": "Danke!", "parent": 1},
    ]
    found = read_pages(folder_with(tmp_path, PAGE | {"comments": told}))
    assert [each.violates for each in found] == [None, None, Label.OFF_TOPIC, None]
    last = found[3].comment
    assert last.article is not None
    assert last.article.title == "Neuer Akku"
    assert last.parent is not None
    assert (last.parent.text, last.thread) == ("40 Euro.", ("Wie teuer?",))
    assert found[0].comment.parent is None


@pytest.mark.parametrize(
    "comments",
    [
        [{"parent": 0}],
        [{"text": "a", "parent": 0}],
        [{"text": "a"}, {"text": "b", "parent": 2}],
        [{"text": "a", "parent": -1}],
        [{"text": "a", "violates": "boring"}],
        {"text": "a"},
    ],
)
def test_what_is_no_page_is_named(tmp_path: Path, comments: object) -> None:
    with pytest.raises(SeedsError, match="page p1"):
        read_pages(folder_with(tmp_path, PAGE | {"comments": comments}))


def test_a_page_stands_there_once(tmp_path: Path) -> None:
    page = PAGE | {"comments": []}
    with pytest.raises(SeedsError, match="twice"):
        read_pages(folder_with(tmp_path, page, page))


def test_without_a_file_there_are_no_pages(tmp_path: Path) -> None:
    assert read_pages(tmp_path) == ()


def test_no_comment_on_the_pages_is_one_to_learn_from() -> None:
    seeds = PROJECT_ROOT / "seeds"
    learned = {seed.comment.text for seed in read_corpus(seeds).seeds}
    pages = read_pages(seeds)
    assert len({each.page for each in pages}) >= 30
    assert not learned & {each.comment.text for each in pages if len(each.comment.text) > 20}
