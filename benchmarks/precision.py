"""What moderators would find on comments nobody has labelled: to be read by people.

    python benchmarks/precision.py sheet derstandard-2019-web --data DIR -o sheet.csv
    python benchmarks/precision.py figures sheet.csv

``sheet`` scores comments of a corpus drawn at random and writes those to read: of every rule the
highest scores, and some drawn from what no rule holds. The reader writes into the column ``found``
what the comment breaks: ``disparaging``, ``off_topic``, ``spam``, several with a blank between, or
``-`` for nothing. ``figures`` counts: the precision of the highest scores of every rule, and what
slipped through. The sheet holds the comments themselves: keep it out of the project.
"""

from __future__ import annotations

import csv
import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from moderation.classifier import Classifier
from moderation.comment import Assessment, Comment, Label
from moderation.rules import RuleBook
from moderation.settings import Settings
from moderation.training.corpora import CORPORA
from moderation.training.train import RANDOM_STATE

COLUMNS = ("part", "score", "found", "article", "parent", "text")
BELOW = "below"
NOTHING = "-"


@click.group(help=__doc__)
def main() -> None:
    """Choose what to do."""


@main.command()
@click.argument("corpus", type=click.Choice(list(CORPORA)))
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--model", type=click.Path(path_type=Path), help="Folder of the model.")
@click.option("--count", default=2000, show_default=True, help="Comments to score.")
@click.option("--top", default=50, show_default=True, help="Highest scores of each rule to read.")
@click.option("--below", default=100, show_default=True, help="Approved comments to read.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
def sheet(
    *, corpus: str, data: Path, model: Path | None, count: int, top: int, below: int, output: Path
) -> None:
    """Score comments of CORPUS and write those to read."""
    chance = random.Random(RANDOM_STATE)
    every = [example.comment for example in CORPORA[corpus].read(data)]
    comments = chance.sample(every, min(count, len(every)))
    classifier = Classifier.load(model or Settings().model_dir)
    assessments = classifier.assess_many(comments)
    rules = RuleBook.load(Settings().rules_file).with_thresholds(classifier.manifest.thresholds)
    approved = [
        row
        for row, each in enumerate(assessments)
        if all(score(each, label) < rules.threshold(label) for label in Label)
    ]
    print(f"{len(comments)} comments scored, {len(approved) / len(comments):.1%} approved")
    with output.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for label in Label:
            order = sorted(range(len(comments)), key=lambda row: -score(assessments[row], label))
            writer.writerows(lines(str(label), label, order[:top], comments, assessments))
        drawn = chance.sample(approved, min(below, len(approved)))
        writer.writerows(lines(BELOW, None, drawn, comments, assessments))


def score(assessment: Assessment, label: Label) -> float:
    """Return the score of a label, 0 where it cannot be told."""
    judged = assessment.labels[label]
    return judged.score if judged else 0.0


def lines(
    part: str,
    label: Label | None,
    rows: Sequence[int],
    comments: Sequence[Comment],
    assessments: Sequence[Assessment],
) -> Iterator[tuple[str, ...]]:
    """Yield the lines of one part of the sheet; approved comments show their highest score."""
    for row in rows:
        comment, labels = comments[row], [label] if label else list(Label)
        yield (
            part,
            f"{max(score(assessments[row], each) for each in labels):.3f}",
            "",
            comment.article.title if comment.article else "",
            comment.parent.text if comment.parent else "",
            comment.text,
        )


@main.command()
@click.argument("path", type=click.Path(path_type=Path, exists=True))
def figures(path: Path) -> None:
    """Count what was found on a sheet."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    known = {NOTHING, *map(str, Label)}
    wrong = [
        number
        for number, row in enumerate(rows, start=2)
        if not row["found"].split() or not set(row["found"].split()) <= known
    ]
    if wrong:
        raise click.ClickException(
            f"Lines {', '.join(map(str, wrong[:10]))} say nothing readable under 'found': write"
            f" {', '.join(map(str, Label))} or {NOTHING}."
        )
    print("| read | comments | of them right | break another rule | break none |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for part in (*map(str, Label), BELOW):
        found = [set(row["found"].split()) for row in rows if row["part"] == part]
        if not found:
            continue
        none = sum(each == {NOTHING} for each in found)
        right = none if part == BELOW else sum(part in each for each in found)
        other = len(found) - none - (0 if part == BELOW else right)
        print(f"| {part} | {len(found)} | {right / len(found):.0%} | {other} | {none} |")


if __name__ == "__main__":
    sys.exit(main())
