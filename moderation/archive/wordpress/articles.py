"""The articles that comments stand under, asked for once and a hundred at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from moderation.archive.plain import plain
from moderation.archive.wordpress.connection import Connection, Parameters
from moderation.archive.wordpress.errors import Refused
from moderation.archive.wordpress.resources import RemoteComment
from moderation.comment import Article

_KEPT = 500
"""Articles in memory; comments near each other in time mostly stand under the same few."""

_WAYS: tuple[Parameters, ...] = (
    {"context": "edit", "status": "any"},  # the words as they were written, as in an export
    {"context": "view"},  # for users who may not edit articles, and for what has no status
)


class Articles:
    """The articles of one WordPress, with the newest that were asked for kept in memory."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[int, Article] = {}

    def of(self, comments: Iterable[RemoteComment]) -> Mapping[int, Article]:
        """Return the comments' articles by their numbers.

        An article that the blog does not give out, as from its trash, has its number only.

        Raises
        ------
        SiteError
            If the blog does not answer sensibly.
        """
        wanted: dict[str | None, set[int]] = defaultdict(set)
        numbers = set()
        for comment in comments:
            if comment.post > 0:
                numbers.add(comment.post)
                wanted[comment.collection].add(comment.post)
        self._forget(keep=numbers)
        for collection, posts in wanted.items():
            missing = posts - self._known.keys()
            if collection and missing:
                self._known |= self._ask(collection, missing)
        return {number: self._known.get(number, Article(id=str(number))) for number in numbers}

    def _forget(self, keep: set[int]) -> None:
        if len(self._known) > _KEPT:
            self._known = {number: self._known[number] for number in keep & self._known.keys()}

    def _ask(self, collection: str, numbers: set[int]) -> dict[int, Article]:
        include = ",".join(str(number) for number in sorted(numbers))
        for way in _WAYS:
            fields = "id,title,content,link"
            parameters = {**way, "include": include, "per_page": 100, "_fields": fields}
            try:
                told = self._connection.get(f"/wp/v2/{collection}", parameters).content
            except Refused as error:
                if error.status not in (400, 401, 403, 404):
                    raise
            else:
                return dict(_articles(told))
        return {}


def _articles(told: Any) -> Iterator[tuple[int, Article]]:
    for each in told if isinstance(told, list) else ():
        if isinstance(each, dict) and isinstance(number := each.get("id"), int):
            link = each.get("link")
            yield (
                number,
                Article(
                    title=_words(each.get("title")),
                    text=_words(each.get("content")),
                    id=str(number),
                    url=link if isinstance(link, str) and link else None,
                ),
            )


def _words(told: Any) -> str:
    if not isinstance(told, dict):
        return ""
    return plain(str(told.get("raw", told.get("rendered", ""))))
