"""How a stored comment is shown: highlighted passages, bars, German dates and names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from moderation.comment import Action, Decision, DecisionSource, Label, Span
from moderation.rules import Rule, RuleBook, shortened
from moderation.store import QueueItem, State

TIME_ZONE = ZoneInfo("Europe/Berlin")

LONGEST_EXCERPT = 280
"""Characters of an article shown beside a comment."""

STATE_NAMES = {
    State.HELD: "wartet auf Entscheidung",
    State.APPROVED: "freigegeben",
    State.REJECTED: "abgelehnt",
    State.RETRACTED: "zurückgezogen",
}
ACTION_NAMES = {
    Action.APPROVE: "freigegeben",
    Action.REJECT: "abgelehnt",
    Action.UNDO: "Entscheidung zurückgenommen",
}
SOURCE_NAMES = {
    DecisionSource.INDIVIDUAL: "unbekannt",
    DecisionSource.BULK: "Sammelentscheidung",
    DecisionSource.IMPORT: "Import",
    DecisionSource.SYSTEM: "System",
}
EVIDENCE_NAMES = {
    "article": "Nächste Stelle im Artikel",
    "parent": "Nächste Stelle im beantworteten Kommentar",
    "thread": "Nächste Stelle im Gesprächsverlauf",
}


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a comment's text; ``labels`` are those whose spans cover it, if any."""

    text: str
    labels: tuple[Label, ...] = ()
    title: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """One rule's score beside its threshold, both in [0, 1]; ``score`` is None if not assessed."""

    rule: Rule
    score: float | None
    threshold: float | None
    flagged: bool


@dataclass(frozen=True, slots=True)
class Card:
    """A stored comment with what its page shows of the machine's assessment."""

    item: QueueItem
    segments: tuple[Segment, ...]
    bars: tuple[Bar, ...]
    flagged_rules: tuple[Rule, ...]

    @property
    def state_name(self) -> str:
        """The comment's state in German."""
        return STATE_NAMES[self.item.state]


def card(item: QueueItem, rules: RuleBook) -> Card:
    """Prepare a stored comment for its card."""
    flagged = item.verdict.flagged
    return Card(
        item=item,
        segments=tuple(highlighted(item, rules)),
        bars=tuple(_bar(item, rules.rule_for(label)) for label in Label),
        flagged_rules=tuple(rules.rule_for(label) for label in flagged),
    )


def _bar(item: QueueItem, rule: Rule) -> Bar:
    found = item.assessment.labels.get(rule.label)
    applied = item.rules.get(rule.label)
    return Bar(
        rule=rule,
        score=found.score if found else None,
        threshold=applied.threshold if applied else None,
        flagged=rule.label in item.verdict.flagged,
    )


def highlighted(item: QueueItem, rules: RuleBook) -> Iterator[Segment]:
    """Yield a comment's text in stretches, marked where a broken rule's spans lie."""
    spans = [
        (label, span)
        for label in item.verdict.flagged
        if (found := item.assessment.labels.get(label))
        for span in found.spans
    ]
    names = {label: rules.rule_for(label).name.de for label in Label}
    for start, end, covering in stretches(len(item.comment.text), spans):
        yield Segment(
            text=item.comment.text[start:end],
            labels=tuple(label for label, _ in covering),
            title="; ".join(f"{names[label]}: {percent(span.weight)}" for label, span in covering),
        )


def stretches(
    length: int, spans: Sequence[tuple[Label, Span]]
) -> Iterator[tuple[int, int, list[tuple[Label, Span]]]]:
    """Cut a text at the ends of its spans, which may overlap.

    Parameters
    ----------
    length
        Of the text, in code points.
    spans
        Each with its label; what lies outside the text is cut off.

    Yields
    ------
    tuple
        Start, end and the spans that cover that stretch. Together the stretches are the text.

    Examples
    --------
    >>> overlapping = [(Label.SPAM, Span(2, 6, 0.5)), (Label.DISPARAGING, Span(4, 8, 0.3))]
    >>> for start, end, covering in stretches(9, overlapping):
    ...     print(start, end, *(str(label) for label, _ in covering))
    0 2
    2 4 spam
    4 6 spam disparaging
    6 8 disparaging
    8 9
    """
    cuts = {0, length}
    for _, span in spans:
        cuts |= {min(span.start, length), min(span.end, length)}
    edges = sorted(cuts)
    for start, end in pairwise(edges):
        covering = [
            (label, span) for label, span in spans if span.start <= start and end <= span.end
        ]
        yield start, end, covering


@dataclass(frozen=True, slots=True)
class Entry:
    """One decision as a line of a comment's history."""

    decision: Decision
    what: str
    who: str
    rule_name: str | None
    taken_back: bool = False

    @property
    def can_be_taken_back(self) -> bool:
        """Whether it is a decision that still holds."""
        return not self.taken_back and self.decision.action is not Action.UNDO


def entry(decision: Decision, rules: RuleBook, *, taken_back: bool = False) -> Entry:
    """Prepare a decision for its line."""
    names = {rule.id: rule.name.de for rule in rules.rules}
    return Entry(
        decision=decision,
        what=ACTION_NAMES[decision.action],
        who=decision.moderator or SOURCE_NAMES[decision.source],
        # the rules file may have lost a rule since
        rule_name=decision.rule and names.get(decision.rule, decision.rule),
        taken_back=taken_back,
    )


def history(item: QueueItem, rules: RuleBook) -> list[Entry]:
    """Return the decisions about a comment, newest first, those taken back marked."""
    undone = {found.supersedes for found in item.decisions if found.action is Action.UNDO}
    return [
        entry(decision, rules, taken_back=decision.id in undone)
        for decision in reversed(item.decisions)
    ]


def german_time(moment: datetime) -> str:
    """Return a moment as people in Germany write it.

    Examples
    --------
    >>> from datetime import UTC
    >>> german_time(datetime(2026, 7, 1, 22, 5, tzinfo=UTC))
    '02.07.2026, 00:05 Uhr'
    """
    return moment.astimezone(TIME_ZONE).strftime("%d.%m.%Y, %H:%M Uhr")


def percent(share: float) -> str:
    """Return a share in [0, 1] as a German percentage; nothing possible is shown as 0 or 100.

    Examples
    --------
    >>> [percent(share) for share in (0.0, 0.004, 0.125, 0.9961)]
    ['0\u202f%', '<\u202f1\u202f%', '12\u202f%', '>\u202f99\u202f%']
    """
    if 0 < share < 0.01:
        return "<\u202f1\u202f%"
    if 0.99 < share < 1:
        return ">\u202f99\u202f%"
    return f"{share * 100:.0f}\u202f%"


def excerpt(text: str) -> str:
    """Return the beginning of an article, cut at a word."""
    return shortened(text, LONGEST_EXCERPT)
