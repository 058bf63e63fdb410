"""Lists in any order and however narrowed, compared with sorting and filtering in plain Python."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moderation.comment import (
    Action,
    Article,
    Assessment,
    Comment,
    DecisionSource,
    Label,
    LabelAssessment,
    ModelVersion,
    Outcome,
    Verdict,
)
from moderation.desk import Desk, State
from moderation.store import (
    AppliedRule,
    Filter,
    Judgement,
    Listing,
    NewDecision,
    Settled,
    SortKey,
    Store,
    Writer,
)
from moderation.store.entries import UNCERTAIN_FROM
from moderation.store.records import closeness
from moderation.store.search import words_of

START = datetime(2026, 11, 1, 12, tzinfo=UTC)
THRESHOLD = 0.5
SCORES = [0.0, 0.2, 0.4, 0.5, 0.5, 0.7, 0.9, 1.0]
WORDS = ["Akku", "über", "Überlänge", "Straße", "Müller", "Café", "5G", "Fünf", "foo_bar", "🙂"]
AUTHORS = ["Eva", "eva", "M. Müller", None]
STATE_AFTER = {
    Action.APPROVE: State.APPROVED,
    Action.REJECT: State.REJECTED,
    Action.DEFER: State.DEFERRED,
}


@dataclass(frozen=True, slots=True)
class Known:
    """A stored comment as the test knows it; ``place`` grows with the order of arrival."""

    place: int
    text: str
    author: str | None
    article: int
    scores: dict[Label, float]
    model: str
    submitted_at: datetime
    action: Action | None
    decided_at: datetime
    sampled: bool

    @property
    def flagged(self) -> list[Label]:
        return [label for label, score in self.scores.items() if score >= THRESHOLD]

    @property
    def lists(self) -> set[Listing]:
        if self.action is Action.DEFER:
            return {Listing.DEFERRED}
        if self.action:
            return {Listing.DECIDED}
        if self.flagged:
            uncertain = self.uncertainty(None) >= UNCERTAIN_FROM
            return {Listing.FLAGGED, Listing.UNCERTAIN} if uncertain else {Listing.FLAGGED}
        return {Listing.SAMPLE} if self.sampled else set()

    def age(self, listing: Listing) -> datetime:
        return self.decided_at if listing is Listing.DECIDED else self.submitted_at

    def score(self, label: Label | None) -> float:
        return self.scores[label] if label else max(self.scores.values(), default=0.0)

    def uncertainty(self, label: Label | None) -> float:
        scores = [self.scores[label]] if label else self.scores.values()
        return max((closeness(score, THRESHOLD) for score in scores), default=0.0)

    def matches(self, listing: Listing, asked: Filter) -> bool:
        if listing not in self.lists:
            return False
        if asked.label and asked.label not in self.scores:
            return False
        if asked.label and (listing is Listing.SAMPLE) == (asked.label in self.flagged):
            return False
        words = words_of(self.text)
        return (
            (asked.score_from is None or self.score(asked.label) >= asked.score_from)
            and (
                asked.score_to is None
                or asked.score_to >= 1
                or self.score(asked.label) < asked.score_to
            )
            and asked.article in (None, f"a{self.article}")
            and asked.author in (None, self.author)
            and (asked.since is None or self.age(listing) >= asked.since)
            and (asked.until is None or self.age(listing) < asked.until)
            and asked.model in (None, self.model)
            and all(
                any(word.startswith(start) for word in words)
                for start in words_of(asked.words or "")
            )
        )

    def key(self, listing: Listing, sort: SortKey, label: Label | None) -> tuple[object, ...]:
        values: dict[SortKey, tuple[object, ...]] = {
            SortKey.AGE: (self.age(listing),),
            SortKey.SCORE: (self.score(label),),
            SortKey.UNCERTAINTY: (self.uncertainty(label),),
            SortKey.ARTICLE: (self.article, self.age(listing)),
        }
        return (*values[sort], self.place)


def invented(place: int, chance: random.Random) -> Known:
    labels = chance.sample(list(Label), chance.choice((0, 2, 3, 3)))
    return Known(
        place=place,
        text=" ".join(chance.sample(WORDS, 4)),
        author=chance.choice(AUTHORS),
        article=chance.randrange(4),
        scores={label: chance.choice(SCORES) for label in labels},
        model=chance.choice(("2026.1", "2026.2")),
        submitted_at=START + timedelta(hours=chance.randrange(4)),
        action=chance.choice([None, None, *STATE_AFTER]),
        decided_at=START + timedelta(days=1, hours=chance.randrange(3)),
        sampled=chance.random() < 0.5,
    )


def keep(writer: Writer, known: Known) -> None:
    judgement = Judgement(
        Assessment(
            {label: LabelAssessment(score) for label, score in known.scores.items()},
            ModelVersion(known.model, "0" * 64),
        ),
        Verdict(Outcome.HOLD if known.flagged else Outcome.APPROVE, tuple(known.flagged), ()),
        {label: AppliedRule(label.value, THRESHOLD) for label in known.scores},
    )
    article = Article(f"Artikel {known.article}", id=f"a{known.article}")
    writer.insert_comment(
        Comment(known.text, id=str(known.place), author=known.author),
        judgement,
        article_row=writer.save_article(article, at=START) if known.article else None,
        state=State.HELD if known.flagged else State.APPROVED,
        sampled=known.sampled,
        at=known.submitted_at,
    )
    if known.action is None:
        return
    locked = writer.lock(str(known.place))
    assert locked is not None
    (decision,) = writer.append_decisions(
        [
            NewDecision(
                locked,
                known.action,
                "eva",
                known.decided_at,
                DecisionSource.INDIVIDUAL,
                supersedes=None,
            )
        ]
    )
    writer.settle([Settled(locked, STATE_AFTER[known.action], decision, known.sampled)])


@pytest.fixture
def known(store: Store) -> list[Known]:
    """Comments with many ties in everything they can be sorted by, as they are stored."""
    chance = random.Random(7)
    comments = [invented(place, chance) for place in range(70)]
    with store.writing() as writer:
        for number in (1, 2, 3):  # so that articles get their numbers in order; 0 is none
            writer.save_article(Article(f"Artikel {number}", id=f"a{number}"), at=START)
        for comment in comments:
            keep(writer, comment)
    return comments


Order = tuple[SortKey, bool]
orders = st.tuples(st.sampled_from(SortKey), st.booleans())
optional = st.one_of(st.none(), st.none(), st.none(), st.sampled_from(SCORES))
filters = st.builds(
    Filter,
    label=st.one_of(st.none(), st.sampled_from(Label)),
    score_from=optional,
    score_to=optional,
    article=st.sampled_from([None, None, None, "a1", "a2", "nirgends"]),
    author=st.sampled_from([None, None, None, "Eva", "M. Müller", "eva'--"]),
    since=st.sampled_from([None, None, START + timedelta(hours=1), START + timedelta(days=1)]),
    until=st.sampled_from([None, None, START + timedelta(hours=3), START + timedelta(days=2)]),
    model=st.sampled_from([None, None, None, "2026.1", "2027"]),
    words=st.sampled_from(
        [None, None, None, "akku", "UEBER", "üb", "ak stras", "mül caf", "bar", "kku", ""]
    ),
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(listing=st.sampled_from(Listing), asked=filters, order=orders, limit=st.integers(1, 12))
def test_pages_together_are_the_list_sorted_and_filtered(
    desk: Desk, known: list[Known], *, listing: Listing, asked: Filter, order: Order, limit: int
) -> None:
    sort, descending = order
    expected = sorted(
        (comment for comment in known if comment.matches(listing, asked)),
        key=lambda comment: comment.key(listing, sort, asked.label),
        reverse=descending,
    )

    found: list[str | None] = []
    after = None
    while True:
        page = desk.listing(
            listing, asked, sort=sort, descending=descending, limit=limit, after=after
        )
        found += [item.comment.id for item in page.items]
        assert len(page.items) == limit or page.next is None
        after = page.next
        if after is None:
            break
    assert found == [str(comment.place) for comment in expected]
    assert desk.listing_counts(asked)[listing] == len(expected)
    by_age = sorted(expected, key=lambda comment: comment.key(listing, SortKey.AGE, None))
    assert [comment_id for comment_id, _ in desk.matching(listing, asked, limit=5)] == [
        str(comment.place) for comment in by_age[:5]
    ]


def test_histograms_count_the_scores_of_what_a_filter_finds(desk: Desk, known: list[Known]) -> None:
    asked = [Filter(), Filter(label=Label.SPAM), Filter(author="Eva", score_from=0.5)]
    for listing, narrowed, label in product(Listing, asked, Label):
        counts = desk.histogram(listing, narrowed, label, bins=10)
        expected = [0] * 10
        for comment in known:
            if comment.matches(listing, narrowed) and label in comment.scores:
                expected[min(int(comment.scores[label] * 10), 9)] += 1
        assert counts == tuple(expected), (listing, narrowed, label)


def test_a_part_of_a_histogram_is_what_the_filter_of_its_ends_finds(
    desk: Desk, known: list[Known]
) -> None:
    counts = desk.histogram(Listing.FLAGGED, Filter(label=Label.SPAM), Label.SPAM, bins=20)
    for part, number in enumerate(counts):
        asked = Filter(label=Label.SPAM, score_from=part / 20, score_to=(part + 1) / 20)
        assert desk.listing_counts(asked)[Listing.FLAGGED] == number
    assert sum(counts) > 5


def test_a_list_tells_the_decision_in_force_and_the_uncertainty(
    desk: Desk, known: list[Known]
) -> None:
    for listing in Listing:
        for item in desk.listing(listing, limit=500).items:
            expected = known[int(item.comment.id or "")]
            assert (item.in_force and item.in_force.action) == expected.action
            assert item.uncertainty == expected.uncertainty(None)


def test_counting_stops_where_it_would_take_long(
    desk: Desk, known: list[Known], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("moderation.desk.lists.LARGEST_COUNT", 3)
    assert desk.listing_counts()[Listing.DECIDED] == 3
