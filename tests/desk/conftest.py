"""A desk with the blog's real rules and a word list in place of a trained model.

The word list is what `moderation.desk.Assessor` asks for, no more; with it a test chooses a
comment's verdict by its text, in no time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from moderation.comment import (
    Assessment,
    Comment,
    Evidence,
    EvidenceSource,
    Label,
    LabelAssessment,
    ModelVersion,
    Span,
)
from moderation.desk import Desk
from moderation.rules import RuleBook
from moderation.settings import Settings
from moderation.store import Store

INSULT = "Trottel"
LINK = "https://casino.example"


class WordList:
    """Finds a comment disparaging or spam by one word each, and off-topic far from its article."""

    def __init__(self, version: str = "2026.11.1") -> None:
        self.version = ModelVersion(version, version.replace(".", "").ljust(64, "0"))

    def assess(self, comment: Comment, explain: bool = True) -> Assessment:
        return Assessment(
            labels={
                Label.DISPARAGING: self._by_word(comment.text, INSULT),
                Label.OFF_TOPIC: self._by_article(comment),
                Label.SPAM: self._by_word(comment.text, LINK),
            },
            model=self.version,
        )

    def _by_word(self, text: str, word: str) -> LabelAssessment:
        start = text.find(word)
        if start < 0:
            return LabelAssessment(0.012345)
        return LabelAssessment(0.987654, spans=(Span(start, start + len(word), 0.7123),))

    def _by_article(self, comment: Comment) -> LabelAssessment | None:
        article = comment.article
        if article is None or not (article.title or article.text):
            return None
        shared = set(comment.text.lower().split()) & set(article.text.lower().split())
        return LabelAssessment(
            0.1 if shared or comment.parent else 0.4,
            evidence=Evidence(EvidenceSource.ARTICLE, article.text or article.title, 0.333333),
        )


class Clock:
    """A clock that moves on by one second each time it is asked."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def desk_on(
    store: Store,
    *,
    model: str = "2026.11.1",
    clock: Clock | None = None,
    sample_share: float = 0.0,
) -> Desk:
    """Open a desk on any store; also called by the subprocesses of some tests."""
    rules = RuleBook.load(Settings().rules_file).with_thresholds(
        {label: {"0.02": 0.5} for label in Label}
    )
    timed = {"clock": clock} if clock else {}
    return Desk(store, WordList(model), rules, sample_share=sample_share, **timed)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(store: Store, clock: Clock) -> Desk:
    """A desk with nothing to do yet, once on each kind of database."""
    return desk_on(store, clock=clock)


@pytest.fixture
def at_once() -> Iterator[Callable[[Sequence[Callable[[], Any]]], list[Any]]]:
    """Run several calls at once, each in a thread; exceptions come back as results."""

    def outcome(call: Callable[[], Any]) -> Any:
        try:
            return call()
        except Exception as error:  # noqa: BLE001 - the test looks at what came out
            return error

    with ThreadPoolExecutor(8) as threads:
        yield lambda calls: list(threads.map(outcome, calls))


@pytest.fixture
def desk_with_newer_model(store: Store, clock: Clock) -> Desk:
    """A second desk on the same store, as after an update of the model."""
    return desk_on(store, model="2027.1.1", clock=clock)


@pytest.fixture
def sampling(store: Store, clock: Clock) -> Callable[[float], Desk]:
    """Open a desk on the same store that spot-checks a share of what the machine approves."""
    return lambda share: desk_on(store, clock=clock, sample_share=share)
