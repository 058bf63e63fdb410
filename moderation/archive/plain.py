"""The words of an HTML text, as a reader of the page sees them."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping

from lxml.etree import HTMLParser

_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "dd", "div", "dl", "dt", "figure", "footer",
    "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "li", "main", "nav", "ol", "p",
    "pre", "section", "table", "td", "th", "tr", "ul",
})  # fmt: skip
_BREAKS = frozenset({"br", "hr"})  # there is nothing in them that could end
_UNSEEN = frozenset({"script", "style", "template", "noscript"})


def plain(text: str) -> str:
    r"""Return the text without markup; a link keeps its address, for spam shows in it.

    Examples
    --------
    >>> plain('<p>Akku &amp; Netzteil</p><!-- wp:more --><p>Mehr <a href="https://a.example">hier</a>.')
    'Akku & Netzteil\n\nMehr hier (https://a.example).'
    >>> plain("Preis < 300 Euro, <3 dafür")
    'Preis < 300 Euro, <3 dafür'
    """
    if "<" not in text:
        return html.unescape(text).strip()
    words = _Words()
    # of what is no text (half of a surrogate pair) nothing is left to be read
    parser = HTMLParser(target=words, encoding="utf-8", huge_tree=True)
    parser.feed(text.encode(errors="replace"))
    parser.close()
    lines = "".join(words.pieces).split("\n")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.strip() for line in lines)).strip()


class _Words:
    """Takes what the parser finds, piece by piece."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self._unseen = 0
        self._address: str | None = None
        self._link_starts = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag in _UNSEEN:
            self._unseen += 1
        elif tag in _BLOCKS or tag in _BREAKS:
            self.pieces.append("\n")
        elif tag == "a":
            self._address = attributes.get("href")
            self._link_starts = len(self.pieces)

    def end(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen -= 1
        elif tag in _BLOCKS:
            self.pieces.append("\n")
        elif tag == "a" and self._address:
            if self._address not in "".join(self.pieces[self._link_starts :]):
                self.pieces.append(f" ({self._address})")
            self._address = None

    def data(self, text: str) -> None:
        if not self._unseen:
            self.pieces.append(text)

    def close(self) -> None:
        """Do nothing: the parser asks at its end for what was made of it all."""
