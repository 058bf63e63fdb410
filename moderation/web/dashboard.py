"""The dashboard: what came in, what machine and people made of it, and where they disagree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from flask import render_template, request
from flask_login import login_required

from moderation.comment import Label
from moderation.desk import accounts
from moderation.runtime import runtime
from moderation.store import Agreement, Day, Tally
from moderation.web.charts import Box, Series, bar, columns
from moderation.web.language import (
    TIME_ZONE,
    day,
    gettext,
    in_language,
    lazy_gettext,
    ngettext,
    number,
)

SPANS = (7, 14, 30, 90)
"""Numbers of days that can be looked at."""

USUAL_SPAN = 14

VERDICTS = {
    "approved": lazy_gettext("automatisch freigegeben"),
    "held": lazy_gettext("zurückgehalten"),
    "rejected": lazy_gettext("automatisch abgelehnt"),
}
DECISIONS = {
    "approved": lazy_gettext("freigegeben"),
    "rejected": lazy_gettext("abgelehnt"),
    "deferred": lazy_gettext("um zweite Meinung gebeten"),
}
OPINIONS = {
    "both": lazy_gettext("beide: Verstoß"),
    "neither": lazy_gettext("beide: kein Verstoß"),
    "only_machine": lazy_gettext("nur die Maschine"),
    "only_people": lazy_gettext("nur Menschen"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table with its numbers as a bar; ``series`` in the order of the columns.

    ``key`` is an article's id at the blog.
    """

    name: str
    series: tuple[Series, ...]
    bar: tuple[Box, ...]
    share: float | None = None
    key: str | None = None

    @property
    def total(self) -> int:
        """Sum of its numbers."""
        return sum(one.total for one in self.series)


@login_required
def dashboard() -> str:
    """Show the statistics of the last days."""
    span = _span(request.args.get("days", ""))
    last = datetime.now(ZoneInfo(TIME_ZONE)).date()
    first = last - timedelta(days=span - 1)
    found = runtime().desk.statistics(first, last, ZoneInfo(TIME_ZONE))
    verdicts = _series(VERDICTS, found.days)
    return render_template(
        "web/dashboard.html",
        spans=SPANS,
        span=span,
        submitted=sum(one.submitted for one in found.days),
        decided=sum(one.decided for one in found.days),
        median_seconds=found.median_seconds,
        verdicts=verdicts,
        verdict_bar=bar(verdicts),
        days=found.days,
        chart=columns([_short(one.day) for one in found.days], verdicts, write=number),
        chart_description=_described(found.days),
        # the rules file may have lost a rule since; its id is its name then
        by_rule=_rows(
            found.by_rule,
            {"rejected": DECISIONS["rejected"]},
            {rule.id: in_language(rule.name) for rule in runtime().rules.rules},
        ),
        by_moderator=_rows(
            found.by_moderator,
            DECISIONS,
            {one.name: one.display_name for one in accounts.moderators(runtime().store)},
        ),
        by_article=_rows(found.by_article, DECISIONS, {}),
        decisions=DECISIONS,
        agreement=[
            _agreed(label, one) for label, one in found.agreement.items() if one.share is not None
        ],
        opinions=OPINIONS,
    )


def _span(wanted: str) -> int:
    return int(wanted) if wanted in map(str, SPANS) else USUAL_SPAN


def _short(of: date) -> str:
    # Translators: a pattern of the Unicode CLDR for a day without its year, not words.
    return day(of, gettext("d.M."))


def _series(
    names: Mapping[str, str], counted: Sequence[Day] | Sequence[Tally] | Sequence[Agreement]
) -> tuple[Series, ...]:
    return tuple(
        Series(key, str(name), tuple(getattr(one, key) for one in counted))
        for key, name in names.items()
    )


def _rows(
    tallies: Sequence[Tally], decisions: Mapping[str, str], names: Mapping[str, str]
) -> list[Row]:
    """Return a row for each tally, their bars to one scale.

    Parameters
    ----------
    decisions
        What is counted, by the name of its field.
    names
        What people read instead of a tally's own name, for those that are here.
    """
    counted = [(tally, _series(decisions, [tally])) for tally in tallies]
    most = max((sum(one.total for one in series) for _, series in counted), default=0)
    return [
        Row(names.get(tally.name, tally.name), series, bar(series, of=most), key=tally.key)
        for tally, series in counted
    ]


def _agreed(label: Label, found: Agreement) -> Row:
    series = _series(OPINIONS, [found])
    name = in_language(runtime().rules.rule_for(label).name)
    return Row(name, series, bar(series), share=found.share)


def _described(days: Sequence[Day]) -> str:
    """Return in one or two sentences what the columns show."""
    total = sum(one.submitted for one in days)
    if not total:
        return gettext("In diesem Zeitraum kam kein Kommentar.")
    most = max(days, key=lambda one: one.submitted)
    return ngettext(
        "Ein Kommentar vom %(first)s bis %(last)s.",
        "%(count)s Kommentare vom %(first)s bis %(last)s; "
        "der stärkste Tag war der %(top)s mit %(most)s.",
        total,
        count=number(total),
        first=day(days[0].day),
        last=day(days[-1].day),
        top=day(most.day),
        most=number(most.submitted),
    )
