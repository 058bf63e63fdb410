"""One calibrated linear head per label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold

from moderation.comment import Label

__all__ = ["UNKNOWN", "HeadSettings", "Heads", "LabelHead"]

_BLEND_C = 1.0
_LEAST_SPREAD = 1e-9

UNKNOWN = -1
"""Stands in place of 0 and 1 where a training comment has not been labelled."""


@dataclass(frozen=True, slots=True)
class HeadSettings:
    """What a head looks at and how strongly it is regularised.

    Parameters
    ----------
    blocks : tuple of str
        Names of the feature blocks it sees.
    inverse_regularisation : float
        The ``C`` of scikit-learn's ``LogisticRegression``; greater fits closer.
    blended_with : tuple of str
        Columns of the encoder that the head is blended with, if there is an encoder.
    """

    blocks: tuple[str, ...]
    inverse_regularisation: float = 8.0
    blended_with: tuple[str, ...] = ()


DEFAULT_SETTINGS: Mapping[Label, HeadSettings] = {
    Label.DISPARAGING: HeadSettings(
        ("word_ngrams", "character_ngrams", "style"),
        # no outputs for tweets: seeds swear so often at things that those would count against it
        blended_with=("disparaging",),
    ),
    Label.OFF_TOPIC: HeadSettings(
        ("word_ngrams", "character_ngrams", "style", "relevance"),
        blended_with=(
            "off_topic",
            "disparaging",
            "spam",
            "title",
            "nearest",
            "mean",
            "parent",
            "parent_related",
            "reply",
            "title_alone",
        ),
    ),
    Label.SPAM: HeadSettings(("word_ngrams", "character_ngrams", "style"), blended_with=("spam",)),
}


class LabelHead:
    r"""A logistic regression on some feature blocks with Platt's calibration.

    The calibration is fitted on scores that the head gave to comments it had not seen: folds keep
    groups together, so that comments under one article never stand on both sides. A caller may
    confine it to the comments that look like what the model will meet, because public corpora
    have another share of violations.

    Parameters
    ----------
    settings : HeadSettings
        What it looks at.
    slices : mapping of str to slice
        The columns of every feature block.
    folds : int
        The number of folds behind the calibration.

    Attributes
    ----------
    weights_ : ndarray of shape (n_features,), float32
        The weight of every column; zero outside the head's blocks.
    bias_ : float
        The decision value of an empty row.
    slope_, offset_ : float
        A decision value :math:`d` means a probability of
        :math:`1 / (1 + e^{-(slope \cdot d + offset)})`.
    out_of_fold_ : ndarray of shape (n_samples,), float64
        The probability of each training sample as given by a model that had not seen it, NaN for
        samples that took no part in the calibration. Good for choosing thresholds; not saved.

    References
    ----------
    Platt, J. (1999). Probabilistic outputs for support vector machines and comparisons to
    regularized likelihood methods. Advances in Large Margin Classifiers, 61-74.
    """

    def __init__(self, settings: HeadSettings, slices: Mapping[str, slice], folds: int = 5) -> None:
        self.settings = settings
        self.slices = slices
        self.folds = folds

    def fit(
        self,
        features: sparse.csr_matrix,
        labels: ArrayLike,
        *,
        groups: ArrayLike,
        sample_weight: ArrayLike | None = None,
        calibrate_on: ArrayLike | None = None,
        calibrate: bool = True,
    ) -> LabelHead:
        """Learn weights and calibration.

        Parameters
        ----------
        features : csr_matrix of shape (n_samples, n_features)
            Rows of the feature extractor.
        labels : array-like of shape (n_samples,)
            0 or 1.
        groups : array-like of shape (n_samples,)
            Samples with the same group (an article, a document) stay in the same fold.
        sample_weight : array-like of shape (n_samples,), optional
            How much each sample counts; 1 by default.
        calibrate_on : array-like of bool of shape (n_samples,), optional
            The samples the calibration may use; all by default.
        calibrate : bool
            False leaves the calibration to ``blend``, which is to follow; the folds behind it take
            most of the time.

        Returns
        -------
        LabelHead
            Itself.

        Raises
        ------
        ValueError
            If the samples, or those of the calibration, do not have both labels in at least as
            many groups as there are folds.
        """
        y = np.asarray(labels)
        group = np.asarray(groups)
        weight = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, float)
        columns = self._own_columns(features)
        if calibrate:
            every = np.ones(len(y), bool)
            chosen = every if calibrate_on is None else np.asarray(calibrate_on, bool)
            self._check_groups(y[chosen], group[chosen])
            decisions = self._out_of_fold_decisions(columns, y, group, weight, chosen)
            self.slope_, self.offset_ = _platt(decisions[chosen], y[chosen], weight[chosen])
            self.out_of_fold_ = expit(self.slope_ * decisions + self.offset_)

        estimator = self._estimator().fit(columns, y, weight)
        self.weights_: NDArray[np.float32] = self._spread(estimator.coef_[0], features.shape[1])
        self.bias_ = float(estimator.intercept_[0])
        return self

    def blend(
        self,
        features: sparse.csr_matrix,
        labels: ArrayLike,
        *,
        columns: Sequence[int],
        groups: ArrayLike,
        sample_weight: ArrayLike | None = None,
    ) -> LabelHead:
        """Weigh the fitted head against columns it has not looked at, and calibrate it anew.

        The encoder remembers the comments it learned from, so what it is worth shows only on
        others. The sum of both is again a linear head.

        Parameters
        ----------
        features : csr_matrix of shape (n_samples, n_features)
            Rows of comments that neither this head nor the encoder has learned from.
        labels, groups, sample_weight
            As for ``fit``.
        columns : sequence of int
            The columns to blend with.

        Returns
        -------
        LabelHead
            Itself; ``out_of_fold_`` are probabilities of these samples, each from a blend that
            was fitted on other groups.

        Raises
        ------
        ValueError
            If the samples do not have both labels in at least as many groups as there are folds,
            or if they contradict the head.
        """
        y = np.asarray(labels)
        group = np.asarray(groups)
        weight = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, float)
        self._check_groups(y, group)
        parts = np.column_stack(
            [self.decision_function(features), features[:, list(columns)].toarray()]
        )
        self.out_of_fold_ = np.full(len(y), np.nan)
        splitter = StratifiedGroupKFold(self.folds, shuffle=True, random_state=0)
        for train, test in splitter.split(parts, y, group):
            blend = _Blend.fitted(parts[train], y[train], weight[train])
            self.out_of_fold_[test] = expit(parts[test] @ blend.slopes + blend.offset)
        blend = _Blend.fitted(parts, y, weight)
        if blend.slopes[0] <= 0:
            raise ValueError("the calibration comments contradict what the head has learned")
        self.slope_, self.offset_ = float(blend.slopes[0]), blend.offset
        self.weights_[list(columns)] = blend.slopes[1:] / blend.slopes[0]
        return self

    def _check_groups(self, y: NDArray[np.int_], group: NDArray[np.object_]) -> None:
        for value in (0, 1):
            if len(np.unique(group[y == value])) < self.folds:
                raise ValueError(
                    f"the calibration needs samples labelled {value} in at least {self.folds}"
                    " groups; add labelled comments under further articles"
                )

    def decision_function(self, features: sparse.csr_matrix) -> NDArray[np.float64]:
        """Return uncalibrated decision values, of shape (n_samples,)."""
        return np.asarray(features @ self.weights_, dtype=np.float64) + self.bias_

    def predict_proba(self, features: sparse.csr_matrix) -> NDArray[np.float64]:
        """Return the calibrated probability of label 1 for each row, of shape (n_samples,)."""
        probabilities: NDArray[np.float64] = expit(
            self.slope_ * self.decision_function(features) + self.offset_
        )
        return probabilities

    def __getstate__(self) -> dict[str, object]:
        """Leave the training samples' scores behind; the model does not need them."""
        return {k: v for k, v in self.__dict__.items() if k != "out_of_fold_"}

    def _estimator(self) -> LogisticRegression:
        # Liblinear is the fastest here, and its fixed order makes training repeatable.
        return LogisticRegression(
            C=self.settings.inverse_regularisation,
            solver="liblinear",
            dual=True,  # many more columns than rows
            random_state=0,
            max_iter=1000,
        )

    def _out_of_fold_decisions(
        self,
        columns: sparse.csr_matrix,
        y: NDArray[np.int_],
        groups: NDArray[np.object_],
        weight: NDArray[np.float64],
        chosen: NDArray[np.bool_],
    ) -> NDArray[np.float64]:
        decisions = np.full(len(y), np.nan)
        splitter = StratifiedGroupKFold(self.folds, shuffle=True, random_state=0)
        for train, test in splitter.split(columns, y, groups):
            wanted = test[chosen[test]]
            if len(wanted):
                estimator = self._estimator().fit(columns[train], y[train], weight[train])
                decisions[wanted] = estimator.decision_function(columns[wanted])
        return decisions

    def _own_columns(self, features: sparse.csr_matrix) -> sparse.csr_matrix:
        parts = [features[:, self.slices[name]] for name in self.settings.blocks]
        return sparse.hstack(parts, format="csr")

    def _spread(self, weights: NDArray[np.float64], n_features: int) -> NDArray[np.float32]:
        spread = np.zeros(n_features, dtype=np.float32)
        start = 0
        for name in self.settings.blocks:
            columns = self.slices[name]
            stop = start + columns.stop - columns.start
            spread[columns] = weights[start:stop]
            start = stop
        return spread


class Heads:
    """The heads of all labels.

    Parameters
    ----------
    slices : mapping of str to slice
        The columns of every feature block.
    settings : mapping of Label to HeadSettings, optional
        What each head looks at.

    Attributes
    ----------
    heads_ : dict of Label to LabelHead
        The fitted heads, in the order of ``settings``.
    """

    def __init__(
        self,
        slices: Mapping[str, slice],
        settings: Mapping[Label, HeadSettings] = DEFAULT_SETTINGS,
    ) -> None:
        self.slices = dict(slices)
        self.settings = dict(settings)

    @property
    def labels(self) -> Sequence[Label]:
        """The labels, in the order of the columns of ``fit`` and ``predict_proba``."""
        return tuple(self.settings)

    def fit(
        self,
        features: sparse.csr_matrix,
        labels: ArrayLike,
        *,
        groups: ArrayLike,
        sample_weight: ArrayLike | None = None,
        calibrate_on: ArrayLike | None = None,
        calibrate: bool = True,
    ) -> Heads:
        """Fit every head on the comments that are labelled for it.

        Parameters
        ----------
        features : csr_matrix of shape (n_samples, n_features)
            Rows of the feature extractor.
        labels : array-like of shape (n_samples, n_labels)
            0, 1, or ``UNKNOWN`` where nobody has labelled a comment; columns as in ``labels``.
        groups : array-like of shape (n_samples,)
            Samples with the same group stay in the same fold.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_labels), optional
            How much each sample counts, for all labels or for each.
        calibrate_on : array-like of bool of shape (n_samples,), optional
            The samples the calibration may use; all by default.
        calibrate : bool
            False leaves the calibration to ``blend``.

        Returns
        -------
        Heads
            Itself.

        Raises
        ------
        ValueError
            If a label has too few samples; see ``LabelHead.fit``.
        """
        y = np.asarray(labels)
        group = np.asarray(groups)
        n_samples = features.shape[0]
        weight = np.ones(n_samples) if sample_weight is None else np.asarray(sample_weight, float)
        weights = np.broadcast_to(weight.reshape(n_samples, -1), y.shape)
        chosen = np.ones(n_samples, bool) if calibrate_on is None else np.asarray(calibrate_on)
        self.heads_: dict[Label, LabelHead] = {}
        for column, (label, settings) in enumerate(self.settings.items()):
            known = y[:, column] != UNKNOWN
            try:
                self.heads_[label] = LabelHead(settings, self.slices).fit(
                    features[known],
                    y[known, column],
                    groups=group[known],
                    sample_weight=weights[known, column],
                    calibrate_on=chosen[known],
                    calibrate=calibrate,
                )
            except ValueError as error:
                raise ValueError(f"label {label}: {error}") from error
        return self

    def blend(
        self,
        features: sparse.csr_matrix,
        labels: ArrayLike,
        *,
        encoder_columns: Sequence[str],
        groups: ArrayLike,
        sample_weight: ArrayLike | None = None,
    ) -> Heads:
        """Blend every head with what its settings name of the encoder; see ``LabelHead.blend``.

        Parameters
        ----------
        features, labels, groups, sample_weight
            As for ``fit``, of comments that neither heads nor encoder have learned from.
        encoder_columns : sequence of str
            The names of the columns of the block ``encoder``.
        """
        y = np.asarray(labels)
        group = np.asarray(groups)
        weight = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, float)
        first = self.slices["encoder"].start
        for column, (label, head) in enumerate(self.heads_.items()):
            known = y[:, column] != UNKNOWN
            try:
                head.blend(
                    features[known],
                    y[known, column],
                    columns=[
                        first + encoder_columns.index(name) for name in head.settings.blended_with
                    ],
                    groups=group[known],
                    sample_weight=weight[known],
                )
            except ValueError as error:
                raise ValueError(f"label {label}: {error}") from error
        return self

    def predict_proba(self, features: sparse.csr_matrix) -> NDArray[np.float64]:
        """Return calibrated probabilities, of shape (n_samples, n_labels)."""
        return np.column_stack([head.predict_proba(features) for head in self.heads_.values()])


@dataclass(frozen=True, slots=True)
class _Blend:
    """A logistic regression over a few columns, in the columns' own units."""

    slopes: NDArray[np.float64]
    offset: float

    @classmethod
    def fitted(
        cls, parts: NDArray[np.float64], y: NDArray[np.int_], weight: NDArray[np.float64]
    ) -> _Blend:
        mean, spread = parts.mean(axis=0), parts.std(axis=0) + _LEAST_SPREAD
        model = LogisticRegression(C=_BLEND_C, max_iter=1000)
        model.fit((parts - mean) / spread, y, weight)
        slopes = model.coef_[0] / spread
        return cls(slopes, float(model.intercept_[0] - slopes @ mean))


def _platt(
    decisions: NDArray[np.float64], y: NDArray[np.int_], weight: NDArray[np.float64]
) -> tuple[float, float]:
    """Fit slope and offset by maximum likelihood against Platt's softened targets."""
    positive = weight[y == 1].sum()
    negative = weight[y == 0].sum()
    target = np.where(y == 1, (positive + 1) / (positive + 2), 1 / (negative + 2))
    # A softened target is a sample that counts partly as 1 and partly as 0.
    model = LogisticRegression(C=np.inf, solver="lbfgs", max_iter=1000).fit(
        np.tile(decisions, 2).reshape(-1, 1),
        np.repeat([1, 0], len(y)),
        np.concatenate([weight * target, weight * (1 - target)]),
    )
    return float(model.coef_[0, 0]), float(model.intercept_[0])
