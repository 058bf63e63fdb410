"""How much of a label gives itself away by length or by single words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, SplineTransformer

from moderation.comment import Label
from moderation.seeds.corpus import Seed


def leakage(train: Sequence[Seed], dev: Sequence[Seed]) -> dict[str, dict[str, float]]:
    """Return the ROC AUC on ``dev`` of models that see no more than length or loose words.

    Returns
    -------
    dict
        For each label, and for ``"any"`` (breaks any rule), the area in [0, 1] of each of
        :data:`MODELS`. A label that one of the two never or always has is left
        out.
    """
    table: dict[str, dict[str, float]] = {}
    for name in (*Label, "any"):
        if not all(0 < _targets(split, name).sum() < len(split) for split in (train, dev)):
            continue  # nothing to tell apart
        table[str(name)] = {
            kind: float(
                roc_auc_score(
                    _targets(dev, name),
                    model.fit(_texts(train), _targets(train, name)).predict_proba(_texts(dev))[
                        :, 1
                    ],
                )
            )
            for kind, model in MODELS.items()
        }
    return table


def _texts(seeds: Sequence[Seed]) -> list[str]:
    return [seed.comment.text for seed in seeds]


def _targets(seeds: Sequence[Seed], name: str) -> np.ndarray:
    if name == "any":
        return np.array([seed.violates for seed in seeds])
    return np.array([seed.labels[Label(name)] for seed in seeds])


def _characters(texts: Sequence[str]) -> np.ndarray:
    return np.log1p([[len(text)] for text in texts])


def _words(texts: Sequence[str]) -> np.ndarray:
    return np.log1p([[len(text.split())] for text in texts])


def _length_model(measure: Callable[[Sequence[str]], np.ndarray]) -> Pipeline:
    # a spline, so that a middle length may tell as well as a short or a long one
    return make_pipeline(
        FunctionTransformer(measure), SplineTransformer(n_knots=4), LogisticRegression(C=1.0)
    )


MODELS: Mapping[str, Pipeline] = {
    "length in characters": _length_model(_characters),
    "length in words": _length_model(_words),
    "loose words": make_pipeline(
        CountVectorizer(binary=True, tokenizer=str.split, token_pattern=None),
        LogisticRegression(C=1.0, max_iter=1000),
    ),
}
"""What each model sees of a comment, and the model."""
