"""What a comment says and how it looks: n-grams of words and characters, and its style."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import regex
from numpy.typing import NDArray
from scipy import sparse

from moderation.classifier.document import Document
from moderation.classifier.hashing import HashedTfidf, Hashes, hashes
from moderation.classifier.normalise import EMAIL, URL, USER

__all__ = [
    "CharacterNgrams",
    "Ngrams",
    "Occurrences",
    "Style",
    "WordNgrams",
    "character_ngram_hashes",
    "character_ngrams",
]

_NONE = hashes([])


@dataclass(frozen=True, slots=True)
class Occurrences:
    """Every occurrence of an n-gram in a comment, and the words it lies in.

    Parameters
    ----------
    hashes : ndarray of uint32 of shape (n_occurrences,)
        The n-grams.
    first, last : ndarray of int of shape (n_occurrences,)
        For each, the numbers of its first and last word among the words of the comment.
    """

    hashes: Hashes
    first: NDArray[np.intp]
    last: NDArray[np.intp]


def character_ngrams(word: str, shortest: int, longest: int) -> list[str]:
    """Return the character n-grams of a word with a space on either side of it.

    Emojis, placeholders and punctuation have none: they mean something only as a whole.

    Parameters
    ----------
    word : str
        A word of a normalised text.
    shortest, longest : int
        Lengths of the n-grams in characters, the spaces included; two at least.

    Returns
    -------
    list of str

    Examples
    --------
    >>> character_ngrams("akku", 4, 5)
    [' akk', 'akku', 'kku ', ' akku', 'akku ']
    """
    if not word[0].isalnum():
        return []
    padded = f" {word} "
    return [
        padded[at : at + length]
        for length in range(shortest, longest + 1)
        for at in range(len(padded) - length + 1)
    ]


def character_ngram_hashes(words: Iterable[str], shortest: int, longest: int) -> Hashes:
    """Return the hashes of the character n-grams of all words, one word after the other."""
    each = [_word_hashes(word, shortest, longest) for word in words]
    return np.concatenate(each) if each else _NONE


@lru_cache(maxsize=32768)
def _word_hashes(word: str, shortest: int, longest: int) -> Hashes:
    # Most words of a comment were in one before.
    return hashes(character_ngrams(word, shortest, longest))


class Ngrams(ABC):
    """A block of hashed n-grams; subclasses say which."""

    name: str

    def __init__(self, n_features: int) -> None:
        self.n_features = n_features
        self.tfidf = HashedTfidf(n_features)

    @abstractmethod
    def hashes(self, document: Document) -> Hashes:
        """Return the hashes of the n-grams of a comment, each as often as it occurs."""

    @abstractmethod
    def occurrences(self, document: Document) -> Occurrences:
        """Return the n-grams of a comment with the words they lie in, in the same order."""

    def fit(self, documents: Sequence[Document]) -> None:
        """Learn how rare the n-grams are."""
        self.tfidf.fit(map(self.hashes, documents))

    def transform(self, documents: Sequence[Document]) -> sparse.csr_matrix:
        """Return one row of unit length per comment, of shape (n_documents, n_features)."""
        return self.tfidf.transform(map(self.hashes, documents))

    def contributions(
        self, ngrams: Hashes, weights: Sequence[NDArray[np.float32]]
    ) -> NDArray[np.float64]:
        """Return what each occurrence adds to weighted sums over this block.

        Parameters
        ----------
        ngrams : ndarray of uint32
            The hashes of all n-grams of one comment.
        weights : sequence of ndarray of shape (n_features,)
            For each sum the weights of the columns.

        Returns
        -------
        ndarray of shape (n_occurrences, n_sums)
            Occurrences of one column share what the column adds; all together are the row times
            the weights.
        """
        row = self.tfidf.transform([ngrams])
        columns = self.tfidf.columns(ngrams)
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

    def hashes(self, document: Document) -> Hashes:
        """Return the hashes of the words and word pairs of a comment."""
        words = document.tokens
        return hashes([*words, *(f"{left} {right}" for left, right in pairwise(words))])

    def occurrences(self, document: Document) -> Occurrences:
        """Return the words and word pairs of a comment with the words they lie in."""
        first = np.arange(len(document.tokens))
        pairs = first[:-1]
        return Occurrences(
            self.hashes(document), np.append(first, pairs), np.append(first, pairs + 1)
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

    def hashes(self, document: Document) -> Hashes:
        """Return the hashes of the character n-grams of a comment."""
        return character_ngram_hashes(document.tokens, self.shortest, self.longest)

    def occurrences(self, document: Document) -> Occurrences:
        """Return the character n-grams of a comment with the words they lie in."""
        counts = [len(_word_hashes(w, self.shortest, self.longest)) for w in document.tokens]
        word = np.repeat(np.arange(len(counts)), counts)
        return Occurrences(self.hashes(document), word, word)


# What to look for in the raw text, and which words of the normalised text to count.
_CAPITAL_WORD = regex.compile(r"(?<!\w)\p{Lu}{4,}+(?!\w)")
_STRETCHED_WORD = regex.compile(r"(\p{L})\1{2,}+")
# Hardly any text has one of these, and they are much quicker to look for.
_FOUR_NOT_SMALL = re.compile(r"[^\x00-@\[-\x7fß-öø-ÿ]{4}")
_THREE_ALIKE = re.compile(r"(.)\1\1", re.DOTALL)

_COUNTS: dict[str, Callable[[str], int]] = {
    "capital_words": lambda text: (
        len(_CAPITAL_WORD.findall(text)) if _FOUR_NOT_SMALL.search(text) else 0
    ),
    "exclamation_marks": lambda text: text.count("!"),
    "question_marks": lambda text: text.count("?"),
    "ellipses": lambda text: text.count("...") + text.count("…"),
    "stretched_words": lambda text: (
        len(_STRETCHED_WORD.findall(text)) if _THREE_ALIKE.search(text) else 0
    ),
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
    columns = (*_COUNTS, *_WORDS, "disguises")
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
        shares = np.zeros((len(document.tokens), self.n_features))
        for column, counts in _WORDS.items():
            which = [number for number, word in enumerate(document.tokens) if counts(word)]
            if which:
                shares[which, self.columns.index(column)] = _damped(len(which)) / len(which)
        return shares

    @staticmethod
    def _row(document: Document) -> list[float]:
        text = document.comment.text
        special = [word for word in document.tokens if not word.isalnum()]
        return [
            *(_damped(count(text)) for count in _COUNTS.values()),
            *(_damped(sum(map(counts, special))) for counts in _WORDS.values()),
            _damped(document.normalised.disguises),
        ]


def _damped(count: float) -> float:
    """Map a count to [0, 1): 0, 0.5 for one, 0.75 for three, 0.9 for nine."""
    return 1.0 - 1.0 / (1.0 + count)
