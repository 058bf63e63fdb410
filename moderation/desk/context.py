"""What helps to judge a comment: its thread, its author's record, similar ones decided before."""

from __future__ import annotations

from dataclasses import dataclass

from moderation.desk.base import DeskPart
from moderation.desk.errors import UnknownComment
from moderation.desk.intake import is_storable
from moderation.desk.lists import stored
from moderation.store import (
    AuthorRecord,
    Filter,
    Listing,
    QueueItem,
    SortKey,
    State,
    ThreadItem,
)

NEWEST = 5
"""Decisions about other comments of an author that are shown."""

CANDIDATES = 60
"""Decided comments with a rare word in common that are compared with a comment."""


@dataclass(frozen=True, slots=True)
class SimilarItem:
    """A decided comment and how much its spelling has in common with another's, in [0, 1]."""

    item: QueueItem
    similarity: float


class Context(DeskPart):
    """Questions about a comment's surroundings; see `Desk`."""

    def thread(self, comment_id: str) -> tuple[ThreadItem, ...]:
        """Give the thread around a comment, each followed by the answers to it, oldest first.

        Raises
        ------
        UnknownComment
            If there is none of that id.
        """
        with self._store.reading() as reader:
            found = reader.thread(comment_id) if is_storable(comment_id) else ()
        if not found:
            raise UnknownComment(comment_id)
        return found

    def author_record(self, author: str, *, besides: str) -> AuthorRecord:
        """Tell what people decided about an author's comments.

        Parameters
        ----------
        author
            The name, exactly.
        besides
            Id of a comment that is left out, because it is the one in question.
        """
        if not is_storable(author) or not is_storable(besides):
            return AuthorRecord(0, 0, 0, ())
        with self._store.reading() as reader:
            counts = reader.lists.decided_of(author, besides=besides)
            newest = reader.lists.page(
                Listing.DECIDED,
                Filter(author=author),
                sort=SortKey.AGE,
                descending=True,
                limit=NEWEST + 1,
            )
        others = [item for item in newest.items if item.comment.id != besides]
        return AuthorRecord(
            approved=counts.get(State.APPROVED, 0),
            rejected=counts.get(State.REJECTED, 0),
            deferred=counts.get(State.DEFERRED, 0),
            newest=tuple(others[:NEWEST]),
        )

    def similar_decided(self, comment_id: str, limit: int = 3) -> tuple[SimilarItem, ...]:
        """Find the decided comments most similar to a comment, the most similar first.

        Compared are the newest that share one of its longest words, by the cosine of their
        character n-grams.

        Raises
        ------
        UnknownComment
            If there is none of that id.
        """
        # Takes seconds to import, which commands that compare nothing should not wait for.
        from moderation.desk.likeness import likeness

        with self._store.reading() as reader:
            text = stored(reader, comment_id).comment.text
            candidates = reader.lists.decided_akin(text, besides=comment_id, limit=CANDIDATES)
            if not candidates:
                return ()
            alike = likeness(text, [found for _, found in candidates]).tolist()
            best = sorted(range(len(alike)), key=alike.__getitem__, reverse=True)[:limit]
            items = reader.lists.decided([candidates[each][0] for each in best])
        return tuple(SimilarItem(item, alike[each]) for item, each in zip(items, best, strict=True))
