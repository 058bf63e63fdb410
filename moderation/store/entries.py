"""Which lists a comment is in, and what they sort and filter it by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moderation.comment import Label
from moderation.store.records import Judgement, Listing, State, closeness

WHOLE = "any"
"""Stands for the label in the row of a comment as a whole."""

UNCERTAIN_FROM = 0.5
"""Closeness of a score to its threshold: the odds of one are at most twice those of the other."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A comment as it stands now, with all that decides where it is listed.

    ``decision`` is the number of the decision in force, made at ``decided_at``; ``sampled`` says
    whether it is to be spot-checked if nobody but the machine approved it.
    """

    row: int
    state: State
    submitted_at: datetime
    article_row: int | None
    judgement: Judgement
    decision: int | None = None
    decided_at: datetime | None = None
    sampled: bool = False


def entries(placed: Placed) -> Iterator[dict[str, Any]]:
    """Yield a comment's rows of ``list_entries``; none if it is in no list."""
    scored = _scored(placed.judgement)
    common = {
        "comment_id": placed.row,
        "article_key": placed.article_row or 0,
        "model_version": placed.judgement.assessment.model.version,
        "decision_id": placed.decision,
    }
    for listing in _listings(placed, uncertainty=scored[0]["uncertainty"]):
        listed_at = placed.decided_at if listing is Listing.DECIDED else placed.submitted_at
        for row in scored:
            yield common | row | {"listing": listing, "listed_at": listed_at}


def _listings(placed: Placed, *, uncertainty: float) -> tuple[Listing, ...]:
    if placed.state is State.HELD:
        uncertain = uncertainty >= UNCERTAIN_FROM
        return (Listing.FLAGGED, Listing.UNCERTAIN) if uncertain else (Listing.FLAGGED,)
    if placed.state is State.DEFERRED:
        return (Listing.DEFERRED,)
    if placed.state is State.RETRACTED:
        return ()
    if placed.decision is not None:
        return (Listing.DECIDED,)
    return (Listing.SAMPLE,) if placed.sampled and placed.state is State.APPROVED else ()


def _scored(judgement: Judgement) -> list[dict[str, Any]]:
    """Give the row of the whole comment first, then one for each label that was assessed."""
    rows = [
        {
            "label": label.value,
            "flagged": label in judgement.verdict.flagged,
            "score": found.score,
            "uncertainty": _uncertainty(judgement, label, found.score),
        }
        for label, found in judgement.assessment.labels.items()
        if found is not None
    ]
    whole = {
        "label": WHOLE,
        "flagged": True,
        "score": max((row["score"] for row in rows), default=0.0),
        "uncertainty": max((row["uncertainty"] for row in rows), default=0.0),
    }
    return [whole, *rows]


def _uncertainty(judgement: Judgement, label: Label, score: float) -> float:
    rule = judgement.rules.get(label)
    return 0.0 if rule is None or rule.threshold is None else closeness(score, rule.threshold)
