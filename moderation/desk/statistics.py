"""Statistics: what came in, what people decided, and how often the machine agreed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from statistics import median

from moderation.comment import Action, DecisionSource, Label, Outcome
from moderation.desk.base import DeskPart
from moderation.store import Agreement, Day, PastDecision, Statistics, Tally

LONGEST_SPAN = 366
"""Days of one statistic; of a longer span the last ones are shown."""

MOST_ARTICLES = 10
"""Articles that are told apart."""

_FINAL = (Action.APPROVE, Action.REJECT)


class Counting(DeskPart):
    """Statistics; see `Desk`."""

    def statistics(self, first: date, last: date, zone: tzinfo) -> Statistics:
        """Work out the figures of a span of days, both ends included.

        Decisions that were taken back do not count. The machine's verdict is the one it had given
        when people first decided; whether the two agree is counted for decisions made one by
        one only, since decisions about many at once follow the machine's scores.

        Parameters
        ----------
        zone
            Where the days begin at midnight.
        """
        first = max(first, last - timedelta(days=LONGEST_SPAN - 1))
        days = [first + timedelta(days=each) for each in range((last - first).days + 1)]
        midnights = [datetime.combine(day, time(), zone) for day in days]
        midnights.append(datetime.combine(last + timedelta(days=1), time(), zone))
        with self._store.reading() as reader:
            outcomes = reader.figures.outcomes(list(pairwise(midnights)))
            decisions = list(reader.figures.decisions(midnights[0], midnights[-1]))
        decided = Counter(
            each.at.astimezone(zone).date() for each in decisions if each.action in _FINAL
        )
        return Statistics(
            days=tuple(
                Day(
                    day=day,
                    approved=counts[Outcome.APPROVE],
                    held=counts[Outcome.HOLD],
                    rejected=counts[Outcome.REJECT],
                    decided=decided[day],
                )
                for day, counts in zip(days, outcomes, strict=True)
            ),
            median_seconds=_median_seconds(decisions),
            by_rule=_tallies((each.rule, each.rule, each) for each in decisions if each.rule),
            by_article=_tallies((each.article_title, each.article_id, each) for each in decisions)[
                :MOST_ARTICLES
            ],
            by_moderator=_tallies((each.moderator, each.moderator, each) for each in decisions),
            agreement=self._agreement(decisions),
        )

    def _agreement(self, decisions: Sequence[PastDecision]) -> Mapping[Label, Agreement]:
        counts = {label: Agreement() for label in Label}
        for each in decisions:
            if not each.first or each.source is not DecisionSource.INDIVIDUAL:
                continue
            for label in Label:
                breaks = self._breaks_rule(each, label)
                if breaks is not None and each.scores[label] is not None:
                    counts[label] = _counted(
                        counts[label], machine=label in each.flagged, people=breaks
                    )
        return counts

    def _breaks_rule(self, decision: PastDecision, label: Label) -> bool | None:
        """Say what a decision says of one label; ``None`` if nothing.

        People name one rule when they reject, which leaves open whether others are broken too.
        """
        if decision.action is Action.APPROVE:
            return False
        return True if decision.rule == self._rules.rule_for(label).id else None


def _counted(so_far: Agreement, *, machine: bool, people: bool) -> Agreement:
    if machine:
        if people:
            return replace(so_far, both=so_far.both + 1)
        return replace(so_far, only_machine=so_far.only_machine + 1)
    if people:
        return replace(so_far, only_people=so_far.only_people + 1)
    return replace(so_far, neither=so_far.neither + 1)


def _median_seconds(decisions: Iterable[PastDecision]) -> float | None:
    """Give the median time that comments waited; those the machine approved did not wait."""
    waited = [
        (each.at - each.since).total_seconds()
        for each in decisions
        if each.first and each.outcome is not Outcome.APPROVE
    ]
    return median(waited) if waited else None


def _tallies(
    named: Iterable[tuple[str | None, str | None, PastDecision]],
) -> tuple[Tally, ...]:
    """Count decisions by key, the most frequent first; what has no name is left out."""
    counts: dict[tuple[str, str | None], Counter[Action]] = defaultdict(Counter)
    for name, key, decision in named:
        if name:
            counts[name, key][decision.action] += 1
    tallies = [
        Tally(
            name=name,
            approved=found[Action.APPROVE],
            rejected=found[Action.REJECT],
            deferred=found[Action.DEFER],
            key=key,
        )
        for (name, key), found in counts.items()
    ]
    return tuple(sorted(tallies, key=lambda tally: (-tally.total, tally.name)))
