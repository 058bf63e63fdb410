"""What can be asked of the store about single comments, articles, people and tokens."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from moderation.comment import Article, Decision, Label
from moderation.store.blog import BlogReader
from moderation.store.figures import Figures
from moderation.store.lists import Lists
from moderation.store.loading import article_of, claim_of, decision_of, item_of, known
from moderation.store.outbox import OutboxReader
from moderation.store.personal import PersonalReader
from moderation.store.records import (
    ApiToken,
    Claim,
    Moderator,
    Page,
    PastText,
    QueueItem,
    Scope,
    State,
    ThreadItem,
    ThresholdChange,
)
from moderation.store.second_factors import SecondFactorReader
from moderation.store.tables import (
    ApiTokenRow,
    ArticleRow,
    ClaimRow,
    CommentRow,
    DecisionRow,
    EventRow,
    ModeratorRow,
    PastTextRow,
    SecondFactorRow,
    ThresholdChangeRow,
)
from moderation.store.threads import thread


class Reader:
    """Questions to the store within one transaction; see `Store.reading`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def lists(self) -> Lists:
        """The lists moderators work through."""
        return Lists(self._session)

    @property
    def figures(self) -> Figures:
        """What statistics are made of."""
        return Figures(self._session)

    @property
    def blog(self) -> BlogReader:
        """What the blog's own program has."""
        return BlogReader(self._session)

    @property
    def personal(self) -> PersonalReader:
        """What is kept about people who comment."""
        return PersonalReader(self._session)

    @property
    def outbox(self) -> OutboxReader:
        """Events on their way to the blog."""
        return OutboxReader(self._session)

    @property
    def second_factors(self) -> SecondFactorReader:
        """What moderators' apps share with us."""
        return SecondFactorReader(self._session)

    def comment(self, comment_id: str) -> QueueItem | None:
        """Find a comment with its article and newest assessment, without its history."""
        found = self._session.execute(known().where(CommentRow.external_id == comment_id)).first()
        return None if found is None else item_of(*found)

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
            known()
            .where(CommentRow.state == state, CommentRow.id > after)
            .order_by(CommentRow.id)
            .limit(limit + 1)
        ).all()
        last = str(rows[limit - 1][0].id) if len(rows) > limit else None
        return Page(tuple(item_of(*row) for row in rows[:limit]), last)

    def counts(self) -> Mapping[State, int]:
        """Count the comments in each state."""
        found = self._session.execute(
            select(CommentRow.state, func.count()).group_by(CommentRow.state)
        )
        return dict.fromkeys(State, 0) | {row[0]: row[1] for row in found}

    def thread(self, comment_id: str) -> tuple[ThreadItem, ...]:
        """Find the thread around a comment; see `threads.thread`."""
        return thread(self._session, comment_id)

    def newest_change(self) -> int:
        """Give a number that is greater after every submission, edit, decision and withdrawal."""
        return self._session.scalar(select(func.max(EventRow.id))) or 0

    def claims(self, at: datetime) -> Mapping[str, Claim]:
        """Find the claims that have not run out, by the blog's ids of the comments."""
        found = self._session.execute(
            select(CommentRow.external_id, ClaimRow)
            .join(ClaimRow, ClaimRow.comment_id == CommentRow.id)
            .where(ClaimRow.until > at)
        )
        return {comment_id: claim_of(claim) for comment_id, claim in found}

    def comments_decided(self, decision_ids: Sequence[int]) -> Mapping[str, int]:
        """Find what decisions are about: by the blog's ids of the comments, the newest of each."""
        found = self._session.execute(
            select(CommentRow.external_id, DecisionRow.id)
            .join(DecisionRow, DecisionRow.comment_id == CommentRow.id)
            .where(DecisionRow.id.in_(decision_ids))
            .order_by(DecisionRow.id)
        )
        return {row[0]: row[1] for row in found}

    def thresholds(self) -> Mapping[Label, float | None]:
        """Give what admins last set for each label; a label nobody changed is missing."""
        newest = select(func.max(ThresholdChangeRow.id)).group_by(ThresholdChangeRow.label)
        found = self._session.execute(
            select(ThresholdChangeRow.label, ThresholdChangeRow.after).where(
                ThresholdChangeRow.id.in_(newest)
            )
        )
        return {row[0]: row[1] for row in found}

    def threshold_changes(self) -> tuple[ThresholdChange, ...]:
        """List what admins changed, newest first."""
        rows = self._session.scalars(
            select(ThresholdChangeRow).order_by(ThresholdChangeRow.id.desc())
        )
        return tuple(
            ThresholdChange(row.label, row.before, row.after, row.moderator, row.at) for row in rows
        )

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
        found = self._session.execute(_moderators().where(ModeratorRow.name == name)).first()
        return None if found is None else (_moderator(*found), found[0].password_hash)

    def moderators(self) -> tuple[Moderator, ...]:
        """List all moderators by name."""
        rows = self._session.execute(_moderators().order_by(ModeratorRow.name))
        return tuple(_moderator(*row) for row in rows)

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


def _moderators() -> Select[ModeratorRow, datetime | None]:
    """Select moderators, and since when their second factor is in force."""
    return select(ModeratorRow, SecondFactorRow.confirmed_at).outerjoin(SecondFactorRow)


def _moderator(row: ModeratorRow, second_factor_since: datetime | None) -> Moderator:
    return Moderator(
        name=row.name,
        display_name=row.display_name,
        role=row.role,
        disabled=row.disabled,
        created_at=row.created_at,
        language=row.language,
        second_factor_since=second_factor_since,
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
