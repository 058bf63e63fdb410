"""Cutting a text at its spans loses and doubles nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from moderation.comment import Label, Span
from moderation.web.cards import stretches

LENGTH = 60
spans = st.tuples(
    st.sampled_from(list(Label)),
    st.tuples(st.integers(0, LENGTH + 5), st.integers(1, 20)).map(
        lambda place: Span(place[0], place[0] + place[1], 0.5)
    ),
)


@given(st.integers(0, LENGTH), st.lists(spans, max_size=8))
def test_the_stretches_together_are_the_text(length, marked):
    cut = list(stretches(length, marked))
    assert [position for start, end, _ in cut for position in range(start, end)] == list(
        range(length)
    )
    assert all(start < end for start, end, _ in cut)


@given(st.integers(0, LENGTH), st.lists(spans, max_size=8))
def test_every_character_is_marked_by_exactly_the_spans_over_it(length, marked):
    for start, end, covering in stretches(length, marked):
        for position in range(start, end):
            over = [found for found in marked if found[1].start <= position < found[1].end]
            assert covering == over
