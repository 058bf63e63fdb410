"""WordPress exports (WXR): RSS with comments inside, streamed element by element.

Described by what WordPress writes and its importer takes; see ``docs/archive.md``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from moderation.archive.plain import plain
from moderation.archive.record import ArchiveError, Found, Problem
from moderation.archive.wordpress.columns import comment_of
from moderation.comment import Article

_NAMESPACE = re.compile(r"\{http://wordpress\.org/export/\d+\.\d+/\}")
_VERSION = re.compile(r"\d+\.\d+")
_CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"


@dataclass(slots=True)
class _Item:
    """What is known so far of the article whose comments are being read."""

    told: dict[str, str] = field(default_factory=dict)
    article: Article | None = None

    def as_article(self) -> Article:
        # Comments come last in an item, so by the first of them the article is complete.
        if self.article is None:
            self.article = Article(
                title=plain(self.told.get("title", "")),
                text=plain(self.told.get(_CONTENT, "")),
                id=self.told.get("wp:post_id", "").strip() or None,
                url=self.told.get("link", "").strip() or None,
            )
        return self.article


def read(path: Path) -> Iterator[Found]:
    """Yield the comments of an export; pingbacks and trackbacks are left out.

    Memory holds one comment and one article at a time, whatever the size of the file. Where the
    XML breaks off, what came before has been yielded and a problem says in which line.

    Raises
    ------
    ArchiveError
        If this is no WordPress export, or if it brings a DOCTYPE, which none does by itself.
    """
    try:
        with path.open("rb") as stream:
            yield from _elements(path, iterparse(stream, events=("start", "end"), forbid_dtd=True))
    except DefusedXmlException:
        raise ArchiveError(
            f"{path} has a DOCTYPE or entities of its own and is refused: no WordPress writes"
            " such an export. Export it again."
        ) from None
    except ParseError as error:
        line, column = error.position
        yield Problem(
            f"line {line}",
            f"The XML is broken at column {column + 1}; nothing after this was read. Export again,"
            " or mend this line.",
        )


def _elements(path: Path, events: Iterator[tuple[str, Element]]) -> Iterator[Found]:
    open_elements: list[Element] = []
    item = _Item()
    has_version = False
    for event, element in events:
        if event == "start":
            open_elements.append(element)
            if len(open_elements) == 1 and element.tag != "rss":
                raise ArchiveError(f"{path} is XML, but not a WordPress export.")
            if element.tag == "item":
                if not has_version:
                    raise ArchiveError(f"{path} is RSS, but not a WordPress export.")
                item = _Item()
            continue
        open_elements.pop()
        name = _NAMESPACE.sub("wp:", element.tag)
        inside = open_elements[-1] if open_elements else None
        if inside is None or inside.tag not in ("channel", "item"):
            continue
        if name == "wp:wxr_version":
            has_version = bool(_VERSION.fullmatch((element.text or "").strip()))
        elif name == "wp:comment":
            told = {_NAMESPACE.sub("", child.tag): child.text or "" for child in element}
            yield from comment_of(told, item.as_article())
        elif inside.tag == "item" and name not in ("wp:postmeta", "category"):
            item.told[name] = element.text or ""
        inside.remove(element)  # this is what keeps memory flat
    if not has_version:
        raise ArchiveError(f"{path} is RSS, but not a WordPress export.")
