"""Decisions whose session ended before they arrived: kept over the login and offered again."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from flask import current_app, jsonify, redirect, render_template, request, url_for
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from moderation.comment import Action
from moderation.web.bulk import chosen, expand, what_is_asked
from moderation.web.errors import error_page
from moderation.web.forms import LoginForm, is_own_page, wants_json
from moderation.web.language import gettext as _

RESUMABLE = ("web.decide", "web.decide_many", "web.undo_many")
"""Endpoints whose forms are kept."""


def worth_keeping() -> bool:
    """Whether the request is a decision from one of our own pages."""
    origin = request.headers.get("Origin")
    return (
        request.method == "POST"
        and request.endpoint in RESUMABLE
        and (origin is None or urlsplit(origin).netloc == request.host)
    )


def without_valid_token(error: CSRFError) -> Response | tuple[Response | str, int]:
    """Answer a form whose token does not belong to the present session."""
    if wants_json():
        return session_over()
    if not worth_keeping():
        return error_page(error, 400), 400
    if current_user.is_authenticated:
        # logged in anew meanwhile, say in another tab
        return offered_again(_kept())
    return login_with_kept_form()


def session_over() -> tuple[Response, int]:
    """Tell desk.js; it sends a decision once more as a form, which is then kept."""
    return jsonify(problem=_("Die Sitzung ist abgelaufen. Bitte melden Sie sich wieder an.")), 401


def login_with_kept_form() -> tuple[str, int]:
    """Show the login page with what was posted, to be sent along with name and password."""
    form = LoginForm(formdata=None, kept=_kept())
    return render_template("web/login.html", form=form, interrupted=True), 401


def _kept() -> str:
    fields = [pair for pair in request.form.items(multi=True) if pair[0] != "csrf_token"]
    return json.dumps([request.path, fields])


def offered_again(kept: str) -> Response | tuple[str, int]:
    """Show a decision that was kept, filled in and ready to be sent in the present session.

    Parameters
    ----------
    kept
        As `login_with_kept_form` wrote it; it has been in the browser meanwhile.
    """
    try:
        path, pairs = json.loads(kept)
        fields = MultiDict([(str(name), str(value)) for name, value in pairs])
        endpoint = _endpoint(str(path))
    except (ValueError, TypeError, HTTPException):
        endpoint = None
    if endpoint not in RESUMABLE:
        return redirect(url_for("web.queue"))
    back = fields.get("back", "")
    page = render_template(
        "web/resume.html",
        action=path,
        sentence=_sentence(fields),
        note=fields.get("note"),
        fields=fields.items(multi=True),
        back=back if is_own_page(back) else url_for("web.queue"),
    )
    return page, 409


def _endpoint(path: str) -> str | None:
    adapter = current_app.create_url_adapter(request)
    return str(adapter.match(path, method="POST")[0]) if adapter else None


def _sentence(fields: MultiDict[str, str]) -> str:
    if "decisions" in fields:
        return what_is_asked({"action": Action.UNDO}, len(expand(fields["decisions"])))
    if "version" in fields:
        return what_is_asked(fields, 1)
    return what_is_asked(fields, len(chosen(fields)))
