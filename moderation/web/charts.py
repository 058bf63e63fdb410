"""What stands where in a chart. Templates draw it as SVG and bring the words.

Positions across are percentages of the drawing's width, so that a chart fits every screen with
letters of the same size; positions down are pixels.

A library was looked for and not taken: pygal writes styles and scripts into its pictures, which
the Content-Security-Policy forbids; leather's have fixed colours and no text alternatives.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

HEIGHT = 180.0
"""Pixels from the top of the highest column to the base line."""

LEFT = 7.0
"""Percent of the width that the numbers beside the lines take."""

MOST_LINES = 4
"""Lines across behind the columns, the base line not counted."""

MOST_LABELS = 5
"""Labels below the columns that fit side by side on a phone."""

FINEST = 0.25
"""Percent of the width below which two points of a line are the same to the eye."""

LEAST, GREATEST = 0.005, 0.995
"""Ends of the scale of thresholds; what lies beyond is drawn there."""


@dataclass(frozen=True, slots=True)
class Series:
    """One row of values, drawn in the colour that ``key`` has in the style sheet."""

    key: str
    name: str
    values: tuple[int, ...]

    @property
    def total(self) -> int:
        """Sum of the values."""
        return sum(self.values)


@dataclass(frozen=True, slots=True)
class Tick:
    """A number at an axis; ``at`` in percent of the width or pixels from the top."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Box:
    """A part of a column or bar; ``x`` and ``width`` in percent, ``y`` and ``height`` in pixels."""

    key: str
    x: float
    width: float
    y: float = 0
    height: float = HEIGHT
    name: str = ""
    label: str = ""
    value: int = 0


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns of stacked parts, one for each label."""

    series: tuple[Series, ...]
    labels: tuple[str, ...]
    boxes: tuple[Box, ...]
    across: tuple[Tick, ...]
    down: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A line in a square of 100 × 100 that is stretched over the plot; ``points`` as SVG has it."""

    key: str
    name: str
    points: str


def columns(
    labels: Sequence[str], series: Sequence[Series], *, write: Callable[[float], str] = str
) -> Columns:
    """Place stacked columns side by side.

    Parameters
    ----------
    labels
        What is written below each column.
    series
        From the bottom up, each with one value, 0 or more, for each label.
    write
        How numbers are written.
    """
    lines = steps(max((sum(parts) for parts in _parts(series)), default=0))
    scale = HEIGHT / lines[-1]
    slot = (100 - LEFT) / max(len(labels), 1)
    every = math.ceil(len(labels) / MOST_LABELS)
    return Columns(
        series=tuple(series),
        labels=tuple(labels),
        boxes=tuple(_boxes(labels, series, slot, scale)),
        # the newest is always labelled
        across=tuple(
            Tick(round(LEFT + slot * (place + 0.5), 3), label)
            for place, label in enumerate(labels)
            if (len(labels) - 1 - place) % every == 0
        ),
        down=tuple(Tick(round(HEIGHT - line * scale, 2), write(line)) for line in lines),
    )


def _parts(series: Sequence[Series]) -> Iterator[tuple[int, ...]]:
    return zip(*(one.values for one in series), strict=True)


def _boxes(
    labels: Sequence[str], series: Sequence[Series], slot: float, scale: float
) -> Iterator[Box]:
    for place, (label, parts) in enumerate(zip(labels, _parts(series), strict=True)):
        edges = pairwise(accumulate(parts, initial=0))
        for one, (bottom, top) in zip(series, edges, strict=True):
            if top > bottom:
                yield Box(
                    key=one.key,
                    x=round(LEFT + slot * (place + 0.14), 3),
                    width=round(slot * 0.72, 3),
                    y=round(HEIGHT - top * scale, 2),
                    height=round((top - bottom) * scale, 2),
                    name=one.name,
                    label=label,
                    value=top - bottom,
                )


def bar(series: Sequence[Series], *, of: int | None = None) -> tuple[Box, ...]:
    """Place the totals of some series end to end as one bar.

    Parameters
    ----------
    of
        The number that is as long as the whole width; their sum by default.

    Examples
    --------
    >>> [(box.key, box.x, box.width) for box in bar([Series("a", "", (1,)), Series("b", "", (3,))])]
    [('a', 0.0, 25.0), ('b', 25.0, 75.0)]
    """
    edges = accumulate((one.total for one in series), initial=0)
    whole = of or sum(one.total for one in series) or 1
    return tuple(
        Box(
            key=one.key,
            x=round(start / whole * 100, 3),
            width=round(one.total / whole * 100, 3),
            name=one.name,
            value=one.total,
        )
        for one, start in zip(series, edges, strict=False)
        if one.total
    )


def steps(greatest: float) -> tuple[int, ...]:
    """Return the round numbers at which lines are drawn behind values from 0 to ``greatest``.

    Examples
    --------
    >>> steps(0), steps(7), steps(83), steps(1000)
    ((0, 1), (0, 2, 4, 6, 8), (0, 50, 100), (0, 500, 1000))
    """
    size = 1
    for size in _round_numbers():
        if size * MOST_LINES >= greatest:
            break
    count = max(1, math.ceil(greatest / size))
    return tuple(size * place for place in range(count + 1))


def _round_numbers() -> Iterator[int]:
    power = 1
    while True:
        yield from (power, 2 * power, 5 * power)
        power *= 10


def step_line(key: str, name: str, points: Sequence[tuple[float, float]]) -> Line:
    """Draw values that hold from the threshold before up to their own.

    Parameters
    ----------
    points
        Threshold and value, both in [0, 1], by ascending threshold; the line ends at the last.
    """
    corners: list[str] = []
    at = 0.0
    for threshold, value in points:
        end = round(across(threshold), 2)
        if end - at >= FINEST:
            down = f"{100 - 100 * value:g}"
            corners += (f"{at:g},{down}", f"{end:g},{down}")
            at = end
    return Line(key, name, " ".join(corners))


def across(threshold: float) -> float:
    """Return where a threshold stands on the scale, in percent of the plot's width.

    The scale is that of odds: models choose thresholds near 0 and 1, where hundredths matter.

    Examples
    --------
    >>> [round(across(threshold), 1) for threshold in (0, 0.05, 0.5, 0.95, 1)]
    [0.0, 22.2, 50.0, 77.8, 100.0]
    """
    inside = min(max(threshold, LEAST), GREATEST)
    return 100 * (_log_odds(inside) - _log_odds(LEAST)) / (_log_odds(GREATEST) - _log_odds(LEAST))


def _log_odds(share: float) -> float:
    return math.log(share / (1 - share))
