"""How much of a label gives itself away by length or by single words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
from sklearn.base import clone
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, SplineTransformer

from moderation.comment import Label
from moderation.seeds.corpus import Seed


def leakage(
    train: Sequence[Seed], dev: Sequence[Seed], kinds: Collection[str]
) -> dict[str, dict[str, float]]:
    """Return the ROC AUC on ``dev`` of models that see no more than length or loose words.

    Parameters
    ----------
    train, dev
        What the models learn from, and what they are measured on.
    kinds
        Which of :data:`MODELS`.

    Returns
    -------
    dict
        For each label, and for ``"any"`` (breaks any rule), the area in [0, 1] of each kind. A
        label that one of the two never or always has is left out.
    """
    table: dict[str, dict[str, float]] = {}
    for name in (*Label, "any"):
        if not all(0 < _targets(split, name).sum() < len(split) for split in (train, dev)):
            continue  # nothing to tell apart
        table[str(name)] = {kind: _area(MODELS[kind], name, train, dev) for kind in kinds}
    return table


def _area(model: Pipeline, name: str, train: Sequence[Seed], dev: Sequence[Seed]) -> float:
    fitted = clone(model).fit(_texts(train), _targets(train, name))
    return float(roc_auc_score(_targets(dev, name), fitted.predict_proba(_texts(dev))[:, 1]))


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
        # many times as fast as the default solver where there are more words than comments
        LogisticRegression(C=1.0, solver="newton-cg"),
    ),
}
"""What each model sees of a comment, and the model."""

LENGTHS: Collection[str] = ("length in characters", "length in words")
