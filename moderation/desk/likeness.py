"""How much two comments are alike in their spelling."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import HashingVectorizer

from moderation.classifier.normalise import normalise

COMPARED = 2000
"""Characters of a text that are compared."""


def likeness(text: str, others: Sequence[str]) -> NDArray[np.float64]:
    """Compare a text with others, disguises undone as the classifier does.

    Returns
    -------
    ndarray of shape (n_others,)
        The cosines of their hashed character n-grams, in [0, 1].

    Examples
    --------
    >>> likeness("Du Trottel!", ["Du Trottel!", "Du Tr0ttel!", "Der Akku"]).round(1)
    array([1., 1., 0.])
    """
    vectors = HashingVectorizer(
        analyzer="char_wb", ngram_range=(3, 5), lowercase=False, alternate_sign=False
    ).transform([normalise(each[:COMPARED]).text for each in (text, *others)])
    alike: NDArray[np.float64] = (vectors[1:] @ vectors[0].T).toarray().ravel()
    return np.minimum(alike, 1.0)
