"""Whatever people and authors do, in any order, some things always hold."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from moderation.comment import Action, Comment, Decision, Outcome
from moderation.desk import CommentRetracted, Desk, NothingToUndo, StaleVersion, State
from moderation.store import Listing

TEXTS = ["Danke!", "Danke für den Test!", "Du Trottel!", "Ihr Trottel, https://casino.example"]
STATE_AFTER = {
    Action.APPROVE: State.APPROVED,
    Action.REJECT: State.REJECTED,
    Action.DEFER: State.DEFERRED,
}
ACTIONS = st.sampled_from(list(STATE_AFTER))


@dataclass
class Expected:
    """What should be known of a comment: ``states`` are those an undo goes back through."""

    text: str
    states: list[State]
    version: int = 1
    retracted: bool = False
    past_texts: list[str] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)

    @property
    def state(self) -> State:
        return State.RETRACTED if self.retracted else self.states[-1]


def by_machine(text: str) -> State:
    return State.HELD if "Trottel" in text else State.APPROVED


class DeskAtWork(RuleBasedStateMachine):
    """Authors submit, edit and withdraw; moderators decide and undo."""

    comments = Bundle("comments")

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.expected: dict[str, Expected] = {}
        self.before = desk.counts()

    # With few comments more happens to each of them.
    @precondition(lambda self: len(self.expected) < 2)
    @rule(target=comments, text=st.sampled_from(TEXTS))
    def submit(self, text: str) -> str:
        submission = self.desk.submit(Comment(text))
        assert submission.comment.id is not None
        self.expected[submission.comment.id] = Expected(text, [by_machine(text)])
        return submission.comment.id

    @rule(target=comments, comment=comments, text=st.sampled_from(TEXTS))
    def submit_again(self, comment: str, text: str) -> object:
        expected = self.expected[comment]
        if expected.retracted and text != expected.text:
            with pytest.raises(CommentRetracted):
                self.desk.submit(Comment(text, id=comment))
            return multiple()
        submission = self.desk.submit(Comment(text, id=comment))
        if text != expected.text:
            expected.past_texts.append(expected.text)
            expected.text = text
            expected.version += 1
            expected.states = [State.HELD if expected.decisions else by_machine(text)]
            wanted = Outcome.HOLD if expected.state is State.HELD else Outcome.APPROVE
            assert submission.verdict.outcome is wanted
        assert submission.state is expected.state
        return multiple()

    @rule(comment=comments, action=ACTIONS)
    def decide(self, comment: str, action: Action) -> None:
        expected = self.expected[comment]
        if expected.retracted:
            with pytest.raises(CommentRetracted):
                self.desk.decide(comment, action, "eva", version=expected.version)
            return
        decision = self.desk.decide(comment, action, "eva", version=expected.version)
        expected.decisions.append(decision)
        expected.states.append(STATE_AFTER[action])
        expected.version += 1

    @rule(comment=comments)
    def undo(self, comment: str) -> None:
        expected = self.expected[comment]
        if expected.retracted or len(expected.states) == 1:
            with pytest.raises(CommentRetracted if expected.retracted else NothingToUndo):
                self.desk.undo(comment, "eva", version=expected.version)
            return
        expected.decisions.append(self.desk.undo(comment, "eva", version=expected.version))
        expected.states.pop()
        expected.version += 1

    @rule(comment=comments, action=ACTIONS)
    def decide_on_an_old_page(self, comment: str, action: Action) -> None:
        expected = self.expected[comment]
        with pytest.raises(CommentRetracted if expected.retracted else StaleVersion):
            self.desk.decide(comment, action, "max", version=expected.version - 1)

    @rule(comment=comments)
    def retract(self, comment: str) -> None:
        self.desk.retract(comment)
        expected = self.expected[comment]
        if not expected.retracted:
            expected.retracted = True
            expected.version += 1

    @invariant()
    def every_comment_is_counted_where_it_stands(self) -> None:
        now = self.desk.counts()
        states = [expected.state for expected in self.expected.values()]
        for state in State:
            assert now[state] - self.before[state] == states.count(state)

    @invariant()
    def the_queue_holds_exactly_the_held(self) -> None:
        queue = {item.comment.id for item in self.desk.listing(Listing.FLAGGED, limit=500).items}
        for comment, expected in self.expected.items():
            assert (comment in queue) == (expected.state is State.HELD)

    def teardown(self) -> None:
        """Look at every comment: nothing is lost, no decision has changed."""
        for comment, expected in self.expected.items():
            item = self.desk.comment(comment)
            assert item.comment.text == expected.text
            assert item.state is expected.state
            assert item.version == expected.version
            assert item.decisions == tuple(expected.decisions)
            assert [past.text for past in item.past_texts] == expected.past_texts
        for comment in self.expected:
            self.desk.retract(comment)  # the next run starts with an empty queue


def test_no_sequence_of_actions_breaks_the_laws_of_the_desk(desk: Desk) -> None:
    run_state_machine_as_test(
        lambda: DeskAtWork(desk),
        settings=settings(
            max_examples=20,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
