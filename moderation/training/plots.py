"""Precision–recall and reliability plots as SVG (matplotlib, from the ``train`` extra)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from sklearn.calibration import calibration_curve
from sklearn.metrics import PrecisionRecallDisplay

from moderation.comment import Label
from moderation.training.evaluation import Scores, Truth

BINS = 10


def write_plots(
    folder: Path, name: str, scores: Mapping[Label, Scores], truth: Mapping[Label, Truth]
) -> list[Path]:
    """Write one precision–recall and one reliability plot of a set, all its labels in each.

    Parameters
    ----------
    folder
        Where the files go; made if missing.
    name
        Of the set; part of the file names.
    scores, truth
        For each label, shape (n,).

    Returns
    -------
    list of Path
        The two files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stem = name.replace(" ", "-")
    return [
        _save(_precision_recall(name, scores, truth), folder / f"{stem}-precision-recall.svg"),
        _save(_reliability(name, scores, truth), folder / f"{stem}-reliability.svg"),
    ]


def _precision_recall(
    name: str, scores: Mapping[Label, Scores], truth: Mapping[Label, Truth]
) -> Figure:
    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.subplots()
    for label in scores:
        PrecisionRecallDisplay.from_predictions(
            truth[label], scores[label], ax=axes, name=str(label)
        )
    axes.set(title=f"{name}: precision and recall", xlim=(0, 1), ylim=(0, 1.02))
    return figure


def _reliability(name: str, scores: Mapping[Label, Scores], truth: Mapping[Label, Truth]) -> Figure:
    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], linestyle=":", color="grey", label="as it should be")
    for label in scores:
        observed, predicted = calibration_curve(
            truth[label], scores[label], n_bins=BINS, strategy="quantile"
        )
        axes.plot(predicted, observed, marker="o", markersize=3, label=str(label))
    axes.set(
        title=f"{name}: reliability",
        xlabel="score",
        ylabel="share that violates",
        xlim=(0, 1),
        ylim=(0, 1),
        xticks=np.linspace(0, 1, 6),
    )
    axes.legend()
    return figure


def _save(figure: Figure, path: Path) -> Path:
    # no date and fixed ids: the same figures give the same bytes
    with rc_context({"svg.hashsalt": "moderation"}):
        figure.savefig(path, format="svg", metadata={"Date": None})
    return path
