"""Deferring, claims, and the random sample of what the machine approved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from moderation.comment import Action, Comment
from moderation.desk import Desk, State, UnknownComment
from moderation.desk.deciding import CLAIM_LASTS
from moderation.store import Filter, Listing

Sampling = Callable[[float], Desk]


def ids(desk: Desk, listing: Listing) -> list[str | None]:
    return [item.comment.id for item in desk.listing(listing, limit=500).items]


@pytest.fixture
def held(desk: Desk) -> Desk:
    """A desk with one held comment, 4711."""
    desk.submit(Comment("Du Trottel!", id="4711"))
    return desk


def test_a_deferred_comment_waits_in_its_own_list_with_who_asked_and_why(held: Desk) -> None:
    deferral = held.decide("4711", Action.DEFER, "eva", note="Ironie?", version=1)

    assert ids(held, Listing.FLAGGED) == ids(held, Listing.UNCERTAIN) == []
    (item,) = held.listing(Listing.DEFERRED).items
    assert item.in_force == deferral
    assert item.state is State.DEFERRED
    assert held.comment("4711").in_force == deferral


def test_a_second_opinion_decides_and_is_taken_back_step_by_step(held: Desk) -> None:
    deferral = held.decide("4711", Action.DEFER, "eva", version=1)
    decision = held.decide("4711", Action.APPROVE, "max", version=2)
    assert decision.supersedes == deferral.id
    assert ids(held, Listing.DECIDED) == ["4711"]

    held.undo("4711", "max", version=3)
    assert held.comment("4711").in_force == deferral
    assert ids(held, Listing.DEFERRED) == ["4711"]
    held.undo("4711", "eva", version=4)
    assert held.comment("4711").in_force is None
    assert ids(held, Listing.FLAGGED) == ["4711"]


def test_an_edit_brings_a_deferred_comment_back_to_the_queue(held: Desk) -> None:
    held.decide("4711", Action.DEFER, "eva", version=1)
    held.submit(Comment("Danke!", id="4711"))

    assert held.comment("4711").state is State.HELD
    assert ids(held, Listing.FLAGGED) == ["4711"]


def test_a_claim_tells_others_who_is_at_it_until_it_runs_out(held: Desk, clock: Any) -> None:
    claim = held.claim("4711", "eva")
    assert held.claim("4711", "max") == claim
    assert held.comment("4711").claim == claim
    assert held.listing(Listing.FLAGGED).items[0].claim == claim
    assert held.claims() == {"4711": claim}

    clock.now += CLAIM_LASTS
    assert held.comment("4711").claim is None
    assert held.listing(Listing.FLAGGED).items[0].claim is None
    assert held.claims() == {}
    assert held.claim("4711", "max").moderator == "max"


def test_a_claim_is_renewed_and_released_by_its_holder_only(held: Desk) -> None:
    first = held.claim("4711", "eva")
    assert held.claim("4711", "eva").until > first.until
    held.release("4711", "max")
    assert held.claims()["4711"].moderator == "eva"
    held.release("4711", "eva")
    held.release("4711", "eva")
    assert held.claims() == {}


def test_a_claim_blocks_nobody_and_ends_with_a_decision(held: Desk) -> None:
    held.claim("4711", "eva")
    held.decide("4711", Action.APPROVE, "max", version=1)
    assert held.claims() == {}


def test_what_is_not_there_cannot_be_claimed(held: Desk) -> None:
    for comment_id in ("nie da", "a\0b"):
        with pytest.raises(UnknownComment):
            held.claim(comment_id, "eva")
        held.release(comment_id, "eva")


def test_the_sample_is_about_its_share_and_always_the_same(sampling: Sampling) -> None:
    half = sampling(0.5)
    for number in range(24):
        half.submit(Comment("Danke!", id=str(number)))
    sampled = ids(half, Listing.SAMPLE)

    assert 6 < len(sampled) < 18
    for comment_id in sampled[:3]:
        half.decide(str(comment_id), Action.APPROVE, "eva", version=1)
    assert ids(half, Listing.SAMPLE) == sampled[3:]
    for comment_id in sampled[:3]:
        half.undo(str(comment_id), "eva", version=2)
    assert ids(half, Listing.SAMPLE) == sampled


def test_a_share_of_nothing_or_everything_samples_that(desk: Desk, sampling: Sampling) -> None:
    sampling(0.0).submit(Comment("Danke!", id="nichts"))
    sampling(1.0).submit(Comment("Danke!", id="alles"))
    sampling(1.0).submit(Comment("Du Trottel!", id="gehalten"))
    assert ids(desk, Listing.SAMPLE) == ["alles"]


def test_a_spot_check_that_finds_something_is_a_decision(sampling: Sampling) -> None:
    every = sampling(1.0)
    every.submit(Comment("Danke!", id="1"))
    every.decide("1", Action.REJECT, "eva", rule="thema", version=1)

    assert every.comment("1").state is State.REJECTED
    assert ids(every, Listing.SAMPLE) == []
    assert every.listing_counts(Filter())[Listing.DECIDED] == 1
