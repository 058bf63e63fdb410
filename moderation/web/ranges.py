"""How one rule's scores are spread over a list, and a range of them to be decided as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flask import render_template, request
from flask_login import login_required

from moderation.comment import Label
from moderation.runtime import runtime
from moderation.store import Listing
from moderation.web.bulk import MOST_AT_ONCE, TYPED_ABOVE, covered, fingerprint
from moderation.web.cards import card
from moderation.web.view import LISTING_NAMES, View, chips, view_form

BINS = 20
"""Bars of the histogram; each is five percentage points wide."""

PREVIEWED = 10
"""Comments of the range that are shown before they are decided."""


@dataclass(frozen=True, slots=True)
class Bin:
    """One bar: the comments with scores in [``low``, ``high``), in percent.

    ``height`` is in percent of the highest bar; no comments at all have none.
    """

    low: float
    high: float
    count: int
    height: float


def bars(counts: Sequence[int]) -> tuple[Bin, ...]:
    """Turn counts of equally wide bins over [0, 1] into bars.

    Examples
    --------
    >>> [(bar.low, bar.high, bar.height) for bar in bars((1, 0, 4, 1000))]
    [(0.0, 25.0, 2.0), (25.0, 50.0, 0.0), (50.0, 75.0, 2.0), (75.0, 100.0, 100.0)]
    """
    width, most = 100 / len(counts), max(counts, default=0) or 1
    return tuple(
        # one comment among thousands is to be seen too
        Bin(place * width, (place + 1) * width, count, max(100 * count / most, 2.0 * bool(count)))
        for place, count in enumerate(counts)
    )


@login_required
def score_range() -> str:
    """Show the histogram of one rule's scores, and what lies in the marked range."""
    form = view_form()
    view = _of_one_rule(View.of(form))
    desk, rules = runtime().desk, runtime().rules
    label = view.filter(rules).label or next(iter(Label))
    marked = not form.errors and None not in (view.low, view.high)
    choices = covered(view) if marked else ()
    shown = desk.listing(view.list, view.filter(rules), limit=PREVIEWED) if marked else None
    whole = replace(view, low=None, high=None).filter(rules)
    return render_template(
        "web/histogram.html",
        view=view,
        form=form,
        chips=[chip for chip in chips(view, form) if chip.field not in ("rule", "low", "high")],
        bars=bars(desk.histogram(view.list, whole, label, bins=BINS)),
        threshold=desk.thresholds()[label],
        rule=rules.rule_for(label),
        marked=marked,
        count=len(choices),
        seen=fingerprint(choices),
        at_most=MOST_AT_ONCE,
        typed_above=TYPED_ABOVE,
        preview=[card(item, rules) for item in shown.items] if shown else [],
        back=request.full_path.rstrip("?"),
        listing_names={
            name: text for name, text in LISTING_NAMES.items() if name is not Listing.DECIDED
        },
    )


def _of_one_rule(view: View) -> View:
    """Return the view of one rule's scores; without a choice, of the first rule."""
    return view if view.rule else replace(view, rule=runtime().rules.rules[0].id)
