"""What the blog will hear of is written together with what happened."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from moderation.comment import Action, Comment
from moderation.desk import Desk, StaleVersion


def outbox(database_url: str) -> list[tuple[str, dict[str, Any]]]:
    engine = create_engine(database_url)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT kind, payload FROM events ORDER BY id")).all()
    engine.dispose()
    return [(kind, json.loads(body) if isinstance(body, str) else body) for kind, body in rows]


def test_each_change_leaves_one_event_that_tells_the_state_and_version(
    desk: Desk, database_url: str
) -> None:
    desk.submit(Comment("Danke!", id="1"))
    desk.submit(Comment("Danke!", id="1"))
    desk.submit(Comment("Du Trottel!", id="1"))
    decision = desk.decide("1", Action.REJECT, "eva", rule="respekt", version=2)
    desk.undo("1", "max", version=3)
    desk.retract("1")
    desk.retract("1")

    events = outbox(database_url)
    assert [(kind, body["state"], body["version"]) for kind, body in events] == [
        ("comment.submitted", "approved", 1),
        ("comment.edited", "held", 2),
        ("comment.decided", "rejected", 3),
        ("comment.decided", "held", 4),
        ("comment.retracted", "retracted", 5),
    ]
    assert {body["comment"] for _, body in events} == {"1"}
    assert events[2][1]["decision"] == {
        "id": decision.id,
        "action": "reject",
        "moderator": "eva",
        "rule": "respekt",
        "message": None,
        "source": "individual",
        "supersedes": None,
    }


def test_what_was_refused_or_only_assessed_leaves_no_event(desk: Desk, database_url: str) -> None:
    desk.submit(Comment("Du Trottel!", id="1"))
    desk.assess(Comment("Du Trottel!", id="2"))
    with pytest.raises(StaleVersion):
        desk.decide("1", Action.REJECT, "eva", version=7)

    assert len(outbox(database_url)) == 1


def test_no_event_repeats_the_words_of_a_comment_or_a_note(desk: Desk, database_url: str) -> None:
    desk.submit(Comment("Kanarienvogel", id="1", author="Kanari"))
    desk.submit(Comment("Kanarienvögel", id="1"))
    desk.decide("1", Action.REJECT, "eva", note="Kanari!", version=2)

    assert "Kanari" not in json.dumps(outbox(database_url), ensure_ascii=False)
