"""What a comment answers: its parent and the thread above, wherever these are to be found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from moderation.archive.record import ArchivedComment
from moderation.archive.wordpress.site import Site
from moderation.comment import Comment, Parent
from moderation.store import Store
from moderation.wire import LONGEST_THREAD


@dataclass(frozen=True, slots=True)
class _Above:
    """A comment that others answer, and the id of the one it answers itself."""

    text: str
    parent: str | None


class Context:
    """The threads of a page of comments, looked up in the page, in the store, then in the blog."""

    def __init__(self, site: Site, store: Store, page: Iterable[ArchivedComment]) -> None:
        self._site = site
        self._store = store
        self._known: dict[str, _Above | None] = {
            str(archived.comment.id): _above(archived.comment) for archived in page
        }

    def fill_in(self, comment: Comment) -> Comment:
        """Return the comment with the texts of its parent and of the thread above that.

        A parent that is nowhere has no text.

        Raises
        ------
        SiteError
            If the blog cannot be asked.
        StoreUnavailable
            If the store cannot be used.
        """
        if comment.parent is None:
            return comment
        texts: list[str] = []
        seen = {comment.id}
        wanted = comment.parent.id
        while wanted and wanted not in seen and len(texts) <= LONGEST_THREAD:
            seen.add(wanted)
            above = self._look_up(wanted)
            if above is None:
                break
            texts.append(above.text)
            wanted = above.parent
        parent, *thread = texts or [""]
        return replace(
            comment, parent=Parent(parent, comment.parent.id), thread=tuple(reversed(thread))
        )

    def _look_up(self, comment_id: str) -> _Above | None:
        if comment_id not in self._known:
            self._known[comment_id] = self._in_store(comment_id) or self._in_blog(comment_id)
        return self._known[comment_id]

    def _in_store(self, comment_id: str) -> _Above | None:
        with self._store.reading() as reader:
            stored = reader.comment(comment_id)
        return None if stored is None else _above(stored.comment)

    def _in_blog(self, comment_id: str) -> _Above | None:
        remote = self._site.comment(comment_id)
        if remote is None or not remote.text:
            return None
        return _Above(remote.text, str(remote.parent) if remote.parent else None)


def _above(comment: Comment) -> _Above:
    return _Above(comment.text, None if comment.parent is None else comment.parent.id)
