"""Weighted terms without a vocabulary: hashed columns, learned inverse document frequencies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction import FeatureHasher

__all__ = ["HashedTfidf"]


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
    >>> tfidf = HashedTfidf(n_features=1024).fit([["akku", "leer"], ["akku", "voll"]])
    >>> vectors = tfidf.transform([["akku", "voll"], []])
    >>> vectors.shape, vectors.nnz
    ((2, 1024), 2)
    """

    def __init__(self, n_features: int) -> None:
        self.n_features = n_features

    def fit(self, documents: Iterable[Sequence[str]]) -> HashedTfidf:
        """Learn how rare the terms are.

        Parameters
        ----------
        documents : iterable of sequences of str
            The terms of each document, repeated as often as they occur.

        Returns
        -------
        HashedTfidf
            Itself.
        """
        counts = self.columns(documents)
        frequency = np.bincount(counts.indices, minlength=self.n_features)
        ratio = (1.0 + counts.shape[0]) / (1.0 + frequency)
        self.idf_: NDArray[np.float32] = (1.0 + np.log(ratio)).astype(np.float32)
        return self

    def transform(self, documents: Iterable[Sequence[str]]) -> sparse.csr_matrix:
        """Return one row of unit length (or all zero) per document.

        Parameters
        ----------
        documents : iterable of sequences of str
            The terms of each document.

        Returns
        -------
        csr_matrix of shape (n_documents, n_features), float32
        """
        rows = self.columns(documents)
        weights = (1.0 + np.log(rows.data)) * self.idf_[rows.indices]
        row_of = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
        # bincount adds in order, so that a row comes out the same alone and among others.
        norms = np.sqrt(np.bincount(row_of, weights**2, minlength=rows.shape[0]))
        rows.data = (weights / norms[row_of]).astype(np.float32)
        return rows

    def rarity(self, terms: Sequence[str]) -> NDArray[np.float32]:
        """Return the inverse document frequency of each term."""
        return np.asarray(self.idf_[self.columns([term] for term in terms).indices])

    def columns(self, documents: Iterable[Sequence[str]]) -> sparse.csr_matrix:
        """Return how often each column occurs in each document, columns in ascending order."""
        texts = list(documents)
        if not texts:
            return sparse.csr_matrix((0, self.n_features), dtype=np.float64)
        hasher = FeatureHasher(
            self.n_features, input_type="string", alternate_sign=False, dtype=np.float64
        )
        counts = hasher.transform(texts)
        counts.sum_duplicates()
        return counts
