"""A comment by the columns of WordPress's table, as exports and the REST interface both tell it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from moderation.archive.plain import plain
from moderation.archive.record import ArchivedComment, Found, Problem, date_of, status_of
from moderation.comment import Article, Comment, Parent

_COMMENT_TYPES = {"", "comment"}  # the empty word until WordPress 5.5


def comment_of(told: Mapping[str, str], article: Article | None) -> Iterator[Found]:
    """Yield the comment that WordPress tells by the columns of its table, or what is wrong with it.

    Nothing is yielded for pingbacks and trackbacks.
    """
    if told.get("comment_type", "").strip() not in _COMMENT_TYPES:
        return
    comment_id = told.get("comment_id", "").strip() or None
    place = (
        f"comment {comment_id}" if comment_id else f"a comment of article {article and article.id}"
    )
    text = plain(told.get("comment_content", ""))
    if not text:
        yield Problem(place, "The comment has no text.")
        return
    date: datetime | None = None
    try:
        date = date_of(told.get("comment_date_gmt", "")) or date_of(told.get("comment_date", ""))
    except ValueError as error:
        yield Problem(place, f"{error} The comment is used without its date.")
    parent = told.get("comment_parent", "").strip()
    try:
        yield ArchivedComment(
            comment=Comment(
                text=text,
                id=comment_id,
                author=plain(told.get("comment_author", "")) or None,
                article=article,
                parent=None if parent in ("", "0") else Parent("", parent),
            ),
            place=place,
            status=status_of(told.get("comment_approved", "")),
            date=date,
        )
    except ValueError as error:
        yield Problem(place, str(error))
