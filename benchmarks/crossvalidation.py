"""Cross-validate on public corpora: what n-grams, the encoder and both tell of offence and hate.

    python benchmarks/crossvalidation.py --data DIR --checkpoints DIR

GermEval 2018's training file in folds: for each, n-grams and a fresh encoder learn from the other
folds. GAHD by its publisher's split, with an encoder that learns from both corpora. "both" is a
logistic regression on the two decision values; its weights, and every threshold, come from the
other folds (of GAHD: from folds of the development split). Interrupted, it goes on from its
checkpoints. Needs the extra "encoder". Of the comments nothing is printed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import click
import numpy as np
import torch
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, f1_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold

from moderation.classifier import FeatureExtractor
from moderation.classifier.encoder import TextReader
from moderation.classifier.heads import DEFAULT_SETTINGS, LabelHead
from moderation.comment import Label
from moderation.training.corpora import CORPORA, Example
from moderation.training.encoder.base import BaseWeights, base_weights_path
from moderation.training.encoder.batches import PublicShares, public_batches
from moderation.training.encoder.fit import FitSettings, FrozenStates, fit, predict
from moderation.training.encoder.foundation import Foundation
from moderation.training.encoder.network import Network
from moderation.training.encoder.plan import EncoderPlan
from moderation.training.encoder.readings import (
    HATE,
    OFFENCE,
    OUTPUTS,
    PublicReadings,
    gahd_readings,
    germeval_readings,
)
from moderation.training.train import RANDOM_STATE

FOLDS = 5
THRESHOLDS = np.linspace(0.05, 0.95, 91)

Array = np.ndarray


@dataclass(frozen=True, slots=True)
class Learning:
    """How fresh encoders learn, and where they keep what they have learned so far."""

    foundation: Foundation
    frozen: int
    passes: int
    checkpoints: Path

    @property
    def reader(self) -> TextReader:
        """Makes tokens."""
        return self.foundation.reader

    def learned(
        self, name: str, readings: PublicReadings, shares: PublicShares
    ) -> tuple[Network, FrozenStates]:
        """Return a network fitted to these readings."""
        torch.manual_seed(RANDOM_STATE)
        network = self.foundation.network(self.frozen)
        states = FrozenStates(network)
        fit(
            network,
            states,
            public_batches(readings, shares, Random(RANDOM_STATE)),
            OUTPUTS,
            FitSettings(
                output_weights=EncoderPlan().public_fit.output_weights, steps_per_message=50
            ),
            checkpoint=self.checkpoints / f"{name}-{self.frozen}-{self.passes}.pt",
            log=lambda message: print(f"# {time.strftime('%H:%M:%S')} {name}: {message}"),
        )
        return network, states


@click.command(help=__doc__)
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--checkpoints", type=click.Path(path_type=Path), required=True)
@click.option("--passes", default=3, show_default=True, help="How often a comment is seen.")
@click.option(
    "--frozen",
    default=EncoderPlan().frozen,
    show_default=True,
    help="How many of the lowest layers do not learn.",
)
@click.option(
    "--only", type=click.Choice(["gahd", "germeval2018"]), multiple=True, help="Both by default."
)
@click.option("--threads", default=2, show_default=True)
def main(
    *, data: Path, checkpoints: Path, passes: int, frozen: int, only: tuple[str, ...], threads: int
) -> None:
    """Cross-validate."""
    torch.set_num_threads(threads)
    tweets = CORPORA["germeval2018"].read(data)
    sentences = CORPORA["gahd"].read(data)
    learning = Learning(
        Foundation(
            BaseWeights(base_weights_path()),
            [each.comment.text for each in (*tweets, *sentences)],
            EncoderPlan(),
        ),
        frozen,
        passes,
        checkpoints,
    )
    print("| set | by | n | macro-F1 | AUC | AP | Brier |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    if "gahd" in only or not only:
        truth, parts, folds = gahd(tweets, sentences, learning)
        print_rows("gahd dev", truth, parts, folds)
    if "germeval2018" in only or not only:
        truth, parts, folds = germeval(tweets, learning)
        print_rows(f"germeval2018, {FOLDS} folds", truth, parts, folds)


def germeval(
    tweets: Sequence[Example], learning: Learning
) -> tuple[Array, Mapping[str, Array], Array]:
    """Return labels, decision values from other folds, and each tweet's fold."""
    truth = offended(tweets)
    readings = germeval_readings(tweets, learning.reader)
    folds = fold_of(truth)
    parts = {"n-grams": np.zeros(len(tweets)), "encoder": np.zeros(len(tweets))}
    for fold in range(FOLDS):
        train, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        parts["n-grams"][test] = ngrams([tweets[row] for row in train], [tweets[r] for r in test])
        network, states = learning.learned(
            f"germeval-{fold}",
            PublicReadings(germeval=[readings[row] for row in train]),
            PublicShares(germeval=learning.passes, gahd=0, argotario=0, document_batches=0),
        )
        logits = predict(network, states, [readings[row] for row in test], OUTPUTS)
        parts["encoder"][test] = logits[:, OUTPUTS.index(OFFENCE)]
    return truth, parts, folds


def gahd(
    tweets: Sequence[Example], sentences: Sequence[Example], learning: Learning
) -> tuple[Array, Mapping[str, Array], Array]:
    """Return labels of the development split, decision values, and folds for the blend."""
    train = [each for each in sentences if each.split == "train"]
    dev = [each for each in sentences if each.split == "dev"]
    network, states = learning.learned(
        "gahd",
        PublicReadings(
            germeval=germeval_readings(tweets, learning.reader),
            gahd=gahd_readings(train, learning.reader),
        ),
        PublicShares(
            germeval=learning.passes, gahd=learning.passes, argotario=0, document_batches=0
        ),
    )
    logits = predict(network, states, gahd_readings(dev, learning.reader), OUTPUTS)
    parts = {"n-grams": ngrams(train, dev), "encoder": logits[:, OUTPUTS.index(HATE)]}
    truth = offended(dev)
    return truth, parts, fold_of(truth)


def offended(examples: Sequence[Example]) -> Array:
    """Return the corpus' own two labels: GermEval's OFFENSE takes in plain profanity."""
    return np.array(
        [
            each.fine != "OTHER"
            if each.source == "germeval2018"
            else bool(each.labels[Label.DISPARAGING])
            for each in examples
        ],
        dtype=int,
    )


def fold_of(truth: Array) -> Array:
    """Return the number of each comment's fold, the same in every run."""
    folds = np.zeros(len(truth), dtype=int)
    splitter = StratifiedKFold(FOLDS, shuffle=True, random_state=RANDOM_STATE)
    for number, (_, test) in enumerate(splitter.split(truth, truth)):
        folds[test] = number
    return folds


def ngrams(train: Sequence[Example], test: Sequence[Example]) -> Array:
    """Return decision values of the disparaging head, learned from these comments alone."""
    extractor = FeatureExtractor().fit([each.comment for each in train])
    head = LabelHead(DEFAULT_SETTINGS[Label.DISPARAGING], extractor.slices).fit(
        extractor.transform([each.comment for each in train]),
        offended(train),
        groups=np.arange(len(train)),
        calibrate=False,
    )
    return head.decision_function(extractor.transform([each.comment for each in test]))


def print_rows(name: str, truth: Array, parts: Mapping[str, Array], folds: Array) -> None:
    """Print the figures of each part and of both together."""
    columns = {part: [values] for part, values in parts.items()}
    columns["both"] = list(parts.values())
    for by, chosen in columns.items():
        scores, held = cross_fitted(np.column_stack(chosen), truth, folds)
        print(
            f"| {name} | {by} | {len(truth)} | {f1_score(truth, held, average='macro'):.3f}"
            f" | {roc_auc_score(truth, scores):.3f} | {average_precision_score(truth, scores):.3f}"
            f" | {brier_score_loss(truth, scores):.3f} |"
        )


def cross_fitted(parts: Array, truth: Array, folds: Array) -> tuple[Array, Array]:
    """Return each comment's probability and verdict, by weights and threshold of other folds."""
    scores, held = np.zeros(len(truth)), np.zeros(len(truth), dtype=bool)
    for fold in range(FOLDS):
        train, test = folds != fold, folds == fold
        model = LogisticRegression(C=np.inf, max_iter=1000).fit(parts[train], truth[train])
        known = expit(model.decision_function(parts[train]))
        scores[test] = expit(model.decision_function(parts[test]))
        held[test] = scores[test] >= max(candidates(truth[train], known))[1]
    return scores, held


def candidates(truth: Array, scores: Array) -> Iterator[tuple[float, float]]:
    """Yield macro-F1 and threshold."""
    for threshold in THRESHOLDS:
        yield float(f1_score(truth, scores >= threshold, average="macro")), float(threshold)


if __name__ == "__main__":
    main()
