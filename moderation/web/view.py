"""A view: one of the lists with its filters and its order, and the address that stands for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo

from flask import abort, request
from werkzeug.datastructures import MultiDict
from wtforms import DateField, FloatField, Form, StringField, ValidationError
from wtforms.validators import Length, NumberRange, Optional

from moderation.rules import RuleBook
from moderation.runtime import runtime
from moderation.store import Filter, Listing, SortKey
from moderation.web.cards import rule_name
from moderation.web.language import TIME_ZONE, day, gettext, lazy_gettext

LISTING_NAMES = {
    Listing.FLAGGED: lazy_gettext("Auffällig"),
    Listing.UNCERTAIN: lazy_gettext("Unsicher"),
    Listing.DEFERRED: lazy_gettext("Zweite Meinung"),
    Listing.SAMPLE: lazy_gettext("Stichprobe"),
    Listing.DECIDED: lazy_gettext("Entschieden"),
}
LISTING_HINTS = {
    Listing.FLAGGED: lazy_gettext(
        "Was die Maschine zurückhält, weil es eine Regel verletzen könnte."
    ),
    Listing.UNCERTAIN: lazy_gettext("Wo mindestens ein Wert nahe an seiner Schwelle liegt."),
    Listing.DEFERRED: lazy_gettext("Wozu jemand eine zweite Meinung erbeten hat."),
    Listing.SAMPLE: lazy_gettext(
        "Eine zufällige Auswahl dessen, was die Maschine selbst freigegeben hat."
    ),
    Listing.DECIDED: lazy_gettext("Was entschieden ist, das Neueste zuerst."),
}

ORDERS: Mapping[str, tuple[SortKey, bool]] = {
    "age": (SortKey.AGE, False),
    "-age": (SortKey.AGE, True),
    "-score": (SortKey.SCORE, True),
    "score": (SortKey.SCORE, False),
    "-uncertainty": (SortKey.UNCERTAINTY, True),
    "article": (SortKey.ARTICLE, False),
}
"""What ``sort`` in an address means: the key, and whether the greatest comes first."""

ORDER_NAMES = {
    "age": lazy_gettext("Älteste zuerst"),
    "-age": lazy_gettext("Neueste zuerst"),
    "-score": lazy_gettext("Höchster Wert zuerst"),
    "score": lazy_gettext("Niedrigster Wert zuerst"),
    "-uncertainty": lazy_gettext("Unsicherste zuerst"),
    "article": lazy_gettext("Nach Artikel"),
}

LONGEST_WORDS = 300
"""Characters of anything typed into a filter."""


def _words(label: str) -> StringField:
    return StringField(label, [Length(max=LONGEST_WORDS)], filters=[_without_space])


def _without_space(typed: str | None) -> str:
    return (typed or "").strip()


class ViewForm(Form):
    """The fields of an address; what is not understood is told beside its field."""

    list = StringField(default=Listing.FLAGGED)
    sort = StringField(lazy_gettext("Reihenfolge"))
    rule = StringField(lazy_gettext("Regel"))
    low = FloatField(
        lazy_gettext("Wert von (%)"),
        [Optional(), NumberRange(0, 100, lazy_gettext("Bitte eine Zahl von 0 bis 100."))],
    )
    high = FloatField(
        lazy_gettext("Wert bis (%)"),
        [Optional(), NumberRange(0, 100, lazy_gettext("Bitte eine Zahl von 0 bis 100."))],
    )
    since = DateField(lazy_gettext("Vom"), [Optional()])
    until = DateField(lazy_gettext("Bis zum"), [Optional()])
    article = _words(lazy_gettext("Artikel (Kennung)"))
    author = _words(lazy_gettext("Verfasser"))
    model = _words(lazy_gettext("Modellversion"))
    q = _words(lazy_gettext("Suche im Text"))

    def validate_list(self, field: StringField) -> None:
        """Take one of the lists."""
        if field.data not in [*Listing]:
            raise ValidationError(gettext("Diese Liste gibt es nicht."))

    def validate_rule(self, field: StringField) -> None:
        """Take one of the blog's rules, or none."""
        if field.data and field.data not in runtime().rules.ids.values():
            raise ValidationError(gettext("Diese Regel gibt es nicht."))

    def validate_sort(self, field: StringField) -> None:
        """Take one of the orders; without any the list's own."""
        if field.data and field.data not in ORDERS:
            raise ValidationError(gettext("Diese Reihenfolge gibt es nicht."))


@dataclass(frozen=True, slots=True)
class View:
    """What a moderator looks at; fields at their defaults are left out of its address.

    ``low`` and ``high`` are scores in percent; ``until`` is the last day that still counts.
    """

    list: Listing = Listing.FLAGGED
    sort: str = ""
    rule: str = ""
    low: float | None = None
    high: float | None = None
    since: date | None = None
    until: date | None = None
    article: str = ""
    author: str = ""
    model: str = ""
    q: str = ""

    @classmethod
    def of(cls, form: ViewForm) -> Self:
        """Take from a form what it understood."""
        given: dict[str, Any] = {
            field.name: field.data for field in form if field.data and not field.errors
        }
        given["list"] = Listing(form["list"].data)
        # 0 is a score too, None a field left empty
        for bound in (form.low, form.high):
            given[bound.name] = None if bound.errors else bound.data
        if given.get("sort") == cls(list=given["list"]).natural_order:
            del given["sort"]
        return cls(**given)

    @property
    def natural_order(self) -> str:
        """The order in which the list is worked through unless another is chosen."""
        return "-age" if self.list is Listing.DECIDED else "age"

    @property
    def order(self) -> tuple[SortKey, bool]:
        """The key the list is sorted by, and whether the greatest comes first."""
        return ORDERS[self.sort or self.natural_order]

    def address(self, **changes: Any) -> dict[str, Any]:
        """Return the arguments of the address of this view, or of it with some fields changed."""
        changed = replace(self, **changes)
        given = {field.name: getattr(changed, field.name) for field in fields(changed)}
        return {
            name: f"{value:g}" if isinstance(value, float) else str(value)
            for name, value in given.items()
            if value not in ("", None) and (name, value) != ("list", Listing.FLAGGED)
        }

    def trail(self) -> dict[str, Any]:
        """Return the arguments that tell a comment's page it was opened from this view."""
        return {"list": str(self.list), **self.address()}

    def unfiltered(self) -> dict[str, Any]:
        """Return the arguments of the address of the whole list, in the same order."""
        return View(list=self.list, sort=self.sort).address()

    def filter(self, rules: RuleBook) -> Filter:
        """Return what the desk understands of it: labels, scores in [0, 1], points in time."""
        return Filter(
            label=next((rule.label for rule in rules.rules if rule.id == self.rule), None),
            score_from=None if self.low is None else self.low / 100,
            score_to=None if self.high is None else self.high / 100,
            article=self.article or None,
            author=self.author or None,
            since=_midnight(self.since),
            until=_midnight(self.until and self.until + timedelta(days=1)),
            model=self.model or None,
            words=self.q or None,
        )

    @property
    def is_filtered(self) -> bool:
        """Whether it leaves out anything of its list."""
        return self.filter_fields != View().filter_fields

    @property
    def filter_fields(self) -> Mapping[str, Any]:
        """Its fields that filter, by name."""
        return {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name not in ("list", "sort")
        }


def _midnight(of: date | None) -> datetime | None:
    return None if of is None else datetime.combine(of, time.min, ZoneInfo(TIME_ZONE))


def view_form(given: MultiDict[str, str] | None = None) -> ViewForm:
    """Return the checked form of the current address, or of fields that were sent.

    A list that does not exist is not found (404).
    """
    form = ViewForm(request.args if given is None else given)
    form.validate()
    if form["list"].errors:
        abort(404)
    return form


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter in force: its field, what it is called, and the address of the view without it."""

    field: str
    name: str
    value: str
    without: Mapping[str, str]


def chips(view: View, form: ViewForm) -> tuple[Chip, ...]:
    """List the filters in force."""
    return tuple(
        Chip(
            field=name,
            name=str(form[name].label.text),
            value=_shown(name, value),
            without=view.address(**{name: empty}),
        )
        for name, empty in View().filter_fields.items()
        if (value := getattr(view, name)) != empty
    )


def _shown(name: str, value: object) -> str:
    if isinstance(value, date):
        return day(value)
    if isinstance(value, float):
        return f"{value:g}"
    return rule_name(str(value)) if name == "rule" else str(value)
