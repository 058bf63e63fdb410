"""What the store hands out: the domain's values plus what only a stored comment has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

from moderation.comment import Article, Assessment, Comment, Decision, Label, Parent, Verdict

Item = TypeVar("Item")


class State(StrEnum):
    """Where a stored comment stands; only ``HELD`` comments are in the queue."""

    HELD = "held"
    APPROVED = "approved"
    REJECTED = "rejected"
    RETRACTED = "retracted"


class EventKind(StrEnum):
    """What happened to a comment, as told to the blog."""

    SUBMITTED = "comment.submitted"
    EDITED = "comment.edited"
    DECIDED = "comment.decided"
    RETRACTED = "comment.retracted"


class Role(StrEnum):
    """What a moderator may do: readers look, moderators decide, admins manage people and rules."""

    ADMIN = "admin"
    MODERATOR = "moderator"
    READER = "reader"


class Scope(StrEnum):
    """What an API token may be used for."""

    CLASSIFY = "classify"
    SUBMIT = "submit"
    READ = "read"
    DECIDE = "decide"


@dataclass(frozen=True, slots=True)
class AppliedRule:
    """The rule a label was judged by, with the threshold (0 to 1) in force at that time."""

    id: str
    threshold: float | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """An assessment with the verdict that followed and the rules it followed from."""

    assessment: Assessment
    verdict: Verdict
    rules: Mapping[Label, AppliedRule]


@dataclass(frozen=True, slots=True)
class PastText:
    """A text a comment had before its author changed it."""

    text: str
    replaced_at: datetime


@dataclass(frozen=True, slots=True)
class QueueItem:
    """A stored comment with everything a moderator needs to judge it.

    ``version`` grows by one with every edit, decision, undo and retraction; whoever decides
    sends the one they saw. ``decisions`` (oldest first) and ``past_texts`` (oldest first) are
    filled for a single comment, not in lists.
    """

    comment: Comment
    assessment: Assessment
    verdict: Verdict
    rules: Mapping[Label, AppliedRule]
    state: State
    version: int
    submitted_at: datetime
    edited_at: datetime | None = None
    retracted_at: datetime | None = None
    decisions: tuple[Decision, ...] = ()
    past_texts: tuple[PastText, ...] = ()

    @property
    def article(self) -> Article | None:
        """The article under which the comment stands, as the store knows it now."""
        return self.comment.article

    @property
    def parent(self) -> Parent | None:
        """The comment it answers, with the text it had when this one was judged."""
        return self.comment.parent


@dataclass(frozen=True, slots=True)
class DecidedItem:
    """One decision and the comment it was about, as that stands now."""

    decision: Decision
    item: QueueItem


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """A part of a list; ``next`` is the cursor of the following part, ``None`` at the end."""

    items: tuple[Item, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class LockedComment:
    """What a change to a comment has to know, read while nobody else can change it."""

    row: int
    comment_id: str
    text: str
    state: State
    version: int
    revision: int
    submitted_at: datetime
    edited_at: datetime | None
    retracted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Moderator:
    """A person who works at the desk; ``name`` is what they log in with."""

    name: str
    display_name: str
    role: Role
    disabled: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A key for machines; the key itself is not kept, only its SHA-256."""

    id: int
    name: str
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
