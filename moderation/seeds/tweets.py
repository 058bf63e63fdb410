"""What two readers said of GermEval's tweets by our rule; the tweets themselves are not ours."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from moderation.seeds.corpus import SeedsError, rows

__all__ = ["TWEETS_FILE", "TweetLabel", "TweetOpinion", "tweet_labels", "tweet_opinions"]

TWEETS_FILE = "tweets.jsonl"


class TweetLabel(StrEnum):
    """What a reader called a tweet."""

    FINE = "fine"
    DISPARAGING = "disparaging"
    PUBLIC_FIGURE = "public_figure"
    """Puts down a politician or a celebrity and nobody else: our rule does not speak of them."""


@dataclass(frozen=True, slots=True)
class TweetOpinion:
    """What both readers said of a tweet; ``id`` is its group in the corpus."""

    id: str
    first: TweetLabel
    second: TweetLabel

    @property
    def disparaging(self) -> bool | None:
        """Whether it is; None where the readers differ or only a public figure is put down."""
        if self.first != self.second or self.first is TweetLabel.PUBLIC_FIGURE:
            return None
        return self.first is TweetLabel.DISPARAGING


def tweet_opinions(folder: Path) -> tuple[TweetOpinion, ...]:
    """Read ``tweets.jsonl``; a corpus may do without it.

    Raises
    ------
    SeedsError
        If a line is not what it should be.
    """
    path = folder / TWEETS_FILE
    if not path.exists():
        return ()
    try:
        return tuple(
            TweetOpinion(str(row["id"]), TweetLabel(row["first"]), TweetLabel(row["second"]))
            for row in rows(path, needed={"id", "first", "second"})
        )
    except ValueError as error:
        raise SeedsError(f"{path}: {error}.") from None


def tweet_labels(folder: Path) -> dict[str, bool | None]:
    """Return the group of each tweet that was read to whether it is disparaging.

    Raises
    ------
    SeedsError
        If a line of ``tweets.jsonl`` is not what it should be.
    """
    return {each.id: each.disparaging for each in tweet_opinions(folder)}
