"""The words of an HTML text, as a reader of the page sees them."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "figure", "footer",
    "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p",
    "pre", "section", "table", "td", "th", "tr", "ul",
})  # fmt: skip
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
    parser = _Words()
    parser.feed(text)
    parser.close()
    lines = "".join(parser.pieces).split("\n")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.strip() for line in lines)).strip()


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._unseen = 0
        self._address: str | None = None
        self._link_starts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self._unseen += 1
        elif tag in _BLOCKS:
            self.pieces.append("\n")
        elif tag == "a":
            self._address = dict(attrs).get("href")
            self._link_starts = len(self.pieces)

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        elif tag in _BLOCKS:
            self.pieces.append("\n")
        elif tag == "a" and self._address:
            if self._address not in "".join(self.pieces[self._link_starts :]):
                self.pieces.append(f" ({self._address})")
            self._address = None

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.pieces.append(data)
