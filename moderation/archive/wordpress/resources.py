"""What WordPress's interface tells of a comment, checked before it is believed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError

from moderation.archive.plain import plain
from moderation.archive.record import Found, Problem, Status, status_of
from moderation.archive.wordpress.columns import comment_of
from moderation.comment import Article

FIELDS = ",".join(
    ("id", "post", "parent", "author_name", "author_ip", "author_user_agent", "date", "date_gmt",
     "content", "status", "type", "_links")
)  # fmt: skip
"""What we ask of a comment; the rest would only be carried about."""

_COLLECTION = re.compile(r"/wp/v2/([a-z0-9_-]+)/\d+$", re.IGNORECASE)
_FIRST_YEAR = 1900
"""What is told to be older has no date; WordPress itself tells -0001-11-30 of those."""


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Content(_Told):
    raw: str


class _Link(_Told):
    href: str = ""


class _Links(_Told):
    up: tuple[_Link, ...] = ()


class RemoteComment(_Told):
    """A comment as WordPress has it, told to somebody who may edit it.

    ``date`` is the blog's local time and ``date_gmt`` that in UTC, both ISO 8601 without a zone.
    """

    id: PositiveInt
    post: int = 0
    parent: int = 0
    author_name: str = ""
    author_ip: str = ""
    author_user_agent: str = ""
    date: str | None = None
    date_gmt: str | None = None
    content: _Content
    status: str
    type: str = "comment"
    links: _Links = Field(default=_Links(), alias="_links")

    @property
    def collection(self) -> str | None:
        """Where its article can be asked for: ``posts``, ``pages``, or what else a blog has."""
        for link in self.links.up:
            found = _COLLECTION.search(link.href)
            if found:
                return found[1]
        return None

    @property
    def text(self) -> str:
        """What it says, without markup."""
        return plain(self.content.raw)

    @property
    def known_status(self) -> Status | None:
        """The status; ``None`` for words that say nothing about the comment itself."""
        try:
            return status_of(self.status)
        except ValueError:
            return None

    def found(self, article: Article | None) -> Iterator[Found]:
        """Yield it the way our reader of exports does; nothing for a pingback."""
        told = {
            "comment_id": str(self.id),
            "comment_type": self.type,
            "comment_author": self.author_name,
            "comment_date": known_date(self.date) or "",
            "comment_date_gmt": known_date(self.date_gmt) or "",
            "comment_content": self.content.raw,
            "comment_approved": self.status,
            "comment_parent": str(self.parent),
        }
        return comment_of(told, article)


def read_comment(told: Any) -> RemoteComment | Problem:
    """Check what the blog told; what is no comment becomes a problem that names its id."""
    try:
        return RemoteComment.model_validate(told)
    except ValidationError as error:
        number = told.get("id") if isinstance(told, dict) else None
        place = f"comment {number}" if isinstance(number, int) else "a comment without an id"
        where = ".".join(str(step) for step in error.errors()[0]["loc"]) or "it"
        return Problem(place, f"The blog tells it otherwise than WordPress does ({where}).")


def known_date(told: object) -> str | None:
    """Return a date that WordPress told; ``None`` if it has none or cannot be read."""
    try:
        date = datetime.fromisoformat(str(told))
    except ValueError:
        return None
    return str(told) if date.year >= _FIRST_YEAR else None
