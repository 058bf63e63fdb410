"""A few stored comments to ask and change things about."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from moderation.comment import (
    Action,
    Assessment,
    Comment,
    DecisionSource,
    Label,
    LabelAssessment,
    ModelVersion,
    Outcome,
    Verdict,
)
from moderation.store import AppliedRule, Judgement, NewDecision, Settled, State, Store

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
JUDGEMENT = Judgement(
    assessment=Assessment(
        labels={Label.DISPARAGING: LabelAssessment(0.9), Label.OFF_TOPIC: None},
        model=ModelVersion("2026.11.1", "0" * 64),
    ),
    verdict=Verdict(Outcome.HOLD, (Label.DISPARAGING,), ()),
    rules={Label.DISPARAGING: AppliedRule("respekt", 0.5)},
)


@pytest.fixture
def judgement() -> Judgement:
    """What a model says of a comment that it holds."""
    return JUDGEMENT


@pytest.fixture
def decided(store: Store) -> Store:
    """A store with one comment, 4711, and one decision about it."""
    with store.writing() as writer:
        row = writer.insert_comment(
            Comment("Du Trottel!", id="4711"),
            JUDGEMENT,
            article_row=None,
            state=State.HELD,
            sampled=False,
            at=NOW,
        )
        assert row is not None
        locked = writer.lock("4711")
        assert locked is not None
        (decision,) = writer.append_decisions(
            [
                NewDecision(
                    locked=locked,
                    action=Action.REJECT,
                    moderator="eva",
                    at=NOW,
                    source=DecisionSource.INDIVIDUAL,
                    supersedes=None,
                    rule="respekt",
                )
            ]
        )
        writer.settle([Settled(locked, State.REJECTED, in_force=decision, sampled=False)])
    return store
