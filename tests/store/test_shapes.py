"""A judgement comes back from the database exactly as it went in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moderation.comment import (
    Assessment,
    Comment,
    Evidence,
    EvidenceSource,
    Label,
    LabelAssessment,
    ModelVersion,
    Outcome,
    Reason,
    Span,
    Verdict,
)
from moderation.store import AppliedRule, Judgement, State, Store

scores = st.floats(0, 1) | st.floats(0, 1).map(lambda score: round(score, 6))
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
labels = st.sampled_from(list(Label))
spans = st.builds(Span, st.integers(0, 10**5), st.integers(0, 10**5), scores)
evidence = st.builds(Evidence, st.sampled_from(list(EvidenceSource)), texts, scores)
assessed = st.builds(
    LabelAssessment, scores, st.lists(spans, max_size=3).map(tuple), st.none() | evidence
)
judgements = st.builds(
    Judgement,
    assessment=st.builds(
        Assessment,
        labels=st.dictionaries(labels, st.none() | assessed),
        model=st.builds(ModelVersion, st.just("2026.11.1"), st.just("f" * 64)),
    ),
    verdict=st.builds(
        Verdict,
        st.sampled_from(list(Outcome)),
        st.lists(labels, unique=True).map(tuple),
        st.lists(st.builds(Reason, labels, texts, texts, texts), max_size=3).map(tuple),
    ),
    rules=st.dictionaries(labels, st.builds(AppliedRule, texts, st.none() | scores)),
)
_numbers = count()


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(judgement=judgements)
def test_any_judgement_comes_back_as_it_went_in(store: Store, judgement: Judgement) -> None:
    comment_id = str(next(_numbers))
    now = datetime.now(UTC)
    with store.writing() as writer:
        writer.insert_comment(
            Comment("Danke!", id=comment_id),
            judgement,
            article_row=None,
            state=State.HELD,
            sampled=False,
            at=now,
        )
    with store.reading() as reader:
        item = reader.comment(comment_id)

    assert item is not None
    assert item.assessment == judgement.assessment
    assert list(item.assessment.labels) == list(judgement.assessment.labels)
    assert item.verdict == judgement.verdict
    assert item.rules == judgement.rules


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=5, minutes=30))])
def test_a_time_comes_back_in_utc_to_the_microsecond(store: Store, zone: timezone) -> None:
    at = datetime(2026, 3, 29, 2, 30, 0, 123456, tzinfo=zone)
    with store.writing() as writer:
        writer.insert_token("blog", frozenset(), sha256="0" * 64, expires_at=at, at=at)
    with store.reading() as reader:
        (token,) = reader.tokens()

    assert token.expires_at == at
    assert token.expires_at.tzinfo is UTC


def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    at = datetime(2026, 3, 29, 2, 30)
    with pytest.raises(Exception, match="needs a time zone"), store.writing() as writer:
        writer.insert_token("blog", frozenset(), sha256="0" * 64, expires_at=at, at=at)
