"""Weighted terms without a vocabulary: hashed columns, learned inverse document frequencies."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils import murmurhash3_32

__all__ = ["HashedTfidf", "Hashes", "hashes"]

Hashes: TypeAlias = NDArray[np.uint32]
"""One number for each term of a text; its remainder by the number of columns is the column."""

_TOGETHER = 1024
"""Documents whose terms are sorted at once; all of a training set would not fit into memory."""


def hashes(terms: Collection[str]) -> Hashes:
    """Return the hash of each term: MurmurHash3 without its sign, as ``FeatureHasher`` takes it.

    Examples
    --------
    >>> hashes(["akku", "leer", "akku"]) % 1024
    array([1011, 1010, 1011], dtype=uint32)
    """
    signed = np.fromiter(map(murmurhash3_32, terms), np.int64, len(terms))
    return np.abs(signed).astype(np.uint32)


def _batches(documents: Iterable[Hashes]) -> Iterator[list[Hashes]]:
    remaining = iter(documents)
    while batch := list(islice(remaining, _TOGETHER)):
        yield batch


class HashedTfidf:
    r"""TF-IDF vectors of unit length over hashed terms.

    A term that occurs :math:`t` times counts :math:`1 + \ln t`, times its inverse document
    frequency :math:`1 + \ln\frac{1 + n}{1 + d}` for :math:`n` documents of which :math:`d` hold
    it: the "ltc" weighting of Salton & Buckley (1988). Terms that were never seen keep the
    greatest weight, which is what a rare product name deserves.

    Parameters
    ----------
    n_features : int
        The number of columns; a power of two. Terms that share a column share its weight.

    Attributes
    ----------
    idf_ : ndarray of shape (n_features,), float32
        The inverse document frequencies.

    Examples
    --------
    >>> tfidf = HashedTfidf(n_features=1024).fit([hashes(["akku", "leer"]), hashes(["akku"])])
    >>> vectors = tfidf.transform([hashes(["akku", "voll"]), hashes([])])
    >>> vectors.shape, vectors.nnz
    ((2, 1024), 2)
    """

    def __init__(self, n_features: int) -> None:
        self.n_features = n_features

    def fit(self, documents: Iterable[Hashes]) -> HashedTfidf:
        """Learn how rare the terms are.

        Parameters
        ----------
        documents : iterable of ndarray of uint32
            The hashes of each document's terms, repeated as often as they occur.

        Returns
        -------
        HashedTfidf
            Itself.
        """
        frequency = np.zeros(self.n_features)
        total = 0
        for batch in _batches(documents):
            frequency += np.bincount(self._counts(batch).indices, minlength=self.n_features)
            total += len(batch)
        ratio = (1.0 + total) / (1.0 + frequency)
        self.idf_: NDArray[np.float32] = (1.0 + np.log(ratio)).astype(np.float32)
        return self

    def transform(self, documents: Iterable[Hashes]) -> sparse.csr_matrix:
        """Return one row of unit length (or all zero) per document.

        Parameters
        ----------
        documents : iterable of ndarray of uint32
            The hashes of each document's terms.

        Returns
        -------
        csr_matrix of shape (n_documents, n_features), float32
        """
        parts = [self._vectors(batch) for batch in _batches(documents)]
        if not parts:
            return sparse.csr_matrix((0, self.n_features), dtype=np.float32)
        return parts[0] if len(parts) == 1 else sparse.vstack(parts, format="csr")

    def _vectors(self, documents: Sequence[Hashes]) -> sparse.csr_matrix:
        rows = self._counts(documents)
        weights = (1.0 + np.log(rows.data)) * self.idf_[rows.indices]
        row_of = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
        # bincount adds in order, so that a row comes out the same alone and among others.
        norms = np.sqrt(np.bincount(row_of, weights**2, minlength=rows.shape[0]))
        rows.data = (weights / norms[row_of]).astype(np.float32)
        return rows

    def rarity(self, terms: Hashes) -> NDArray[np.float32]:
        """Return the inverse document frequency of each term."""
        return np.asarray(self.idf_[self.columns(terms)])

    def columns(self, terms: Hashes) -> NDArray[np.uint32]:
        """Return the column of each term."""
        return terms % np.uint32(self.n_features)

    def _counts(self, documents: Sequence[Hashes]) -> sparse.csr_matrix:
        """Return how often each column occurs in each document, columns in ascending order."""
        shape = (len(documents), self.n_features)
        lengths = np.fromiter(map(len, documents), np.intp, len(documents))
        if not lengths.any():
            return sparse.csr_matrix(shape, dtype=np.float64)
        # Sorting all places of the matrix at once is much quicker than sorting row by row.
        row_of = np.repeat(np.arange(len(documents)), lengths)
        places = row_of * self.n_features + self.columns(np.concatenate(documents))
        places.sort()
        first = np.flatnonzero(np.diff(places, prepend=-1))
        counts = np.diff(first, append=len(places)).astype(np.float64)
        rows, columns = np.divmod(places[first], self.n_features)
        indptr = np.searchsorted(rows, np.arange(len(documents) + 1))
        return sparse.csr_matrix((counts, columns, indptr), shape)
