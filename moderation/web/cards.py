"""How a stored comment is shown: highlighted passages, bars, and the names of what happened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from moderation.comment import Action, Article, Decision, DecisionSource, Label, Span
from moderation.desk import LARGEST_COUNT
from moderation.rules import Rule, RuleBook, shortened
from moderation.runtime import runtime
from moderation.store import QueueItem, State
from moderation.web.language import gettext as _
from moderation.web.language import in_language, lazy_gettext, number, percent

LONGEST_EXCERPT = 280
"""Characters of an article shown beside a comment."""

STATE_NAMES = {
    State.HELD: lazy_gettext("wartet auf Entscheidung"),
    State.DEFERRED: lazy_gettext("wartet auf zweite Meinung"),
    State.APPROVED: lazy_gettext("freigegeben"),
    State.REJECTED: lazy_gettext("abgelehnt"),
    State.RETRACTED: lazy_gettext("zurückgezogen"),
}
ACTION_NAMES = {
    Action.APPROVE: lazy_gettext("freigegeben"),
    Action.REJECT: lazy_gettext("abgelehnt"),
    Action.DEFER: lazy_gettext("um zweite Meinung gebeten"),
    Action.UNDO: lazy_gettext("Entscheidung zurückgenommen"),
}
# follow "von" where no moderator is named
SOURCE_NAMES = {
    DecisionSource.INDIVIDUAL: lazy_gettext("einer unbekannten Person"),
    DecisionSource.BULK: lazy_gettext("einer Sammelentscheidung"),
    DecisionSource.IMPORT: lazy_gettext("einem Import"),
    DecisionSource.SYSTEM: lazy_gettext("dem System"),
}
EVIDENCE_NAMES = {
    "article": lazy_gettext("Nächste Stelle im Artikel"),
    "parent": lazy_gettext("Nächste Stelle im beantworteten Kommentar"),
    "thread": lazy_gettext("Nächste Stelle im Gesprächsverlauf"),
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
        """The comment's state in words."""
        return str(STATE_NAMES[self.item.state])

    @property
    def suggested(self) -> Rule | None:
        """The rule that the machine finds broken most clearly."""
        return self.flagged_rules[0] if self.flagged_rules else None

    def claimed_by(self, besides: str) -> str | None:
        """Return who else is working on the comment right now, if anybody is."""
        claim = self.item.claim
        return claim.moderator if claim and claim.moderator != besides else None


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
    names = {label: in_language(rules.rule_for(label).name) for label in Label}
    for start, end, covering in stretches(len(item.comment.text), spans):
        yield Segment(
            text=item.comment.text[start:end],
            labels=tuple(label for label, _ in covering),
            title="; ".join(
                _("%(rule)s: trägt %(share)s bei", rule=names[label], share=percent(span.weight))
                for label, span in covering
            ),
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
    for _label, span in spans:
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
    taken_back: bool

    @property
    def can_be_taken_back(self) -> bool:
        """Whether it is a decision that still holds."""
        return not self.taken_back and self.decision.action is not Action.UNDO


def history(item: QueueItem) -> list[Entry]:
    """Return the decisions about a comment, newest first, those taken back marked."""
    undone = {found.supersedes for found in item.decisions if found.action is Action.UNDO}
    return [
        Entry(
            decision=decision,
            what=str(ACTION_NAMES[decision.action]),
            who=decision.moderator or str(SOURCE_NAMES[decision.source]),
            taken_back=decision.id in undone,
        )
        for decision in reversed(item.decisions)
    ]


def decided_in_words(item: QueueItem) -> str:
    """Say in a few words what was decided about a comment, and by whom."""
    decision = item.in_force
    if decision is None:
        return str(STATE_NAMES[item.state])
    who = decision.moderator or str(SOURCE_NAMES[decision.source])
    return _("%(what)s von %(who)s", what=ACTION_NAMES[decision.action], who=who)


def count(comments: int) -> str:
    """Write how many comments a list has; the largest numbers are not counted out."""
    return number(comments) + ("+" if comments >= LARGEST_COUNT else "")


def rule_name(rule_id: str) -> str:
    """Return what a rule is called; the rules file may have lost it since it was applied."""
    names = {rule.id: in_language(rule.name) for rule in runtime().rules.rules}
    return names.get(rule_id, rule_id)


def vocabulary() -> dict[str, object]:
    """Return the names that every template may use."""
    return {
        "evidence_names": EVIDENCE_NAMES,
        "rules": runtime().rules.rules,
        "state_names": STATE_NAMES,
    }


def excerpt(text: str) -> str:
    """Return the beginning of a text on one line, cut at a word."""
    return shortened(text, LONGEST_EXCERPT)


def web_address(article: Article) -> str | None:
    """Return an article's URL if a browser may be led there; whatever else was stored is text.

    Examples
    --------
    >>> web_address(Article(url="javascript:alert(1)")) is None
    True
    """
    url = article.url or ""
    return url if url.lower().startswith(("https://", "http://")) else None
