"""What changed: the verdict of today beside what was said or done before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from moderation.archive.record import ArchivedComment, Status
from moderation.comment import Assessment, Label, LabelAssessment, ModelVersion, Outcome
from moderation.rules import RuleBook

Scores = Mapping[Label, float | None]


class Change(StrEnum):
    """How today's verdict on a comment relates to what was thought of it before."""

    NEWLY_VIOLATING = "newly_violating"
    NEWLY_FINE = "newly_fine"
    UNCHANGED = "unchanged"
    UNCOMPARED = "uncompared"


class Basis(StrEnum):
    """What counts as before: earlier scores or verdicts, the status people gave, or what is there.

    ``AUTO`` takes scores or verdict where there are any, the status elsewhere.
    """

    AUTO = "auto"
    SCORES = "scores"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a comment violates the rules (``None``: not known), and which labels say so."""

    violating: bool | None
    labels: tuple[Label, ...] = ()
    outcome: Outcome | None = None


_VIOLATING = {Status.APPROVED: False, Status.REJECTED: True, Status.SPAM: True}


def present(scores: Scores, rules: RuleBook, text: str, model: ModelVersion) -> Standing:
    """Return what the rules make of scores."""
    judged = rules.judge(
        text,
        Assessment(
            {
                label: None if score is None else LabelAssessment(score)
                for label, score in scores.items()
            },
            model,
        ),
    )
    return Standing(judged.outcome is not Outcome.APPROVE, judged.flagged, judged.outcome)


def former(
    archived: ArchivedComment, rules: RuleBook, basis: Basis, model: ModelVersion
) -> Standing:
    """Return what was thought of a comment before.

    Earlier scores without a verdict are judged by the rules of today, so that what differs is
    the model's doing. A comment that is still waiting was not judged by anybody.
    """
    by_scores = by_status = Standing(None)
    if archived.scores is not None:
        by_scores = present(archived.scores, rules, archived.comment.text, model)
    if archived.verdict is not None:
        violating = archived.verdict is not Outcome.APPROVE
        labels = by_scores.labels if violating else ()
        by_scores = Standing(violating, labels, archived.verdict)
    if archived.status is not None:
        labels = (Label.SPAM,) if archived.status is Status.SPAM else ()
        by_status = Standing(_VIOLATING.get(archived.status), labels)
    if basis is Basis.STATUS:
        return by_status
    if basis is Basis.SCORES or by_scores.violating is not None:
        return by_scores
    return by_status


def change(before: Standing, now: Standing) -> Change:
    """Name what changed.

    Examples
    --------
    >>> change(Standing(False), Standing(True)).value
    'newly_violating'
    >>> change(Standing(None), Standing(True)).value
    'uncompared'
    """
    if before.violating is None:
        return Change.UNCOMPARED
    if before.violating == now.violating:
        return Change.UNCHANGED
    return Change.NEWLY_VIOLATING if now.violating else Change.NEWLY_FINE
