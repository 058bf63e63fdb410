"""Deciding: one comment or many, taking back, and who is looking at what."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from moderation.comment import Action, Decision, DecisionSource
from moderation.desk.base import DeskPart
from moderation.desk.errors import (
    CommentErased,
    CommentRetracted,
    DeskError,
    NothingToUndo,
    StaleVersion,
    UnknownComment,
)
from moderation.desk.intake import check_words, is_storable
from moderation.desk.standing import standing, state
from moderation.store import Claim, EventKind, LockedComment, NewDecision, NewEvent, Settled, Writer

LARGEST_BULK = 5000
"""Comments that are decided at one go."""

CHUNK = 100
"""Comments that are decided in one transaction, so that nobody waits long for a lock."""

CLAIM_LASTS = timedelta(minutes=2)
"""How long others are told that somebody has a comment open."""


@dataclass(frozen=True, slots=True)
class BulkResult:
    """What became of a decision about many comments: those made, and those refused with why."""

    decided: tuple[Decision, ...]
    refused: tuple[tuple[str, DeskError], ...]

    def __add__(self, other: BulkResult) -> BulkResult:
        return BulkResult(self.decided + other.decided, self.refused + other.refused)


class Deciding(DeskPart):
    """Decisions; see `Desk`."""

    def decide(
        self,
        comment_id: str,
        action: Action,
        moderator: str | None,
        *,
        rule: str | None = None,
        note: str | None = None,
        message: str | None = None,
        version: int,
        source: DecisionSource = DecisionSource.INDIVIDUAL,
    ) -> Decision:
        """Decide about a comment; a decision before this one is superseded, not changed.

        Parameters
        ----------
        action
            To approve, to reject, or to defer: then the comment waits for a second opinion.
        moderator
            Name of who decides; ``None`` only for what no person did.
        rule
            Id of the rule that the comment breaks.
        note
            What colleagues should know.
        message
            What the comment's author should read.
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
            If note or message cannot be kept.
        """
        _check_decidable(action)
        new = _New(action, moderator, source, rule=rule, note=note, message=message)
        return _only(self._carried_out([comment_id], self._deciding(new, {comment_id: version})))

    def decide_many(
        self,
        choices: Sequence[tuple[str, int]],
        action: Action,
        moderator: str | None,
        *,
        rule: str | None = None,
        note: str | None = None,
        message: str | None = None,
    ) -> BulkResult:
        """Decide about many comments at once; every decision is marked as one of many.

        A comment that changed since it was seen is refused, the others are decided all the same.
        Should the store fail half-way, what was decided stays so, and repeating the call refuses
        those and decides the rest.

        Parameters
        ----------
        choices
            Ids and versions of comments as the moderator saw them, at most `LARGEST_BULK`.

        Raises
        ------
        InvalidInput
            If note or message cannot be kept; then nothing was decided.
        ValueError
            If there are too many choices.
        """
        _check_decidable(action)
        new = _New(action, moderator, DecisionSource.BULK, rule=rule, note=note, message=message)
        versions = dict(choices)
        return self._in_chunks(list(versions), self._deciding(new, versions))

    def undo(
        self,
        comment_id: str,
        moderator: str | None,
        *,
        version: int,
        source: DecisionSource = DecisionSource.INDIVIDUAL,
    ) -> Decision:
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
        new = _New(Action.UNDO, moderator, source)

        def make(locked: LockedComment) -> NewDecision:
            _check_version(locked, version)
            taken_back = standing(locked.decisions)
            if taken_back is None:
                raise NothingToUndo(comment_id)
            return new.about(locked, taken_back, at=self._clock())

        return _only(self._carried_out([comment_id], make))

    def undo_many(self, decision_ids: Sequence[int], moderator: str | None) -> BulkResult:
        """Take back many decisions at once, each if it still is the one in force.

        Numbers that no decision has are passed over. Otherwise like `decide_many`.

        Raises
        ------
        ValueError
            If there are more than `LARGEST_BULK`.
        """
        new = _New(Action.UNDO, moderator, DecisionSource.BULK)
        _check_number(decision_ids)
        with self._store.reading() as reader:
            numbers = reader.comments_decided(decision_ids)

        def make(locked: LockedComment) -> NewDecision:
            taken_back = standing(locked.decisions)
            if taken_back is None or taken_back.id != numbers[locked.comment_id]:
                raise _stale(locked)
            return new.about(locked, taken_back, at=self._clock())

        return self._in_chunks(list(numbers), make)

    def claim(self, comment_id: str, moderator: str) -> Claim:
        """Tell colleagues for two minutes that a moderator has a comment open. Blocks nobody.

        Returns
        -------
        Claim
            The moderator's own, or that of a colleague who was first and still has it open.

        Raises
        ------
        UnknownComment
            If there is none of that id.
        """
        check_words("moderator", moderator)
        now = self._clock()
        with self._store.writing() as writer:
            claim = None
            if is_storable(comment_id):
                claim = writer.claim(comment_id, moderator, until=now + CLAIM_LASTS, at=now)
        if claim is None:
            raise UnknownComment(comment_id)
        return claim

    def release(self, comment_id: str, moderator: str) -> None:
        """Note that a moderator has closed a comment. Safe to repeat."""
        if is_storable(comment_id) and is_storable(moderator):
            with self._store.writing() as writer:
                writer.release(comment_id, moderator)

    def claims(self) -> Mapping[str, Claim]:
        """Tell who has which comment open right now."""
        with self._store.reading() as reader:
            return reader.claims(self._clock())

    def _deciding(self, new: _New, versions: Mapping[str, int]) -> _Make:
        def make(locked: LockedComment) -> NewDecision:
            _check_version(locked, versions[locked.comment_id])
            return new.about(locked, standing(locked.decisions), at=self._clock())

        return make

    def _in_chunks(self, comment_ids: Sequence[str], make: _Make) -> BulkResult:
        _check_number(comment_ids)
        done = BulkResult((), ())
        for start in range(0, len(comment_ids), CHUNK):
            done += self._carried_out(comment_ids[start : start + CHUNK], make)
        return done

    def _carried_out(self, comment_ids: Sequence[str], make: _Make) -> BulkResult:
        """Decide about these comments in one transaction, except those that must be refused."""
        accepted: list[NewDecision] = []
        refused: list[tuple[str, DeskError]] = []
        with self._store.writing() as writer:
            locked = writer.lock_all([each for each in comment_ids if is_storable(each)])
            for comment_id in comment_ids:
                try:
                    accepted.append(make(_open_to_decision(locked, comment_id)))
                except DeskError as error:
                    refused.append((comment_id, error))
            decided = self._kept(writer, accepted) if accepted else ()
        return BulkResult(decided, tuple(refused))

    def _kept(self, writer: Writer, accepted: Sequence[NewDecision]) -> tuple[Decision, ...]:
        """Store decisions, where their comments stand now, and what the blog should hear."""
        decisions = writer.append_decisions(accepted)
        settled = [
            self._settled(new.locked, decision)
            for new, decision in zip(accepted, decisions, strict=True)
        ]
        writer.settle(settled)
        writer.record_events(
            [_told(each, decision) for each, decision in zip(settled, decisions, strict=True)]
        )
        return decisions

    def _settled(self, locked: LockedComment, decision: Decision) -> Settled:
        in_force = standing((*locked.decisions, decision))
        return Settled(
            locked=locked,
            state=state(locked.judgement.verdict.outcome, in_force),
            in_force=in_force,
            sampled=self._is_sampled(locked.comment_id),
        )


@dataclass(frozen=True, slots=True)
class _New:
    """What is to be decided about one comment or many."""

    action: Action
    moderator: str | None
    source: DecisionSource
    rule: str | None = None
    note: str | None = None
    message: str | None = None

    def __post_init__(self) -> None:
        for field in ("moderator", "rule", "note", "message"):
            check_words(field, getattr(self, field))

    def about(
        self, locked: LockedComment, superseded: Decision | None, *, at: datetime
    ) -> NewDecision:
        return NewDecision(
            locked=locked,
            action=self.action,
            moderator=self.moderator,
            at=at,
            source=self.source,
            supersedes=None if superseded is None else superseded.id,
            rule=self.rule,
            note=self.note,
            message=self.message,
        )


_Make = Callable[[LockedComment], NewDecision]
"""Makes a decision about a comment that is stored and not withdrawn, or raises DeskError."""


def _check_decidable(action: Action) -> None:
    if action is Action.UNDO:
        raise ValueError("an undo is not decided; call Desk.undo")


def _only(result: BulkResult) -> Decision:
    for _, error in result.refused:
        raise error
    return result.decided[0]


def _check_number(chosen: Sequence[object]) -> None:
    if len(chosen) > LARGEST_BULK:
        raise ValueError(f"at most {LARGEST_BULK} comments are decided at one go")


def _open_to_decision(locked: Mapping[str, LockedComment], comment_id: str) -> LockedComment:
    found = locked.get(comment_id)
    if found is None:
        raise UnknownComment(comment_id)
    if found.erased_at is not None:
        raise CommentErased(comment_id, found.erased_at)
    if found.retracted_at is not None:
        raise CommentRetracted(comment_id, found.retracted_at)
    return found


def _check_version(locked: LockedComment, version: int) -> None:
    """Make sure that a comment still is as the moderator saw it."""
    if locked.version != version:
        raise _stale(locked)


def _stale(locked: LockedComment) -> StaleVersion:
    if not locked.decisions:
        at = locked.edited_at or locked.submitted_at
        return StaleVersion(locked.comment_id, action=None, decided_by=None, at=at)
    newest = locked.decisions[-1]
    return StaleVersion(
        locked.comment_id, action=newest.action, decided_by=newest.moderator, at=newest.at
    )


def _told(settled: Settled, decision: Decision) -> NewEvent:
    return NewEvent(
        row=settled.locked.row,
        kind=EventKind.DECIDED,
        payload={
            "comment": decision.comment_id,
            "state": settled.state.value,
            "version": settled.locked.version + 1,
            "decision": {
                "id": decision.id,
                "action": decision.action.value,
                "moderator": decision.moderator,
                "rule": decision.rule,
                "message": decision.message,
                "source": decision.source.value,
                "supersedes": decision.supersedes,
            },
        },
        at=decision.at,
    )
