"""``report.html``: one page that shows what would be judged differently now, and lets people look.

Self-contained and without scripts; everything on it is counted by the working copy's database.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from moderation.archive.comparison import Change
from moderation.archive.record import ArchivedComment, Status
from moderation.archive.workfile import WorkFile
from moderation.archive.writing import whole_file
from moderation.classifier import Classifier
from moderation.comment import Label, Outcome, Span
from moderation.rules import RuleBook, shortened

SAMPLES = 50
"""Comments shown for each kind of change."""

_BINS = 20
_WIDTH, _HEIGHT = 400, 120
_ARTICLES = 20
_LONGEST_SAMPLE = 1200
_CHANGED = f"sum(change = '{Change.NEWLY_VIOLATING}') AS violating, \
sum(change = '{Change.NEWLY_FINE}') AS fine, count(*) AS comments"

_CHANGES = {
    Change.NEWLY_VIOLATING: ("Neu auffällig", "Bisher in Ordnung, heute ein Fall für die Prüfung"),
    Change.NEWLY_FINE: ("Neu in Ordnung", "Bisher beanstandet, heute unauffällig"),
    Change.UNCHANGED: ("Unverändert", "Heute wie bisher beurteilt"),
    Change.UNCOMPARED: ("Ohne Vergleich", "Dazu war kein früheres Urteil bekannt"),
}
_STATUS = {
    Status.APPROVED: "freigegeben",
    Status.PENDING: "noch offen",
    Status.REJECTED: "abgelehnt",
    Status.SPAM: "als Spam markiert",
}
_OUTCOMES = {
    Outcome.APPROVE: "freigeben",
    Outcome.HOLD: "prüfen",
    Outcome.REJECT: "ablehnen",
}


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a histogram, ready to draw, in pixels of the drawing."""

    x: float
    y: float
    width: float
    height: float
    title: str


@dataclass(frozen=True, slots=True)
class Histogram:
    """How the scores of one label are spread, before and now; heights are logarithmic."""

    name: str
    threshold: float
    now: tuple[Bar, ...]
    before: tuple[Bar, ...]

    @property
    def threshold_x(self) -> float:
        """Where the threshold is drawn."""
        return round(self.threshold * _WIDTH, 1)


@dataclass(frozen=True, slots=True)
class Sample:
    """One comment for a person to judge, the passages that speak against it marked."""

    archived: ArchivedComment
    text: Markup
    article: str
    scores: tuple[tuple[str, float | None, float | None, bool], ...]
    before: str
    now: str
    reasons: tuple[str, ...]


def write_report(
    final: Path, work: WorkFile, source: str, classifier: Classifier, rules: RuleBook
) -> None:
    """Write the report on a finished run.

    Nothing in it depends on when or how it was made: the same results give the same bytes.

    Raises
    ------
    ArchiveError
        If it cannot be written.
    """
    environment = Environment(
        loader=PackageLoader("moderation.archive"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "percent": percent, "score": _score}
    changes = work.changes()
    page = environment.get_template("report.html").render(
        source=Path(source).name,
        model=classifier.version,
        created=classifier.manifest.created,
        total=sum(changes.values()),
        changes=[(kind, *_CHANGES[kind], count) for kind, count in changes.items()],
        problems=work.count_problems(),
        width=_WIDTH,
        height=_HEIGHT,
        histograms=[_histogram(work, rules, label) for label in Label],
        rules=_by_rule(work, rules),
        years=work.ask(f"SELECT year, {_CHANGED} FROM results GROUP BY year ORDER BY year"),  # noqa: S608 - of constants
        articles=_most_changed(work),
        samples=[
            (kind, *_CHANGES[kind], count, _samples(work, kind, classifier, rules))
            for kind, count in changes.items()
            if count
        ],
    )
    with whole_file(final) as stream:
        stream.write(page.encode())


def number(value: int) -> str:
    """Write a whole number the German way.

    Examples
    --------
    >>> number(1234567)
    '1.234.567'
    """
    return f"{value:,}".replace(",", ".")


def percent(part: int, whole: int) -> str:
    """Write a share the German way.

    Examples
    --------
    >>> percent(1, 8), percent(0, 0)
    ('12,5\N{NO-BREAK SPACE}%', '–')
    """
    if not whole:
        return "–"
    return f"{100 * part / whole:.1f}\N{NO-BREAK SPACE}%".replace(".", ",")


def _score(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}".replace(".", ",")


def _histogram(work: WorkFile, rules: RuleBook, label: Label) -> Histogram:
    now, before = (_counts(work, column) for column in (label.value, f"{label}_before"))
    highest = max([*now.values(), *before.values()], default=0)
    return Histogram(
        name=rules.rule_for(label).name.de,
        threshold=rules.threshold(label),
        now=_bars(now, highest, offset=0.5, which="heute"),
        before=_bars(before, highest, offset=0.0, which="bisher"),
    )


def _counts(work: WorkFile, column: str) -> dict[int, int]:
    question = (
        f"SELECT min(CAST({column} * {_BINS} AS INTEGER), {_BINS - 1}) AS bin, count(*) AS n"  # noqa: S608 - our own column
        f" FROM results WHERE {column} IS NOT NULL GROUP BY bin"
    )
    return {row["bin"]: row["n"] for row in work.ask(question)}


def _bars(counts: Mapping[int, int], highest: int, *, offset: float, which: str) -> tuple[Bar, ...]:
    step = _WIDTH / _BINS
    bars = []
    for place, count in sorted(counts.items()):
        # Scores crowd near 0; on a linear scale nothing else could be seen.
        height = round(_HEIGHT * math.log1p(count) / math.log1p(highest), 1)
        low, high = (f"{edge / _BINS:.2f}".replace(".", ",") for edge in (place, place + 1))
        bars.append(
            Bar(
                x=round((place + offset) * step + 1, 1),
                y=round(_HEIGHT - height, 1),
                width=round(step / 2 - 1.5, 1),
                height=height,
                title=f"{low} bis {high} {which}: {number(count)} Kommentare",
            )
        )
    return tuple(bars)


def _by_rule(work: WorkFile, rules: RuleBook) -> list[dict[str, Any]]:
    told = []
    for label in Label:
        [row] = work.ask(
            "SELECT coalesce(sum(change = ? AND instr(labels, ?) > 0), 0) AS violating,"
            " coalesce(sum(change = ? AND instr(labels_before, ?) > 0), 0) AS fine,"
            " coalesce(sum(instr(labels, ?) > 0), 0) AS flagged FROM results",
            (Change.NEWLY_VIOLATING, label, Change.NEWLY_FINE, label, label),
        )
        rule = rules.rule_for(label)
        told.append(
            {"name": rule.name.de, "wording": rule.wording.de, "threshold": rules.threshold(label)}
            | dict(row)
        )
    return told


def _most_changed(work: WorkFile) -> list[Any]:
    return work.ask(
        f"SELECT coalesce(nullif(title, ''), url, 'Artikel ' || articles.id) AS name, url,"  # noqa: S608 - of constants
        f" {_CHANGED} FROM results JOIN articles ON articles.number = results.article"
        " GROUP BY articles.number HAVING violating + fine > 0"
        f" ORDER BY violating + fine DESC, articles.number LIMIT {_ARTICLES}"
    )


def _samples(work: WorkFile, kind: Change, classifier: Classifier, rules: RuleBook) -> list[Sample]:
    # Spread over the archive, and the same ones every time.
    chosen = work.ask(
        "SELECT * FROM results WHERE change = ?"
        " ORDER BY (number * 2654435761) % 4294967296, number LIMIT ?",
        (kind, SAMPLES),
    )
    entries = {entry.number: entry for entry in work.entries(row["number"] for row in chosen)}
    comments = [entries[row["number"]].archived for row in chosen]
    assessed = classifier.assess_many((each.comment for each in comments), explain=True)
    samples = []
    for row, archived, assessment in zip(chosen, comments, assessed, strict=True):
        verdict = rules.judge(archived.comment.text, assessment)
        flagged = [assessment.labels.get(label) for label in verdict.flagged]
        spans = [span for found in flagged if found for span in found.spans]
        samples.append(
            Sample(
                archived=archived,
                text=_marked(archived.comment.text, spans),
                article=_article_name(archived),
                scores=tuple(
                    (
                        rules.rule_for(label).name.de,
                        row[f"{label}_before"],
                        row[label.value],
                        label in verdict.flagged,
                    )
                    for label in Label
                ),
                before=_before(archived),
                now=_OUTCOMES[verdict.outcome],
                reasons=tuple(reason.de for reason in verdict.reasons),
            )
        )
    return samples


def _article_name(archived: ArchivedComment) -> str:
    article = archived.comment.article
    if article is None:
        return "ohne Artikel"
    return shortened(article.title or article.url or f"Artikel {article.id}")


def _before(archived: ArchivedComment) -> str:
    known = []
    if archived.status is not None:
        known.append(_STATUS[archived.status])
    if archived.verdict is not None:
        known.append(f"Empfehlung: {_OUTCOMES[archived.verdict]}")
    return ", ".join(known) or "unbekannt"


def _marked(text: str, spans: list[Span]) -> Markup:
    """Return the text as HTML with the passages marked that raise a score."""
    marked, end = Markup(), 0
    for span in sorted(spans, key=lambda span: (span.start, span.end)):
        start, stop = max(span.start, end), min(span.end, _LONGEST_SAMPLE)
        if start < stop:
            marked += escape(text[end:start]) + Markup("<mark>%s</mark>") % text[start:stop]
            end = stop
    marked += escape(text[end:_LONGEST_SAMPLE])
    return marked + (" …" if len(text) > _LONGEST_SAMPLE else "")
