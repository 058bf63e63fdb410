"""Passages that a reader can take in at a glance, cut from an article or another comment."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

import regex

__all__ = ["LONGEST_PASSAGE", "passages"]

LONGEST_PASSAGE = 240

# The first look keeps a run of full stops from being tried again from each of them.
_BOUNDARY = regex.compile(r"(?<![.!?…])[.!?…]++[\"“”»«)\]]*+\s++(?=[\p{Lu}\d\"„»«(\[])")
# A full stop after these ends no sentence: abbreviations, initials and ordinal numbers.
_NO_END = regex.compile(
    r"(?:^|[\s(.])(?:\p{L}|\d{1,2}|bzw|ca|etc|evtl|ggf|inkl|max|min|Mio|Mrd|Nr|sog|St|usw|vgl|zzgl"
    r"|Dr|Prof)\.\s*$"
)
_LONGEST_ABBREVIATION = 8


def passages(text: str) -> list[str]:
    """Cut a text into passages of whole sentences, at most ``LONGEST_PASSAGE`` characters each.

    Sentences stay together as long as they fit; a sentence that is too long by itself is cut
    between words.

    Parameters
    ----------
    text : str
        Running text.

    Returns
    -------
    list of str
        Passages in the order of the text; empty for a text of nothing but spaces.

    Examples
    --------
    >>> passages("Der Akku hält z. B. zwei Tage. Das ist gut.")
    ['Der Akku hält z. B. zwei Tage. Das ist gut.']
    """
    found: list[str] = []
    for sentence in _sentences(text):
        if found and len(found[-1]) + 1 + len(sentence) <= LONGEST_PASSAGE:
            found[-1] += f" {sentence}"
        else:
            found.append(sentence)
    return found


def _sentences(text: str) -> Iterator[str]:
    for line in text.splitlines():
        start = 0
        for boundary in _BOUNDARY.finditer(line):
            end = boundary.end()
            if _NO_END.search(line[max(start, end - _LONGEST_ABBREVIATION) : end]):
                continue
            yield from _fitting(line[start:end])
            start = end
        yield from _fitting(line[start:])


def _fitting(sentence: str) -> list[str]:
    # without blanks in front: textwrap takes quadratic time for a long run of them
    sentence = sentence.strip()
    return textwrap.wrap(sentence, LONGEST_PASSAGE, expand_tabs=False, break_on_hyphens=False)
