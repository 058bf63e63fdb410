"""What can be asked of the store; every list takes one statement whatever its length."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session, aliased

from moderation.comment import Article, Comment, Decision, ModelVersion, Parent
from moderation.store.records import (
    ApiToken,
    DecidedItem,
    Moderator,
    Page,
    PastText,
    QueueItem,
    Scope,
    State,
)
from moderation.store.shapes import judgement_from_json
from moderation.store.tables import (
    ApiTokenRow,
    ArticleRow,
    AssessmentRow,
    CommentRow,
    DecisionRow,
    ModeratorRow,
    PastTextRow,
)


class Reader:
    """Questions to the store within one transaction; see `Store.reading`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def comment(self, comment_id: str) -> QueueItem | None:
        """Find a comment with its article and newest assessment, without its history."""
        found = self._session.execute(_loaded().where(CommentRow.external_id == comment_id)).first()
        return None if found is None else _item(*found)

    def decisions(self, comment_id: str, *, revision: int | None = None) -> tuple[Decision, ...]:
        """List the decisions about a comment, oldest first; with ``revision``, about that text."""
        wanted = (
            select(DecisionRow)
            .join(CommentRow, CommentRow.id == DecisionRow.comment_id)
            .where(CommentRow.external_id == comment_id)
            .order_by(DecisionRow.id)
        )
        if revision is not None:
            wanted = wanted.where(DecisionRow.revision == revision)
        return tuple(decision_of(row, comment_id) for row in self._session.scalars(wanted))

    def past_texts(self, comment_id: str) -> tuple[PastText, ...]:
        """List the texts a comment had before its edits, oldest first."""
        rows = self._session.scalars(
            select(PastTextRow)
            .join(CommentRow, CommentRow.id == PastTextRow.comment_id)
            .where(CommentRow.external_id == comment_id)
            .order_by(PastTextRow.revision)
        )
        return tuple(PastText(text=row.text, replaced_at=row.replaced_at) for row in rows)

    def in_state(self, state: State, *, limit: int, after: int = 0) -> Page[QueueItem]:
        """List the comments in one state, those that came first first.

        Parameters
        ----------
        limit
            How many at most.
        after
            Cursor of the previous page; 0 starts at the beginning.
        """
        rows = self._session.execute(
            _loaded()
            .where(CommentRow.state == state, CommentRow.id > after)
            .order_by(CommentRow.id)
            .limit(limit + 1)
        ).all()
        last = str(rows[limit - 1][0].id) if len(rows) > limit else None
        return Page(tuple(_item(*row) for row in rows[:limit]), last)

    def decided(self, *, limit: int, before: int | None = None) -> Page[DecidedItem]:
        """List the newest decisions and the comments they are about, newest first."""
        wanted = (
            _loaded()
            .add_columns(DecisionRow)
            .join(DecisionRow, DecisionRow.comment_id == CommentRow.id)
            .order_by(DecisionRow.id.desc())
            .limit(limit + 1)
        )
        if before is not None:
            wanted = wanted.where(DecisionRow.id < before)
        rows = self._session.execute(wanted).all()
        items = []
        for comment, article, assessment, decision in rows[:limit]:
            item = _item(comment, article, assessment)
            items.append(DecidedItem(decision_of(decision, comment.external_id), item))
        return Page(tuple(items), str(rows[limit - 1][3].id) if len(rows) > limit else None)

    def counts(self) -> Mapping[State, int]:
        """Count the comments in each state."""
        found = self._session.execute(
            select(CommentRow.state, func.count()).group_by(CommentRow.state)
        )
        return dict.fromkeys(State, 0) | {row[0]: row[1] for row in found}

    def article(self, wanted: Article) -> Article | None:
        """Find an article by its id, else by its URL."""
        row = self._article_row(wanted)
        return None if row is None else article_of(row)

    def _article_row(self, wanted: Article) -> ArticleRow | None:
        """Find the row an article belongs to: its id counts most, then its URL, then its words."""
        found = None
        if wanted.id is not None:
            found = self._one_article(ArticleRow.external_id == wanted.id)
        if found is None and wanted.url is not None:
            found = self._one_article(ArticleRow.url == wanted.url)
            # Sent with another id, the same URL is another article (say, a moved page).
            if wanted.id is not None and found is not None and found.external_id is not None:
                return None
        if wanted.id is None and wanted.url is None:
            return self._one_article(ArticleRow.digest == digest(wanted))
        return found

    def _one_article(self, which: ColumnElement[bool]) -> ArticleRow | None:
        # Looked for again, an article is read again: another writer may have completed it.
        return self._session.scalar(
            select(ArticleRow).where(which).execution_options(populate_existing=True)
        )

    def moderator(self, name: str) -> tuple[Moderator, str] | None:
        """Find a moderator and their password hash."""
        row = self._session.scalar(select(ModeratorRow).where(ModeratorRow.name == name))
        return None if row is None else (_moderator(row), row.password_hash)

    def moderators(self) -> tuple[Moderator, ...]:
        """List all moderators by name."""
        rows = self._session.scalars(select(ModeratorRow).order_by(ModeratorRow.name))
        return tuple(_moderator(row) for row in rows)

    def token(self, sha256: str) -> tuple[ApiToken, str] | None:
        """Find an API token by the SHA-256 of its key; gives the stored SHA-256 back too."""
        row = self._session.scalar(select(ApiTokenRow).where(ApiTokenRow.sha256 == sha256))
        return None if row is None else (token_of(row), row.sha256)

    def tokens(self) -> tuple[ApiToken, ...]:
        """List all API tokens, oldest first."""
        rows = self._session.scalars(select(ApiTokenRow).order_by(ApiTokenRow.id))
        return tuple(token_of(row) for row in rows)


def digest(article: Article) -> str:
    """Name an article that has neither id nor URL by what it says."""
    return hashlib.sha256(f"{article.title}\0{article.text}".encode()).hexdigest()


def _loaded() -> Select[CommentRow, ArticleRow, AssessmentRow]:
    """Select comments with their article and the newest assessment of their text."""
    other = aliased(AssessmentRow)
    newest = (
        select(func.max(other.id))
        .where(other.comment_id == CommentRow.id)
        .correlate(CommentRow)
        .scalar_subquery()
    )
    return (
        select(CommentRow, ArticleRow, AssessmentRow)
        .select_from(CommentRow)
        .join(AssessmentRow, AssessmentRow.id == newest)
        .outerjoin(ArticleRow, ArticleRow.id == CommentRow.article_id)
    )


def _item(row: CommentRow, article: ArticleRow | None, assessed: AssessmentRow) -> QueueItem:
    judgement = judgement_from_json(
        model=ModelVersion(assessed.model_version, assessed.model_sha256),
        labels=assessed.labels,
        outcome=assessed.outcome,
        flagged=assessed.flagged,
        reasons=assessed.reasons,
        rules=assessed.rules,
    )
    return QueueItem(
        comment=Comment(
            text=row.text,
            id=row.external_id,
            author=row.author,
            article=None if article is None else article_of(article),
            parent=_parent(row),
            thread=tuple(row.thread),
        ),
        assessment=judgement.assessment,
        verdict=judgement.verdict,
        rules=judgement.rules,
        state=row.state,
        version=row.version,
        submitted_at=row.submitted_at,
        edited_at=row.edited_at,
        retracted_at=row.retracted_at,
    )


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
    )


def _moderator(row: ModeratorRow) -> Moderator:
    return Moderator(
        name=row.name,
        display_name=row.display_name,
        role=row.role,
        disabled=row.disabled,
        created_at=row.created_at,
        language=row.language,
    )


def token_of(row: ApiTokenRow) -> ApiToken:
    """Turn a row into an API token without its hash."""
    return ApiToken(
        id=row.id,
        name=row.name,
        scopes=frozenset(Scope(scope) for scope in row.scopes),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
