"""Where in a comment a score comes from, read off the heads' own weights."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from moderation.classifier.document import Document
from moderation.classifier.encoder import Encoder
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
# Each clause costs another reading of the comment, while the blog's backend waits.
_MOST_CLAUSES = 4
_FEWEST_WORDS = 3
_CLAUSE_END = re.compile(r"[.!?…;:,\n()–—]")


def spans(
    document: Document, extractor: FeatureExtractor, heads: Sequence[LabelHead]
) -> list[tuple[Span, ...]]:
    """Return the passages of a comment that raise its scores most.

    A linear head adds up what every n-gram contributes. Each n-gram's contribution goes to the
    words it lies in. What the encoder contributes is found by reading the comment without each
    of its clauses; what is lost goes to the clause's words in equal parts. The passages with the
    greatest sums are shown, never function words alone. What speaks against the label is left
    out of account: a comment with an insult and much else still shows the insult.

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
        elif isinstance(block, Encoder):
            raised += _lost_without_clauses(document, block, np.column_stack(weights))
    raised *= np.array([head.slope_ for head in heads])
    return raised


def _lost_without_clauses(
    document: Document, encoder: Encoder, weights: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return for each word its part of what the encoder says no more without its clause.

    Shape (n_words, n_heads); ``weights`` is of shape (n_columns, n_heads).
    """
    clauses = _clauses(document)
    comment = document.comment
    without = [
        Document.of(replace(comment, text=comment.text[:start] + comment.text[end:]))
        for start, end in (_place(document, first, last) for first, last in clauses)
    ]
    said = encoder.encode([document, *without]) @ weights
    lost = np.zeros((len(document.words), weights.shape[1]))
    for (first, last), rest in zip(clauses, said[1:], strict=True):
        lost[first:last] = (said[0] - rest) / (last - first)
    return lost


def _clauses(document: Document) -> list[tuple[int, int]]:
    """Cut a comment at its punctuation into at most ``_MOST_CLAUSES`` runs of words.

    Returns
    -------
    list of tuple of int
        First word and the one after the last, of each.
    """
    words, text = document.words, document.normalised.text
    edges = [0]
    for number, (word, following) in enumerate(pairwise(words), start=1):
        if _CLAUSE_END.search(text, word.end, following.start):
            edges.append(number)
    edges.append(len(words))
    clauses = [(first, last) for first, last in pairwise(edges) if first < last]
    while len(clauses) > 1:
        lengths = [last - first for first, last in clauses]
        if len(clauses) <= _MOST_CLAUSES and min(lengths) >= _FEWEST_WORDS:
            break
        shortest = lengths.index(min(lengths))
        joined = max(0, shortest - 1)
        clauses[joined : joined + 2] = [(clauses[joined][0], clauses[joined + 1][1])]
    return clauses


def _place(document: Document, first: int, last: int) -> tuple[int, int]:
    words = document.words
    return document.normalised.original_span(words[first].start, words[last - 1].end)


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
    start, end = _place(document, first, last)
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
