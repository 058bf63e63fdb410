"""What the blog's own program has: how far it was read, and what was carried back to it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, exists, func, select
from sqlalchemy.orm import Session, aliased

from moderation.comment import DecisionSource
from moderation.store.tables import BlogCommentRow, BlogRow, CommentRow, DecisionRow


@dataclass(frozen=True, slots=True)
class Seen:
    """What the blog had when it was last looked at.

    ``status`` is its word for where the comment stood; ``settled`` is the newest decision made
    here that the blog has, or that gave way to what people had decided there.
    """

    status: str | None
    settled: int | None = None


@dataclass(frozen=True, slots=True)
class Uncarried:
    """A comment whose newest decision was made here and is not settled with the blog.

    ``decision`` is the number of that decision, ``seen`` what the blog had before it.
    """

    comment_id: str
    text: str
    decision: int
    seen: Seen


class BlogReader:
    """Questions about the blog; see `Reader.blog`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def followed(self) -> tuple[str, dict[str, Any]] | None:
        """Tell the address of the blog that this store follows, and how far it was read."""
        row = self._session.scalar(select(BlogRow))
        return None if row is None else (row.url, row.position)

    def seen(self, comment_ids: Collection[str]) -> Mapping[str, Seen]:
        """Tell what the blog had of comments, by their ids; what was never read is missing."""
        rows = self._session.execute(
            select(CommentRow.external_id, BlogCommentRow)
            .join(BlogCommentRow, BlogCommentRow.comment_id == CommentRow.id)
            .where(CommentRow.external_id.in_(comment_ids))
        )
        return {comment_id: _seen(row) for comment_id, row in rows}

    def texts(self, comment_ids: Collection[str]) -> Mapping[str, str | None]:
        """Tell the texts of comments by their ids.

        What is not stored is missing; what was erased here has no text, and is not to get it back
        from the blog.
        """
        rows = self._session.execute(
            select(CommentRow.external_id, CommentRow.text, CommentRow.erased_at).where(
                CommentRow.external_id.in_(comment_ids)
            )
        )
        return {
            comment_id: words if erased_at is None else None
            for comment_id, words, erased_at in rows
        }

    def uncarried(self, *, limit: int, after: int = 0) -> tuple[Uncarried, ...]:
        """List comments that the blog has and whose newest decision it has not, oldest first.

        Parameters
        ----------
        limit
            How many at most.
        after
            Only decisions with greater numbers.
        """
        newer = aliased(DecisionRow)
        rows = self._session.execute(
            select(CommentRow, DecisionRow.id, BlogCommentRow)
            .join(CommentRow, CommentRow.id == DecisionRow.comment_id)
            .join(BlogCommentRow, BlogCommentRow.comment_id == CommentRow.id)
            .where(
                DecisionRow.id > after,
                DecisionRow.id > func.coalesce(BlogCommentRow.settled, 0),
                DecisionRow.source != DecisionSource.IMPORT,
                DecisionRow.revision == CommentRow.revision,
                CommentRow.retracted_at.is_(None),
                CommentRow.erased_at.is_(None),
                ~exists().where(
                    newer.comment_id == DecisionRow.comment_id, newer.id > DecisionRow.id
                ),
            )
            .order_by(DecisionRow.id)
            .limit(limit)
        )
        return tuple(
            Uncarried(comment.external_id, comment.text, decision, _seen(row))
            for comment, decision, row in rows
        )


class BlogWriter(BlogReader):
    """Changes of what is known about the blog; see `Writer.blog`."""

    def follow(self, url: str, position: Mapping[str, Any], *, at: datetime) -> None:
        """Keep how far a blog was read; it is the one that this store follows from now on."""
        self._session.execute(delete(BlogRow).where(BlogRow.url != url))
        followed = self._session.get(BlogRow, url)
        if followed is None:
            followed = BlogRow(url=url)
            self._session.add(followed)
        followed.position, followed.read_at = dict(position), at
        self._session.flush()

    def note(self, row: int, seen: Seen) -> None:
        """Keep what the blog has of a comment; ``row`` is its number in this store."""
        found = self._session.get(BlogCommentRow, row)
        if found is None:
            found = BlogCommentRow(comment_id=row)
            self._session.add(found)
        found.status, found.settled = seen.status, seen.settled
        self._session.flush()


def _seen(row: BlogCommentRow) -> Seen:
    return Seen(row.status, row.settled)
