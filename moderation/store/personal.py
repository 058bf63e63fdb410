"""What is kept about people who comment: found as a whole, and erased so that only counts stay."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, delete, exists, or_, select, update
from sqlalchemy.orm import Session

from moderation.comment import EvidenceSource
from moderation.store import search
from moderation.store.records import LockedComment, Person, State
from moderation.store.tables import (
    AssessmentRow,
    BlogCommentRow,
    ClaimRow,
    CommentRow,
    DecisionRow,
    EventRow,
    ListEntryRow,
    PastTextRow,
)


class PersonalReader:
    """Questions about people's data; see `Reader.personal`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def comments_of(self, person: Person) -> tuple[str, ...]:
        """List the ids of a person's comments, oldest first."""
        given = {
            CommentRow.author: person.author,
            CommentRow.email_hash: person.email_hash,
            CommentRow.address_hash: person.address_hash,
        }
        fits = [column == value for column, value in given.items() if value is not None]
        if not fits:
            return ()
        found = self._session.scalars(
            select(CommentRow.external_id).where(*fits).order_by(CommentRow.id)
        )
        return tuple(found)

    def any_hashes(self) -> bool:
        """Whether hashes of e-mail or IP addresses are kept of anybody."""
        kept = or_(CommentRow.email_hash.is_not(None), CommentRow.address_hash.is_not(None))
        return bool(self._session.scalar(select(exists().where(kept))))

    def expired(self, states: Collection[State], before: datetime, *, limit: int) -> list[str]:
        """List comments that have stood where they stand since ``before``, and are not erased."""
        decided_since = exists().where(
            DecisionRow.comment_id == CommentRow.id, DecisionRow.at >= before
        )
        found = self._session.scalars(
            select(CommentRow.external_id)
            .where(
                CommentRow.state.in_(states),
                CommentRow.erased_at.is_(None),
                CommentRow.submitted_at < before,
                or_(CommentRow.edited_at.is_(None), CommentRow.edited_at < before),
                or_(CommentRow.retracted_at.is_(None), CommentRow.retracted_at < before),
                ~decided_since,
            )
            .order_by(CommentRow.id)
            .limit(limit)
        )
        return list(found)


class PersonalWriter(PersonalReader):
    """Erasing; see `Writer.personal`."""

    def erase(self, comments: Sequence[LockedComment], *, at: datetime) -> None:
        """Erase the words of comments and all words about them, also where others have copies.

        Texts, past texts, authors and hashes go, passages quoted by the machine, notes and
        messages of decisions; and their texts where they are kept as the parent or the thread of
        other comments. Scores, verdicts, decisions and times stay. What waits for people does so
        no more.
        """
        rows = [comment.row for comment in comments]
        texts = self._texts(comments)
        self._forget_as_parents([comment.comment_id for comment in comments])
        self._forget_in_threads(comments, texts)
        self._strip_assessments(AssessmentRow.comment_id.in_(rows))
        self._strip_messages(rows)
        self._session.execute(
            update(DecisionRow)
            .where(
                DecisionRow.comment_id.in_(rows),
                or_(DecisionRow.note.is_not(None), DecisionRow.message.is_not(None)),
            )
            .values(note=None, message=None)
        )
        for table in (PastTextRow, ListEntryRow, ClaimRow, BlogCommentRow):
            self._session.execute(delete(table).where(table.comment_id.in_(rows)))
        search.index(self._session, [(row, "") for row in rows])
        for comment in comments:
            self._strip(comment, at)

    def _strip(self, comment: LockedComment, at: datetime) -> None:
        waits = comment.state in (State.HELD, State.DEFERRED)
        self._session.execute(
            update(CommentRow)
            .where(CommentRow.id == comment.row)
            .values(
                text="",
                author=None,
                parent_text=None,
                thread=[],
                email_hash=None,
                address_hash=None,
                state=State.RETRACTED if waits else comment.state,
                retracted_at=at if waits else comment.retracted_at,
                erased_at=at,
                version=comment.version + 1,
            )
        )

    def _texts(self, comments: Sequence[LockedComment]) -> dict[int, set[str]]:
        texts = {comment.row: {comment.text} for comment in comments}
        past = self._session.scalars(
            select(PastTextRow).where(PastTextRow.comment_id.in_(list(texts)))
        )
        for row in past:
            texts[row.comment_id].add(row.text)
        return texts

    def _forget_as_parents(self, comment_ids: Sequence[str]) -> None:
        answers = self._session.scalars(
            update(CommentRow)
            .where(
                CommentRow.parent_external_id.in_(comment_ids), CommentRow.parent_text.is_not(None)
            )
            .values(parent_text="")
            .returning(CommentRow.id)
        ).all()
        self._strip_evidence(answers, EvidenceSource.PARENT)

    def _forget_in_threads(
        self, comments: Sequence[LockedComment], texts: Mapping[int, set[str]]
    ) -> None:
        """Take texts out of the threads that were sent along with comments on the same article."""
        by_article: dict[int | None, set[str]] = {}
        for comment in comments:
            by_article.setdefault(comment.article_row, set()).update(texts[comment.row])
        changed = []
        for article, words in by_article.items():
            same = (
                CommentRow.article_id.is_(None)
                if article is None
                else (CommentRow.article_id == article)
            )
            found = self._session.execute(
                select(CommentRow.id, CommentRow.thread).where(
                    same, cast(CommentRow.thread, Text) != "[]"
                )
            ).all()
            for row, thread in found:
                left = [each for each in thread if each not in words]
                if len(left) < len(thread):
                    changed.append(row)
                    self._session.execute(
                        update(CommentRow).where(CommentRow.id == row).values(thread=left)
                    )
        self._strip_evidence(changed, EvidenceSource.THREAD)

    def _strip_evidence(self, rows: Sequence[int], source: EvidenceSource) -> None:
        """Take passages of a kind out of what the machine said of comments."""
        for assessment in self._assessments(AssessmentRow.comment_id.in_(rows)):
            assessment.labels = {
                label: found
                and found
                | {
                    "evidence": None
                    if (found["evidence"] or {}).get("source") == source.value
                    else found["evidence"]
                }
                for label, found in assessment.labels.items()
            }
        self._session.flush()

    def _strip_assessments(self, which: ColumnElement[bool]) -> None:
        for assessment in self._assessments(which):
            assessment.reasons = []
            assessment.labels = {
                label: found and found | {"spans": [], "evidence": None}
                for label, found in assessment.labels.items()
            }
        self._session.flush()

    def _assessments(self, which: ColumnElement[bool]) -> Iterable[AssessmentRow]:
        return self._session.scalars(select(AssessmentRow).where(which)).all()

    def _strip_messages(self, rows: Sequence[int]) -> None:
        """Take messages to the author out of what the blog is or was told."""
        events = self._session.scalars(select(EventRow).where(EventRow.comment_id.in_(rows))).all()
        for event in events:
            event.payload = _without_message(event.payload)
        self._session.flush()


def _without_message(payload: dict[str, Any]) -> dict[str, Any]:
    if "decision" not in payload:
        return payload
    return payload | {"decision": payload["decision"] | {"message": None}}
