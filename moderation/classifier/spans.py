"""Where in a comment a score comes from, read off the heads' own weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from moderation.classifier.document import Document
from moderation.classifier.features import FeatureExtractor
from moderation.classifier.heads import LabelHead
from moderation.classifier.ngrams import Ngrams, Style
from moderation.comment import Span

__all__ = ["MOST_SPANS", "spans"]

MOST_SPANS = 3

# A word is marked if it raises the log-odds by this much and carries this share of all that
# raises them. Below lies the noise that every harmless word carries.
_LEAST_LOG_ODDS = 0.7
_LEAST_SHARE = 0.12


def spans(
    document: Document, extractor: FeatureExtractor, heads: Sequence[LabelHead]
) -> list[tuple[Span, ...]]:
    """Return the passages of a comment that raise its scores most.

    A linear head adds up what every n-gram contributes. Each n-gram's contribution goes to the
    words it lies in; neighbouring words that stand out form one passage. If all words together
    do not raise a score, there is nothing to show.

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
            if found.texts:
                halves = block.contributions(found.texts, weights) / 2
                np.add.at(raised, found.first, halves)
                np.add.at(raised, found.last, halves)
    raised *= np.array([head.slope_ for head in heads])
    return raised


def _strongest(document: Document, raised: NDArray[np.float64]) -> tuple[Span, ...]:
    if raised.sum() <= 0:
        return ()
    total = raised[raised > 0].sum()
    marked = (raised >= _LEAST_LOG_ODDS) & (raised >= _LEAST_SHARE * total)
    found = _passages(document, raised / total, np.flatnonzero(marked).tolist())
    strongest = sorted(found, key=lambda span: -span.weight)[:MOST_SPANS]
    return tuple(sorted(strongest, key=lambda span: span.start))


def _passages(document: Document, shares: NDArray[np.float64], marked: list[int]) -> list[Span]:
    """Join marked words that are neighbours."""
    found: list[Span] = []
    previous = -2
    for number in marked:
        word = document.words[number]
        start, end = document.normalised.original_span(word.start, word.end)
        weight = float(shares[number])
        # One character of the original can stand for two words; passages must not overlap.
        if found and (number == previous + 1 or start < found[-1].end):
            start, weight = found[-1].start, found[-1].weight + weight
            found.pop()
        found.append(Span(start, end, min(1.0, round(weight, 6))))
        previous = number
    return found
