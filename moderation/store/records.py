"""What the store hands out: the domain's values plus what only a stored comment has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Generic, TypeVar

from moderation.comment import (
    Action,
    Article,
    Assessment,
    Comment,
    Decision,
    DecisionSource,
    Label,
    Parent,
    Verdict,
)

Item = TypeVar("Item")


class State(StrEnum):
    """Where a stored comment stands; ``HELD`` and ``DEFERRED`` comments wait for people."""

    HELD = "held"
    DEFERRED = "deferred"
    APPROVED = "approved"
    REJECTED = "rejected"
    RETRACTED = "retracted"


class Listing(StrEnum):
    """A list moderators work through.

    ``FLAGGED`` are all comments that wait for their first decision; ``UNCERTAIN`` are those among
    them with a score near its threshold, also where one rule is clearly broken and another nearly;
    ``DEFERRED`` wait for a second opinion; ``SAMPLE`` are a random share of what the machine
    approved, for spot checks; ``DECIDED`` is what people decided, or an import or an applied
    ``rescore``.
    """

    FLAGGED = "flagged"
    UNCERTAIN = "uncertain"
    DEFERRED = "deferred"
    SAMPLE = "sample"
    DECIDED = "decided"


class SortKey(StrEnum):
    """What a list is sorted by; comments that are equal in it follow in order of arrival.

    ``AGE`` counts from the submission, for decided comments from the decision. ``SCORE`` and
    ``UNCERTAINTY`` are those of the rule filtered by, else the highest of all rules. ``ARTICLE``
    keeps comments below one article together, oldest first.
    """

    AGE = "age"
    SCORE = "score"
    UNCERTAINTY = "uncertainty"
    ARTICLE = "article"


class EventKind(StrEnum):
    """What happened to a comment, as told to the blog."""

    SUBMITTED = "comment.submitted"
    EDITED = "comment.edited"
    DECIDED = "comment.decided"
    RETRACTED = "comment.retracted"


class Delivery(StrEnum):
    """What became of telling the blog of an event.

    ``PENDING`` events are sent, those of one comment in order; ``PARKED`` ones failed too often
    and keep later ones of their comment waiting; ``SKIPPED`` ones are not sent.
    """

    PENDING = "pending"
    DELIVERED = "delivered"
    PARKED = "parked"
    SKIPPED = "skipped"


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
    METRICS = "metrics"


def closeness(score: float, threshold: float) -> float:
    """Say how near a score is to a threshold: the smaller of their odds over the greater.

    Odds, because from 0.01 to 0.02 is as far as from 0.5 to 0.67.

    Returns
    -------
    float
        In (0, 1]; 1 if they are equal.

    Examples
    --------
    >>> [round(closeness(score, 0.5), 2) for score in (0.5, 2 / 3, 1 / 3, 0.99)]
    [1.0, 0.5, 0.5, 0.01]
    """
    one, other = _odds(score), _odds(threshold)
    return min(one, other) / max(one, other)


def _odds(probability: float) -> float:
    inside = min(max(probability, 1e-9), 1 - 1e-9)
    return inside / (1 - inside)


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
class Filter:
    """What a list is narrowed to; what is ``None`` does not matter.

    Parameters
    ----------
    label
        Only comments that the machine flagged under this label's rule.
    score_from, score_to
        Only scores in [``score_from``, ``score_to``), of ``label`` if given, else the highest of
        all labels; ``score_to`` of 1 or more takes 1 in.
    article
        The blog's id of an article.
    author
        The exact name.
    since, until
        Only an age (see `SortKey`) in [``since``, ``until``).
    model
        The version of the model that judged.
    words
        Full-text search: each word must begin a word of the comment. Case does not matter, and
        ä, ö, ü, ß are found as ae, oe, ue, ss too.
    """

    label: Label | None = None
    score_from: float | None = None
    score_to: float | None = None
    article: str | None = None
    author: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    model: str | None = None
    words: str | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """Who has a comment open right now, and until when others are told; it blocks nobody."""

    moderator: str
    until: datetime


@dataclass(frozen=True, slots=True)
class QueueItem:
    """A stored comment with everything a moderator needs to judge it.

    ``version`` grows by one with every edit, decision, undo and retraction; whoever decides
    sends the one they saw. Since ``erased_at`` it has no text and no author any more.
    ``in_force`` is the decision (a deferral too) that its state follows from, ``None`` while the
    machine's verdict does. ``uncertainty`` in [0, 1] is 1 where a score equals its rule's
    threshold. ``decisions`` (oldest first) and ``past_texts`` (oldest first) are filled for a
    single comment, not in lists.
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
    in_force: Decision | None = None
    claim: Claim | None = None
    decisions: tuple[Decision, ...] = ()
    past_texts: tuple[PastText, ...] = ()
    erased_at: datetime | None = None

    @property
    def uncertainty(self) -> float:
        """How near the nearest score is to its rule's threshold, in [0, 1]; 1 is exactly at it."""
        return max(
            (
                closeness(found.score, rule.threshold)
                for label, rule in self.rules.items()
                if rule.threshold is not None and (found := self.assessment.labels.get(label))
            ),
            default=0.0,
        )

    @property
    def article(self) -> Article | None:
        """The article under which the comment stands, as the store knows it now."""
        return self.comment.article

    @property
    def parent(self) -> Parent | None:
        """The comment it answers, with the text it had when this one was judged."""
        return self.comment.parent


@dataclass(frozen=True, slots=True)
class ThreadItem:
    """A comment in the thread around another one.

    ``depth`` is 0 for the root. ``state`` and ``submitted_at`` are ``None`` for a parent that is
    not stored itself and known by its text alone. ``itself`` marks the comment asked about.
    """

    comment_id: str | None
    author: str | None
    text: str
    depth: int
    itself: bool
    state: State | None
    submitted_at: datetime | None


@dataclass(frozen=True, slots=True)
class AuthorRecord:
    """What people decided about an author's other comments; ``newest`` are the last few."""

    approved: int
    rejected: int
    deferred: int
    newest: tuple[QueueItem, ...]


@dataclass(frozen=True, slots=True)
class Day:
    """One day: how the machine judged what came in, and how many comments people decided."""

    day: date
    approved: int
    held: int
    rejected: int
    decided: int

    @property
    def submitted(self) -> int:
        """Comments that came in."""
        return self.approved + self.held + self.rejected


@dataclass(frozen=True, slots=True)
class Tally:
    """Decisions of people about one rule, article or moderator.

    ``name`` is a rule's id, an article's title or a moderator's name; ``key`` is an article's id
    at the blog, else the same as ``name``.
    """

    name: str
    approved: int
    rejected: int
    deferred: int
    key: str | None = None

    @property
    def total(self) -> int:
        """All of them."""
        return self.approved + self.rejected + self.deferred


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often machine and people said the same of one label.

    Counts comments: ``both`` said it breaks the rule, ``neither`` did, or only one of them.
    """

    both: int = 0
    only_machine: int = 0
    only_people: int = 0
    neither: int = 0

    @property
    def share(self) -> float | None:
        """The share in [0, 1] on which they agree; ``None`` without any comment."""
        total = self.both + self.only_machine + self.only_people + self.neither
        return (self.both + self.neither) / total if total else None


@dataclass(frozen=True, slots=True)
class Statistics:
    """What a dashboard shows of a span of days.

    ``median_seconds`` from a comment's submission (or last edit) to people's first decision about
    it; ``None`` if there was none. Tallies are sorted by their total, greatest first; ``by_rule``
    counts rejections.
    """

    days: tuple[Day, ...]
    median_seconds: float | None
    by_rule: tuple[Tally, ...]
    by_article: tuple[Tally, ...]
    by_moderator: tuple[Tally, ...]
    agreement: Mapping[Label, Agreement]


@dataclass(frozen=True, slots=True)
class ThresholdEffect:
    """What one threshold would have meant for the comments people decided one by one.

    All in [0, 1]: ``precision`` of the held (1 if none is held), ``recall`` of the violations,
    ``miss_rate`` = 1 - recall, ``freed`` = the share of those comments that is not held.
    """

    threshold: float
    precision: float
    recall: float
    miss_rate: float
    freed: float


@dataclass(frozen=True, slots=True)
class ThresholdEffects:
    """The threshold explorer of one label: effects by ascending threshold.

    ``comments`` were decided one by one and not undone, ``violations`` of them broke the rule.
    """

    label: Label
    in_force: float
    comments: int
    violations: int
    effects: tuple[ThresholdEffect, ...]


@dataclass(frozen=True, slots=True)
class ThresholdImpact:
    """What a new threshold would change.

    Of the ``waiting`` comments ``freed`` would not be held; of the ``sampled`` ones, which the
    machine approved, ``held`` would be.
    """

    waiting: int
    freed: int
    sampled: int
    held: int


@dataclass(frozen=True, slots=True)
class ThresholdChange:
    """An admin's change of a threshold; ``None`` stands for the one of rules file and model."""

    label: Label
    before: float | None
    after: float | None
    moderator: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """A part of a list; ``next`` is the cursor of the following part, ``None`` at the end."""

    items: tuple[Item, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class LockedComment:
    """What a change to a comment has to know, read while nobody else can change it.

    ``judgement`` is the newest of its present text, ``decisions`` are those about it, oldest first.
    """

    row: int
    comment_id: str
    text: str
    state: State
    version: int
    revision: int
    article_row: int | None
    submitted_at: datetime
    edited_at: datetime | None
    retracted_at: datetime | None
    erased_at: datetime | None
    judgement: Judgement
    decisions: tuple[Decision, ...]


@dataclass(frozen=True, slots=True)
class NewDecision:
    """A decision about to be stored; ``supersedes`` is the number of the one it replaces."""

    locked: LockedComment
    action: Action
    moderator: str | None
    at: datetime
    source: DecisionSource
    supersedes: int | None
    rule: str | None = None
    note: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """Where a comment stands after a decision, which ``in_force`` names unless it was taken back.

    ``sampled`` says whether people check it if nobody but the machine approved it.
    """

    locked: LockedComment
    state: State
    in_force: Decision | None
    sampled: bool


@dataclass(frozen=True, slots=True)
class NewEvent:
    """Something the blog should hear of, about to be put into the outbox."""

    row: int
    kind: EventKind
    payload: Mapping[str, object]
    at: datetime


@dataclass(frozen=True, slots=True)
class Person:
    """Who comments: all that is given has to fit, names exactly; nothing given fits nobody."""

    author: str | None = None
    email_hash: str | None = None
    address_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An event taken from the outbox to be sent; ``attempts`` counts this one too."""

    id: int
    kind: EventKind
    payload: Mapping[str, object]
    at: datetime
    attempts: int


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """An event and what became of telling the blog of it.

    ``failure`` is what went wrong last; ``due_at`` when it is tried again, ``None`` at once.
    """

    id: int
    comment_id: str
    kind: EventKind
    at: datetime
    delivery: Delivery
    attempts: int
    due_at: datetime | None
    delivered_at: datetime | None
    failure: str | None


@dataclass(frozen=True, slots=True)
class Backlog:
    """What has not left the outbox: events ``pending``, ``parked``, and when the first happened."""

    pending: int
    parked: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class Moderator:
    """A person who works at the desk; ``name`` is what they log in with.

    ``language`` is the code of the one they want to read the desk in, ``None`` their browser's;
    ``second_factor_since`` when a code of their app became part of the login, if it is.
    """

    name: str
    display_name: str
    role: Role
    disabled: bool
    created_at: datetime
    language: str | None = None
    second_factor_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """What is kept of a moderator's second factor.

    ``secret`` is encrypted, ``None`` once the factor was taken off; it waits for its first code
    until ``confirmed_at``. ``last_step`` is the number of the last code's 30 seconds,
    ``removed_by`` who took it off (``None``: whoever runs this installation), ``recovery_codes``
    how many are left.
    """

    secret: str | None
    begun_at: datetime
    confirmed_at: datetime | None
    last_step: int | None
    removed_at: datetime | None
    removed_by: str | None
    recovery_codes: int


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
