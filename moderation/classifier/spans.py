"""Where in a comment a score comes from, read off the heads' own weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from moderation.classifier.document import Document
from moderation.classifier.features import FeatureExtractor
from moderation.classifier.heads import LabelHead
from moderation.classifier.ngrams import Ngrams, Style
from moderation.classifier.tokens import STOPWORDS
from moderation.comment import Span

__all__ = ["MOST_SPANS", "spans"]

MOST_SPANS = 3

# A passage is marked if it raises the log-odds by this much and carries this share of all that
# raises them. Below lies the noise that every harmless word carries.
_LEAST_LOG_ODDS = 0.7
_LEAST_SHARE = 0.06
# What a word must add to be worth its place in a passage: low enough to bridge "zu" in "viel zu
# dumm", high enough not to mark whole sentences.
_COST_OF_A_WORD = 0.25


def spans(
    document: Document, extractor: FeatureExtractor, heads: Sequence[LabelHead]
) -> list[tuple[Span, ...]]:
    """Return the passages of a comment that raise its scores most.

    A linear head adds up what every n-gram contributes. Each n-gram's contribution goes to the
    words it lies in; the passages with the greatest sums are shown, never function words alone.
    What speaks against the label is left out of account: a comment with an insult and much else
    still shows the insult.

    Parameters
    ----------
    document : Document
        The comment.
    extractor : FeatureExtractor
        The fitted extractor the heads were trained with.
    heads : sequence of LabelHead
        Fitted heads.

    Returns
    -------
    list of tuple of Span
        For each head at most ``MOST_SPANS``, word-aligned and without overlaps, in the order of
        the text, with offsets in code points of the comment as it was sent.
    """
    raised = _word_log_odds(document, extractor, heads)
    return [_strongest(document, raised[:, number]) for number in range(len(heads))]


def _word_log_odds(
    document: Document, extractor: FeatureExtractor, heads: Sequence[LabelHead]
) -> NDArray[np.float64]:
    """Return by how much each word raises the log-odds, of shape (n_words, n_heads)."""
    raised = np.zeros((len(document.words), len(heads)))
    for block in extractor.blocks:
        columns = extractor.slices[block.name]
        weights = [head.weights_[columns] for head in heads]
        if isinstance(block, Style):
            raised += block.shares(document) @ np.column_stack(weights)
        elif isinstance(block, Ngrams):
            found = block.occurrences(document)
            if len(found.hashes):
                halves = block.contributions(found.hashes, weights) / 2
                np.add.at(raised, found.first, halves)
                np.add.at(raised, found.last, halves)
    raised *= np.array([head.slope_ for head in heads])
    return raised


def _strongest(document: Document, raised: NDArray[np.float64]) -> tuple[Span, ...]:
    total = raised.clip(min=0).sum()
    found: list[Span] = []
    untouched = [(0, len(raised))]
    while untouched and len(found) < MOST_SPANS:
        begin, end = untouched.pop(0)
        first, last = _heaviest_passage(raised[begin:end] - _COST_OF_A_WORD)
        first, last = begin + first, begin + last
        log_odds = raised[first:last].sum()
        if log_odds < max(_LEAST_LOG_ODDS, _LEAST_SHARE * total):
            continue
        untouched += [(begin, first), (last, end)]
        if any(word.text not in STOPWORDS for word in document.words[first:last]):
            found.append(_span(document, first, last, min(1.0, float(log_odds / total))))
    return _without_overlaps(sorted(found, key=lambda span: span.start))


def _heaviest_passage(gains: NDArray[np.float64]) -> tuple[int, int]:
    """Return first word and the one after the last of the passage with the greatest sum.

    Examples
    --------
    >>> _heaviest_passage(np.array([1.0, -3.0, 2.0, -0.5, 2.0, -9.0]))
    (2, 5)
    """
    sums = np.concatenate([[0.0], np.cumsum(gains)])
    last = int(np.argmax(sums - np.minimum.accumulate(sums)))
    first = int(np.argmin(sums[: last + 1]))
    return first, last


def _span(document: Document, first: int, last: int, weight: float) -> Span:
    words = document.words
    start, end = document.normalised.original_span(words[first].start, words[last - 1].end)
    return Span(start, end, round(weight, 6))


def _without_overlaps(found: list[Span]) -> tuple[Span, ...]:
    """Join passages that share a character: one of the original can stand for two words."""
    apart: list[Span] = []
    for span in found:
        if apart and span.start < apart[-1].end:
            before = apart.pop()
            weight = min(1.0, round(before.weight + span.weight, 6))
            span = Span(before.start, max(before.end, span.end), weight)  # noqa: PLW2901
        apart.append(span)
    return tuple(apart)
