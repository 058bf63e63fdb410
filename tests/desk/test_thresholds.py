"""Thresholds that admins change, and what the explorer says of others."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from moderation.comment import Action, Comment, Label, Outcome
from moderation.desk import Desk, InvalidInput, State
from moderation.store import Listing, Store, ThresholdImpact

INSULTED, FINE = 0.987654, 0.012345
"""Scores of the word list for `Label.DISPARAGING` with and without its word."""


def test_a_change_holds_for_new_comments_in_every_worker_at_once(
    desk: Desk, desk_with_newer_model: Desk
) -> None:
    desk.submit(Comment("Danke!", id="vorher"))
    desk.apply_threshold(Label.DISPARAGING, 0.01, "ada")
    submitted = desk_with_newer_model.submit(Comment("Danke!", id="nachher"))
    only_assessed = desk_with_newer_model.assess(Comment("Danke!"))

    for answer in (submitted, only_assessed):
        assert answer.verdict.outcome is Outcome.HOLD
        assert answer.rules[Label.DISPARAGING].threshold == 0.01
        assert answer.rules[Label.SPAM].threshold == 0.5
    assert desk.comment("vorher").state is State.APPROVED
    assert desk_with_newer_model.thresholds()[Label.DISPARAGING] == 0.01


def test_who_changed_what_when_is_kept_newest_first(desk: Desk) -> None:
    assert desk.threshold_history() == ()
    first = desk.apply_threshold(Label.SPAM, 0.3, "ada")
    second = desk.apply_threshold(Label.SPAM, None, "bob")

    assert desk.threshold_history() == (second, first)
    assert (first.label, first.before, first.after, first.moderator) == (
        Label.SPAM,
        None,
        0.3,
        "ada",
    )
    assert (second.before, second.after) == (0.3, None)
    assert second.at > first.at
    assert desk.thresholds() == dict.fromkeys(Label, 0.5)


def test_what_is_no_score_is_refused(desk: Desk) -> None:
    for value in (-0.1, 1.1, float("nan")):
        with pytest.raises(InvalidInput, match="a number from 0 to 1"):
            desk.apply_threshold(Label.SPAM, value, "ada")
        with pytest.raises(InvalidInput):
            desk.threshold_impact(Label.SPAM, value)
    assert desk.threshold_history() == ()


def test_comments_are_judged_by_the_last_known_thresholds_without_a_database(
    desk: Desk, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.apply_threshold(Label.DISPARAGING, 0.01, "ada")
    desk.assess(Comment("Danke!"))
    store.migrate("base")
    assert desk.assess(Comment("Danke!")).verdict.outcome is Outcome.HOLD


def test_the_impact_counts_what_would_come_out_otherwise(
    desk: Desk, sampling: Callable[[float], Desk]
) -> None:
    desk.submit(Comment("Du Trottel!", id="1"))
    desk.submit(Comment("Ihr Trottel!", id="2"))
    desk.submit(Comment("Ihr Trottel, https://casino.example", id="3"))
    sampling(1.0).submit(Comment("Danke!", id="4"))

    assert desk.threshold_impact(Label.DISPARAGING, 0.99) == ThresholdImpact(3, 2, 1, 0)
    assert desk.threshold_impact(Label.DISPARAGING, 0.01) == ThresholdImpact(3, 0, 1, 1)
    assert desk.threshold_impact(Label.DISPARAGING, 0.5) == ThresholdImpact(3, 0, 1, 0)


def test_effects_are_worked_out_from_what_people_decided_one_by_one(desk: Desk) -> None:
    for number in range(6):
        desk.submit(Comment("Du Trottel!", id=str(number)))
    desk.decide("0", Action.REJECT, "eva", rule="respekt", version=1)
    desk.decide("1", Action.REJECT, "eva", rule="respekt", version=1)
    desk.decide("2", Action.APPROVE, "eva", version=1)
    desk.decide("3", Action.REJECT, "eva", rule="werbung", version=1)  # says nothing of insults
    desk.decide("4", Action.REJECT, "eva", rule="respekt", version=1)
    desk.undo("4", "eva", version=2)
    desk.decide_many([("5", 1)], Action.REJECT, "eva", rule="respekt")

    found = desk.threshold_effects(Label.DISPARAGING)
    assert (found.comments, found.violations, found.in_force) == (3, 2, 0.5)
    assert [effect.threshold for effect in found.effects] == [0.5, INSULTED]
    for effect in found.effects:
        assert effect.precision == pytest.approx(2 / 3)
        assert (effect.recall, effect.miss_rate, effect.freed) == (1, 0, 0)


def test_a_spot_check_stands_for_all_that_were_approved_unseen(
    desk: Desk, sampling: Callable[[float], Desk]
) -> None:
    tenth = sampling(0.1)
    number = 0
    while tenth.listing_counts()[Listing.SAMPLE] < 2:
        tenth.submit(Comment("Danke!", id=f"fein {number}"))
        number += 1
    missed, fine = tenth.listing(Listing.SAMPLE).items
    tenth.decide(str(missed.comment.id), Action.REJECT, "eva", rule="respekt", version=1)
    tenth.decide(str(fine.comment.id), Action.APPROVE, "eva", version=1)
    tenth.submit(Comment("Du Trottel!", id="grob"))
    tenth.decide("grob", Action.REJECT, "eva", rule="respekt", version=1)

    lowest, in_force, highest = tenth.threshold_effects(Label.DISPARAGING).effects
    assert (lowest.threshold, lowest.freed, lowest.miss_rate) == (FINE, 0, 0)
    assert (in_force.threshold, highest.threshold) == (0.5, INSULTED)
    assert in_force.precision == 1
    assert in_force.miss_rate == pytest.approx(10 / 11)
    assert in_force.freed == pytest.approx(20 / 21)


def test_without_decisions_there_are_no_effects(desk: Desk) -> None:
    found = desk.threshold_effects(Label.SPAM)
    assert (found.comments, found.violations, found.effects) == (0, 0, ())
