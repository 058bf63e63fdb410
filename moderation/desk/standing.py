"""Where a comment stands, worked out from what the machine recommends and people decided."""

from __future__ import annotations

from collections.abc import Iterable

from moderation.comment import Action, Decision, Outcome
from moderation.store import State

_BY_MACHINE = {
    Outcome.APPROVE: State.APPROVED,
    Outcome.HOLD: State.HELD,
    Outcome.REJECT: State.REJECTED,
}
_BY_PEOPLE = {
    Action.APPROVE: State.APPROVED,
    Action.REJECT: State.REJECTED,
    Action.DEFER: State.DEFERRED,
}


def standing(decisions: Iterable[Decision]) -> Decision | None:
    """Find the decision in force: the newest that no undo has taken back.

    Parameters
    ----------
    decisions
        All decisions about one text of a comment, oldest first.
    """
    in_force: list[Decision] = []
    for decision in decisions:
        if decision.action is Action.UNDO:
            in_force.pop()
        else:
            in_force.append(decision)
    return in_force[-1] if in_force else None


def state(recommended: Outcome, in_force: Decision | None) -> State:
    """Say where a comment stands that its author has not withdrawn."""
    return _BY_MACHINE[recommended] if in_force is None else _BY_PEOPLE[in_force.action]
