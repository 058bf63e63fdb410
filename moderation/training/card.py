"""The model card: what a model is for, what it learned from, how well it does and where it fails.

Mitchell et al. 2019, "Model Cards for Model Reporting", FAT*, arXiv:1810.03993.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moderation.classifier import ENCODER, Classifier, Manifest, TrainingSource
from moderation.comment import Comment, Label
from moderation.rules import shortened
from moderation.seeds import TWEETS_FILE
from moderation.training.corpora import CORPORA, LEXICONS, Example
from moderation.training.dataset import TWEETS
from moderation.training.evaluation import (
    as_function_table,
    as_table,
    as_trade_off_table,
    trade_offs,
)
from moderation.training.sets import LabelledSet, Measured

__all__ = ["TIMED", "Mistake", "cpu_seconds", "false_holds", "misses", "model_card"]

SHOWN = 3
"""Mistakes quoted of each kind."""

LONGEST_EXAMPLE = 200
"""Characters of a comment that are quoted."""

TIMED = 300
"""Comments that are enough to see what scoring takes."""

IDENTITY_MENTION = "identity_mention"

_MARKUP = re.compile(r"([\\`*_\[\]<>|~#])")

_INTENDED = """\
## Intended use

To sort the comments of a German technology blog by the blog's own rules. What is clearly fine is
approved; what is doubtful is held, and a moderator sees which rule it may break and which passage
speaks for that. People decide about what is held.

| label | means |
|---|---|
| `disparaging` | puts down a reader or an author as a person; harsh words about products and \
firms, criticism and quoted insults do not count |
| `off_topic` | neither about the article nor a fair continuation of the thread; not assessed \
without an article |
| `spam` | advertising, link drops, scams |

Not intended:

- deleting comments or excluding people without a person having looked;
- finding out whether something is unlawful, true, or meant seriously;
- judging an author by the scores of their comments;
- other languages than German, and other places than comments under articles. English is not \
measured.
"""

_CAUTION = """\
The seeds are comments written for this project. They are clearer than what people write, and
figures on them flatter; those on public corpora come from other platforms with other rules.
"""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A comment that a model judges otherwise than its label; the score is that of ``label``."""

    example: Example
    label: Label
    score: float


def model_card(
    manifest: Manifest,
    measured: Sequence[Measured],
    *,
    development: LabelledSet,
    seconds: float,
) -> str:
    """Return the model card of a measured model as Markdown.

    Parameters
    ----------
    manifest
        Says what the model learned from, and its thresholds.
    measured
        The figures to report; those of ``development`` among them.
    development
        The seeds whose worst mistakes are quoted. They are ours, so they may be.
    seconds
        Processor seconds that scoring 1,000 comments takes; see :func:`cpu_seconds`.
    """
    of_development = next(each for each in measured if each.figures.name == development.name)
    parts = [
        f"# Model {manifest.version}\n\nMade on {manifest.created:%Y-%m-%d}. For each comment and"
        " each rule it gives a calibrated probability that the comment breaks the rule.\n",
        _INTENDED,
        _data(manifest),
        _figures(manifest, measured, development.name),
        _thresholds(manifest, measured),
        _mentions(measured),
        _failures(development, of_development),
        f"## Cost\n\nScoring 1,000 comments took {seconds:.1f} seconds of one processor core"
        " when this card was written.\n",
    ]
    return "\n".join(parts)


def cpu_seconds(classifier: Classifier, comments: Sequence[Comment]) -> float:
    """Return the processor seconds that scoring takes, for 1,000 comments.

    Parameters
    ----------
    classifier
        The model.
    comments
        Comments it has not just read, because it remembers those; at least one.
    """
    begin = time.process_time()
    classifier.assess_many(comments)
    return (time.process_time() - begin) / len(comments) * 1000


def _data(manifest: Manifest) -> str:
    text = "## Data and licences\n\n" + _table(
        ("learned from", "licence", "comments", "SHA-256"),
        [
            (source.name, source.licence, _rows(source), source.sha256[:12])
            for source in manifest.training_data
        ],
        right={2},
    )
    if any(source.name == TWEETS for source in manifest.training_data):
        text += (
            f"\n{TWEETS}: of tweets that our own readers labelled (`seeds/{TWEETS_FILE}`) their"
            " label counts, not the publisher's.\n"
        )
    if not _has_encoder(manifest):
        return text + "\nIt works on words and n-grams alone, without an encoder.\n"
    corpora = ", ".join(
        f"{corpus.name} ({corpus.licence})" for corpus in CORPORA.values() if corpus.trainable
    )
    return text + (
        "\nIts encoder is fine-tuned from multilingual-e5-small (MIT; Wang et al. 2024,"
        f" arXiv:2402.05672) on the training parts of {corpora} and of the seeds.\n"
        "\nThe heads are calibrated and the thresholds chosen on the seeds' development split; the"
        " test split took part in nothing.\n"
    )


def _rows(source: TrainingSource) -> str:
    return "word list" if source.name in LEXICONS else str(source.rows)


def _has_encoder(manifest: Manifest) -> bool:
    return any(name.startswith(f"{ENCODER}/") for name in manifest.files)


def _figures(manifest: Manifest, measured: Sequence[Measured], calibrated_on: str) -> str:
    tables = [as_table([each.figures for each in measured])]
    for each in measured:
        if each.figures.verdicts and each.figures.name != calibrated_on:
            choices = trade_offs(each.scores, each.truth, manifest.thresholds)
            tables.append(as_trade_off_table(each.figures.name, choices))
            tables.append(as_function_table(each.figures))
    return f"## Figures\n\n{_CAUTION}\n" + "\n\n".join(tables) + "\n"


def _thresholds(manifest: Manifest, measured: Sequence[Measured]) -> str:
    labels = list(manifest.thresholds)
    rows = [
        (f"{float(target):.1%}", *(f"{manifest.thresholds[label][target]:.3f}" for label in labels))
        for target in manifest.thresholds[labels[0]]
    ]
    in_use = {label: f.threshold for each in measured for label, f in each.figures.labels.items()}
    text = (
        "## Thresholds\n\nA comment is held if a score reaches its label's threshold. The table has"
        " one row for each share of violations that may slip through.\n\n"
    ) + _table(("may slip", *labels), rows, right=set(range(len(labels) + 1)))
    used = ", ".join(f"`{label}` {threshold:.3f}" for label, threshold in in_use.items())
    return f"{text}\nThe figures on this page were taken at {used}.\n"


def _mentions(measured: Sequence[Measured]) -> str:
    rows = [
        (
            each.figures.name,
            f"{found.comments}",
            f"{round(found.held * found.comments)} ({found.held:.1%})",
            f"{each.figures.verdicts.false_holds:.1%}",
        )
        for each in measured
        for found in each.figures.functions
        if found.function == IDENTITY_MENTION and each.figures.verdicts
    ]
    title = "## Where groups are mentioned\n\n"
    if not rows:
        return f"{title}Too few comments were measured to say how often such comments are held.\n"
    return (
        f"{title}Comments that mention a group of people without putting anybody down, and how many"
        " of them are held by mistake, beside all fine comments:\n\n"
    ) + _table(("set", "comments", "held", "of all fine ones held"), rows, right={1, 2, 3})


def _failures(development: LabelledSet, measured: Measured) -> str:
    title = f"## Known failures\n\nThe worst on {measured.figures.name}, at most {SHOWN} of each"
    if measured.figures.verdicts is None:
        return "## Known failures\n\nToo few comments were measured to show any.\n"
    kinds: tuple[tuple[str, Callable[..., list[Mistake]]], ...] = (
        ("Fine, but held as", false_holds),
        ("Approved, although", misses),
    )
    sections = [
        _section(f"{what} `{label}`", find(development, measured, label))
        for label in measured.scores
        for what, find in kinds
    ]
    return f"{title} kind, with score and function.\n\n" + "\n".join(sections)


def _section(title: str, mistakes: Sequence[Mistake]) -> str:
    if not mistakes:
        return f"**{title}**: none.\n"
    functions = Counter(str(each.example.fine) for each in mistakes)
    most = ", ".join(f"{name} {count}" for name, count in functions.most_common(SHOWN))
    lines = "\n".join(_quoted(each) for each in mistakes[:SHOWN])
    return f"**{title}**: {len(mistakes)}, most often {most}.\n\n{lines}\n"


def _quoted(mistake: Mistake) -> str:
    comment = mistake.example.comment
    under = ""
    if mistake.label is Label.OFF_TOPIC and comment.article:
        under = f", under “{_escaped(comment.article.title)}”"
    text = _escaped(shortened(comment.text, LONGEST_EXAMPLE))
    return f"- {mistake.score:.2f} (`{mistake.example.fine}`{under}): “{text}”"


def _escaped(text: str) -> str:
    return _MARKUP.sub(r"\\\1", text)


def false_holds(labelled: LabelledSet, measured: Measured, label: Label) -> list[Mistake]:
    """Return the comments that break no rule and are held under this one, the worst first.

    Parameters
    ----------
    labelled, measured
        A set and its figures; every comment labelled and scored for every rule.
    label
        Of the rule.
    """
    fine = ~np.logical_or.reduce(list(measured.truth.values()))
    rows = np.flatnonzero(fine & _held(measured)[label])
    return sorted(_mistakes(labelled, measured, label, rows), key=lambda each: -each.score)


def misses(labelled: LabelledSet, measured: Measured, label: Label) -> list[Mistake]:
    """Return the comments that break this rule and are approved under all, the worst first.

    Parameters
    ----------
    labelled, measured, label
        As for :func:`false_holds`.
    """
    approved = ~np.logical_or.reduce(list(_held(measured).values()))
    rows = np.flatnonzero(measured.truth[label] & approved)
    return sorted(_mistakes(labelled, measured, label, rows), key=lambda each: each.score)


def _held(measured: Measured) -> Mapping[Label, npt.NDArray[np.bool_]]:
    found = measured.figures.labels
    return {label: scores >= found[label].threshold for label, scores in measured.scores.items()}


def _mistakes(
    labelled: LabelledSet, measured: Measured, label: Label, rows: npt.NDArray[np.intp]
) -> Iterator[Mistake]:
    for row in rows:
        yield Mistake(labelled.examples[row], label, float(measured.scores[label][row]))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], right: set[int]) -> str:
    line = "|".join("---:" if column in right else "---" for column in range(len(head)))
    body = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    return f"| {' | '.join(head)} |\n|{line}|\n{body}"
