"""A comment taken apart once, for all features that look at it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

from moderation.classifier.normalise import NormalisedText, normalise
from moderation.classifier.tokens import Word, tokens, words
from moderation.comment import Comment

__all__ = ["Document", "taken_apart"]

_REMEMBERED = 1024
"""Texts; a comment is soon met again as the parent of another, and spam comes in heaps."""


@dataclass(frozen=True)
class Document:
    """A comment with its normalised text and the words of that text (``tokens``)."""

    comment: Comment
    normalised: NormalisedText
    tokens: tuple[str, ...]

    @classmethod
    def of(cls, comment: Comment) -> Document:
        """Normalise and split a comment."""
        return cls(comment, *taken_apart(comment.text))

    @cached_property
    def words(self) -> list[Word]:
        """The tokens, each with its place."""
        return words(self.normalised.text)


@lru_cache(maxsize=_REMEMBERED)
def taken_apart(text: str) -> tuple[NormalisedText, tuple[str, ...]]:
    """Return a text normalised, and the words of that."""
    normalised = normalise(text)
    return normalised, tokens(normalised.text)
