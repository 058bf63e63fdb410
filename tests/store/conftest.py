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
from moderation.store import AppliedRule, Judgement, State, Store

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
def decided(store: Store) -> Store:
    """A store with one comment, 4711, and one decision about it."""
    with store.writing() as writer:
        row = writer.insert_comment(
            Comment("Du Trottel!", id="4711"), article_row=None, state=State.HELD, at=NOW
        )
        assert row is not None
        writer.add_assessment(row, JUDGEMENT, revision=1, at=NOW)
        locked = writer.lock("4711")
        assert locked is not None
        writer.append_decision(
            locked,
            Action.REJECT,
            moderator="eva",
            rule="respekt",
            note=None,
            source=DecisionSource.INDIVIDUAL,
            supersedes=None,
            at=NOW,
        )
        writer.set_state(locked, State.REJECTED)
    return store
