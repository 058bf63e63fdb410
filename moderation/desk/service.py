"""`Desk`: submit, decide, undo, retract, and the lists moderators work through."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from moderation.comment import (
    Action,
    Article,
    Assessment,
    Comment,
    Decision,
    DecisionSource,
    Label,
    Outcome,
    Parent,
    Verdict,
)
from moderation.desk.errors import (
    CommentRetracted,
    InvalidCursor,
    NothingToUndo,
    StaleVersion,
    UnknownArticle,
    UnknownComment,
    UnknownParent,
)
from moderation.desk.intake import check_words, checked, is_storable
from moderation.desk.standing import standing, state
from moderation.rules import Rule
from moderation.store import (
    AppliedRule,
    DecidedItem,
    EventKind,
    Judgement,
    LockedComment,
    Page,
    QueueItem,
    Reader,
    State,
    Store,
    Writer,
)

LARGEST_PAGE = 500
"""Items of one page of a list; whoever asks for more gets this many."""


class Assessor(Protocol):
    """What the desk needs of a classifier."""

    def assess(self, comment: Comment, explain: bool = True) -> Assessment:
        """Score one comment in its context."""


class Judge(Protocol):
    """What the desk needs of the blog's rules, thresholds filled in."""

    def judge(self, text: str, assessment: Assessment) -> Verdict:
        """Turn scores into a verdict."""

    def rule_for(self, label: Label) -> Rule:
        """Find the rule that a label enforces."""

    def threshold(self, label: Label) -> float:
        """Give the score from which that rule holds a comment."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A comment with the machine's answer; ``state`` is ``None`` if nothing was stored."""

    comment: Comment
    assessment: Assessment
    verdict: Verdict
    rules: Mapping[Label, AppliedRule]
    stored: bool
    state: State | None = None


def utc_now() -> datetime:
    """Tell the time, in UTC."""
    return datetime.now(UTC)


class Desk:
    """The moderation desk of one blog.

    Parameters
    ----------
    store
        Where comments and decisions are kept.
    classifier
        Scores comments.
    rules
        Turn scores into verdicts; with their thresholds filled in.
    clock
        Tells the time in UTC.
    """

    def __init__(
        self,
        store: Store,
        classifier: Assessor,
        rules: Judge,
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._store = store
        self._classifier = classifier
        self._rules = rules
        self._clock = clock

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
        judged = self._judged(comment)
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
            If its author withdrew it and this would be an edit.
        """
        comment = checked(comment)
        with self._store.reading() as reader:
            stored = None if comment.id is None else reader.comment(comment.id)
            if stored is not None and stored.comment.text == comment.text:
                return _answer(stored)
            if stored is not None and stored.retracted_at is not None:
                raise CommentRetracted(comment.id or "", stored.retracted_at)
            comment = _completed(reader, comment, stored.comment if stored else None)
        if comment.id is None:
            comment = replace(comment, id=uuid.uuid4().hex)
        # Scoring takes longest, so nobody waits for a lock meanwhile.
        judged = self._judged(comment)
        with self._store.writing() as writer:
            return _answer(self._keep(writer, comment, judged))

    def held(self, *, limit: int = 50, after: str | None = None) -> Page[QueueItem]:
        """List the queue: comments that wait for a decision, those that came first first.

        Parameters
        ----------
        limit
            How many at most, 1 to 500.
        after
            ``next`` of the page before; ``None`` starts at the beginning.

        Raises
        ------
        InvalidCursor
            If ``after`` is not such a value.
        """
        with self._store.reading() as reader:
            return reader.in_state(State.HELD, limit=_page_size(limit), after=_place(after) or 0)

    def decided(self, *, limit: int = 50, after: str | None = None) -> Page[DecidedItem]:
        """List decisions, newest first, each with its comment as that stands now.

        Parameters and errors are those of `held`.
        """
        with self._store.reading() as reader:
            return reader.decided(limit=_page_size(limit), before=_place(after))

    def comment(self, comment_id: str) -> QueueItem:
        """Find a comment with all decisions about it and the texts it had before.

        Raises
        ------
        UnknownComment
            If there is none of that id.
        """
        with self._store.reading() as reader:
            return replace(
                _stored(reader, comment_id),
                decisions=reader.decisions(comment_id),
                past_texts=reader.past_texts(comment_id),
            )

    def counts(self) -> Mapping[State, int]:
        """Count the comments in each state."""
        with self._store.reading() as reader:
            return reader.counts()

    def decide(
        self,
        comment_id: str,
        action: Action,
        moderator: str | None,
        *,
        rule: str | None = None,
        note: str | None = None,
        version: int,
        source: DecisionSource = DecisionSource.INDIVIDUAL,
    ) -> Decision:
        """Approve or reject a comment; a decision before this one is superseded, not changed.

        Parameters
        ----------
        moderator
            Name of who decides; ``None`` only for what no person did.
        rule
            Id of the rule that the comment breaks.
        note
            What the moderator wants to remember.
        version
            Of the comment as the moderator saw it.

        Raises
        ------
        UnknownComment
            If there is none of that id.
        CommentRetracted
            If its author has withdrawn it.
        StaleVersion
            If it was decided or edited since ``version``.
        InvalidInput
            If the note cannot be kept.
        """
        if action is Action.UNDO:
            raise ValueError("an undo is not decided; call Desk.undo")
        for field, words in (("moderator", moderator), ("rule", rule), ("note", note)):
            check_words(field, words)
        with self._store.writing() as writer:
            locked, decisions = _as_seen(writer, comment_id, version)
            before = standing(decisions)
            decision = writer.append_decision(
                locked,
                action,
                moderator=moderator,
                rule=rule,
                note=note,
                source=source,
                supersedes=None if before is None else before.id,
                at=self._clock(),
            )
            _follow(writer, locked, decision, in_force=decision)
            return decision

    def undo(self, comment_id: str, moderator: str | None, *, version: int) -> Decision:
        """Take back the decision in force; the comment stands where it stood before it.

        Undoing again goes one decision further back.

        Raises
        ------
        UnknownComment
            If there is none of that id.
        CommentRetracted
            If its author has withdrawn it.
        StaleVersion
            If it was decided or edited since ``version``.
        NothingToUndo
            If no decision about its present text is in force.
        """
        check_words("moderator", moderator)
        with self._store.writing() as writer:
            locked, decisions = _as_seen(writer, comment_id, version)
            taken_back = standing(decisions)
            if taken_back is None:
                raise NothingToUndo(comment_id)
            decision = writer.append_decision(
                locked,
                Action.UNDO,
                moderator=moderator,
                rule=None,
                note=None,
                source=DecisionSource.INDIVIDUAL,
                supersedes=taken_back.id,
                at=self._clock(),
            )
            _follow(writer, locked, decision, in_force=standing((*decisions, decision)))
            return decision

    def retract(self, comment_id: str) -> None:
        """Note that the author has withdrawn a comment; it leaves the queue. Safe to repeat.

        Raises
        ------
        UnknownComment
            If there is none of that id.
        """
        with self._store.writing() as writer:
            locked = _locked(writer, comment_id)
            if locked.retracted_at is None:
                now = self._clock()
                writer.mark_retracted(locked, at=now)
                payload = _told(locked, State.RETRACTED, version=locked.version + 1)
                writer.record_event(locked.row, EventKind.RETRACTED, payload, at=now)

    def _judged(self, comment: Comment) -> Judgement:
        assessment = self._classifier.assess(comment)
        return Judgement(
            assessment=assessment,
            verdict=self._rules.judge(comment.text, assessment),
            rules={
                label: AppliedRule(self._rules.rule_for(label).id, self._rules.threshold(label))
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
            stands = state(judged.verdict.outcome, None)
            row = writer.insert_comment(comment, article_row=article_row, state=stands, at=now)
            if row is not None:
                writer.add_assessment(row, judged, revision=1, at=now)
                payload = {"comment": comment_id, "state": stands.value, "version": 1}
                writer.record_event(row, EventKind.SUBMITTED, payload, at=now)
                return _stored(writer, comment_id)
            # Somebody else has stored this id since we looked.
            locked = writer.lock(comment_id)
        if locked is not None and locked.text != comment.text:
            _edit(writer, locked, comment, judged, article_row=article_row, at=now)
        return _stored(writer, comment_id)


def _edit(
    writer: Writer,
    locked: LockedComment,
    comment: Comment,
    judged: Judgement,
    *,
    article_row: int | None,
    at: datetime,
) -> None:
    if locked.retracted_at is not None:
        raise CommentRetracted(locked.comment_id, locked.retracted_at)
    if judged.verdict.outcome is Outcome.APPROVE and writer.decisions(locked.comment_id):
        judged = replace(judged, verdict=replace(judged.verdict, outcome=Outcome.HOLD))
    stands = state(judged.verdict.outcome, None)
    writer.replace_text(locked, comment, article_row=article_row, state=stands, at=at)
    writer.add_assessment(locked.row, judged, revision=locked.revision + 1, at=at)
    payload = _told(locked, stands, version=locked.version + 1)
    writer.record_event(locked.row, EventKind.EDITED, payload, at=at)


def _stored(reader: Reader, comment_id: str) -> QueueItem:
    found = reader.comment(comment_id) if is_storable(comment_id) else None
    if found is None:
        raise UnknownComment(comment_id)
    return found


def _locked(writer: Writer, comment_id: str) -> LockedComment:
    locked = writer.lock(comment_id) if is_storable(comment_id) else None
    if locked is None:
        raise UnknownComment(comment_id)
    return locked


def _answer(stored: QueueItem) -> Submission:
    return Submission(
        comment=stored.comment,
        assessment=stored.assessment,
        verdict=stored.verdict,
        rules=stored.rules,
        stored=True,
        state=stored.state,
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


def _as_seen(
    writer: Writer, comment_id: str, version: int
) -> tuple[LockedComment, tuple[Decision, ...]]:
    """Lock a comment that still is as the moderator saw it, with the decisions about its text."""
    locked = _locked(writer, comment_id)
    if locked.retracted_at is not None:
        raise CommentRetracted(comment_id, locked.retracted_at)
    decisions = writer.decisions(comment_id, revision=locked.revision)
    if locked.version != version:
        raise _stale(locked, decisions)
    return locked, decisions


def _stale(locked: LockedComment, decisions: tuple[Decision, ...]) -> StaleVersion:
    if not decisions:
        at = locked.edited_at or locked.submitted_at
        return StaleVersion(locked.comment_id, action=None, decided_by=None, at=at)
    newest = decisions[-1]
    return StaleVersion(
        locked.comment_id, action=newest.action, decided_by=newest.moderator, at=newest.at
    )


def _follow(
    writer: Writer, locked: LockedComment, decision: Decision, *, in_force: Decision | None
) -> None:
    """Keep the state that a decision leads to, and tell the blog."""
    stands = state(_stored(writer, locked.comment_id).verdict.outcome, in_force)
    writer.set_state(locked, stands)
    payload = _told(locked, stands, version=locked.version + 1) | {
        "decision": {
            "id": decision.id,
            "action": decision.action.value,
            "moderator": decision.moderator,
            "rule": decision.rule,
            "source": decision.source.value,
            "supersedes": decision.supersedes,
        }
    }
    writer.record_event(locked.row, EventKind.DECIDED, payload, at=decision.at)


def _told(locked: LockedComment, stands: State, *, version: int) -> dict[str, object]:
    return {"comment": locked.comment_id, "state": stands.value, "version": version}


def _page_size(limit: int) -> int:
    return max(1, min(limit, LARGEST_PAGE))


def _place(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not cursor.isascii() or not cursor.isdecimal() or len(cursor) > 18:
        raise InvalidCursor
    return int(cursor)
