"""What a comment says and how it looks: n-grams of words and characters, and its style."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import regex
from numpy.typing import NDArray
from scipy import sparse

from moderation.classifier.document import Document
from moderation.classifier.hashing import HashedTfidf
from moderation.classifier.normalise import EMAIL, URL, USER
from moderation.classifier.tokens import Word

__all__ = ["CharacterNgrams", "Ngrams", "Occurrences", "Style", "WordNgrams", "character_ngrams"]


@dataclass(frozen=True, slots=True)
class Occurrences:
    """Every occurrence of an n-gram in a comment, and the words it lies in.

    Parameters
    ----------
    texts : list of str
        The n-grams.
    first, last : ndarray of int of shape (n_occurrences,)
        For each, the numbers of its first and last word among the words of the comment.
    """

    texts: list[str]
    first: NDArray[np.intp]
    last: NDArray[np.intp]


@lru_cache(maxsize=32768)
def _within(word: str, shortest: int, longest: int) -> tuple[str, ...]:
    padded = f" {word} "
    return tuple(
        padded[at : at + length]
        for length in range(shortest, longest + 1)
        for at in range(len(padded) - length + 1)
    )


def character_ngrams(words: Sequence[Word], shortest: int, longest: int) -> list[str]:
    """Return the character n-grams of each word with a space on either side of it.

    Emojis, placeholders and punctuation are left out: they mean something only as a whole.

    Parameters
    ----------
    words : sequence of Word
        The words of a normalised text.
    shortest, longest : int
        Lengths of the n-grams in characters, the spaces included; two at least.

    Returns
    -------
    list of str

    Examples
    --------
    >>> character_ngrams([Word("akku", 0, 4)], 4, 5)
    [' akk', 'akku', 'kku ', ' akku', 'akku ']
    """
    return [
        ngram
        for word in words
        if word.text[0].isalnum()
        for ngram in _within(word.text, shortest, longest)
    ]


class Ngrams(ABC):
    """A block of hashed n-grams; subclasses say which."""

    name: str

    def __init__(self, n_features: int) -> None:
        self.n_features = n_features
        self.tfidf = HashedTfidf(n_features)

    @abstractmethod
    def texts(self, document: Document) -> list[str]:
        """Return the n-grams of a comment, each as often as it occurs."""

    @abstractmethod
    def occurrences(self, document: Document) -> Occurrences:
        """Return the n-grams of a comment with the words they lie in, in the same order."""

    def fit(self, documents: Sequence[Document]) -> None:
        """Learn how rare the n-grams are."""
        self.tfidf.fit(map(self.texts, documents))

    def transform(self, documents: Sequence[Document]) -> sparse.csr_matrix:
        """Return one row of unit length per comment, of shape (n_documents, n_features)."""
        return self.tfidf.transform(map(self.texts, documents))

    def contributions(
        self, texts: Sequence[str], weights: Sequence[NDArray[np.float32]]
    ) -> NDArray[np.float64]:
        """Return what each occurrence adds to weighted sums over this block.

        Parameters
        ----------
        texts : sequence of str
            All n-grams of one comment.
        weights : sequence of ndarray of shape (n_features,)
            For each sum the weights of the columns.

        Returns
        -------
        ndarray of shape (n_occurrences, n_sums)
            Occurrences of one column share what the column adds; all together are the row times
            the weights.
        """
        row = self.tfidf.transform([texts])
        distinct, which = np.unique(texts, return_inverse=True)
        columns = self.tfidf.columns([text] for text in distinct.tolist()).indices[which]
        place = np.searchsorted(row.indices, columns)
        each = row.data / np.bincount(place, minlength=row.nnz)
        added: NDArray[np.float64] = (
            np.column_stack([w[columns] for w in weights]) * each[place, np.newaxis]
        )
        return added


class WordNgrams(Ngrams):
    """Words and pairs of neighbouring words.

    Parameters
    ----------
    n_features : int
        The number of hashed columns; a power of two.
    """

    name = "word_ngrams"

    def texts(self, document: Document) -> list[str]:
        """Return the words and word pairs of a comment."""
        words = [word.text for word in document.words]
        return words + [f"{left} {right}" for left, right in pairwise(words)]

    def occurrences(self, document: Document) -> Occurrences:
        """Return the words and word pairs of a comment with the words they lie in."""
        count = len(document.words)
        first = np.arange(count)
        pairs = first[:-1]
        return Occurrences(
            self.texts(document), np.append(first, pairs), np.append(first, pairs + 1)
        )


class CharacterNgrams(Ngrams):
    """Character n-grams within words.

    Parameters
    ----------
    n_features : int
        The number of hashed columns; a power of two.
    shortest, longest : int
        Lengths of the n-grams in characters.
    """

    name = "character_ngrams"

    def __init__(self, n_features: int, shortest: int = 2, longest: int = 5) -> None:
        super().__init__(n_features)
        self.shortest = shortest
        self.longest = longest

    def texts(self, document: Document) -> list[str]:
        """Return the character n-grams of a comment."""
        return character_ngrams(document.words, self.shortest, self.longest)

    def occurrences(self, document: Document) -> Occurrences:
        """Return the character n-grams of a comment with the words they lie in."""
        counts = [
            len(character_ngrams([word], self.shortest, self.longest)) for word in document.words
        ]
        word = np.repeat(np.arange(len(counts)), counts)
        return Occurrences(self.texts(document), word, word)


# What to look for in the raw text, and which words of the normalised text to count.
_PATTERNS = {
    "capital_words": regex.compile(r"(?<!\w)\p{Lu}{4,}+(?!\w)"),
    "exclamation_marks": regex.compile(r"!"),
    "question_marks": regex.compile(r"\?"),
    "ellipses": regex.compile(r"\.\.\.|…"),
    "stretched_words": regex.compile(r"(\p{L})\1{2,}+"),
}
_WORDS: dict[str, Callable[[str], bool]] = {
    "masked_words": lambda word: "*" in word and word[0].isalnum(),
    "links": lambda word: word in (URL, EMAIL),
    "addressed_users": lambda word: word == USER,
}


class Style:
    """How a comment is written, in a handful of columns between 0 and 1.

    Each column counts something and grows ever slower, so that no single habit decides. Length
    and the mere presence of an emoji have no column: they differ between collections of comments
    more than between good and bad ones.
    """

    name = "style"
    columns = (*_PATTERNS, *_WORDS, "disguises")
    n_features = len(columns)

    def fit(self, documents: Sequence[Document]) -> None:
        """Learn nothing; the columns are fixed."""

    def transform(self, documents: Sequence[Document]) -> sparse.csr_matrix:
        """Return one row per comment, of shape (n_documents, n_features)."""
        rows = np.array([self._row(d) for d in documents], dtype=np.float32)
        return sparse.csr_matrix(rows.reshape(len(documents), self.n_features))

    def shares(self, document: Document) -> NDArray[np.float64]:
        """Return how much of each column each word accounts for.

        Parameters
        ----------
        document : Document
            The comment.

        Returns
        -------
        ndarray of shape (n_words, n_features)
            Zero in columns that no word accounts for, such as capitals.
        """
        shares = np.zeros((len(document.words), self.n_features))
        for column, counts in _WORDS.items():
            which = [number for number, w in enumerate(document.words) if counts(w.text)]
            if which:
                shares[which, self.columns.index(column)] = _damped(len(which)) / len(which)
        return shares

    @staticmethod
    def _row(document: Document) -> list[float]:
        text = document.comment.text
        words = [word.text for word in document.words]
        return [
            *(_damped(len(pattern.findall(text))) for pattern in _PATTERNS.values()),
            *(_damped(sum(map(counts, words))) for counts in _WORDS.values()),
            _damped(document.normalised.disguises),
        ]


def _damped(count: float) -> float:
    """Map a count to [0, 1): 0, 0.5 for one, 0.75 for three, 0.9 for nine."""
    return 1.0 - 1.0 / (1.0 + count)
