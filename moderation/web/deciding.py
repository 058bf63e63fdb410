"""Deciding about one comment, undoing it, and letting colleagues see who is working on what."""

from __future__ import annotations

from flask import abort, flash, jsonify, request
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from moderation.comment import Action
from moderation.desk import (
    CommentRetracted,
    DeskError,
    InvalidInput,
    NothingToUndo,
    StaleVersion,
    UnknownComment,
)
from moderation.runtime import runtime
from moderation.web.cards import ACTION_NAMES
from moderation.web.comment_page import comment_page
from moderation.web.forms import DecisionForm, wants_json
from moderation.web.language import gettext as _
from moderation.web.language import in_language, moment


@login_required
def decide(comment_id: str) -> Response | tuple[Response | str, int]:
    """Carry out one decision and lead back to where it was made."""
    only_deciders()
    form = DecisionForm()
    if not form.validate_on_submit():
        return _refused(comment_id, form, form.first_error())
    try:
        _carry_out(comment_id, form)
    except UnknownComment:
        abort(404)
    except DeskError as error:
        return _refused(comment_id, form, refusal(error))
    # the decision has made the version one higher
    return _done(comment_id, form, version=(form.version.data or 0) + 1)


def only_deciders() -> None:
    """Stop readers (403)."""
    if not current_user.may_decide:
        abort(403)


def _carry_out(comment_id: str, form: DecisionForm) -> None:
    desk, seen = runtime().desk, form.version.data or 0
    if form.chosen is Action.UNDO:
        desk.undo(comment_id, current_user.name, version=seen)
        return
    rule = form.broken
    desk.decide(
        comment_id,
        form.chosen,
        current_user.name,
        rule=rule.id if rule else None,
        note=form.note.data or None,
        message=form.message_to_author,
        version=seen,
    )


def _done(comment_id: str, form: DecisionForm, *, version: int) -> Response:
    """Tell what was done; the next page, or desk.js, offers to undo it."""
    text = _sentence(comment_id, form)
    if wants_json():
        return jsonify(text=text, version=version)
    if form.chosen is Action.UNDO:
        flash(text, "success")
    else:
        done = {"text": text, "comment_id": comment_id, "version": version}
        flash(done, "undo")  # type: ignore[arg-type]
    return form.back_to_its_page()


def _sentence(comment_id: str, form: DecisionForm) -> str:
    if form.chosen is Action.UNDO:
        return _("Die Entscheidung ist zurückgenommen.")
    if form.chosen is Action.DEFER:
        return _("Kommentar %(id)s wartet nun auf eine zweite Meinung.", id=comment_id)
    if form.broken is None:
        return _("Kommentar %(id)s freigegeben.", id=comment_id)
    rule = in_language(form.broken.name)
    return _("Kommentar %(id)s abgelehnt (%(rule)s).", id=comment_id, rule=rule)


def _refused(comment_id: str, form: DecisionForm, problem: str) -> tuple[Response | str, int]:
    """Say what is the matter, beside the comment as it is now and with the words kept."""
    if wants_json():
        return jsonify(problem=problem), 409
    return comment_page(comment_id, form=form, problem=problem), 409


def refusal(error: DeskError) -> str:
    """Say in one sentence why the desk did not do what was asked, and what to do."""
    match error:
        case StaleVersion(action=None, at=at):
            return _(
                "Nicht gespeichert: Der Kommentar wurde am %(when)s geändert. "
                "Bitte lesen Sie ihn noch einmal.",
                when=moment(at),
            )
        case StaleVersion(action=Action() as action, decided_by=who, at=at):
            return _(
                "Nicht gespeichert: bereits entschieden von %(who)s am %(when)s (%(what)s).",
                who=who or _("einem anderen Programm"),
                when=moment(at),
                what=ACTION_NAMES[action],
            )
        case CommentRetracted(at=at):
            return _(
                "Der Kommentar wurde am %(when)s von seinem Verfasser zurückgezogen; "
                "es gibt nichts mehr zu entscheiden.",
                when=moment(at),
            )
        case NothingToUndo():
            return _("Es gibt keine Entscheidung, die zurückgenommen werden könnte.")
        case UnknownComment():
            return _("Diesen Kommentar gibt es nicht mehr.")
        case InvalidInput():
            return _("Notiz oder Nachricht enthalten Zeichen, die nicht gespeichert werden können.")
    raise error


@login_required
def claim(comment_id: str) -> tuple[str, int]:
    """Let colleagues see who is reading a comment, or (DELETE) is no longer reading it."""
    only_deciders()
    desk = runtime().desk
    try:
        if request.method == "DELETE":
            desk.release(comment_id, current_user.name)
        else:
            desk.claim(comment_id, current_user.name)
    except UnknownComment:
        abort(404)
    return "", 204
