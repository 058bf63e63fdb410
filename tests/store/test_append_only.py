"""The database itself keeps decisions as they were made, whoever is connected to it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import create_engine, exc, text

from moderation.comment import Comment
from moderation.store import Judgement, State, Store


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE decisions SET action = 'approve'",
        "UPDATE decisions SET note = 'x' WHERE id = 1",
        "DELETE FROM decisions",
        "TRUNCATE decisions CASCADE",
    ],
)
def test_a_decision_can_neither_be_changed_nor_deleted(
    decided: Store, database_url: str, change: str
) -> None:
    if change.startswith("TRUNCATE") and database_url.startswith("sqlite"):
        change = "DELETE FROM decisions WHERE 1"  # SQLite has no other way to empty a table
    with decided.reading() as reader:
        before = reader.decisions("4711")

    engine = create_engine(database_url)
    with (
        engine.connect() as connection,
        pytest.raises(exc.DBAPIError, match="decisions are append-only"),
    ):
        connection.execute(text(change))
    engine.dispose()
    with decided.reading() as reader:
        assert reader.decisions("4711") == before != ()


def test_a_row_cannot_point_to_what_is_not_there(store: Store, judgement: Judgement) -> None:
    with pytest.raises(exc.IntegrityError), store.writing() as writer:
        writer.insert_comment(
            Comment("Danke!", id="1"),
            judgement,
            article_row=999,
            state=State.APPROVED,
            sampled=False,
            at=datetime.now(UTC),
        )
