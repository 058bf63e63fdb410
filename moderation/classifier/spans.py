"""Where in a comment a score comes from, read off the head's own weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from moderation.classifier.document import Document
from moderation.classifier.features import FeatureExtractor
from moderation.classifier.heads import LabelHead
from moderation.classifier.ngrams import Ngrams
from moderation.classifier.tokens import Word
from moderation.comment import Span

__all__ = ["MOST_SPANS", "spans"]

MOST_SPANS = 3

# A word is marked if it alone raises the log-odds by this much and carries this share of all
# that raises them. Below, it is the noise that every harmless word carries.
_LEAST_LOG_ODDS = 0.35
_LEAST_SHARE = 0.12


def spans(document: Document, extractor: FeatureExtractor, head: LabelHead) -> tuple[Span, ...]:
    """Return the passages of a comment that raise a score most.

    A linear head adds up what every n-gram contributes. Each n-gram's contribution goes to the
    words it lies in; neighbouring words that stand out form one passage.

    Parameters
    ----------
    document : Document
        The comment.
    extractor : FeatureExtractor
        The fitted extractor the head was trained with.
    head : LabelHead
        The fitted head.

    Returns
    -------
    tuple of Span
        At most ``MOST_SPANS``, word-aligned and without overlaps, in the order of the text, with
        offsets in code points of the comment as it was sent.
    """
    words = [w for w in document.words if _can_be_shown(w)]
    raised = _word_log_odds(document, words, extractor, head)
    total = raised[raised > 0].sum()
    marked = (raised >= _LEAST_LOG_ODDS) & (raised >= _LEAST_SHARE * total)
    found = _passages(document, words, raised / total if total > 0 else raised, marked)
    strongest = sorted(found, key=lambda span: -span.weight)[:MOST_SPANS]
    return tuple(sorted(strongest, key=lambda span: span.start))


def _word_log_odds(
    document: Document, words: Sequence[Word], extractor: FeatureExtractor, head: LabelHead
) -> NDArray[np.float64]:
    """Return by how much each word raises the log-odds, of shape (n_words,)."""
    raised = np.zeros(len(words))
    word_at = np.full(len(document.normalised.text) + 1, -1)
    for number, word in enumerate(words):
        word_at[word.start : word.end] = number
    for name, columns in extractor.slices.items():
        block = extractor.block(name)
        if name not in head.settings.blocks or not isinstance(block, Ngrams):
            continue
        weights = np.asarray(head.weights_[columns], dtype=np.float64)
        terms = block.terms(document)
        if not terms:
            continue
        contributions = block.contributions(terms, weights) * head.slope_
        for side in (
            word_at[[term.start for term in terms]],
            word_at[[term.end - 1 for term in terms]],
        ):
            inside = side >= 0
            np.add.at(raised, side[inside], contributions[inside] / 2)
    return raised


def _passages(
    document: Document,
    words: Sequence[Word],
    shares: NDArray[np.float64],
    marked: NDArray[np.bool_],
) -> list[Span]:
    found: list[Span] = []
    previous = -2
    for number in np.flatnonzero(marked).tolist():
        word = words[number]
        start, end = document.normalised.original_span(word.start, word.end)
        share = float(shares[number])
        # One character of the original can stand for two words; their passages must not overlap.
        if found and (number == previous + 1 or start < found[-1].end):
            found[-1] = Span(found[-1].start, end, round(found[-1].weight + share, 6))
        else:
            found.append(Span(start, end, round(share, 6)))
        previous = number
    return found


def _can_be_shown(word: Word) -> bool:
    return word.text[0].isalnum() or word.text[0] in ":<;="
