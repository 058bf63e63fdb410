"""What all parts of the desk work with: the store, the classifier, the rules, a clock."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Protocol, Self

from moderation.comment import Assessment, Comment, Label, Verdict
from moderation.rules import Rule
from moderation.store import Store


class Assessor(Protocol):
    """What the desk needs of a classifier."""

    def assess(self, comment: Comment, explain: bool = True) -> Assessment:
        """Score one comment in its context."""


class Judge(Protocol):
    """What the desk needs of the blog's rules, thresholds filled in."""

    def judge(self, text: str, assessment: Assessment) -> Verdict:
        """Turn scores into a verdict."""

    def rule_for(self, label: Label) -> Rule:
        """Find the rule that a label enforces."""

    def threshold(self, label: Label) -> float:
        """Give the score from which that rule holds a comment."""

    def holding_at(self, thresholds: Mapping[Label, float]) -> Self:
        """Give the same rules with other scores from which they hold a comment."""


def utc_now() -> datetime:
    """Tell the time, in UTC."""
    return datetime.now(UTC)


class DeskPart:
    """What the parts of `Desk` share; its parameters are described there."""

    def __init__(
        self,
        store: Store,
        classifier: Assessor,
        rules: Judge,
        *,
        clock: Callable[[], datetime] = utc_now,
        sample_share: float = 0.0,
    ) -> None:
        self._store = store
        self._classifier = classifier
        self._rules = rules
        self._clock = clock
        self._sample_share = sample_share
        # With the thresholds last read from the store.
        self._last_read = rules

    def _is_sampled(self, comment_id: str) -> bool:
        """Draw by lot, always with the same result, whether people check a comment."""
        lot = int.from_bytes(hashlib.sha256(comment_id.encode()).digest()[:8])
        return lot < self._sample_share * 2**64
