"""Submitting: a comment is scored, kept, edited, withdrawn."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from moderation.comment import Article, Assessment, Comment, Label, Outcome, Parent, Verdict
from moderation.desk.base import Judge
from moderation.desk.errors import (
    CommentErased,
    CommentRetracted,
    UnknownArticle,
    UnknownComment,
    UnknownParent,
)
from moderation.desk.intake import checked, is_storable
from moderation.desk.lists import stored
from moderation.desk.standing import state
from moderation.desk.thresholds import Thresholds
from moderation.store import (
    AppliedRule,
    EventKind,
    Judgement,
    LockedComment,
    NewEvent,
    QueueItem,
    Reader,
    State,
    Writer,
)


@dataclass(frozen=True, slots=True)
class Submission:
    """A comment with the machine's answer; ``state`` is ``None`` if nothing was stored."""

    comment: Comment
    assessment: Assessment
    verdict: Verdict
    rules: Mapping[Label, AppliedRule]
    stored: bool
    state: State | None = None


class Submitting(Thresholds):
    """What authors do; see `Desk`."""

    def assess(self, comment: Comment) -> Submission:
        """Score a comment and store nothing; article and parent are completed from the store.

        Raises
        ------
        InvalidInput
            If the comment cannot be judged as it was sent.
        UnknownArticle, UnknownParent
            If one was sent by its id or URL only and is not stored.
        """
        comment = checked(comment)
        if comment.article or comment.parent:
            with self._store.reading() as reader:
                comment = _completed(reader, comment, stored=None)
        judged = self._judged(comment, self._rules_without_store())
        return Submission(
            comment, judged.assessment, judged.verdict, judged.rules, stored=False, state=None
        )

    def submit(self, comment: Comment) -> Submission:
        """Score a comment and keep it; if it is held it is in the queue from now on.

        Safe to repeat: the same id with the same text gives the stored answer. Another text is an
        edit: it is scored anew, and what is left out (article, parent, thread, author) stays as
        it was. Once people have decided about a comment, an edit of it always comes back to them.

        Parameters
        ----------
        comment
            Without an id it gets a new one. An article or parent that is stored may be sent by
            its id (the article also by its URL) alone.

        Raises
        ------
        InvalidInput
            If the comment cannot be kept as it was sent.
        UnknownArticle, UnknownParent
            If one was sent by its id or URL only and is not stored.
        CommentRetracted
            If its author withdrew it, or its text was erased, and this would be an edit.
        """
        comment = checked(comment)
        with self._store.reading() as reader:
            known = None if comment.id is None else reader.comment(comment.id)
            if known is not None and known.comment.text == comment.text:
                return _answer(known)
            if known is not None and known.erased_at is not None:
                raise CommentErased(comment.id or "", known.erased_at)
            if known is not None and known.retracted_at is not None:
                raise CommentRetracted(comment.id or "", known.retracted_at)
            comment = _completed(reader, comment, known.comment if known else None)
            rules = self._rules_in_force(reader)
        if comment.id is None:
            comment = replace(comment, id=uuid.uuid4().hex)
        # Scoring takes longest, so nobody waits for a lock meanwhile.
        judged = self._judged(comment, rules)
        with self._store.writing() as writer:
            return _answer(self._keep(writer, comment, judged))

    def retract(self, comment_id: str) -> None:
        """Note that the author has withdrawn a comment; it leaves the queue. Safe to repeat.

        Raises
        ------
        UnknownComment
            If there is none of that id.
        """
        with self._store.writing() as writer:
            locked = writer.lock(comment_id) if is_storable(comment_id) else None
            if locked is None:
                raise UnknownComment(comment_id)
            if locked.retracted_at is None and locked.erased_at is None:
                now = self._clock()
                writer.mark_retracted(locked, at=now)
                event = _told(locked, EventKind.RETRACTED, State.RETRACTED, at=now)
                writer.record_events([event])

    def _judged(self, comment: Comment, rules: Judge) -> Judgement:
        assessment = self._classifier.assess(comment)
        return Judgement(
            assessment=assessment,
            verdict=rules.judge(comment.text, assessment),
            rules={
                label: AppliedRule(rules.rule_for(label).id, rules.threshold(label))
                for label in assessment.labels
            },
        )

    def _keep(self, writer: Writer, comment: Comment, judged: Judgement) -> QueueItem:
        now = self._clock()
        article_row = None
        if comment.article is not None:
            article_row = writer.save_article(comment.article, at=now)
        comment_id = comment.id or ""
        locked = writer.lock(comment_id)
        if locked is None:
            if self._is_inserted(writer, comment, judged, article_row=article_row, at=now):
                return stored(writer, comment_id)
            # Somebody else has stored this id since we looked.
            locked = writer.lock(comment_id)
        if locked is not None and locked.text != comment.text:
            self._edit(writer, locked, comment, judged, article_row=article_row, at=now)
        return stored(writer, comment_id)

    def _is_inserted(
        self,
        writer: Writer,
        comment: Comment,
        judged: Judgement,
        *,
        article_row: int | None,
        at: datetime,
    ) -> bool:
        comment_id = comment.id or ""
        stands = state(judged.verdict.outcome, None)
        row = writer.insert_comment(
            comment,
            judged,
            article_row=article_row,
            state=stands,
            sampled=self._is_sampled(comment_id),
            at=at,
        )
        if row is None:
            return False
        payload = {"comment": comment_id, "state": stands.value, "version": 1}
        writer.record_events([NewEvent(row, EventKind.SUBMITTED, payload, at)])
        return True

    def _edit(
        self,
        writer: Writer,
        locked: LockedComment,
        comment: Comment,
        judged: Judgement,
        *,
        article_row: int | None,
        at: datetime,
    ) -> None:
        if locked.erased_at is not None:
            raise CommentErased(locked.comment_id, locked.erased_at)
        if locked.retracted_at is not None:
            raise CommentRetracted(locked.comment_id, locked.retracted_at)
        if judged.verdict.outcome is Outcome.APPROVE and writer.decisions(locked.comment_id):
            judged = replace(judged, verdict=replace(judged.verdict, outcome=Outcome.HOLD))
        stands = state(judged.verdict.outcome, None)
        writer.replace_text(
            locked,
            comment,
            judged,
            article_row=article_row,
            state=stands,
            sampled=self._is_sampled(locked.comment_id),
            at=at,
        )
        writer.record_events([_told(locked, EventKind.EDITED, stands, at=at)])


def _told(locked: LockedComment, kind: EventKind, stands: State, *, at: datetime) -> NewEvent:
    payload = {
        "comment": locked.comment_id,
        "state": stands.value,
        "version": locked.version + 1,
    }
    return NewEvent(locked.row, kind, payload, at)


def _answer(item: QueueItem) -> Submission:
    return Submission(
        comment=item.comment,
        assessment=item.assessment,
        verdict=item.verdict,
        rules=item.rules,
        stored=True,
        state=item.state,
    )


def _completed(reader: Reader, comment: Comment, stored: Comment | None) -> Comment:
    """Fill in what was sent by reference, and from the comment as ``stored`` what was left out."""
    completed = replace(
        comment,
        article=_known_article(reader, comment.article),
        parent=_known_parent(reader, comment.parent),
    )
    if stored is None:
        return completed
    return replace(
        completed,
        author=completed.author or stored.author,
        article=completed.article or stored.article,
        parent=completed.parent or stored.parent,
        thread=completed.thread or stored.thread,
        email_hash=completed.email_hash or stored.email_hash,
        address_hash=completed.address_hash or stored.address_hash,
    )


def _known_article(reader: Reader, article: Article | None) -> Article | None:
    if article is None:
        return None
    known = reader.article(article)
    if known is None:
        if not article.title and not article.text:
            raise UnknownArticle
        return article
    return Article(
        title=article.title or known.title,
        text=article.text or known.text,
        id=article.id or known.id,
        url=article.url or known.url,
    )


def _known_parent(reader: Reader, parent: Parent | None) -> Parent | None:
    if parent is None or parent.text or parent.id is None:
        return parent
    known = reader.comment(parent.id)
    if known is None:
        raise UnknownParent
    return Parent(text=known.comment.text, id=parent.id)
