"""Logging in, with the password and for some with a code of their app too, and logging out."""

from __future__ import annotations

import time
from datetime import timedelta

from flask import flash, redirect, render_template, request, session, url_for
from flask_login import current_user, login_required, logout_user
from werkzeug.wrappers import Response

from moderation.desk import accounts
from moderation.desk.second_factor import Proof
from moderation.limits import TooManyRequests
from moderation.runtime import runtime
from moderation.store import Moderator
from moderation.web import resume
from moderation.web import session as sessions
from moderation.web.forms import CodeForm, LoginForm, is_own_page
from moderation.web.language import ngettext

CODE_WITHIN = timedelta(minutes=5)
"""How long after the password the second factor's code may come."""

_AWAITED = "awaited"
"""Where a session keeps whose code is waited for; such a session opens no page."""


def login() -> str | Response | tuple[str, int]:
    """Show the login form, or log in and go on to where the moderator wanted to go."""
    if current_user.is_authenticated:
        return redirect(_wanted_page())
    form = LoginForm()
    if not form.validate_on_submit():
        return render_template("web/login.html", form=form)
    try:
        moderator = verified(form.name.data or "", form.password.data or "")
    except TooManyRequests as reached:
        return _locked("web/login.html", form, reached)
    if moderator is None:
        return render_template("web/login.html", form=form, refused=True), 403
    if moderator.second_factor_since is not None:
        return _ask_for_code(moderator, form.kept.data)
    return _go_on(moderator, form.kept.data)


def login_code() -> str | Response | tuple[str, int]:
    """Show the form for the second factor's code, or complete the login with it."""
    if current_user.is_authenticated:
        return redirect(_wanted_page())
    form = CodeForm()
    moderator = _awaited()
    if moderator is None:
        return _from_the_beginning(form.kept.data)
    if "other" in request.form or not form.validate_on_submit():
        return _code_page(form)
    return _with_code(moderator, form)


def _with_code(moderator: Moderator, form: CodeForm) -> Response | tuple[str, int]:
    try:
        proof = _proven(moderator.name, form.code.data or "")
    except TooManyRequests as reached:
        return _locked("web/code.html", form, reached)
    if proof is None:
        return _code_page(form, refused=True), 403
    answer = _go_on(moderator, form.kept.data)
    if proof is Proof.RECOVERY_CODE:
        _tell_how_many_are_left(moderator)
    return answer


def _from_the_beginning(kept: str | None) -> Response | tuple[str, int]:
    """Ask for the password again; a decision that is kept goes along."""
    if not kept:
        return redirect(url_for("web.login", next=request.args.get("next")))
    form = LoginForm(formdata=None, kept=kept)
    return render_template("web/login.html", form=form, interrupted=True), 401


def _ask_for_code(moderator: Moderator, kept: str | None) -> str | Response:
    """Remember who has shown the password, in a session that is good for nothing else."""
    stamp = accounts.session_stamp(runtime().store, moderator.name)
    wanted = request.args.get("next")
    sessions.forget()
    session[_AWAITED] = [moderator.name, stamp or "", int(time.time())]
    if kept:
        return _code_page(CodeForm(formdata=None, kept=kept))
    return redirect(url_for("web.login_code", next=wanted))


def _awaited() -> Moderator | None:
    """Return whose code is waited for, unless it took too long or the account has changed."""
    name, stamp, asked_at = session.get(_AWAITED, ("", "", 0))
    if not 0 <= time.time() - asked_at < CODE_WITHIN.total_seconds():
        return None
    return accounts.session_holder(runtime().store, name, stamp)


def _proven(name: str, code: str) -> Proof | None:
    """Check a code; wrong ones make whoever asks wait, as wrong passwords do.

    Raises
    ------
    TooManyRequests
        If too many were wrong; the code is not looked at.
    """
    limits, address = runtime().limits, request.remote_addr
    limits.check_code(name, address)
    proof = runtime().second_factors.accept(name, code)
    if proof is None:
        limits.count_wrong_code(name, address)
    else:
        limits.forget_failed_logins(name, address)
    return proof


def _tell_how_many_are_left(moderator: Moderator) -> None:
    factor = runtime().second_factors.of(moderator.name)
    left = factor.recovery_codes if factor else 0
    flash(
        ngettext(
            "Sie haben noch einen Wiederherstellungscode. Neue gibt es in Ihrem Profil.",
            "Sie haben noch %(num)s Wiederherstellungscodes. Neue gibt es in Ihrem Profil.",
            left,
        ),
        "warning",
    )


def _code_page(form: CodeForm, *, refused: bool = False) -> str:
    return render_template("web/code.html", form=form, refused=refused)


def _go_on(moderator: Moderator, kept: str | None) -> Response | tuple[str, int]:
    wanted = _wanted_page()
    sessions.begin(moderator)
    return resume.offered_again(kept) if kept else redirect(wanted)


def verified(name: str, password: str) -> Moderator | None:
    """Find the moderator of that name and password; wrong ones make whoever asks wait.

    Raises
    ------
    TooManyRequests
        If too many were wrong; the password is not looked at.
    """
    limits, address = runtime().limits, request.remote_addr
    limits.check_login(name, address)
    moderator = accounts.verify(runtime().store, name, password)
    if moderator is None:
        limits.count_failed_login(name, address)
    elif moderator.second_factor_since is None:
        # else whoever has the password could try code after code in between
        limits.forget_failed_logins(name, address)
    return moderator


def _locked(template: str, form: LoginForm | CodeForm, reached: TooManyRequests) -> Response:
    runtime().metrics.refused(reached.limit)
    minutes = -(-reached.retry_after // 60)
    page = render_template(template, form=form, locked=minutes)
    return Response(page, 429, {"Retry-After": str(reached.retry_after)}, mimetype="text/html")


@login_required
def logout() -> Response:
    """End the session."""
    logout_user()
    session.clear()
    return redirect(url_for("web.login"))


def _wanted_page() -> str:
    wanted = request.args.get("next", "")
    return wanted if is_own_page(wanted) else url_for("web.queue")
