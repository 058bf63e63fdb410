"""Reading ``seeds/articles.jsonl`` and ``seeds/comments.jsonl`` into plain values."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

from moderation.comment import Article, Comment, Label, Parent

FUNCTIONS: Mapping[str, Label | None] = MappingProxyType(
    dict.fromkeys(
        (
            "opinion",
            "product_rant",
            "critique_of_article",
            "humour",
            "question",
            "short_reply",
            "anecdote",
            "competitor",
            "firm_disagreement",
            "quoted_insult",
            "lookalike",
            "dialect",
            "correction",
            "identity_mention",
            "thread_turn",
        )
    )
    | dict.fromkeys(
        (
            "unrelated",
            "politics_drift",
            "support_for_something_else",
            "blog_meta",
            "chat",
            "drift_reply",
            "near_miss",
            "wrong_article",
        ),
        Label.OFF_TOPIC,
    )
    | dict.fromkeys(("advert", "link_drop", "scam", "seo_praise"), Label.SPAM)
    | dict.fromkeys(
        (
            "author_insult",
            "author_smear",
            "reader_insult",
            "condescension",
            "group",
            "obfuscated",
            "sarcasm",
            "veiled_threat",
            "emoji",
            "animal_comparison",
            "substance_plus_insult",
        ),
        Label.DISPARAGING,
    )
)
"""What a comment does, and the label it earns by that (``None``: it is fine)."""


class SeedsError(Exception):
    """A file of the corpus is missing or unreadable; the message says where."""


class Split(StrEnum):
    """Which comments a model may learn from; whole articles belong to one split."""

    TRAIN = "train"
    DEV = "dev"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class SeedArticle:
    """An invented article with its tags and its author's name."""

    article: Article
    tags: tuple[str, ...]
    author: str


@dataclass(frozen=True, slots=True)
class Seed:
    """A labelled comment; ``comment`` carries article, parent and the thread above the parent."""

    comment: Comment
    labels: Mapping[Label, bool]
    function: str
    severity: int | None
    borderline: bool
    split: Split
    pair: str | None

    @property
    def id(self) -> str:
        """The comment's id, unique in the corpus."""
        return str(self.comment.id)

    @property
    def violates(self) -> bool:
        """Whether the comment breaks any rule."""
        return any(self.labels.values())


@dataclass(frozen=True, slots=True)
class Corpus:
    """All articles by id, and all labelled comments in the order of their threads."""

    articles: Mapping[str, SeedArticle]
    seeds: tuple[Seed, ...]

    def of(self, *splits: Split) -> tuple[Seed, ...]:
        """Return the comments of some splits."""
        return tuple(seed for seed in self.seeds if seed.split in splits)


def read_corpus(folder: Path) -> Corpus:
    """Read the corpus.

    Parameters
    ----------
    folder
        Holds ``articles.jsonl`` and ``comments.jsonl``.

    Raises
    ------
    SeedsError
        If a file is missing or a line is not what ``seeds/schema.json`` describes.
    """
    articles = {
        row["id"]: SeedArticle(
            Article(title=row["title"], text=row["text"], id=row["id"]),
            tuple(row["tags"]),
            row["author"],
        )
        for row in rows(folder / "articles.jsonl", needed={"id", "title", "text", "tags", "author"})
    }
    by_id: dict[str, Seed] = {}
    parent_of: dict[str, str | None] = {}
    needed = {"id", "article", "parent", "text", "labels", "function", "split"}
    for row in rows(folder / "comments.jsonl", needed=needed):
        try:
            seed = _seed(row, articles, by_id, parent_of)
        except (KeyError, ValueError) as error:
            raise SeedsError(f"Comment {row['id']} names something unknown: {error}.") from None
        by_id[seed.id] = seed
        parent_of[seed.id] = row["parent"]
    return Corpus(articles, tuple(by_id.values()))


def rows(path: Path, needed: set[str]) -> Iterator[dict[str, Any]]:
    """Yield the objects of a JSONL file.

    Raises
    ------
    SeedsError
        If the file is missing, a line is not a JSON object, or one of the needed fields is absent.
    """
    try:
        lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    except FileNotFoundError:
        raise SeedsError(f"There is no {path.name} in {path.parent}.") from None
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise SeedsError(f"{path.name}, line {number}: not JSON ({error.msg}).") from None
        if not isinstance(row, dict) or not needed <= row.keys():
            missing = ", ".join(sorted(needed - set(row)))
            raise SeedsError(f"{path.name}, line {number}: missing {missing}.")
        yield row


def _seed(
    row: Mapping[str, Any],
    articles: Mapping[str, SeedArticle],
    earlier: Mapping[str, Seed],
    parent_of: Mapping[str, str | None],
) -> Seed:
    ancestors: list[str] = []
    above = row["parent"]
    while above is not None:
        ancestors.append(above)
        above = parent_of[above]
    parent = Parent(earlier[ancestors[0]].comment.text, ancestors[0]) if ancestors else None
    return Seed(
        comment=Comment(
            text=row["text"],
            id=row["id"],
            article=articles[row["article"]].article,
            parent=parent,
            thread=tuple(earlier[each].comment.text for each in reversed(ancestors[1:])),
        ),
        labels={label: bool(row["labels"][label]) for label in Label},
        function=row["function"],
        severity=row.get("severity"),
        borderline=bool(row.get("borderline", False)),
        split=Split(row["split"]),
        pair=row.get("pair"),
    )
