"""Where the parts of a chart stand."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.web.charts import (
    HEIGHT,
    LEFT,
    MOST_LABELS,
    MOST_LINES,
    Series,
    across,
    bar,
    columns,
    step_line,
    steps,
)

counts = st.lists(
    st.tuples(*[st.integers(0, 5_000)] * 3), min_size=1, max_size=90
)  # approved, held, rejected of each day


def chart_of(days: list[tuple[int, int, int]]):
    series = [
        Series(key, key, tuple(values))
        for key, values in zip(
            ("approved", "held", "rejected"), zip(*days, strict=True), strict=True
        )
    ]
    return columns([f"Tag {place}" for place in range(len(days))], series)


@given(counts)
def test_columns_are_as_high_as_their_numbers_and_stay_inside(days):
    chart = chart_of(days)
    top = float(chart.down[-1].text)
    for place, parts in enumerate(days):
        stack = [box for box in chart.boxes if box.label == f"Tag {place}"]
        assert [box.value for box in stack] == [part for part in parts if part]
        assert sum(box.height for box in stack) == pytest.approx(
            sum(parts) / top * HEIGHT, abs=0.05
        )
        for lower, upper in pairwise(stack):
            assert upper.y + upper.height == pytest.approx(lower.y, abs=0.02)
        for box in stack:
            assert box.y >= -0.01
            assert LEFT <= box.x < box.x + box.width <= 100


@given(counts)
def test_only_so_many_labels_as_fit_are_written_and_the_newest_always_is(days):
    across_axis = chart_of(days).across
    assert 1 <= len(across_axis) <= MOST_LABELS
    assert across_axis[-1].text == f"Tag {len(days) - 1}"


def test_days_without_a_comment_have_no_column_but_lines_behind_it():
    chart = chart_of([(0, 0, 0)])
    assert chart.boxes == ()
    assert [(tick.at, tick.text) for tick in chart.down] == [(HEIGHT, "0"), (0, "1")]


@given(st.integers(0, 10**9))
def test_lines_are_few_round_and_enclose_the_greatest(greatest):
    lines = steps(greatest)
    assert 2 <= len(lines) <= MOST_LINES + 1
    assert lines[0] == 0
    assert lines[-1] >= greatest
    assert str(lines[1])[0] in "125"
    assert set(str(lines[1])[1:]) <= {"0"}


def test_a_bar_measured_by_another_is_shorter():
    few = Series("approved", "freigegeben", (2, 1))
    assert [(box.x, box.width) for box in bar([few], of=12)] == [(0.0, 25.0)]
    assert bar([Series("approved", "freigegeben", ())]) == ()


def test_a_value_holds_from_the_threshold_before_up_to_its_own():
    line = step_line("recall", "Trefferquote", [(0.5, 1.0), (0.9, 0.25), (1.0, 0.0)])
    at = f"{round(across(0.9), 2):g}"
    assert line.points == f"0,0 50,0 50,75 {at},75 {at},100 100,100"


def test_thresholds_beyond_the_ends_of_the_scale_are_not_piled_up_there():
    piled = [(0.001, 1.0), (0.002, 0.9), (0.5, 0.8), (0.996, 0.5), (0.997, 0.2), (1.0, 0.0)]
    assert step_line("recall", "", piled).points == "0,20 50,20 50,50 100,50"


def test_thousands_of_thresholds_are_drawn_with_a_few_hundred_points():
    effects = [(place / 10_000, 1 - place / 10_000) for place in range(10_000)]
    assert len(step_line("recall", "", effects).points.split()) < 1_000
    assert step_line("recall", "", []).points == ""


@given(st.floats(0, 1), st.floats(0, 1))
def test_the_scale_of_thresholds_keeps_their_order(one, other):
    low, high = sorted((one, other))
    assert 0 <= across(low) <= across(high) <= 100
