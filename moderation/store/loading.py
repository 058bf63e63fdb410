"""Rows become the domain's values."""

from __future__ import annotations

from sqlalchemy import FromClause, Select, and_, func, select
from sqlalchemy.orm import aliased, outerjoin

from moderation.comment import Article, Comment, Decision, ModelVersion, Parent
from moderation.store.entries import WHOLE
from moderation.store.records import Claim, Judgement, Listing, QueueItem
from moderation.store.shapes import judgement_from_json
from moderation.store.tables import (
    ArticleRow,
    AssessmentRow,
    ClaimRow,
    CommentRow,
    DecisionRow,
    ListEntryRow,
)

Loaded = tuple[CommentRow, ArticleRow, AssessmentRow, DecisionRow, ClaimRow]


def loaded(source: FromClause) -> Select[*Loaded]:
    """Select what `item_of` takes.

    Parameters
    ----------
    source
        Has `CommentRow` and `ListEntryRow`, joined.
    """
    other = aliased(AssessmentRow)
    newest = (
        select(func.max(other.id))
        .where(other.comment_id == CommentRow.id)
        .correlate(CommentRow)
        .scalar_subquery()
    )
    return (
        select(CommentRow, ArticleRow, AssessmentRow, DecisionRow, ClaimRow)
        .select_from(source)
        .join(AssessmentRow, AssessmentRow.id == newest)
        .outerjoin(ArticleRow, ArticleRow.id == CommentRow.article_id)
        .outerjoin(DecisionRow, DecisionRow.id == ListEntryRow.decision_id)
        .outerjoin(ClaimRow, ClaimRow.comment_id == CommentRow.id)
    )


def known() -> Select[*Loaded]:
    """Select comments whether they are in a list or not."""
    one_entry = and_(
        ListEntryRow.comment_id == CommentRow.id,
        ListEntryRow.label == WHOLE,
        # Every comment in this list is in another one too.
        ListEntryRow.listing != Listing.UNCERTAIN,
    )
    return loaded(outerjoin(CommentRow, ListEntryRow, one_entry))


def item_of(
    row: CommentRow,
    article: ArticleRow | None,
    assessed: AssessmentRow,
    in_force: DecisionRow | None,
    claim: ClaimRow | None,
) -> QueueItem:
    """Turn what `loaded` selects into a stored comment."""
    judgement = judgement_of(assessed)
    return QueueItem(
        comment=Comment(
            text=row.text,
            id=row.external_id,
            author=row.author,
            article=None if article is None else article_of(article),
            parent=_parent(row),
            thread=tuple(row.thread),
            email_hash=row.email_hash,
            address_hash=row.address_hash,
        ),
        assessment=judgement.assessment,
        verdict=judgement.verdict,
        rules=judgement.rules,
        state=row.state,
        version=row.version,
        submitted_at=row.submitted_at,
        edited_at=row.edited_at,
        retracted_at=row.retracted_at,
        erased_at=row.erased_at,
        in_force=None if in_force is None else decision_of(in_force, row.external_id),
        claim=None if claim is None else claim_of(claim),
    )


def judgement_of(row: AssessmentRow) -> Judgement:
    """Turn a row into what the model said and the verdict that followed."""
    return judgement_from_json(
        model=ModelVersion(row.model_version, row.model_sha256),
        labels=row.labels,
        outcome=row.outcome,
        flagged=row.flagged,
        reasons=row.reasons,
        rules=row.rules,
    )


def claim_of(row: ClaimRow) -> Claim:
    """Turn a row into a claim."""
    return Claim(moderator=row.moderator, until=row.until)


def _parent(row: CommentRow) -> Parent | None:
    return None if row.parent_text is None else Parent(row.parent_text, row.parent_external_id)


def article_of(row: ArticleRow) -> Article:
    """Turn a row into the domain's article."""
    return Article(title=row.title, text=row.text, id=row.external_id, url=row.url)


def decision_of(row: DecisionRow, comment_id: str) -> Decision:
    """Turn a row into the domain's decision; ``comment_id`` is the blog's."""
    return Decision(
        id=row.id,
        comment_id=comment_id,
        action=row.action,
        moderator=row.moderator,
        at=row.at,
        rule=row.rule,
        note=row.note,
        source=row.source,
        supersedes=row.supersedes,
        message=row.message,
    )
