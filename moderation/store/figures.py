"""What statistics are made of: counts and plain rows, worked out further by the desk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    ScalarSelect,
    Select,
    and_,
    column,
    exists,
    func,
    select,
    values,
)
from sqlalchemy.orm import Session, aliased

from moderation.comment import Action, DecisionSource, Label, Outcome
from moderation.store.entries import WHOLE
from moderation.store.records import Listing, ThresholdImpact
from moderation.store.tables import (
    ArticleRow,
    AssessmentRow,
    CommentRow,
    DecisionRow,
    ListEntryRow,
    PastTextRow,
    UtcDateTime,
)

_BY_PEOPLE = (DecisionSource.INDIVIDUAL, DecisionSource.BULK)
_FINAL = (Action.APPROVE, Action.REJECT)


@dataclass(frozen=True, slots=True)
class PastDecision:
    """A decision of people that was not taken back, and what the machine had said by then.

    ``first`` of the final decisions (no deferral) about its text; ``since`` is when that text
    came in. ``scores`` are ``None`` for labels that were not assessed.
    """

    action: Action
    moderator: str | None
    rule: str | None
    source: DecisionSource
    at: datetime
    since: datetime
    first: bool
    outcome: Outcome
    flagged: frozenset[Label]
    scores: Mapping[Label, float | None]
    article_id: str | None
    article_title: str | None


@dataclass(frozen=True, slots=True)
class Judged:
    """A score and what one person decided of the comment; ``outcome`` is the machine's verdict."""

    score: float
    outcome: Outcome
    action: Action
    rule: str | None


class Figures:
    """Questions about many comments within one transaction; see `Reader.figures`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def outcomes(
        self, spans: Sequence[tuple[datetime, datetime]]
    ) -> tuple[Mapping[Outcome, int], ...]:
        """Count the comments submitted in each span [start, end), by the machine's first verdict.

        Spans must not overlap.
        """
        span = (
            values(
                column("number", Integer),
                column("start", UtcDateTime()),
                column("end", UtcDateTime()),
                name="span",
            )
            .data([(number, *each) for number, each in enumerate(spans)])
            .cte("spans")
        )
        other = aliased(AssessmentRow)
        first = (
            select(func.min(other.id))
            .where(other.comment_id == CommentRow.id)
            .correlate(CommentRow)
            .scalar_subquery()
        )
        found = self._session.execute(
            select(span.c.number, AssessmentRow.outcome, func.count())
            .select_from(span)
            .join(
                CommentRow,
                and_(CommentRow.submitted_at >= span.c.start, CommentRow.submitted_at < span.c.end),
            )
            .join(AssessmentRow, AssessmentRow.id == first)
            .group_by(span.c.number, AssessmentRow.outcome)
        )
        counts = tuple(dict.fromkeys(Outcome, 0) for _ in spans)
        for number, outcome, comments in found:
            counts[number][outcome] = comments
        return counts

    def decisions(self, since: datetime, until: datetime) -> Iterator[PastDecision]:
        """Yield people's decisions made in [since, until) that were not taken back."""
        scores = {label: _score(label) for label in Label}
        wanted = _past_decisions(since, until).add_columns(*scores.values())
        for row in self._session.execute(wanted):
            yield PastDecision(
                action=row.action,
                moderator=row.moderator,
                rule=row.rule,
                source=row.source,
                at=row.at,
                since=row.replaced_at or row.submitted_at,
                first=row.first,
                outcome=row.outcome,
                flagged=frozenset(Label(label) for label in row.flagged),
                scores=dict(zip(scores, row[-len(scores) :], strict=True)),
                article_id=row.external_id,
                article_title=row.title,
            )

    def judged(self, label: Label, *, limit: int) -> tuple[Judged, ...]:
        """Give the newest decisions in force that were made one by one, with a label's scores."""
        first = aliased(AssessmentRow)
        newest = (
            select(ListEntryRow.score, ListEntryRow.decision_id, ListEntryRow.comment_id)
            .where(ListEntryRow.listing == Listing.DECIDED, ListEntryRow.label == label.value)
            .order_by(ListEntryRow.listed_at.desc())
            .limit(limit)
            .subquery()
        )
        found = self._session.execute(
            select(newest.c.score, first.outcome, DecisionRow.action, DecisionRow.rule)
            .join(DecisionRow, DecisionRow.id == newest.c.decision_id)
            .join(first, first.id == _assessment_seen(DecisionRow))
            .where(DecisionRow.source == DecisionSource.INDIVIDUAL)
        )
        return tuple(Judged(*row) for row in found)

    def impact(self, label: Label, threshold: float) -> ThresholdImpact:
        """Count what a label's new threshold would change, of the waiting and of the sample."""
        other = aliased(ListEntryRow)
        else_flagged = exists().where(
            other.comment_id == ListEntryRow.comment_id,
            other.listing == ListEntryRow.listing,
            other.label.not_in([label.value, WHOLE]),
            other.flagged.is_(True),
        )
        scored = ListEntryRow.label == label.value
        counts = [
            self._entries(Listing.FLAGGED, ListEntryRow.label == WHOLE),
            self._entries(
                Listing.FLAGGED,
                scored,
                ListEntryRow.flagged.is_(True),
                ListEntryRow.score < threshold,
                ~else_flagged,
            ),
            self._entries(Listing.SAMPLE, ListEntryRow.label == WHOLE),
            self._entries(Listing.SAMPLE, scored, ListEntryRow.score >= threshold),
        ]
        waiting, freed, sampled, held = self._session.execute(
            select(*(each.scalar_subquery() for each in counts))
        ).one()
        return ThresholdImpact(waiting=waiting, freed=freed, sampled=sampled, held=held)

    def _entries(self, listing: Listing, *wanted: ColumnElement[bool]) -> Select[int]:
        return select(func.count()).where(ListEntryRow.listing == listing, *wanted)


def _past_decisions(since: datetime, until: datetime) -> Select[*tuple[Any, ...]]:
    earlier = aliased(DecisionRow)
    has_earlier = exists().where(
        earlier.comment_id == DecisionRow.comment_id,
        earlier.revision == DecisionRow.revision,
        earlier.id < DecisionRow.id,
        earlier.action.in_(_FINAL),
        earlier.source.in_(_BY_PEOPLE),
        ~_taken_back(earlier),
    )
    return (
        select(
            DecisionRow.action,
            DecisionRow.moderator,
            DecisionRow.rule,
            DecisionRow.source,
            DecisionRow.at,
            and_(DecisionRow.action.in_(_FINAL), ~has_earlier).label("first"),
            CommentRow.submitted_at,
            PastTextRow.replaced_at,
            AssessmentRow.outcome,
            AssessmentRow.flagged,
            ArticleRow.external_id,
            ArticleRow.title,
        )
        .select_from(DecisionRow)
        .join(CommentRow, CommentRow.id == DecisionRow.comment_id)
        .join(AssessmentRow, AssessmentRow.id == _assessment_seen(DecisionRow))
        .outerjoin(
            PastTextRow,
            and_(
                PastTextRow.comment_id == DecisionRow.comment_id,
                PastTextRow.revision == DecisionRow.revision - 1,
            ),
        )
        .outerjoin(ArticleRow, ArticleRow.id == CommentRow.article_id)
        .where(
            DecisionRow.at >= since,
            DecisionRow.at < until,
            DecisionRow.action != Action.UNDO,
            DecisionRow.source.in_(_BY_PEOPLE),
            ~_taken_back(DecisionRow),
        )
        .order_by(DecisionRow.id)
    )


def _taken_back(decision: type[DecisionRow]) -> ColumnElement[bool]:
    undo = aliased(DecisionRow)
    return exists().where(undo.supersedes == decision.id, undo.action == Action.UNDO)


def _assessment_seen(decision: type[DecisionRow]) -> ScalarSelect[int]:
    """Select the newest assessment there was of the text when a decision about it was made."""
    seen = aliased(AssessmentRow)
    return (
        select(func.max(seen.id))
        .where(
            seen.comment_id == decision.comment_id,
            seen.revision == decision.revision,
            seen.created_at <= decision.at,
        )
        .correlate(decision)
        .scalar_subquery()
    )


def _score(label: Label) -> ColumnElement[float]:
    score: ColumnElement[float] = AssessmentRow.labels[label.value]["score"].as_float()
    return score
