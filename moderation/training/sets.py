"""Labelled sets a finished model is measured on, and the measuring."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from moderation.classifier import Classifier
from moderation.comment import Label
from moderation.seeds import FUNCTIONS, PageComment, Split
from moderation.seeds import Corpus as SeedCorpus
from moderation.training.corpora import CORPORA, Example
from moderation.training.dataset import (
    from_seeds,
    held_back,
    mismatched_documents,
    under_titles,
)
from moderation.training.evaluation import (
    PageFigures,
    Scores,
    SetFigures,
    Truth,
    function_figures,
    label_figures,
    verdict_figures,
)

FEWEST_OF_A_KIND = 10
"""Violations, and comments that are none, a set must have of a label to be worth a figure."""


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """Comments a model did not learn from, with their labels."""

    name: str
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures of a set with the scores behind them, for plots; rows per label may differ."""

    figures: SetFigures
    scores: Mapping[Label, Scores]
    truth: Mapping[Label, Truth]


def seed_sets(corpus: SeedCorpus, splits: Sequence[Split]) -> list[LabelledSet]:
    """Return the splits of our own corpus as sets."""
    return [LabelledSet(f"seeds {split}", tuple(from_seeds(corpus.of(split)))) for split in splits]


def title_sets(corpus: SeedCorpus, splits: Sequence[Split]) -> list[LabelledSet]:
    """Return the same with nothing known of the articles but their titles, for off-topic only."""
    return [
        LabelledSet(f"seeds {split} under titles", tuple(under_titles(corpus.of(split))))
        for split in splits
    ]


def public_sets(data: Path, names: Sequence[str], random_state: int) -> Iterator[LabelledSet]:
    """Yield what was held back of the corpora trained on, and all of those only measured on.

    Raises
    ------
    CorpusError
        If a file is missing or malformed.
    """
    for name in names:
        corpus = CORPORA[name]
        examples = corpus.read(data)
        if corpus.trainable:
            examples = [example for example in examples if held_back(example)]
        if name in ("cimt", "derstandard-2019-web"):
            # unlabelled, or all on their subject: under another article they are not
            own = [_alone_under_its_article(example) for example in examples]
            examples = own + mismatched_documents(own, random_state)
        yield LabelledSet(
            f"{name} {'dev' if corpus.trainable else '(measured only)'}", tuple(examples)
        )


def _alone_under_its_article(example: Example) -> Example:
    """Leave out the parent, which would give an article away, and call the comment on topic."""
    return replace(
        example,
        comment=replace(example.comment, parent=None),
        labels={**dict.fromkeys(Label), Label.OFF_TOPIC: False},
    )


def measure(
    labelled: LabelledSet, classifier: Classifier, thresholds: Mapping[Label, float]
) -> Measured:
    """Score a set and return its figures.

    Parameters
    ----------
    labelled
        The comments.
    classifier
        Whatever it was trained on, it should not have been these.
    thresholds
        For each label, the score from which comments are held.
    """
    assessments = classifier.assess_many([example.comment for example in labelled.examples])
    scores: dict[Label, Scores] = {}
    truth: dict[Label, Truth] = {}
    complete = True
    for label in Label:
        rows = [
            (found.score, example.labels.get(label))
            for example, assessment in zip(labelled.examples, assessments, strict=True)
            if (found := assessment.labels[label]) and example.labels.get(label) is not None
        ]
        complete = complete and len(rows) == len(labelled.examples)
        is_true = np.array([known for _, known in rows], dtype=bool)
        if min(is_true.sum(), (~is_true).sum()) >= FEWEST_OF_A_KIND:
            scores[label] = np.array([score for score, _ in rows], dtype=np.float64)
            truth[label] = is_true
    with_all_rules = complete and len(scores) == len(Label)
    functions = [str(example.fine) for example in labelled.examples]
    return Measured(
        SetFigures(
            labelled.name,
            {
                label: label_figures(scores[label], truth[label], thresholds[label])
                for label in scores
            },
            verdict_figures(scores, truth, thresholds) if with_all_rules else None,
            function_figures(functions, FUNCTIONS, scores, thresholds) if with_all_rules else [],
        ),
        scores,
        truth,
    )


def measure_pages(
    pages: Sequence[PageComment], classifier: Classifier, thresholds: Mapping[Label, float]
) -> PageFigures:
    """Judge the comments of whole pages and count what is held and what is approved.

    Parameters
    ----------
    pages
        The comments, none of which the classifier has learned from.
    classifier, thresholds
        As for :func:`measure`.
    """
    assessments = classifier.assess_many([each.comment for each in pages])
    held = [
        any(
            found is not None and found.score >= thresholds[label]
            for label, found in assessment.labels.items()
        )
        for assessment in assessments
    ]
    fine = [each.violates is None for each in pages]
    return PageFigures(
        pages=len({each.page for each in pages}),
        fine=sum(fine),
        fine_held=sum(is_fine and is_held for is_fine, is_held in zip(fine, held, strict=True)),
        violations=len(pages) - sum(fine),
        misses=sum(
            not is_fine and not is_held for is_fine, is_held in zip(fine, held, strict=True)
        ),
        wrong=tuple(
            str(each.comment.id)
            for each, is_fine, is_held in zip(pages, fine, held, strict=True)
            if is_fine == is_held
        ),
    )
