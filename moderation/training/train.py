"""From labelled comments to a model on disk."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import sparse

from moderation.classifier import UNKNOWN, Encoder, FeatureExtractor, Heads, TrainingSource
from moderation.comment import Label
from moderation.seeds import TWEETS_FILE, Split, read_corpus, tweet_labels
from moderation.training.corpora import Corpus, Example
from moderation.training.dataset import (
    SEEDS,
    from_seeds,
    held_back,
    mismatched,
    read_public,
    sources,
    under_titles,
    weight,
)
from moderation.training.evaluation import threshold_tables

RANDOM_STATE = 20261122


@dataclass(frozen=True, slots=True)
class Trained:
    """A fitted model with its thresholds and what it learned from."""

    extractor: FeatureExtractor
    heads: Heads
    thresholds: Mapping[Label, Mapping[str, float]]
    sources: tuple[TrainingSource, ...]


def training_examples(
    seeds: Path, corpora: Sequence[Corpus], data: Path | None
) -> tuple[Example, ...]:
    """Return everything to learn from, development and test splits left out.

    Parameters
    ----------
    seeds
        Folder of our own corpus.
    corpora
        Public corpora, all of them trainable.
    data
        Folder of the public corpora; needed if there are any.

    Raises
    ------
    SeedsError, CorpusError
        If a file is missing or malformed.
    """
    corpus = read_corpus(seeds)
    own = corpus.of(Split.TRAIN)
    public: Iterable[Example] = ()
    if data is not None:
        public = read_public(corpora, data, RANDOM_STATE, tweet_labels(seeds))
    return (
        *from_seeds(own),
        *under_titles(own),
        *mismatched(own, corpus, RANDOM_STATE),
        *(example for example in public if not held_back(example)),
    )


def calibration_examples(seeds: Path) -> tuple[Example, ...]:
    """Return what an encoder has not learned from and a model with one is calibrated on.

    Each comment twice: with all that is known of its article, and under its title alone.

    Raises
    ------
    SeedsError
        If a file is missing or malformed.
    """
    held_out = read_corpus(seeds).of(Split.DEV)
    return (*from_seeds(held_out), *under_titles(held_out))


def train_model(
    examples: Sequence[Example],
    seeds: Path,
    corpora: Sequence[Corpus],
    data: Path | None,
    encoder: Encoder | None = None,
) -> Trained:
    """Fit features and heads, calibrate on seeds, and take thresholds from held-out scores.

    Without an encoder the training seeds calibrate, each scored by a model that had not seen its
    article. An encoder has seen them all, so with one the development split calibrates.

    Parameters
    ----------
    examples
        What to learn from; see :func:`training_examples`.
    seeds, corpora, data
        Where they came from, for the record.
    encoder
        Trained on the same seeds' training split.

    Raises
    ------
    ValueError
        If a label has too few labelled comments to be learned.
    """
    comments = [example.comment for example in examples]
    extractor = FeatureExtractor().fit(comments)
    features = extractor.transform(comments)
    if encoder is not None:
        extractor = extractor.with_encoder(encoder)
        features = _widened(features, extractor.n_features)
    is_seed = np.array([example.source == SEEDS for example in examples])
    heads = Heads(extractor.slices).fit(
        features,
        _labels(examples),
        groups=np.array([example.group for example in examples]),
        sample_weight=np.array([weight(each) for each in examples]),
        calibrate_on=is_seed,
        calibrate=encoder is None,
    )
    calibrated_on = [example for example in examples if example.source == SEEDS]
    if encoder is not None:
        calibrated_on = list(calibration_examples(seeds))
        heads.blend(
            extractor.transform([example.comment for example in calibrated_on]),
            _labels(calibrated_on),
            encoder_columns=encoder.columns,
            groups=np.array([example.group for example in calibrated_on]),
            sample_weight=np.array([weight(example) for example in calibrated_on]),
        )
    return Trained(
        extractor,
        heads,
        _thresholds(heads, examples if encoder is None else calibrated_on),
        _provenance(examples, seeds, corpora, data),
    )


def _widened(features: sparse.csr_matrix, n_features: int) -> sparse.csr_matrix:
    """Add empty columns: what an encoder says of comments it has learned from tells nothing."""
    n_rows, n_columns = features.shape
    return sparse.hstack(
        [features, sparse.csr_matrix((n_rows, n_features - n_columns), dtype=features.dtype)],
        format="csr",
    )


def _labels(examples: Sequence[Example]) -> npt.NDArray[np.int_]:
    def code(known: bool | None) -> int:
        return UNKNOWN if known is None else int(known)

    rows = [[code(each.labels.get(label)) for label in Label] for each in examples]
    return np.array(rows, dtype=np.int_).reshape(len(rows), len(Label))


def _thresholds(heads: Heads, examples: Sequence[Example]) -> dict[Label, dict[str, float]]:
    """Take thresholds from the scores each seed got from a model that had not seen its article."""
    scores, truth = {}, {}
    for label in Label:
        labelled = [each for each in examples if each.labels.get(label) is not None]
        own = np.array([each.source == SEEDS for each in labelled])
        scores[label] = np.round(heads.heads_[label].out_of_fold_[own], 6)
        truth[label] = np.array([bool(each.labels[label]) for each in labelled])[own]
    return threshold_tables(scores, truth)


def _provenance(
    examples: Sequence[Example], seeds: Path, corpora: Sequence[Corpus], data: Path | None
) -> tuple[TrainingSource, ...]:
    rows = Counter(example.source for example in examples)
    digest = hashlib.sha256()
    for path in (seeds / "articles.jsonl", seeds / "comments.jsonl", seeds / TWEETS_FILE):
        if path.exists():
            digest.update(path.read_bytes())
    own = TrainingSource(
        name="seeds, train split", licence="CC BY 4.0", sha256=digest.hexdigest(), rows=rows[SEEDS]
    )
    return (
        own,
        *(
            TrainingSource(
                name=source.name,
                licence=source.licence,
                sha256=source.sha256(data),
                rows=rows[source.name],
            )
            for source in sources(corpora)
            if data is not None
        ),
    )
