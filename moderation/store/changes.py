"""What can be changed in the store; each change belongs to one transaction of the caller's."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from moderation.comment import Article, Comment, Decision
from moderation.store import search
from moderation.store.blog import BlogWriter
from moderation.store.entries import Placed, entries
from moderation.store.loading import claim_of, decision_of, judgement_of
from moderation.store.outbox import OutboxWriter
from moderation.store.personal import PersonalWriter
from moderation.store.queries import Reader, digest, token_of
from moderation.store.records import (
    ApiToken,
    Claim,
    Judgement,
    LockedComment,
    Moderator,
    NewDecision,
    NewEvent,
    Scope,
    Settled,
    State,
    ThresholdChange,
)
from moderation.store.second_factors import SecondFactorWriter
from moderation.store.shapes import labels_to_json, reasons_to_json, rules_to_json
from moderation.store.tables import (
    ApiTokenRow,
    ArticleRow,
    AssessmentRow,
    Base,
    ClaimRow,
    CommentRow,
    DecisionRow,
    EventRow,
    ListEntryRow,
    ModeratorRow,
    PastTextRow,
    ThresholdChangeRow,
)

ATTEMPTS = 5
"""How often to look again for an article that other writers are storing at the same moment."""


class Writer(Reader):
    """Changes to the store within one transaction; see `Store.writing`.

    Locks are always taken on the article first, then on the comment, so that two writers
    cannot wait for each other.
    """

    @property
    def blog(self) -> BlogWriter:
        """What the blog's own program has."""
        return BlogWriter(self._session)

    @property
    def personal(self) -> PersonalWriter:
        """What is kept about people who comment."""
        return PersonalWriter(self._session)

    @property
    def outbox(self) -> OutboxWriter:
        """Events on their way to the blog."""
        return OutboxWriter(self._session)

    @property
    def second_factors(self) -> SecondFactorWriter:
        """What moderators' apps share with us."""
        return SecondFactorWriter(self._session)

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
        self,
        comment: Comment,
        judgement: Judgement,
        *,
        article_row: int | None,
        state: State,
        sampled: bool,
        at: datetime,
        judged_at: datetime | None = None,
    ) -> int | None:
        """Store a new comment and give its row number; ``None`` if its id is stored already.

        Parameters
        ----------
        judgement
            What the model said of it and the verdict it led to.
        sampled
            Whether people check it if nobody but the machine approved it.
        at
            When it was submitted.
        judged_at
            When it was judged, if that was not at once.
        """
        parent = comment.parent
        row = self._insert_unless_there(
            CommentRow,
            external_id=comment.id,
            article_id=article_row,
            parent_external_id=parent and parent.id,
            parent_text=parent and parent.text,
            thread=list(comment.thread),
            author=comment.author,
            email_hash=comment.email_hash,
            address_hash=comment.address_hash,
            text=comment.text,
            state=state,
            version=1,
            revision=1,
            submitted_at=at,
        )
        if row is None:
            return None
        self._add_assessment(row, judgement, revision=1, at=judged_at or at)
        search.index(self._session, [(row, comment.text)])
        self._list(
            [
                Placed(
                    row=row,
                    state=state,
                    submitted_at=at,
                    article_row=article_row,
                    judgement=judgement,
                    sampled=sampled,
                )
            ]
        )
        return row

    def _insert_unless_there(self, table: type[Base], **values: Any) -> int | None:
        statement = self._insert_into(table).values(values).on_conflict_do_nothing()
        row: int | None = self._session.scalar(statement.returning(table.__table__.c.id))
        return row

    def _insert_into(self, table: type[Base]) -> postgresql.Insert | sqlite.Insert:
        dialect = self._session.get_bind().dialect.name
        return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)

    def lock(self, comment_id: str) -> LockedComment | None:
        """Read a comment and keep everybody else from changing it until the transaction ends."""
        return self.lock_all([comment_id]).get(comment_id)

    def lock_all(self, comment_ids: Collection[str]) -> Mapping[str, LockedComment]:
        """Read comments and keep everybody else from changing them until the transaction ends.

        Returns
        -------
        mapping
            By the blog's id; what is not stored is missing.
        """
        # Always in the same order, so that two who lock many do not wait for each other.
        comments = self._session.scalars(
            select(CommentRow)
            .where(CommentRow.external_id.in_(comment_ids))
            .order_by(CommentRow.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).all()
        # Only now, since what belongs to a comment may have changed while we waited for it.
        rows = [comment.id for comment in comments]
        judgements = self._judgements(rows)
        decisions = self._decisions_in_question(rows)
        return {
            comment.external_id: LockedComment(
                row=comment.id,
                comment_id=comment.external_id,
                text=comment.text,
                state=comment.state,
                version=comment.version,
                revision=comment.revision,
                article_row=comment.article_id,
                submitted_at=comment.submitted_at,
                edited_at=comment.edited_at,
                retracted_at=comment.retracted_at,
                erased_at=comment.erased_at,
                judgement=judgements[comment.id],
                decisions=tuple(decisions.get(comment.id, ())),
            )
            for comment in comments
        }

    def _judgements(self, rows: Sequence[int]) -> dict[int, Judgement]:
        newest = (
            select(func.max(AssessmentRow.id))
            .where(AssessmentRow.comment_id.in_(rows))
            .group_by(AssessmentRow.comment_id)
        )
        found = self._session.scalars(select(AssessmentRow).where(AssessmentRow.id.in_(newest)))
        return {row.comment_id: judgement_of(row) for row in found}

    def _decisions_in_question(self, rows: Sequence[int]) -> dict[int, list[Decision]]:
        found = self._session.execute(
            select(DecisionRow, CommentRow.external_id)
            .join(CommentRow, CommentRow.id == DecisionRow.comment_id)
            .where(CommentRow.id.in_(rows), DecisionRow.revision == CommentRow.revision)
            .order_by(DecisionRow.id)
        )
        decisions: dict[int, list[Decision]] = {}
        for row, comment_id in found:
            decisions.setdefault(row.comment_id, []).append(decision_of(row, comment_id))
        return decisions

    def replace_text(
        self,
        locked: LockedComment,
        comment: Comment,
        judgement: Judgement,
        *,
        article_row: int | None,
        state: State,
        sampled: bool,
        at: datetime,
    ) -> None:
        """Give a comment the text and context its author changed it to; the old text is kept.

        Parameters are those of `insert_comment`.
        """
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
            email_hash=comment.email_hash,
            address_hash=comment.address_hash,
            article_id=article_row,
            parent_external_id=parent and parent.id,
            parent_text=parent and parent.text,
            thread=list(comment.thread),
            state=state,
            revision=locked.revision + 1,
            edited_at=at,
        )
        self._add_assessment(locked.row, judgement, revision=locked.revision + 1, at=at)
        search.index(self._session, [(locked.row, comment.text)])
        self._unlist([locked.row])
        self._list(
            [
                Placed(
                    row=locked.row,
                    state=state,
                    submitted_at=locked.submitted_at,
                    article_row=article_row,
                    judgement=judgement,
                    sampled=sampled,
                )
            ]
        )

    def mark_retracted(self, locked: LockedComment, *, at: datetime) -> None:
        """Keep that the author has withdrawn the comment."""
        self._change(locked, state=State.RETRACTED, retracted_at=at)
        self._unlist([locked.row])

    def _change(self, locked: LockedComment, **values: Any) -> None:
        self._session.execute(
            update(CommentRow)
            .where(CommentRow.id == locked.row)
            .values(**values, version=locked.version + 1)
        )

    def _add_assessment(
        self, row: int, judgement: Judgement, *, revision: int, at: datetime
    ) -> None:
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

    def append_decisions(self, decisions: Sequence[NewDecision]) -> tuple[Decision, ...]:
        """Store decisions, in this order; those before them stay as they are."""
        rows = self._session.scalars(
            insert(DecisionRow).returning(DecisionRow, sort_by_parameter_order=True),
            [
                {
                    "comment_id": new.locked.row,
                    "revision": new.locked.revision,
                    "action": new.action,
                    "moderator": new.moderator,
                    "rule": new.rule,
                    "note": new.note,
                    "message": new.message,
                    "source": new.source,
                    "supersedes": new.supersedes,
                    "at": new.at,
                }
                for new in decisions
            ],
        )
        return tuple(
            decision_of(row, new.locked.comment_id)
            for row, new in zip(rows, decisions, strict=True)
        )

    def settle(self, settled: Sequence[Settled]) -> None:
        """Keep where comments stand after the decisions made in this transaction.

        Whoever had claimed them is done with them.
        """
        self._session.connection().execute(
            update(CommentRow)
            .where(CommentRow.id == bindparam("row"))
            .values(state=bindparam("stands"), version=bindparam("next_version")),
            [
                {
                    "row": each.locked.row,
                    "stands": each.state,
                    "next_version": each.locked.version + 1,
                }
                for each in settled
            ],
        )
        self._unlist([each.locked.row for each in settled])
        self._list(
            [
                Placed(
                    row=each.locked.row,
                    state=each.state,
                    submitted_at=each.locked.submitted_at,
                    article_row=each.locked.article_row,
                    judgement=each.locked.judgement,
                    decision=each.in_force.id if each.in_force else None,
                    decided_at=each.in_force.at if each.in_force else None,
                    sampled=each.sampled,
                )
                for each in settled
                # nothing is left of it to be read
                if each.locked.erased_at is None
            ]
        )

    def _list(self, placed: Iterable[Placed]) -> None:
        rows = [entry for each in placed for entry in entries(each)]
        if rows:
            self._session.execute(insert(ListEntryRow), rows)

    def _unlist(self, rows: Sequence[int]) -> None:
        for table in (ListEntryRow, ClaimRow):
            self._session.execute(delete(table).where(table.comment_id.in_(rows)))

    def record_events(self, events: Sequence[NewEvent]) -> None:
        """Put what the blog should hear of into the outbox."""
        self._session.execute(
            insert(EventRow),
            [
                {
                    "comment_id": event.row,
                    "kind": event.kind,
                    "payload": dict(event.payload),
                    "created_at": event.at,
                }
                for event in events
            ],
        )

    def claim(
        self, comment_id: str, moderator: str, *, until: datetime, at: datetime
    ) -> Claim | None:
        """Note who has a comment open, unless a colleague's claim has not run out by ``at``.

        Returns
        -------
        Claim or None
            The one that holds now, whoever's; ``None`` if there is no such comment.
        """
        row = self._session.scalar(
            select(CommentRow.id).where(CommentRow.external_id == comment_id)
        )
        if row is None:
            return None
        self._session.execute(delete(ClaimRow).where(ClaimRow.until <= at))
        upsert = self._insert_into(ClaimRow).values(
            comment_id=row, moderator=moderator, until=until
        )
        self._session.execute(
            upsert.on_conflict_do_update(
                index_elements=[ClaimRow.comment_id],
                set_={"until": until},
                where=ClaimRow.moderator == moderator,
            )
        )
        return claim_of(self._session.get_one(ClaimRow, row))

    def release(self, comment_id: str, moderator: str) -> None:
        """Forget that this moderator has a comment open, if they have."""
        row = select(CommentRow.id).where(CommentRow.external_id == comment_id).scalar_subquery()
        self._session.execute(
            delete(ClaimRow).where(ClaimRow.comment_id == row, ClaimRow.moderator == moderator)
        )

    def change_threshold(self, change: ThresholdChange) -> None:
        """Keep a threshold that is in force from now on."""
        self._session.execute(
            insert(ThresholdChangeRow).values(
                label=change.label,
                before=change.before,
                after=change.after,
                moderator=change.moderator,
                at=change.at,
            )
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
