"""Thresholds and figures: what must hold whatever the scores."""

import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.comment import Label
from moderation.training.evaluation import (
    SetFigures,
    as_function_table,
    as_table,
    as_trade_off_table,
    function_figures,
    label_figures,
    threshold_for,
    threshold_tables,
    trade_offs,
    verdict_figures,
)

scored = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=2, max_size=60).filter(
    lambda rows: any(truth for _, truth in rows)
)


def arrays(rows):
    scores, truth = zip(*rows, strict=True)
    return np.array(scores), np.array(truth)


@given(scored, st.floats(0, 0.99))
def test_a_threshold_lets_no_more_slip_than_its_target(rows, target):
    scores, truth = arrays(rows)
    threshold = threshold_for(scores, truth, target)
    assert np.mean(scores[truth] < threshold) <= target


@given(scored, st.floats(0, 0.99))
def test_a_threshold_is_the_highest_that_does(rows, target):
    scores, truth = arrays(rows)
    threshold = threshold_for(scores, truth, target)
    higher = [score for score in scores[truth] if score > threshold]
    if higher:
        assert np.mean(scores[truth] < min(higher)) > target


rows_of_three = st.lists(
    st.tuples(*[st.tuples(st.floats(0, 1), st.booleans())] * 3), min_size=1, max_size=60
).map(lambda rows: [((1.0, True),) * 3, ((0.0, False),) * 3, *rows])


def of_three(rows):
    scores = {label: np.array([row[n][0] for row in rows]) for n, label in enumerate(Label)}
    truth = {label: np.array([row[n][1] for row in rows]) for n, label in enumerate(Label)}
    return scores, truth


@given(rows_of_three)
def test_together_the_thresholds_let_no_more_of_all_violations_slip_than_the_target(rows):
    scores, truth = of_three(rows)
    tables = threshold_tables(scores, truth)
    for target, figures in trade_offs(scores, truth, tables).items():
        assert figures.misses <= float(target)


@given(rows_of_three)
def test_a_stricter_target_never_has_a_higher_threshold(rows):
    for table in threshold_tables(*of_three(rows)).values():
        ordered = [table[rate] for rate in sorted(table, key=float)]
        assert ordered == sorted(ordered)


def test_without_a_violation_there_is_no_threshold():
    with pytest.raises(ValueError, match="no violation"):
        threshold_for(np.array([0.2, 0.3]), np.array([False, False]), 0.02)


def test_perfect_scores_have_perfect_figures():
    scores = np.array([0.0] * 50 + [1.0] * 50)
    figures = label_figures(scores, scores == 1, threshold=0.5)
    assert figures.precision == figures.recall == figures.f1 == figures.macro_f1 == 1
    assert figures.roc_auc == figures.average_precision == 1
    assert figures.brier == 0
    assert figures.freed == 0.5


def test_figures_agree_with_a_count_by_hand():
    scores = np.array([0.1, 0.2, 0.6, 0.7, 0.3, 0.8])
    truth = np.array([False, False, False, True, True, True])
    figures = label_figures(scores, truth, threshold=0.5)
    assert figures.precision == pytest.approx(2 / 3)
    assert figures.recall == pytest.approx(2 / 3)
    assert figures.roc_auc == pytest.approx(8 / 9)
    assert figures.brier == pytest.approx(np.mean((scores - truth) ** 2))


@pytest.fixture
def judged():
    """Six comments: three fine, one violation of each rule."""
    off = np.array([False] * 6)
    truth = {label: off.copy() for label in Label}
    for row, label in enumerate(Label):
        truth[label][3 + row] = True
    scores = {label: np.where(truth[label], 0.9, 0.1) for label in Label}
    return scores, truth


def test_a_verdict_holds_what_breaks_any_rule(judged):
    scores, truth = judged
    figures = verdict_figures(scores, truth, dict.fromkeys(Label, 0.5))
    assert figures.approved == 0.5
    assert figures.misses == figures.false_holds == 0
    assert figures.fine_freed == 1


def test_a_threshold_too_high_misses_and_too_low_holds_the_fine(judged):
    scores, truth = judged
    assert verdict_figures(scores, truth, dict.fromkeys(Label, 0.95)).misses == 1
    assert verdict_figures(scores, truth, dict.fromkeys(Label, 0.05)).false_holds == 1


def test_a_stricter_target_holds_no_less(judged):
    scores, truth = judged
    thresholds = {label: {"0.02": 0.1, "0.1": 0.5, "0.2": 0.95} for label in Label}
    strict, middle, lenient = trade_offs(scores, truth, thresholds).values()
    assert (strict.false_holds, middle.false_holds, lenient.false_holds) == (1, 0, 0)
    assert (strict.misses, middle.misses, lenient.misses) == (0, 0, 1)
    assert "| 10.0% | 0.0% | 0.0% | 50.0% |" in as_trade_off_table("x", {"0.1": middle})


def test_a_function_counts_as_held_under_any_rule_and_by_its_own(judged):
    scores, _ = judged
    scores[Label.SPAM][3] = 0.9  # the insult also looks like spam
    scores[Label.DISPARAGING][3] = 0.2
    functions = ["opinion", "opinion", "question", "reader_insult", "chat", "advert"]
    label_of = {
        "opinion": None,
        "question": None,
        "reader_insult": Label.DISPARAGING,
        "chat": Label.OFF_TOPIC,
        "advert": Label.SPAM,
        "scam": Label.SPAM,
    }
    found = {
        each.function: each
        for each in function_figures(functions, label_of, scores, dict.fromkeys(Label, 0.5))
    }
    assert found["opinion"].comments == 2
    assert found["opinion"].held == 0
    assert found["opinion"].by_own_rule is None
    assert found["reader_insult"].held == 1
    assert found["reader_insult"].by_own_rule == 0
    assert "scam" not in found


def test_tables_show_every_figure_once(judged):
    scores, truth = judged
    thresholds = dict.fromkeys(Label, 0.5)
    figures = SetFigures(
        "seeds dev",
        {label: label_figures(scores[label], truth[label], 0.5) for label in Label},
        verdict_figures(scores, truth, thresholds),
        function_figures(["opinion"] * 6, {"opinion": None}, scores, thresholds),
    )
    table = as_table([figures])
    assert len(re.findall(r"^\| seeds dev \| [a-z_]+ \|", table, re.M)) == 3
    assert "| seeds dev | 6 | 3 | 50.0% | 0.0% | 0.0% | 100.0% |" in table
    assert "| opinion | approved | 6 | 50.0% |" in as_function_table(figures)
    assert json.loads(json.dumps(figures.as_json()))["verdicts"]["approved"] == 0.5
