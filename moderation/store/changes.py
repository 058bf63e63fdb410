"""What can be changed in the store; each change belongs to one transaction of the caller's."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from moderation.comment import Action, Article, Comment, Decision, DecisionSource
from moderation.store.queries import Reader, decision_of, digest, token_of
from moderation.store.records import (
    ApiToken,
    EventKind,
    Judgement,
    LockedComment,
    Moderator,
    Scope,
    State,
)
from moderation.store.shapes import labels_to_json, reasons_to_json, rules_to_json
from moderation.store.tables import (
    ApiTokenRow,
    ArticleRow,
    AssessmentRow,
    Base,
    CommentRow,
    DecisionRow,
    EventRow,
    ModeratorRow,
    PastTextRow,
)

ATTEMPTS = 5
"""How often to look again for an article that other writers are storing at the same moment."""


class Writer(Reader):
    """Changes to the store within one transaction; see `Store.writing`.

    Locks are always taken on the article first, then on the comment, so that two writers
    cannot wait for each other.
    """

    def save_article(self, article: Article, *, at: datetime) -> int:
        """Store an article or complete the stored one, and give its row number.

        What is sent replaces what is stored; what is left out stays. An article's id counts most:
        a URL that another article has already stays with that one.
        """
        for _ in range(ATTEMPTS):
            row = self._article_row(article)
            done = (
                self._insert_article(article, at=at)
                if row is None
                else self._complete_article(row, article, at=at)
            )
            if done is not None:
                return done
        raise AssertionError("what got in the way of an article must be there to be found")

    def _insert_article(self, article: Article, *, at: datetime) -> int | None:
        return self._insert_unless_there(
            ArticleRow,
            external_id=article.id,
            url=self._free_url(article, row=None),
            digest=None if article.id or article.url else digest(article),
            title=article.title,
            text=article.text,
            created_at=at,
            updated_at=at,
        )

    def _complete_article(self, row: ArticleRow, article: Article, *, at: datetime) -> int | None:
        news = {
            "external_id": article.id or row.external_id,
            "url": self._free_url(article, row=row.id) or row.url,
            "title": article.title or row.title,
            "text": article.text or row.text,
        }
        if all(getattr(row, column) == value for column, value in news.items()):
            return row.id
        change = update(ArticleRow).where(ArticleRow.id == row.id).values(**news, updated_at=at)
        try:
            with self._session.begin_nested():
                self._session.execute(change)
        except IntegrityError:
            # Another writer has just stored an article with this id or URL.
            return None
        return row.id

    def _free_url(self, article: Article, *, row: int | None) -> str | None:
        """Give the article's URL unless another one than that in ``row`` has it."""
        if article.url is None:
            return None
        keeper = self._session.scalar(select(ArticleRow.id).where(ArticleRow.url == article.url))
        return article.url if keeper in (None, row) else None

    def insert_comment(
        self, comment: Comment, *, article_row: int | None, state: State, at: datetime
    ) -> int | None:
        """Store a new comment and give its row number; ``None`` if its id is stored already."""
        parent = comment.parent
        return self._insert_unless_there(
            CommentRow,
            external_id=comment.id,
            article_id=article_row,
            parent_external_id=parent and parent.id,
            parent_text=parent and parent.text,
            thread=list(comment.thread),
            author=comment.author,
            text=comment.text,
            state=state,
            version=1,
            revision=1,
            submitted_at=at,
        )

    def _insert_unless_there(self, table: type[Base], **values: Any) -> int | None:
        dialect = self._session.get_bind().dialect.name
        insert_into = postgresql.insert if dialect == "postgresql" else sqlite.insert
        statement = insert_into(table).values(values).on_conflict_do_nothing()
        row: int | None = self._session.scalar(statement.returning(table.__table__.c.id))
        return row

    def lock(self, comment_id: str) -> LockedComment | None:
        """Read a comment and keep everybody else from changing it until the transaction ends."""
        row = self._session.scalar(
            select(CommentRow).where(CommentRow.external_id == comment_id).with_for_update()
        )
        if row is None:
            return None
        return LockedComment(
            row=row.id,
            comment_id=row.external_id,
            text=row.text,
            state=row.state,
            version=row.version,
            revision=row.revision,
            submitted_at=row.submitted_at,
            edited_at=row.edited_at,
            retracted_at=row.retracted_at,
        )

    def replace_text(
        self,
        locked: LockedComment,
        comment: Comment,
        *,
        article_row: int | None,
        state: State,
        at: datetime,
    ) -> None:
        """Give a comment the text and context its author changed it to; the old text is kept."""
        self._session.execute(
            insert(PastTextRow).values(
                comment_id=locked.row, revision=locked.revision, text=locked.text, replaced_at=at
            )
        )
        parent = comment.parent
        self._change(
            locked,
            text=comment.text,
            author=comment.author,
            article_id=article_row,
            parent_external_id=parent and parent.id,
            parent_text=parent and parent.text,
            thread=list(comment.thread),
            state=state,
            revision=locked.revision + 1,
            edited_at=at,
        )

    def set_state(self, locked: LockedComment, state: State) -> None:
        """Keep the state that follows from a decision made in this transaction."""
        self._change(locked, state=state)

    def mark_retracted(self, locked: LockedComment, *, at: datetime) -> None:
        """Keep that the author has withdrawn the comment."""
        self._change(locked, state=State.RETRACTED, retracted_at=at)

    def _change(self, locked: LockedComment, **values: Any) -> None:
        self._session.execute(
            update(CommentRow)
            .where(CommentRow.id == locked.row)
            .values(**values, version=locked.version + 1)
        )

    def add_assessment(
        self, row: int, judgement: Judgement, *, revision: int, at: datetime
    ) -> None:
        """Store what a model said of one text of a comment and the verdict it led to."""
        model = judgement.assessment.model
        self._session.execute(
            insert(AssessmentRow).values(
                comment_id=row,
                revision=revision,
                model_version=model.version,
                model_sha256=model.sha256,
                labels=labels_to_json(judgement.assessment.labels),
                outcome=judgement.verdict.outcome,
                flagged=[label.value for label in judgement.verdict.flagged],
                reasons=reasons_to_json(judgement.verdict),
                rules=rules_to_json(judgement.rules),
                created_at=at,
            )
        )

    def append_decision(
        self,
        locked: LockedComment,
        action: Action,
        *,
        moderator: str | None,
        rule: str | None,
        note: str | None,
        source: DecisionSource,
        supersedes: int | None,
        at: datetime,
    ) -> Decision:
        """Store a decision; those before it stay as they are."""
        row = DecisionRow(
            comment_id=locked.row,
            revision=locked.revision,
            action=action,
            moderator=moderator,
            rule=rule,
            note=note,
            source=source,
            supersedes=supersedes,
            at=at,
        )
        self._session.add(row)
        self._session.flush()
        return decision_of(row, locked.comment_id)

    def record_event(
        self, row: int, kind: EventKind, payload: dict[str, Any], *, at: datetime
    ) -> None:
        """Put something the blog should hear of into the outbox."""
        self._session.execute(
            insert(EventRow).values(comment_id=row, kind=kind, payload=payload, created_at=at)
        )

    def insert_moderator(self, moderator: Moderator, *, password_hash: str) -> bool:
        """Store a new moderator; ``False`` if the name is taken."""
        row = self._insert_unless_there(
            ModeratorRow,
            name=moderator.name,
            display_name=moderator.display_name,
            role=moderator.role,
            password_hash=password_hash,
            disabled=moderator.disabled,
            created_at=moderator.created_at,
        )
        return row is not None

    def set_password_hash(self, name: str, password_hash: str) -> bool:
        """Replace a moderator's password hash; ``False`` if there is no such moderator."""
        return self._change_moderator(name, password_hash=password_hash)

    def set_disabled(self, name: str, *, disabled: bool) -> bool:
        """Close or reopen a moderator's account; ``False`` if there is no such moderator."""
        return self._change_moderator(name, disabled=disabled)

    def set_language(self, name: str, language: str | None) -> bool:
        """Keep the language a moderator chose; ``False`` if there is no such moderator."""
        return self._change_moderator(name, language=language)

    def _change_moderator(self, name: str, **values: Any) -> bool:
        changed = self._session.scalar(
            update(ModeratorRow)
            .where(ModeratorRow.name == name)
            .values(values)
            .returning(ModeratorRow.id)
        )
        return changed is not None

    def insert_token(
        self,
        name: str,
        scopes: frozenset[Scope],
        *,
        sha256: str,
        expires_at: datetime | None,
        at: datetime,
    ) -> ApiToken:
        """Store a new API token by the SHA-256 of its key."""
        row = ApiTokenRow(
            name=name,
            sha256=sha256,
            scopes=sorted(scope.value for scope in scopes),
            created_at=at,
            expires_at=expires_at,
        )
        self._session.add(row)
        self._session.flush()
        return token_of(row)

    def touch_token(self, token_id: int, *, at: datetime) -> None:
        """Keep when an API token was last used."""
        self._session.execute(
            update(ApiTokenRow).where(ApiTokenRow.id == token_id).values(last_used_at=at)
        )

    def revoke_token(self, token_id: int, *, at: datetime) -> bool:
        """End an API token's life; ``False`` if there is none of that number."""
        row = self._session.get(ApiTokenRow, token_id)
        if row is None:
            return False
        row.revoked_at = row.revoked_at or at
        self._session.flush()
        return True
