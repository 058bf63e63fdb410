"""The model card: what it tells, and which mistakes it picks."""

import time

import numpy as np
import pytest

from moderation.classifier.manifest import read_manifest
from moderation.comment import Article, Comment, Label
from moderation.seeds import FUNCTIONS, Split, read_corpus
from moderation.settings import PROJECT_ROOT
from moderation.training.card import SHOWN, cpu_seconds, false_holds, misses, model_card
from moderation.training.corpora import Example
from moderation.training.evaluation import (
    SetFigures,
    function_figures,
    label_figures,
    verdict_figures,
)
from moderation.training.sets import LabelledSet, Measured, seed_sets

THRESHOLDS = dict.fromkeys(Label, 0.5)


def measured_with(labelled, scores):
    """The figures that a model would have with these scores."""
    truth = {label: np.array([each.labels[label] for each in labelled.examples]) for label in Label}
    functions = [each.fine for each in labelled.examples]
    return Measured(
        SetFigures(
            labelled.name,
            {label: label_figures(scores[label], truth[label], 0.5) for label in Label},
            verdict_figures(scores, truth, THRESHOLDS),
            function_figures(functions, FUNCTIONS, scores, THRESHOLDS),
        ),
        scores,
        truth,
    )


def at_random(labelled, seed=1):
    chance = np.random.default_rng(seed)
    return measured_with(labelled, {each: chance.random(len(labelled.examples)) for each in Label})


@pytest.fixture(scope="module")
def corpus():
    return read_corpus(PROJECT_ROOT / "seeds")


@pytest.fixture(scope="module")
def development(corpus):
    return seed_sets(corpus, [Split.DEV])[0]


@pytest.fixture(scope="module")
def test_split(corpus):
    return seed_sets(corpus, [Split.TEST])[0]


@pytest.fixture(scope="module")
def measured(development):
    return at_random(development)


@pytest.fixture(scope="module")
def manifest(model_dir):
    return read_manifest(model_dir)[0]


@pytest.fixture(scope="module")
def card(manifest, development, measured, test_split):
    sets = [measured, at_random(test_split, seed=2)]
    return model_card(manifest, sets, development=development, seconds=7.26)


@pytest.mark.parametrize("label", Label)
def test_false_holds_break_no_rule_and_are_held_under_this_one(development, measured, label):
    found = false_holds(development, measured, label)
    assert found
    for each in found:
        assert not any(each.example.labels.values())
        assert each.score >= 0.5
    fine = [not any(each.labels.values()) for each in development.examples]
    assert len(found) == sum(measured.scores[label][np.array(fine)] >= 0.5)


@pytest.mark.parametrize("label", Label)
def test_misses_break_the_rule_and_are_held_under_none(development, measured, label):
    row_of = {each.comment.id: row for row, each in enumerate(development.examples)}
    found = misses(development, measured, label)
    assert found
    for each in found:
        row = row_of[each.example.comment.id]
        assert each.example.labels[label]
        assert all(measured.scores[other][row] < 0.5 for other in Label)


def test_the_worst_mistakes_come_first(development, measured):
    held = [each.score for each in false_holds(development, measured, Label.SPAM)]
    missed = [each.score for each in misses(development, measured, Label.SPAM)]
    assert held == sorted(held, reverse=True)
    assert missed == sorted(missed)


def test_it_names_everything_learned_from_with_its_licence(card, manifest):
    for source in manifest.training_data:
        rows = "word list" if source.name.startswith("ldnoobw") else source.rows
        assert f"| {source.name} | {source.licence} | {rows} | {source.sha256[:12]} |" in card


@pytest.mark.parametrize("tweets", [True, False])
def test_it_says_whose_labels_the_tweets_have(manifest, development, measured, tweets):
    learned = [each for each in manifest.training_data if tweets or each.name != "germeval2018"]
    text = model_card(
        manifest.model_copy(update={"training_data": tuple(learned)}),
        [measured],
        development=development,
        seconds=1,
    )
    assert ("`seeds/tweets.jsonl`" in text) is tweets


@pytest.mark.parametrize("encoder", [True, False])
def test_it_names_the_base_network_if_there_is_an_encoder(manifest, development, measured, encoder):
    files = {"heads.joblib": "0" * 64} | ({"encoder/encoder.onnx": "1" * 64} if encoder else {})
    text = model_card(
        manifest.model_copy(update={"files": files}),
        [measured],
        development=development,
        seconds=1,
    )
    assert ("multilingual-e5-small (MIT" in text) is encoder
    assert ("gahd (CC BY 4.0)" in text) >= encoder


def test_it_shows_the_figures_the_thresholds_and_the_cost(card, manifest):
    for expected in (
        f"# Model {manifest.version}\n",
        "| seeds dev | disparaging |",
        "| seeds test | spam |",
        "| lookalike | approved |",
        f"| 2.0% | {manifest.thresholds[Label.DISPARAGING]['0.02']:.3f} |",
        "taken at `disparaging` 0.500, `off_topic` 0.500, `spam` 0.500",
        "took 7.3 seconds",
    ):
        assert expected in card


def test_it_says_how_often_a_mere_mention_of_a_group_is_held(card, development, measured):
    rows = [row for row, each in enumerate(development.examples) if each.fine == "identity_mention"]
    held = sum(any(measured.scores[label][row] >= 0.5 for label in Label) for row in rows)
    assert f"| seeds dev | {len(rows)} | {held} ({held / len(rows):.1%}) |" in card


def test_it_quotes_a_few_development_seeds_of_each_kind_and_no_test_seed(
    card, development, measured, test_split
):
    failures = card.split("## Known failures")[1].split("\n## ")[0]
    quoted = [line for line in failures.splitlines() if line.startswith("- ")]
    kinds = [find(development, measured, each) for find in (false_holds, misses) for each in Label]
    assert len(quoted) == sum(min(SHOWN, len(each)) for each in kinds)
    for each in test_split.examples:
        beginning = each.comment.text[:40]
        assert len(beginning) < 40 or beginning not in card


def test_what_a_comment_says_cannot_become_markup(manifest):
    sly = "# Titel\n\n| a | <img src=x> [klick](https://böse.example) `los` *so*"
    rows = [(sly, False), ("Nur das", False), ("Und das", True)]
    examples = tuple(
        Example(Comment(text, article=Article("Ein | Titel")), dict.fromkeys(Label, bad), "g", "s",
                "lookalike")
        for text, bad in rows
    )  # fmt: skip
    labelled = LabelledSet("seeds dev", examples)
    measured = measured_with(labelled, dict.fromkeys(Label, np.array([0.9, 0.1, 0.8])))
    text = model_card(manifest, [measured], development=labelled, seconds=1)
    assert (
        "- 0.90 (`lookalike`): “\\# Titel \\| a \\| \\<img src=x\\> \\[klick\\](https://böse.example)"
        " \\`los\\` \\*so\\*”" in text
    )
    assert "under “Ein \\| Titel”" in text


def test_a_set_without_all_labels_shows_no_failures_but_says_why(manifest, development, measured):
    figures = SetFigures(development.name, measured.figures.labels)
    text = model_card(manifest, [Measured(figures, {}, {})], development=development, seconds=1)
    assert "Too few comments were measured to show any" in text
    assert "Too few comments were measured to say how often" in text


def test_the_cost_is_that_of_a_thousand_comments(classifier):
    comments = [Comment(f"Der Akku hält bei mir {days} Tage.") for days in range(20)]
    begin = time.process_time()
    seconds = cpu_seconds(classifier, comments)
    assert 0 < seconds <= (time.process_time() - begin) * 1000 / len(comments)
