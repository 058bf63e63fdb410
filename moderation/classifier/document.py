"""A comment taken apart once, for all features that look at it."""

from __future__ import annotations

from dataclasses import dataclass

from moderation.classifier.normalise import NormalisedText, normalise
from moderation.classifier.tokens import Word, words
from moderation.comment import Comment

__all__ = ["Document"]


@dataclass(frozen=True, slots=True)
class Document:
    """A comment with its normalised text and the words of that text."""

    comment: Comment
    normalised: NormalisedText
    words: list[Word]

    @classmethod
    def of(cls, comment: Comment) -> Document:
        """Normalise and split a comment."""
        normalised = normalise(comment.text)
        return cls(comment, normalised, words(normalised.text))
