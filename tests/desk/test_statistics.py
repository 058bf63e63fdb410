"""Figures of a span of days: what came in, what people decided, whether the machine agreed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from moderation.comment import Action, Article, Comment, DecisionSource, Label
from moderation.desk import Desk
from moderation.store import Agreement, Day, Tally

BERLIN = ZoneInfo("Europe/Berlin")
FIRST, LAST = date(2026, 11, 21), date(2026, 11, 22)


@pytest.fixture
def shift(desk: Desk, clock: Any) -> Desk:
    """Two days of work: ten comments, of which people decided most."""
    clock.now = datetime(2026, 11, 21, 22, 30, tzinfo=UTC)  # half past eleven in Berlin
    for number in range(4):
        desk.submit(Comment("Du Trottel!", id=f"grob {number}", article=Article("Akku", id="a1")))
    desk.submit(Comment("Danke!", id="fein"))
    clock.now += timedelta(hours=1)
    for number in range(4, 8):
        desk.submit(Comment("Du Trottel!", id=f"grob {number}", article=Article("Netz", id="a2")))
    clock.now = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
    desk.decide("grob 0", Action.REJECT, "eva", rule="respekt", version=1)
    desk.decide("grob 1", Action.APPROVE, "max", version=1)
    desk.decide("grob 2", Action.DEFER, "eva", version=1)
    desk.decide("grob 2", Action.REJECT, "max", rule="werbung", version=2)
    desk.decide("grob 3", Action.APPROVE, "eva", version=1)
    desk.undo("grob 3", "eva", version=2)
    desk.decide("grob 3", Action.REJECT, "eva", rule="respekt", version=3)
    desk.decide_many([("grob 4", 1), ("grob 5", 1)], Action.REJECT, "eva", rule="respekt")
    desk.decide("fein", Action.REJECT, "max", rule="respekt", version=1)
    desk.decide("grob 6", Action.REJECT, None, source=DecisionSource.IMPORT, version=1)
    return desk


def test_days_begin_at_midnight_where_the_people_are(shift: Desk) -> None:
    assert shift.statistics(FIRST, LAST, BERLIN).days == (
        Day(FIRST, approved=1, held=4, rejected=0, decided=0),
        Day(LAST, approved=0, held=4, rejected=0, decided=7),
    )
    in_utc = shift.statistics(FIRST, LAST, UTC).days
    assert [day.submitted for day in in_utc] == [9, 0]


def test_decisions_are_counted_by_rule_article_and_moderator(shift: Desk) -> None:
    found = shift.statistics(FIRST, LAST, BERLIN)
    assert found.by_rule == (
        Tally("respekt", approved=0, rejected=5, deferred=0, key="respekt"),
        Tally("werbung", approved=0, rejected=1, deferred=0, key="werbung"),
    )
    assert found.by_article == (
        Tally("Akku", approved=1, rejected=3, deferred=1, key="a1"),
        Tally("Netz", approved=0, rejected=2, deferred=0, key="a2"),
    )
    assert found.by_moderator == (
        Tally("eva", approved=0, rejected=4, deferred=1, key="eva"),
        Tally("max", approved=1, rejected=2, deferred=0, key="max"),
    )


def test_machine_and_people_are_compared_by_peoples_first_decision_made_one_by_one(
    shift: Desk,
) -> None:
    agreement = shift.statistics(FIRST, LAST, BERLIN).agreement
    # "grob 0" and "grob 3" were rejected for what the machine flagged, "grob 1" approved, "fein"
    # missed; "grob 2" was rejected under another rule, which says nothing of this one.
    assert agreement[Label.DISPARAGING] == Agreement(both=2, only_machine=1, only_people=1)
    assert agreement[Label.SPAM] == Agreement(only_people=1, neither=1)
    assert agreement[Label.DISPARAGING].share == 0.5
    assert Agreement().share is None


def test_a_new_threshold_does_not_change_what_the_machine_had_said(shift: Desk) -> None:
    before = shift.statistics(FIRST, LAST, BERLIN).agreement
    shift.apply_threshold(Label.DISPARAGING, 0.999, "ada")
    shift.submit(Comment("Ihr seid alle Trottel!", id="grob 0"))
    assert shift.statistics(FIRST, LAST, BERLIN).agreement == before


def test_the_median_wait_ends_with_the_first_decision_that_stands(desk: Desk, clock: Any) -> None:
    for number in range(3):
        desk.submit(Comment("Du Trottel!", id=str(number)))
    desk.submit(Comment("Danke!", id="fein"))
    submitted = clock.now
    for number, minutes in enumerate((10, 30, 90)):
        clock.now = submitted + timedelta(minutes=minutes)
        desk.decide(str(number), Action.APPROVE, "eva", version=1)
        desk.decide(str(number), Action.REJECT, "max", version=2)
    desk.decide("fein", Action.APPROVE, "eva", version=1)  # nobody had waited for it
    found = desk.statistics(LAST, LAST, BERLIN).median_seconds
    assert found == pytest.approx(30 * 60, abs=5)


def test_an_edited_text_waits_from_its_edit(desk: Desk, clock: Any) -> None:
    desk.submit(Comment("Du Trottel!", id="1"))
    clock.now += timedelta(hours=5)
    desk.submit(Comment("Ihr Trottel!", id="1"))
    clock.now += timedelta(minutes=1)
    desk.decide("1", Action.APPROVE, "eva", version=2)
    assert desk.statistics(LAST, LAST, BERLIN).median_seconds == pytest.approx(60, abs=3)


def test_days_without_anything_are_days_too_and_years_are_cut(desk: Desk) -> None:
    found = desk.statistics(date(1999, 1, 1), LAST, BERLIN)
    assert len(found.days) == 366
    assert found.days[-1].day == LAST
    assert all(day.submitted == day.decided == 0 for day in found.days)
    assert (found.median_seconds, found.by_rule, found.by_moderator) == (None, (), ())
