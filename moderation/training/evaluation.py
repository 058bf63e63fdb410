"""Figures on labelled comments: what a score is worth, and what thresholds make of it."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
)

from moderation.comment import Label

Scores = npt.NDArray[np.float64]
Truth = npt.NDArray[np.bool_]

TARGET_MISS_RATES = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.15, 0.2)
"""The rows of the threshold tables that every model carries."""

RATE_STEP = 0.0005
"""How finely the miss rate that every label may have by itself is searched."""


def threshold_for(scores: Scores, truth: Truth, miss_rate: float) -> float:
    """Return the highest score to hold from, so that at most ``miss_rate`` of violations slip.

    Parameters
    ----------
    scores
        Shape (n,), in [0, 1].
    truth
        Shape (n,); True = violates.
    miss_rate
        In [0, 1).

    Examples
    --------
    >>> scores = np.array([0.1, 0.4, 0.6, 0.9])
    >>> threshold_for(scores, np.array([False, True, True, True]), miss_rate=0.34)
    0.6
    >>> threshold_for(scores, np.array([False, True, True, True]), miss_rate=0.02)
    0.4
    """
    violating = np.sort(scores[truth])
    if not len(violating):
        raise ValueError("There is no violation to take a threshold from.")
    may_slip = math.floor(miss_rate * len(violating) + 1e-9)
    return float(violating[may_slip])


def threshold_tables(
    scores: Mapping[Label, Scores], truth: Mapping[Label, Truth]
) -> dict[Label, dict[str, float]]:
    """Return the thresholds that together meet each of :data:`TARGET_MISS_RATES`.

    A violation slips only if it stays below the threshold of every label, so each label alone may
    miss more than the target: all labels are given the same miss rate of their own, the highest
    with which no more of all violations slip than the target says.

    Parameters
    ----------
    scores, truth
        For each label, shape (n,); the same n comments, scored by a model that had not seen them.

    Returns
    -------
    dict
        For each label: target miss rate as text → score to hold from.
    """
    violates = np.logical_or.reduce([truth[label] for label in scores])
    tables: dict[Label, dict[str, float]] = {label: {} for label in scores}
    rates = np.arange(0, 1, RATE_STEP)
    for target in TARGET_MISS_RATES:
        # misses rise with the rate, so the highest that will do is found by bisection
        rate = rates[
            bisect_right(
                rates,
                target,
                key=lambda rate: float(
                    np.mean(~_held(scores, _at_rate(scores, truth, rate))[violates])
                ),
            )
            - 1
        ]
        for label, threshold in _at_rate(scores, truth, rate).items():
            tables[label][str(target)] = threshold
    return tables


def _at_rate(
    scores: Mapping[Label, Scores], truth: Mapping[Label, Truth], rate: float
) -> dict[Label, float]:
    return {label: threshold_for(scores[label], truth[label], rate) for label in scores}


@dataclass(frozen=True, slots=True)
class LabelFigures:
    """How well one label is told on one set; all figures but the counts lie in [0, 1].

    ``precision``, ``recall`` and both F1 are taken at ``threshold``; ``freed`` is the share of
    all comments below the threshold that would miss 2 % of this set's own violations.
    """

    comments: int
    violations: int
    threshold: float
    precision: float
    recall: float
    f1: float
    macro_f1: float
    best_macro_f1: float
    roc_auc: float
    average_precision: float
    brier: float
    freed: float


def label_figures(scores: Scores, truth: Truth, threshold: float) -> LabelFigures:
    """Return the figures of one label.

    Parameters
    ----------
    scores, truth
        Shape (n,); both kinds of truth must occur.
    threshold
        Score to hold from.
    """
    held = scores >= threshold
    at_two_percent = threshold_for(scores, truth, 0.02)
    return LabelFigures(
        comments=len(scores),
        violations=int(truth.sum()),
        threshold=threshold,
        precision=float(precision_score(truth, held, zero_division=0)),
        recall=float(recall_score(truth, held)),
        f1=float(f1_score(truth, held)),
        macro_f1=float(f1_score(truth, held, average="macro")),
        best_macro_f1=max(
            float(f1_score(truth, scores >= cut, average="macro"))
            for cut in np.quantile(scores, np.linspace(0, 1, 101))
        ),
        roc_auc=float(roc_auc_score(truth, scores)),
        average_precision=float(average_precision_score(truth, scores)),
        brier=float(brier_score_loss(truth, scores)),
        freed=float(np.mean(scores < at_two_percent)),
    )


@dataclass(frozen=True, slots=True)
class VerdictFigures:
    """What the verdicts under all rules together mean for moderators; all but counts in [0, 1].

    ``false_holds`` is the share of fine comments that are held; ``misses`` the share of
    violations (of any rule) that are approved; ``approved`` the share of all comments;
    ``fine_freed`` the share of fine comments approved with the thresholds that let 2 % of the
    violations in this very set slip.
    """

    comments: int
    violations: int
    approved: float
    false_holds: float
    misses: float
    fine_freed: float


def verdict_figures(
    scores: Mapping[Label, Scores],
    truth: Mapping[Label, Truth],
    thresholds: Mapping[Label, float],
) -> VerdictFigures:
    """Return the figures of verdicts; arrays of shape (n,), both kinds of comment in them."""
    violates = np.logical_or.reduce([truth[label] for label in Label])
    held = _held(scores, thresholds)
    tables = threshold_tables(scores, truth)
    held_at_two_percent = _held(scores, {label: tables[label]["0.02"] for label in Label})
    return VerdictFigures(
        comments=len(violates),
        violations=int(violates.sum()),
        approved=float(np.mean(~held)),
        false_holds=float(np.mean(held[~violates])),
        misses=float(np.mean(~held[violates])),
        fine_freed=float(np.mean(~held_at_two_percent[~violates])),
    )


def trade_offs(
    scores: Mapping[Label, Scores],
    truth: Mapping[Label, Truth],
    thresholds: Mapping[Label, Mapping[str, float]],
) -> dict[str, VerdictFigures]:
    """Return what verdicts would be worth at each target miss rate that a model knows.

    Parameters
    ----------
    scores, truth
        For each label, shape (n,).
    thresholds
        For each label: target miss rate → score to hold from.
    """
    targets = thresholds[next(iter(scores))]
    return {
        target: verdict_figures(
            scores, truth, {label: thresholds[label][target] for label in scores}
        )
        for target in targets
    }


def _held(scores: Mapping[Label, Scores], thresholds: Mapping[Label, float]) -> Truth:
    held: Truth = np.logical_or.reduce([scores[label] >= thresholds[label] for label in Label])
    return held


@dataclass(frozen=True, slots=True)
class PageFigures:
    """What becomes of whole pages; counts, and ``wrong``: ids of comments judged otherwise."""

    pages: int
    fine: int
    fine_held: int
    violations: int
    misses: int
    wrong: Sequence[str]

    def as_json(self) -> dict[str, Any]:
        """Return the figures as plain values."""
        return _rounded(asdict(self))  # type: ignore[no-any-return]


def as_page_table(figures: PageFigures) -> str:
    """Return a Markdown table of what becomes of whole pages."""
    return (
        "| pages | fine comments | of them held | violations | of them approved |\n"
        "|---:|---:|---:|---:|---:|\n"
        f"| {figures.pages} | {figures.fine} "
        f"| {figures.fine_held} ({figures.fine_held / max(1, figures.fine):.1%}) "
        f"| {figures.violations} "
        f"| {figures.misses} ({figures.misses / max(1, figures.violations):.1%}) |"
    )


@dataclass(frozen=True, slots=True)
class FunctionFigures:
    """What becomes of one kind of comment; ``held`` under any rule, ``by_own_rule`` under its."""

    function: str
    label: Label | None
    comments: int
    held: float
    by_own_rule: float | None


def function_figures(
    functions: Sequence[str],
    label_of: Mapping[str, Label | None],
    scores: Mapping[Label, Scores],
    thresholds: Mapping[Label, float],
) -> list[FunctionFigures]:
    """Return, for each function, the share held: recall for violations, false holds for fine."""
    held = _held(scores, thresholds)
    where: dict[str, list[int]] = defaultdict(list)
    for row, function in enumerate(functions):
        where[function].append(row)
    return [
        FunctionFigures(
            function,
            label,
            comments=len(rows),
            held=float(np.mean(held[rows])),
            by_own_rule=float(np.mean(scores[label][rows] >= thresholds[label])) if label else None,
        )
        for function, label in label_of.items()
        if (rows := where[function])
    ]


@dataclass(frozen=True, slots=True)
class SetFigures:
    """All figures on one set; ``verdicts`` and ``functions`` only where it has all labels."""

    name: str
    labels: Mapping[Label, LabelFigures]
    verdicts: VerdictFigures | None = None
    functions: Sequence[FunctionFigures] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return the figures as plain values, rounded to four decimals."""
        return _rounded(asdict(self))  # type: ignore[no-any-return]


def _rounded(value: Any) -> Any:
    match value:
        case float():
            return round(value, 4)
        case dict():
            return {str(key): _rounded(each) for key, each in value.items()}
        case list() | tuple():
            return [_rounded(each) for each in value]
        case _:
            return value


def as_table(sets: Sequence[SetFigures]) -> str:
    """Return the label figures of some sets as a Markdown table, and the verdicts as another."""
    head = (
        "| set | label | comments | violations | threshold | precision | recall | F1 | macro-F1 "
        "| best macro-F1 | ROC AUC | AP | Brier | approved at 2 % miss |\n"
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n"
    )
    lines = [
        f"| {each.name} | {label} | {f.comments} | {f.violations} | {f.threshold:.3f} "
        f"| {f.precision:.3f} | {f.recall:.3f} | {f.f1:.3f} | {f.macro_f1:.3f} "
        f"| {f.best_macro_f1:.3f} | {f.roc_auc:.3f} | {f.average_precision:.3f} | {f.brier:.3f} "
        f"| {f.freed:.1%} |"
        for each in sets
        for label, f in each.labels.items()
    ]
    table = head + "\n".join(lines)
    verdicts = [each for each in sets if each.verdicts]
    if verdicts:
        table += (
            "\n\n| set, verdicts under all rules | comments | violations | approved "
            "| misses | fine held | fine freed at 2 % miss |\n"
            "|---|---:|---:|---:|---:|---:|---:|\n"
        ) + "\n".join(
            f"| {each.name} | {v.comments} | {v.violations} | {v.approved:.1%} | {v.misses:.1%} "
            f"| {v.false_holds:.1%} | {v.fine_freed:.1%} |"
            for each in verdicts
            if (v := each.verdicts)
        )
    return table


def as_trade_off_table(name: str, figures: Mapping[str, VerdictFigures]) -> str:
    """Return a Markdown table of what each target miss rate means on a set."""
    return (
        f"| target miss rate ({name}) | misses | fine held | approved |\n|---:|---:|---:|---:|\n"
    ) + "\n".join(
        f"| {float(target):.1%} | {f.misses:.1%} | {f.false_holds:.1%} | {f.approved:.1%} |"
        for target, f in figures.items()
    )


def as_function_table(figures: SetFigures) -> str:
    """Return a Markdown table of what becomes of each kind of comment."""
    return (
        f"| function ({figures.name}) | should be | comments | held | held by its own rule |\n"
        "|---|---|---:|---:|---:|\n"
    ) + "\n".join(
        f"| {f.function} | {f'held ({f.label})' if f.label else 'approved'} | {f.comments} "
        f"| {f.held:.1%} | {'' if f.by_own_rule is None else f'{f.by_own_rule:.1%}'} |"
        for f in figures.functions
    )
