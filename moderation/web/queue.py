"""The queue, the page of one comment, and the decisions made there."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, request, url_for
from flask_login import current_user, login_required
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import HiddenField, IntegerField, StringField, ValidationError
from wtforms.validators import AnyOf, InputRequired, Length

from moderation.comment import Action
from moderation.desk import (
    CommentRetracted,
    InvalidInput,
    NothingToUndo,
    StaleVersion,
    State,
    UnknownComment,
)
from moderation.runtime import runtime
from moderation.web.cards import ACTION_NAMES, EVIDENCE_NAMES, card, entry, german_time, history

PAGE_LENGTH = 20
"""Comments on one page of a list."""

LONGEST_NOTE = 1000
"""Characters of a moderator's note."""


class DecisionForm(FlaskForm):
    """What a moderator decided about the version of a comment they saw."""

    action = HiddenField(validators=[AnyOf([action.value for action in Action])])
    version = IntegerField(validators=[InputRequired()])
    rule = StringField()
    note = StringField(
        validators=[
            Length(max=LONGEST_NOTE, message=f"Eine Notiz hat höchstens {LONGEST_NOTE} Zeichen.")
        ]
    )
    back = HiddenField()
    after = HiddenField()

    def validate_rule(self, field: StringField) -> None:
        """Rejecting a comment takes one of the blog's rules."""
        known = {rule.id for rule in runtime().rules.rules}
        if self.action.data == Action.REJECT and field.data not in known:
            raise ValidationError("Zum Ablehnen wählen Sie bitte die verletzte Regel.")


@login_required
def queue() -> str:
    """Show the held comments, those that came first first."""
    after = request.args.get("after")
    page = runtime().desk.held(limit=PAGE_LENGTH, after=after)
    return render_template(
        "web/queue.html",
        cards=[card(item, runtime().rules) for item in page.items],
        next=page.next,
        after=after,
        **_common(),
    )


@login_required
def comment(comment_id: str) -> str:
    """Show one comment with its thread and everything that was decided about it."""
    try:
        item = runtime().desk.comment(comment_id)
    except UnknownComment:
        abort(404)
    entries = history(item, runtime().rules)
    return render_template(
        "web/comment.html",
        card=card(item, runtime().rules),
        history=entries,
        can_undo=any(found.can_be_taken_back for found in entries),
        **_common(),
    )


@login_required
def decided() -> str:
    """Show the newest decisions."""
    after = request.args.get("after")
    page = runtime().desk.decided(limit=PAGE_LENGTH, after=after)
    return render_template(
        "web/decided.html",
        entries=[
            (entry(found.decision, runtime().rules), card(found.item, runtime().rules))
            for found in page.items
        ],
        next=page.next,
        after=after,
        **_common(),
    )


@login_required
def decide(comment_id: str) -> Response:
    """Carry out one decision and lead back to where it was made."""
    if not current_user.may_decide:
        abort(403)
    form = DecisionForm()
    if not form.validate_on_submit():
        _refuse(form)
    else:
        _carry_out(comment_id, form)
    if form.back.data == "comment":
        return redirect(url_for("web.comment", comment_id=comment_id))
    return redirect(url_for("web.queue", after=form.after.data or None))


def _refuse(form: DecisionForm) -> None:
    for messages in form.errors.values():
        flash(str(messages[0]), "danger")


def _carry_out(comment_id: str, form: DecisionForm) -> None:
    desk, seen = runtime().desk, form.version.data or 0
    action = Action(form.action.data or "")
    try:
        if action is Action.UNDO:
            desk.undo(comment_id, current_user.name, version=seen)
            flash("Die Entscheidung ist zurückgenommen.", "success")
            return
        desk.decide(
            comment_id,
            action,
            current_user.name,
            rule=form.rule.data or None if action is Action.REJECT else None,
            note=form.note.data or None,
            version=seen,
        )
    except UnknownComment:
        abort(404)
    except StaleVersion as stale:
        flash(_already(stale), "warning")
    except CommentRetracted as gone:
        flash(
            f"Der Kommentar wurde am {german_time(gone.at)} von seinem Verfasser zurückgezogen; "
            "es gibt nichts mehr zu entscheiden.",
            "warning",
        )
    except NothingToUndo:
        flash("Es gibt keine Entscheidung, die zurückgenommen werden könnte.", "warning")
    except InvalidInput:
        flash("Die Notiz enthält Zeichen, die nicht gespeichert werden können.", "danger")
    else:
        # the next page offers to undo it; the decision has made the version one higher
        done = {
            "text": f"Kommentar {comment_id} {ACTION_NAMES[action]}.",
            "comment_id": comment_id,
            "version": seen + 1,
        }
        flash(done, "undo")  # type: ignore[arg-type]


def _already(stale: StaleVersion) -> str:
    when = german_time(stale.at)
    if stale.action is None:
        return (
            f"Nicht gespeichert: Der Kommentar wurde am {when} geändert. "
            "Bitte lesen Sie ihn noch einmal."
        )
    who = stale.decided_by or "einem anderen Programm"
    what = ACTION_NAMES[stale.action]
    return f"Nicht gespeichert: bereits entschieden von {who} am {when} ({what})."


def _common() -> dict[str, object]:
    """Return what every page with comments needs."""
    return {
        "held": runtime().desk.counts()[State.HELD],
        "rules": runtime().rules.rules,
        "action_names": ACTION_NAMES,
        "evidence_names": EVIDENCE_NAMES,
        "longest_note": LONGEST_NOTE,
    }
