"""Whole pages with their comments in natural proportion: for measuring, never for learning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moderation.comment import Article, Comment, Label, Parent
from moderation.seeds.corpus import SeedsError, rows

__all__ = ["PageComment", "read_pages"]

FILE = "pages.jsonl"


@dataclass(frozen=True, slots=True)
class PageComment:
    """A comment on a page, and the rule it breaks, if any."""

    comment: Comment
    page: str
    violates: Label | None


def read_pages(folder: Path) -> tuple[PageComment, ...]:
    """Read the comments of all pages, in the order of the pages and of their threads.

    Parameters
    ----------
    folder
        Holds ``pages.jsonl``; without this file there are no pages.

    Raises
    ------
    SeedsError
        If a line is not a page, an id occurs twice, a label is unknown or
        a comment answers one that does not stand above it.
    """
    if not (folder / FILE).exists():
        return ()
    found: list[PageComment] = []
    seen: set[str] = set()
    for row in rows(folder / FILE, needed={"id", "title", "text", "comments"}):
        if row["id"] in seen:
            raise SeedsError(f"{FILE}: the page {row['id']} stands there twice.")
        seen.add(row["id"])
        try:
            found += _comments(row)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise SeedsError(
                f"{FILE}, page {row['id']}: every comment needs a text, as its parent the number of"
                f" one above it, and as what it violates a known label ({error})."
            ) from None
    return tuple(found)


def _comments(page: Mapping[str, Any]) -> Iterator[PageComment]:
    article = Article(title=page["title"], text=page["text"], id=page["id"])
    above: list[Comment] = []
    for number, told in enumerate(page["comments"]):
        ancestors = _ancestors(page["comments"], number)
        comment = Comment(
            text=told["text"],
            id=f"{page['id']}-{number}",
            article=article,
            parent=Parent(above[ancestors[0]].text, above[ancestors[0]].id) if ancestors else None,
            thread=tuple(above[each].text for each in reversed(ancestors[1:])),
        )
        above.append(comment)
        violates = told.get("violates")
        yield PageComment(comment, page["id"], Label(violates) if violates is not None else None)


def _ancestors(told: list[Mapping[str, Any]], number: int) -> list[int]:
    """Return the numbers of what a comment answers, the nearest first."""
    ancestors: list[int] = []
    child, parent = number, told[number].get("parent")
    while parent is not None:
        if not 0 <= parent < child:
            raise ValueError(f"comment {child} answers {parent}")
        ancestors.append(parent)
        child, parent = parent, told[parent].get("parent")
    return ancestors
