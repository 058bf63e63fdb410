"""The demo: two weeks at the desk, invented, and the command that loads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from moderation import demo
from moderation.comment import Action
from moderation.demo import Arrival, Verdict, story
from moderation.desk import accounts
from moderation.settings import PROJECT_ROOT
from moderation.store import Role, State

SEEDS = PROJECT_ROOT / "seeds"
NOW = datetime(2026, 11, 22, 11, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def told() -> list[Arrival | Verdict]:
    return story(SEEDS, NOW)


def test_the_story_is_told_in_order_and_ends_now(told):
    times = [step.at for step in told]
    assert times == sorted(times)
    assert NOW - timedelta(days=14) < times[0]
    assert times[-1] <= NOW


def test_an_answer_comes_after_what_it_answers_and_a_decision_after_its_comment(told):
    seen: set[str] = set()
    for step in told:
        if isinstance(step, Verdict):
            assert step.seed.id in seen
            continue
        parent = step.seed.comment.parent
        assert parent is None or parent.id in seen
        seen.add(step.seed.id)


def test_several_colleagues_decide_in_the_daytime_and_leave_some_for_the_visitor(told):
    verdicts = [step for step in told if isinstance(step, Verdict)]
    assert {one.moderator for one in verdicts} == set(demo.COLLEAGUES)
    assert {one.action for one in verdicts} == {Action.APPROVE, Action.REJECT, Action.DEFER}
    assert {one.at.astimezone(demo.ZONE).hour for one in verdicts} <= set(demo.DAY)
    newest = {
        step.seed.id
        for step in told
        if isinstance(step, Arrival) and step.at >= NOW - demo.STILL_WAITING
    }
    assert newest
    assert newest.isdisjoint(one.seed.id for one in verdicts)


def test_the_same_story_is_told_every_time(told):
    assert story(SEEDS, NOW) == told


def test_the_command_loads_the_demo_once_and_says_how_to_log_in(installed, store, monkeypatch):
    monkeypatch.setattr(demo, "PUBLISHED", (timedelta(days=3), timedelta(hours=20)))
    first = CliRunner().invoke(demo.demo, [])
    assert first.exit_code == 0, first.output
    password = first.output.split("Password:")[1].split()[0]
    moderator = accounts.verify(store, "demo", password)
    assert moderator is not None
    assert moderator.role is Role.ADMIN
    with store.reading() as reader:
        counts = reader.counts()
    assert counts[State.HELD] > 0
    assert counts[State.APPROVED] > 0
    assert counts[State.REJECTED] > 0
    again = CliRunner().invoke(demo.demo, [])
    assert again.output.endswith(first.output[first.output.index("Desk:") :])
