"""The threshold explorer: what another threshold would have meant, and what it would change."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from flask import abort, flash, redirect, render_template, request, url_for
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from moderation.rules import Rule
from moderation.runtime import runtime
from moderation.store import ThresholdEffect, ThresholdEffects
from moderation.web.charts import HEIGHT, LEFT, Line, Tick, across, step_line
from moderation.web.language import gettext, in_language, lazy_gettext, percent, threshold_percent

MEASURES = {
    "precision": lazy_gettext("Genauigkeit"),
    "recall": lazy_gettext("Trefferquote"),
    "freed": lazy_gettext("eingesparte Arbeit"),
}
"""What is drawn, each under the name of the field it is."""

TICKS = (0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99)
"""Thresholds written below the lines."""

ROWS_APART = 2.5
"""Percent of the scale between two rows of the table of all thresholds."""

FEW = 20
"""With fewer violations or fewer fine comments the figures are a guess, and the page says so."""


class InvalidThreshold(ValueError):  # noqa: N818 - the matter with an entry, not with the code
    """What was entered is no threshold; the message is for who entered it."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A threshold marked in the chart; ``at`` in percent of the width."""

    key: str
    at: float
    text: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Chart:
    """The lines of the explorer with their axes."""

    lines: tuple[Line, ...]
    marks: tuple[Mark, ...]
    across: tuple[Tick, ...]
    down: tuple[Tick, ...]
    axis: str


@login_required
def thresholds() -> str | tuple[str, int]:
    """Show what the threshold of one rule means, and what another one would."""
    rule = _rule(request.args.get("rule"))
    desk = runtime().desk
    effects = desk.threshold_effects(rule.label)
    chosen, error = effects.in_force, None
    try:
        entered = _threshold_for(rule, request.args.get("percent"))
    except InvalidThreshold as invalid:
        error = str(invalid)
    else:
        chosen = effects.in_force if entered is None else entered
    changed = not math.isclose(chosen, effects.in_force)
    page = render_template(
        "web/thresholds.html",
        rules=runtime().rules.rules,
        rule=rule,
        effects=effects,
        chosen=chosen,
        entered=request.args.get("percent") if error else f"{100 * chosen:g}",
        error=error,
        changed=changed,
        now=effect_at(effects, effects.in_force),
        then=effect_at(effects, chosen),
        impact=desk.threshold_impact(rule.label, chosen) if changed else None,
        confirming=current_user.is_admin and changed and "confirm" in request.args,
        chart=_chart(effects, chosen),
        tabulated=_apart(effects.effects),
        seen=repr(effects.in_force),
        is_guess=min(effects.violations, effects.comments - effects.violations) < FEW,
        history=[change for change in desk.threshold_history() if change.label == rule.label],
    )
    return (page, 422) if error else page


@login_required
def apply_threshold() -> Response:
    """Put a threshold into force, if the one in force still is the one the admin saw."""
    if not current_user.is_admin:
        abort(403)
    rule = _rule(request.form.get("rule"))
    desk = runtime().desk
    back = redirect(url_for("web.thresholds", rule=rule.id))
    if request.form.get("seen") != repr(desk.thresholds()[rule.label]):
        flash(
            gettext(
                "Nicht geändert: Die Schwelle ist inzwischen eine andere. "
                "Bitte sehen Sie sie sich noch einmal an."
            ),
            "warning",
        )
        return back
    try:
        value = _threshold_for(rule, request.form.get("percent"))
    except InvalidThreshold as invalid:
        flash(str(invalid), "danger")
        return back
    desk.apply_threshold(rule.label, value, current_user.name)
    flash(
        gettext(
            "Für die Regel „%(rule)s“ gilt ab jetzt die Schwelle %(threshold)s.",
            rule=in_language(rule.name),
            threshold=threshold_percent(desk.thresholds()[rule.label]),
        ),
        "success",
    )
    return back


def _rule(wanted: str | None) -> Rule:
    rules = runtime().rules.rules
    if not wanted:
        return rules[0]
    found = next((rule for rule in rules if rule.id == wanted), None)
    if found is None:
        abort(404)
    return found


def parse_threshold(entered: str | None) -> float | None:
    """Return a threshold in [0, 1] from what was entered in percent; ``None`` if nothing was.

    Raises
    ------
    InvalidThreshold
        If it is no number from 0 to 100.
    """
    if entered is None or not entered.strip():
        return None
    try:
        value = float(entered.strip().removesuffix("%").replace(",", "."))
    except ValueError:
        value = math.nan
    if not 0 <= value <= 100:
        raise InvalidThreshold(gettext("Bitte geben Sie eine Zahl von 0 bis 100 ein."))
    return value / 100


def _threshold_for(rule: Rule, entered: str | None) -> float | None:
    value = parse_threshold(entered)
    if value is not None and rule.reject_at is not None and value > rule.reject_at:
        raise InvalidThreshold(
            gettext(
                "Ab %(threshold)s lehnt diese Regel ab; zurückgehalten werden kann nur darunter.",
                threshold=threshold_percent(rule.reject_at),
            )
        )
    return value


def effect_at(effects: ThresholdEffects, threshold: float) -> ThresholdEffect | None:
    """Return what a threshold would have meant; ``None`` if people have decided nothing yet.

    Between two scores that occurred every threshold holds the same comments as the higher one;
    above the greatest none is held.
    """
    if not effects.effects:
        return None
    place = bisect_left([effect.threshold for effect in effects.effects], threshold)
    if place < len(effects.effects):
        return effects.effects[place]
    recall = 0.0 if effects.violations else 1.0
    return ThresholdEffect(
        threshold, precision=1.0, recall=recall, miss_rate=1.0 - recall, freed=1.0
    )


def _apart(effects: Sequence[ThresholdEffect]) -> list[ThresholdEffect]:
    """Return effects that stand far enough apart to be read as a table."""
    chosen: list[ThresholdEffect] = []
    for effect in effects:
        if not chosen or across(effect.threshold) - across(chosen[-1].threshold) >= ROWS_APART:
            chosen.append(effect)
    return chosen


def _chart(effects: ThresholdEffects, chosen: float) -> Chart:
    points = [*effects.effects, *filter(None, [effect_at(effects, 1.0)])]
    return Chart(
        lines=tuple(
            step_line(key, str(name), [(one.threshold, getattr(one, key)) for one in points])
            for key, name in MEASURES.items()
        ),
        marks=tuple(_marks(effects.in_force, chosen)),
        across=tuple(Tick(_place(share), percent(share)) for share in TICKS),
        down=tuple(Tick(HEIGHT * (1 - share), percent(share)) for share in (0, 0.25, 0.5, 0.75, 1)),
        axis=gettext("Schwelle"),
    )


def _marks(in_force: float, chosen: float) -> Sequence[Mark]:
    here, there = _place(in_force), _place(chosen)
    now = Mark("in_force", here, gettext("jetzt"), "end" if there > here else "start")
    if math.isclose(chosen, in_force):
        return [now]
    then = Mark("chosen", there, gettext("dann"), "start" if there > here else "end")
    return [now, then]


def _place(threshold: float) -> float:
    return round(LEFT + across(threshold) * (100 - LEFT) / 100, 3)
