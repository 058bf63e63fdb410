"""What an archive holds: a comment with what became of it and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from moderation.comment import Comment, Label, Outcome


class ArchiveError(Exception):
    """An archive cannot be read or written at all; the message says where and what to do."""


class Status(StrEnum):
    """What people made of a comment before: published, waiting, thrown away, marked as spam."""

    APPROVED = "approved"
    PENDING = "pending"
    REJECTED = "rejected"
    SPAM = "spam"


class Applied(StrEnum):
    """What came of a change of status that was to be made where the comment lives.

    ``CHANGED``: it had the status it was known by and has the other now. ``ALREADY``: it had the
    other already, as after a kill between a change and its note. ``MEANWHILE``: it has neither,
    for somebody else changed it, and was left alone. ``GONE``: there is no such comment.
    ``REFUSED``: where it lives, this one may not be changed.
    """

    CHANGED = "changed"
    ALREADY = "already"
    MEANWHILE = "meanwhile"
    GONE = "gone"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class ArchivedComment:
    """A comment from an archive with what is known of its past.

    ``comment`` is as the archive tells it: article and parent may be named by their ids alone,
    and be described further down. ``place`` says where in the archive it stands. ``scores`` and
    ``verdict`` are what a machine said of it earlier; ``date`` has a time zone. ``decided`` says
    that moderators here have decided about it, which no machine overrules.
    """

    comment: Comment
    place: str
    status: Status | None = None
    date: datetime | None = None
    scores: Mapping[Label, float | None] | None = None
    verdict: Outcome | None = None
    decided: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in an archive that could not be used, with its line or id; never its text."""

    place: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.place}: {self.sentence}"


Found = ArchivedComment | Problem

_STATUS = {
    "1": Status.APPROVED,
    "approve": Status.APPROVED,
    "approved": Status.APPROVED,
    "published": Status.APPROVED,
    "0": Status.PENDING,
    "hold": Status.PENDING,
    "held": Status.PENDING,
    "pending": Status.PENDING,
    "trash": Status.REJECTED,
    "reject": Status.REJECTED,
    "rejected": Status.REJECTED,
    "deleted": Status.REJECTED,
    "spam": Status.SPAM,
}
_NO_STATUS = {"", "post-trashed", "retracted"}  # they say nothing about the comment itself
_NO_DATE = {"", "0000-00-00 00:00:00"}
_GERMAN_DATES = ("%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y, %H:%M", "%d.%m.%Y")


def status_of(word: str) -> Status | None:
    """Return the status that a blog's word for it means.

    Raises
    ------
    ValueError
        If the word is not known.

    Examples
    --------
    >>> status_of("trash"), status_of("1"), status_of("post-trashed")
    (<Status.REJECTED: 'rejected'>, <Status.APPROVED: 'approved'>, None)
    """
    word = word.strip().lower()
    if word in _NO_STATUS:
        return None
    if word not in _STATUS:
        raise ValueError("The status is none of approved, pending, rejected and spam.")
    return _STATUS[word]


def date_of(words: str) -> datetime | None:
    """Return a date written as ISO 8601, as WordPress does, or the German way; UTC if unsaid.

    Raises
    ------
    ValueError
        If it is written in another way.

    Examples
    --------
    >>> date_of("2019-12-24 18:30:00").isoformat()
    '2019-12-24T18:30:00+00:00'
    >>> date_of("24.12.2019 18:30") == date_of("2019-12-24T19:30:00+01:00")
    True
    """
    words = words.strip()
    if words in _NO_DATE:
        return None
    try:
        return in_utc(datetime.fromisoformat(words))
    except (ValueError, OverflowError):
        pass
    for form in _GERMAN_DATES:
        try:
            return datetime.strptime(words, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise ValueError("The date cannot be read; write it like 2019-12-24T18:30:00+01:00.")


def in_utc(moment: datetime) -> datetime:
    """Return a point in time in UTC; one without a time zone is taken to be in UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def score_of(value: object) -> float | None:
    """Return a score in [0, 1]; ``None`` for one that was not given.

    Raises
    ------
    ValueError
        If it is no number in that range.
    """
    if value is None or value == "":
        return None
    try:
        score = float(value)  # type: ignore[arg-type]  # whatever it is, it becomes a number or not
    except (TypeError, ValueError):
        score = -1.0
    if not 0 <= score <= 1:
        raise ValueError("An earlier score must be a number from 0 to 1.")
    return score


def verdict_of(word: str) -> Outcome | None:
    """Return an earlier verdict; ``None`` for the empty word.

    Raises
    ------
    ValueError
        If it is none.
    """
    try:
        return Outcome(word.strip().lower()) if word.strip() else None
    except ValueError:
        raise ValueError("An earlier verdict is one of approve, hold and reject.") from None
