"""The page of one comment: all that helps to judge it, and everything that was decided about it."""

from __future__ import annotations

from flask import abort, render_template, request, url_for
from flask_login import login_required

from moderation.desk import UnknownComment
from moderation.runtime import runtime
from moderation.store import AuthorRecord
from moderation.web.cards import card, history
from moderation.web.forms import DecisionForm
from moderation.web.view import View, view_form

NO_RECORD = AuthorRecord(approved=0, rejected=0, deferred=0, newest=())
"""Of a comment without an author's name."""


@login_required
def comment(comment_id: str) -> str:
    """Show one comment; the address may say which view it was opened from."""
    return comment_page(comment_id)


def comment_page(
    comment_id: str, *, form: DecisionForm | None = None, problem: str | None = None
) -> str:
    """Render the page of one comment.

    Parameters
    ----------
    form
        A decision that was refused; its words are shown again.
    problem
        Why it was refused.
    """
    desk, rules = runtime().desk, runtime().rules
    try:
        item = desk.comment(comment_id)
    except UnknownComment:
        abort(404)
    author = item.comment.author
    entries = history(item)
    return render_template(
        "web/comment.html",
        card=card(item, rules),
        thread=desk.thread(comment_id),
        record=desk.author_record(author, besides=comment_id)
        if author
        else AuthorRecord(0, 0, 0, ()),
        similar=desk.similar_decided(comment_id),
        history=entries,
        can_undo=any(entry.can_be_taken_back for entry in entries),
        view=_opened_from(),
        back=form.return_address if form else _back(comment_id),
        form=form,
        problem=problem,
    )


def _opened_from() -> View | None:
    """Return the view whose address was handed on to this page, if one was."""
    return View.of(view_form()) if request.args else None


def _back(comment_id: str) -> str:
    """Return where a decision made here leads: on with the list, else back to this page."""
    view = _opened_from()
    if view is None:
        return url_for("web.comment", comment_id=comment_id)
    return url_for("web.queue", **view.address())
