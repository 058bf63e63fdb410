"""Deciding about many comments at once: those selected, or all that a range of scores covers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from flask import flash, jsonify, render_template, request
from flask_login import current_user, login_required
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from moderation.comment import Action
from moderation.desk import BulkResult
from moderation.runtime import runtime
from moderation.web.deciding import only_deciders, refusal
from moderation.web.forms import BulkForm, ReturningForm, UndoForm, named, wants_json
from moderation.web.language import gettext as _
from moderation.web.language import in_language, ngettext, number
from moderation.web.view import View, view_form

TYPED_ABOVE = 20
"""Whoever decides more comments than this at once types how many they are."""

MOST_AT_ONCE = 5000
"""Comments that one decision may cover."""

REFUSALS_TOLD = 3
"""Of the comments that were left out, how many are told one by one."""

LONGEST_UNDO = 1500
"""Characters of decision numbers that a session's cookie has room for."""


@login_required
def decide_many() -> Response | tuple[Response | str, int]:
    """Decide the selected comments, or those that a range of scores covers, as one."""
    only_deciders()
    form = BulkForm()
    if not form.validate_on_submit():
        return _refused(form, form.first_error())
    choices = chosen(request.form)
    is_range = "choice" not in request.form and "seen" in request.form
    if is_range and form.seen.data != fingerprint(choices):
        return _refused(
            form,
            _(
                "Nicht gespeichert: Im Bereich liegen inzwischen andere Kommentare. "
                "Bitte sehen Sie noch einmal hin."
            ),
        )
    if not choices or form.chosen is Action.UNDO:
        return _refused(form, _("Es ist nichts ausgewählt."))
    if len(choices) > TYPED_ABOVE and (form.typed.data or "").strip() != str(len(choices)):
        return _ask_for_the_number(form, len(choices))
    rule = form.broken
    result = runtime().desk.decide_many(
        choices,
        form.chosen,
        current_user.name,
        rule=rule.id if rule else None,
        note=form.note.data or None,
        message=form.message_to_author,
    )
    return _done(form, result)


def chosen(fields: MultiDict[str, str]) -> tuple[tuple[str, int], ...]:
    """Return ids and versions of the comments that a form is about.

    They are those whose boxes are ticked, else those that the form's view covers now. A view that
    is not understood covers nothing: it must never cover more than was meant.
    """
    if "choice" in fields:
        return _selected(fields.getlist("choice"))
    form = view_form(fields)
    return () if form.errors or "seen" not in fields else covered(View.of(form))


def _selected(ticked: Sequence[str]) -> tuple[tuple[str, int], ...]:
    found = (re.fullmatch(r"(\d{1,9}):(.+)", box, re.DOTALL) for box in ticked[:MOST_AT_ONCE])
    return tuple((match[2], int(match[1])) for match in found if match)


def covered(view: View) -> tuple[tuple[str, int], ...]:
    """Return the ids and versions of the comments in a view, at most `MOST_AT_ONCE`."""
    wanted = view.filter(runtime().rules)
    return tuple(runtime().desk.matching(view.list, wanted, limit=MOST_AT_ONCE))


def fingerprint(choices: Iterable[tuple[str, int]]) -> str:
    """Name a set of comments in certain versions."""
    listed = "\n".join(sorted(f"{version}:{comment_id}" for comment_id, version in choices))
    return hashlib.sha256(listed.encode()).hexdigest()


def _refused(form: ReturningForm, problem: str) -> Response | tuple[Response, int]:
    if wants_json():
        return jsonify(problem=problem), 409
    flash(problem, "warning")
    return form.back_to_its_page()


def _ask_for_the_number(form: BulkForm, count: int) -> tuple[Response | str, int]:
    if wants_json():
        return jsonify(count=count), 428
    page = render_template(
        "web/confirm.html",
        sentence=what_is_asked(request.form, count),
        count=count,
        mistyped=bool(form.typed.data),
        fields=posted(),
        back=form.return_address,
    )
    return page, 200


def posted() -> list[tuple[str, str]]:
    """Return what was posted, to be sent once more with a token of the present session."""
    return [
        (name, value)
        for name, value in request.form.items(multi=True)
        if name not in ("csrf_token", "typed")
    ]


def what_is_asked(fields: Mapping[str, str], count: int) -> str:
    """Say in a few words what a posted form asks for."""
    action, rule_id = named(fields.get("action"))
    shown = number(count)
    if action == Action.REJECT:
        names = {rule.id: in_language(rule.name) for rule in runtime().rules.rules}
        return ngettext(
            "Einen Kommentar ablehnen (%(rule)s)",
            "%(count)s Kommentare ablehnen (%(rule)s)",
            count,
            count=shown,
            rule=names.get(rule_id, rule_id),
        )
    if action == Action.DEFER:
        return ngettext(
            "Zu einem Kommentar um eine zweite Meinung bitten",
            "Zu %(count)s Kommentaren um eine zweite Meinung bitten",
            count,
            count=shown,
        )
    if action == Action.APPROVE:
        return ngettext(
            "Einen Kommentar freigeben", "%(count)s Kommentare freigeben", count, count=shown
        )
    return ngettext(
        "Eine Entscheidung zurücknehmen",
        "%(count)s Entscheidungen zurücknehmen",
        count,
        count=shown,
    )


def _done(form: BulkForm, result: BulkResult) -> Response:
    """Tell what was done and what was not; the next page, or desk.js, offers to undo it."""
    decided = compact(decision.id for decision in result.decided)
    text = " ".join([_sentence(form, len(result.decided)), *_left_out(result)])
    if wants_json():
        return jsonify(
            text=text,
            undo=decided,
            decided=[decision.comment_id for decision in result.decided],
            refused={comment_id: refusal(error) for comment_id, error in result.refused},
        )
    if decided and len(decided) <= LONGEST_UNDO:
        flash({"text": text, "decisions": decided}, "undo_many")  # type: ignore[arg-type]
    else:
        flash(text, "info")
    return form.back_to_its_page()


def _sentence(form: BulkForm, count: int) -> str:
    shown = number(count)
    if form.chosen is Action.DEFER:
        return ngettext(
            "Ein Kommentar wartet nun auf eine zweite Meinung.",
            "%(count)s Kommentare warten nun auf eine zweite Meinung.",
            count,
            count=shown,
        )
    if form.broken is None:
        return ngettext(
            "Ein Kommentar freigegeben.", "%(count)s Kommentare freigegeben.", count, count=shown
        )
    return ngettext(
        "Ein Kommentar abgelehnt (%(rule)s).",
        "%(count)s Kommentare abgelehnt (%(rule)s).",
        count,
        count=shown,
        rule=in_language(form.broken.name),
    )


def _left_out(result: BulkResult) -> list[str]:
    if not result.refused:
        return []
    told = [
        f"{comment_id}: {refusal(error)}" for comment_id, error in result.refused[:REFUSALS_TOLD]
    ]
    left_out = ngettext(
        "Ein Kommentar blieb, wie er war.",
        "%(count)s Kommentare blieben, wie sie waren.",
        len(result.refused),
        count=number(len(result.refused)),
    )
    more = ["…"] if len(result.refused) > REFUSALS_TOLD else []
    return [left_out, *told, *more]


@login_required
def undo_many() -> Response | tuple[Response, int]:
    """Take back the decisions of a bulk decision that still are in force."""
    only_deciders()
    form = UndoForm()
    if not form.validate_on_submit():
        return _refused(form, _("Bitte benutzen Sie die Knöpfe der Seite."))
    result = runtime().desk.undo_many(expand(form.decisions.data or ""), current_user.name)
    count = len(result.decided)
    text = " ".join(
        [
            ngettext(
                "Eine Entscheidung zurückgenommen.",
                "%(count)s Entscheidungen zurückgenommen.",
                count,
                count=number(count),
            ),
            *_left_out(result),
        ]
    )
    if wants_json():
        return jsonify(text=text)
    flash(text, "success")
    return form.back_to_its_page()


def compact(numbers: Iterable[int]) -> str:
    """Write whole numbers as ranges, in order.

    Examples
    --------
    >>> compact([7, 3, 4, 5, 9])
    '3-5,7,9'
    """
    ranges = []
    for _gap, run in groupby(enumerate(sorted(numbers)), lambda pair: pair[1] - pair[0]):
        found = [value for _place, value in run]
        ranges.append(f"{found[0]}-{found[-1]}" if len(found) > 1 else str(found[0]))
    return ",".join(ranges)


def expand(ranges: str) -> list[int]:
    """Read what `compact` wrote, at most `MOST_AT_ONCE` numbers.

    Examples
    --------
    >>> expand("3-5,7,9")
    [3, 4, 5, 7, 9]
    """
    numbers: list[int] = []
    for one in ranges.split(","):
        first, _dash, last = one.partition("-")
        room = MOST_AT_ONCE - len(numbers)
        numbers += range(int(first), min(int(last or first) + 1, int(first) + room))
    return numbers
