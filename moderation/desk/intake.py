"""What may come in: values every supported database keeps exactly as they were sent."""

from __future__ import annotations

import re

from moderation.comment import Article, Comment, Parent
from moderation.desk.errors import InvalidInput

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")

LONGEST_ID = 255
"""Characters of an id."""

LONGEST_URL = 2048
"""Bytes of an article's URL; an index of PostgreSQL holds little more."""


def checked(comment: Comment) -> Comment:
    """Give the comment back with empty context left out.

    Raises
    ------
    InvalidInput
        If it has no text, or if anything in it could not be kept as it was sent.

    Examples
    --------
    >>> checked(Comment(text="Danke!", article=Article())).article is None
    True
    >>> checked(Comment(text=" "))
    Traceback (most recent call last):
    ...
    moderation.desk.errors.InvalidInput: text: A comment needs text; this one is empty.
    """
    if not comment.text.strip():
        raise InvalidInput("text", "A comment needs text; this one is empty.")
    check_words("text", comment.text)
    _check_id("id", comment.id)
    check_words("author", comment.author)
    for number, text in enumerate(comment.thread):
        check_words(f"thread.{number}", text)
    return Comment(
        text=comment.text,
        id=comment.id,
        author=comment.author,
        article=_article(comment.article),
        parent=_parent(comment.parent),
        thread=comment.thread,
        email_hash=comment.email_hash,
        address_hash=comment.address_hash,
    )


def check_words(field: str, words: str | None) -> None:
    """Make sure that words can be kept.

    Raises
    ------
    InvalidInput
        If there is a NUL character or half of a surrogate pair in them.
    """
    if words is not None and not is_storable(words):
        raise InvalidInput(
            field, "NUL characters and halves of surrogate pairs cannot be kept; remove them."
        )


def is_storable(words: str) -> bool:
    r"""Whether every supported database can keep these words; if not, none can contain them.

    Examples
    --------
    >>> [is_storable(words) for words in ("Grüße 🙂", "a\0b", "\ud83d")]
    [True, False, False]
    """
    return not _UNSTORABLE.search(words)


def _check_id(field: str, value: str | None) -> None:
    check_words(field, value)
    if value is not None and not 0 < len(value) <= LONGEST_ID:
        raise InvalidInput(field, f"An id has 1 to {LONGEST_ID} characters.")


def _article(article: Article | None) -> Article | None:
    if article is None or article == Article():
        return None
    _check_id("article.id", article.id)
    check_words("article.url", article.url)
    if article.url is not None and not 0 < len(article.url.encode()) <= LONGEST_URL:
        raise InvalidInput("article.url", f"A URL has 1 to {LONGEST_URL} bytes.")
    check_words("article.title", article.title)
    check_words("article.text", article.text)
    return article


def _parent(parent: Parent | None) -> Parent | None:
    if parent is None or (parent.id is None and not parent.text):
        return None
    _check_id("parent.id", parent.id)
    check_words("parent.text", parent.text)
    return parent
