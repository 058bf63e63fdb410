"""An address stands for a view: what it says is what is shown, and it can be shared."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from moderation.comment import Label
from moderation.store import Listing, SortKey
from moderation.web.view import ORDERS, View, view_form

words = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Z")), max_size=20
)  # what a browser sends of a line of text
percentages = st.none() | st.integers(0, 100).map(float)
days = st.none() | st.dates(date(2000, 1, 1), date(2100, 1, 1))
views = st.builds(
    View,
    list=st.sampled_from(Listing),
    sort=st.sampled_from(list(ORDERS)),
    rule=st.sampled_from(["", "respekt", "thema", "werbung"]),
    low=percentages,
    high=percentages,
    since=days,
    until=days,
    article=words,
    author=words,
    model=words,
    q=words,
)


@pytest.fixture
def request_context(app):
    with app.test_request_context("/queue"):
        yield


@given(view=views)
@effort(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
def test_the_address_of_a_view_leads_back_to_it(request_context, view):
    again = View.of(view_form(MultiDict(view.address())))
    assert (again.list, again.order, again.filter_fields) == (
        view.list,
        view.order,
        view.filter_fields,
    )


def test_the_plain_queue_has_a_plain_address(request_context):
    assert View().address() == {}
    assert View.of(view_form()) == View()


def test_every_list_but_the_decided_is_worked_through_from_its_beginning():
    assert View(list=Listing.DECIDED).order == (SortKey.AGE, True)
    assert View(list=Listing.DEFERRED).order == (SortKey.AGE, False)


def test_the_desk_is_asked_for_labels_shares_and_points_in_time(request_context, runtime):
    view = View(rule="thema", low=40.0, high=85.0, since=date(2026, 7, 1), until=date(2026, 7, 1))
    wanted = view.filter(runtime.rules)
    assert (wanted.label, wanted.score_from, wanted.score_to) == (Label.OFF_TOPIC, 0.4, 0.85)
    # one whole summer's day in Berlin
    assert wanted.since == datetime(2026, 6, 30, 22, tzinfo=UTC)
    assert wanted.until == datetime(2026, 7, 1, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    "address", ["rule=unbekannt", "low=viel", "high=101", "since=gestern", "q=" + "x" * 301]
)
def test_what_is_not_understood_is_told_and_does_not_filter(anna, request_context, address):
    name, _equals, value = address.partition("=")
    form = view_form(MultiDict({name: value}))
    assert form.errors
    assert not View.of(form).is_filtered
    anna.get(f"/queue?{address}")


def test_an_order_that_does_not_exist_is_the_usual_one(request_context):
    assert View.of(view_form(MultiDict({"sort": "farbe"}))) == View()


def test_a_list_that_does_not_exist_is_not_found(anna):
    assert "Hier ist nichts" in anna.get("/queue?list=alles", status=404)
