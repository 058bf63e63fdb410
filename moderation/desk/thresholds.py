"""Thresholds: those in force, what another would mean, and changing one."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from moderation.comment import Action, Label, Outcome
from moderation.desk.base import DeskPart, Judge
from moderation.desk.errors import InvalidInput
from moderation.desk.intake import check_words
from moderation.store import (
    Judged,
    Reader,
    StoreUnavailable,
    ThresholdChange,
    ThresholdEffect,
    ThresholdEffects,
    ThresholdImpact,
)

log = logging.getLogger(__name__)

Rules = TypeVar("Rules", bound=Judge)

MOST_EFFECTS = 200
"""Thresholds whose effects are told; of more distinct scores some in between are left out."""

NEWEST_DECISIONS = 20_000
"""Decisions that effects are worked out from."""


def rules_in_force(rules: Rules, reader: Reader) -> Rules:
    """Return the rules with the thresholds that admins have set at the desk."""
    changed = {label: at for label, at in reader.thresholds().items() if at is not None}
    return rules.holding_at(changed) if changed else rules


class Thresholds(DeskPart):
    """Questions about and changes of thresholds; see `Desk`."""

    def thresholds(self) -> Mapping[Label, float]:
        """Give the score in [0, 1] from which each label's rule holds a new comment."""
        with self._store.reading() as reader:
            rules = self._rules_in_force(reader)
        return {label: rules.threshold(label) for label in Label}

    def threshold_history(self) -> tuple[ThresholdChange, ...]:
        """List what admins changed, newest first."""
        with self._store.reading() as reader:
            return reader.threshold_changes()

    def apply_threshold(self, label: Label, value: float | None, moderator: str) -> ThresholdChange:
        """Set a threshold for all comments submitted from now on, to every worker.

        Parameters
        ----------
        value
            A score in [0, 1]; ``None`` goes back to the one of rules file and model.
        moderator
            Name of who changes it.

        Raises
        ------
        InvalidInput
            If the value is not such a score, or above the one from which the rule rejects.
        """
        check_words("moderator", moderator)
        self._check(label, value)
        with self._store.writing() as writer:
            change = ThresholdChange(
                label=label,
                before=writer.thresholds().get(label),
                after=value,
                moderator=moderator,
                at=self._clock(),
            )
            writer.change_threshold(change)
        return change

    def threshold_impact(self, label: Label, value: float) -> ThresholdImpact:
        """Count what a new threshold would change, if the comments there are came again.

        Raises
        ------
        InvalidInput
            If the value is not a score in [0, 1].
        """
        self._check(label, value)
        with self._store.reading() as reader:
            return reader.figures.impact(label, value)

    def threshold_effects(self, label: Label) -> ThresholdEffects:
        """Work out what thresholds would have meant, from what people decided one by one.

        A comment of the spot checks stands for all the machine approved unseen, so it counts as
        often as one in so many is checked. Rejected under another rule, a comment says nothing of
        this label and is left out.
        """
        rule = self._rules.rule_for(label).id
        with self._store.reading() as reader:
            in_force = self._rules_in_force(reader).threshold(label)
            judged = [
                each
                for each in reader.figures.judged(label, limit=NEWEST_DECISIONS)
                if each.action is Action.APPROVE or each.rule == rule
            ]
        scores = np.array([each.score for each in judged])
        violations = np.array([each.action is Action.REJECT for each in judged], dtype=bool)
        weights = np.array([self._weight(each) for each in judged])
        return ThresholdEffects(
            label=label,
            in_force=in_force,
            comments=len(judged),
            violations=int(violations.sum()),
            effects=tuple(
                _effect(threshold, scores, violations, weights)
                for threshold in _thinned(scores, besides=in_force)
            ),
        )

    def _weight(self, judged: Judged) -> float:
        spot_check = judged.outcome is Outcome.APPROVE and self._sample_share > 0
        return 1 / self._sample_share if spot_check else 1.0

    def _rules_in_force(self, reader: Reader) -> Judge:
        self._last_read = rules_in_force(self._rules, reader)
        return self._last_read

    def _rules_without_store(self) -> Judge:
        """Give the rules in force, or those last known should the store be unavailable."""
        try:
            with self._store.reading() as reader:
                return self._rules_in_force(reader)
        except StoreUnavailable as error:
            log.warning("Comments are judged by the thresholds last known: %s", error)
            return self._last_read

    def _check(self, label: Label, value: float | None) -> None:
        if value is None:
            return
        if not 0 <= value <= 1:
            raise InvalidInput("value", "A threshold is a number from 0 to 1.")
        reject_at = self._rules.rule_for(label).reject_at
        if reject_at is not None and value > reject_at:
            raise InvalidInput(
                "value",
                f"From {reject_at} on this rule rejects; it cannot hold from more than that.",
            )


def _thinned(scores: NDArray[np.float64], *, besides: float) -> list[float]:
    distinct = np.unique(scores)
    if len(distinct) > MOST_EFFECTS:
        places = np.linspace(0, len(distinct) - 1, MOST_EFFECTS).round().astype(int)
        distinct = distinct[places]
    return sorted({*distinct.tolist(), besides}) if len(scores) else []


def _effect(
    threshold: float,
    scores: NDArray[np.float64],
    violations: NDArray[np.bool_],
    weights: NDArray[np.float64],
) -> ThresholdEffect:
    held = scores >= threshold
    found = float(weights[held & violations].sum())
    all_held, all_violations = float(weights[held].sum()), float(weights[violations].sum())
    recall = found / all_violations if all_violations else 1.0
    return ThresholdEffect(
        threshold=threshold,
        precision=found / all_held if all_held else 1.0,
        recall=recall,
        miss_rate=1 - recall,
        freed=1 - all_held / float(weights.sum()),
    )
