"""The plain values of the domain; no behaviour, no imports from the rest of the package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Label(StrEnum):
    """What a comment may do wrong; each is scored independently of the others."""

    DISPARAGING = "disparaging"
    OFF_TOPIC = "off_topic"
    SPAM = "spam"


class Outcome(StrEnum):
    """What the machine recommends for a comment."""

    APPROVE = "approve"
    HOLD = "hold"
    REJECT = "reject"


class Action(StrEnum):
    """What a moderator or an import did with a comment.

    ``DEFER`` asks for a second opinion; ``UNDO`` takes back the newest of the others.
    """

    APPROVE = "approve"
    REJECT = "reject"
    DEFER = "defer"
    UNDO = "undo"


class DecisionSource(StrEnum):
    """How a decision came about."""

    INDIVIDUAL = "individual"
    BULK = "bulk"
    IMPORT = "import"
    SYSTEM = "system"


class EvidenceSource(StrEnum):
    """Where the passage nearest to a comment was found."""

    ARTICLE = "article"
    PARENT = "parent"
    THREAD = "thread"


@dataclass(frozen=True, slots=True)
class Article:
    """An article of the blog; ``text`` may be its lead only."""

    title: str = ""
    text: str = ""
    id: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Parent:
    """The comment that another one answers."""

    text: str
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment with all the context it is judged in.

    ``thread`` holds texts of other comments of the same thread, oldest first, without the
    comment itself and without its parent. ``email_hash`` and ``address_hash`` stand for who sent
    it: keyed hashes, made where the comment comes in.
    """

    text: str
    id: str | None = None
    author: str | None = None
    article: Article | None = None
    parent: Parent | None = None
    thread: tuple[str, ...] = ()
    email_hash: str | None = None
    address_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """A passage of the comment that raises a score.

    ``start`` and ``end`` are code-point offsets into the text as it was sent (end exclusive);
    ``weight`` is the passage's share of all that speaks for the label, in (0, 1].
    """

    start: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """The passage of article, parent or thread a comment most likely belongs to.

    ``similarity`` in [0, 1] tells how likely; by a model without encoder, how much their words
    are alike.
    """

    source: EvidenceSource
    text: str
    similarity: float


@dataclass(frozen=True, slots=True)
class LabelAssessment:
    """The calibrated probability that a comment breaks one rule, and what it rests on."""

    score: float
    spans: tuple[Span, ...] = ()
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """Which model judged: its version and the SHA-256 of its manifest."""

    version: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the classifier says of a comment; ``None`` for a label that was not assessed."""

    labels: Mapping[Label, LabelAssessment | None]
    model: ModelVersion


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a comment is held, in one sentence for people."""

    label: Label
    rule: str
    de: str
    en: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The recommendation that follows from an assessment under the blog's rules."""

    outcome: Outcome
    flagged: tuple[Label, ...]
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about a stored comment; never changed, only superseded by a newer one.

    ``note`` is for colleagues, ``message`` for the comment's author.
    """

    id: int
    comment_id: str
    action: Action
    moderator: str | None
    at: datetime
    rule: str | None
    note: str | None
    source: DecisionSource
    supersedes: int | None
    message: str | None = None
