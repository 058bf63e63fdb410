"""What the model that ships makes of whole pages, under the rules that ship."""

from __future__ import annotations

import pytest

from moderation.classifier import Classifier
from moderation.comment import Label
from moderation.rules import RuleBook
from moderation.seeds import read_pages
from moderation.settings import PROJECT_ROOT, Settings
from moderation.training.evaluation import PageFigures
from moderation.training.sets import measure_pages

ELECTRIC_CAR = {"p1-0", "p1-1", "p1-2", "p1-3"}
"""A short question with an emoji, two opinions (one long and angry about industry and government),
and an answer to it: nothing a moderator should have to see."""


@pytest.fixture(scope="module")
def figures() -> PageFigures:
    classifier = Classifier.load(Settings().model_dir)
    rules = RuleBook.load(Settings().rules_file).with_thresholds(classifier.manifest.thresholds)
    pages = read_pages(PROJECT_ROOT / "seeds")
    return measure_pages(pages, classifier, {label: rules.threshold(label) for label in Label})


def test_few_violations_slip_through(figures: PageFigures) -> None:
    assert figures.misses <= 0.1 * figures.violations


def test_two_of_five_fine_comments_need_no_look(figures: PageFigures) -> None:
    assert figures.fine_held <= 0.6 * figures.fine


@pytest.mark.xfail(strict=True, reason="The classifier is not there yet; see the README's figures.")
def test_nothing_on_the_page_about_an_electric_car_is_held(figures: PageFigures) -> None:
    assert not ELECTRIC_CAR & set(figures.wrong)
