"""The second factor of one's own account: set up, renewed, taken off; in the profile."""

from __future__ import annotations

import re

import segno
from flask import flash, redirect, render_template, url_for
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from moderation.desk import second_factor as desk
from moderation.desk.second_factor import NoSecondFactor, SecondFactorInForce, Setup
from moderation.runtime import runtime
from moderation.web import session
from moderation.web.forms import CodeForm
from moderation.web.language import gettext
from moderation.web.profile import PresentPasswordForm


@login_required
def second_factor() -> str:
    """Show whether there is one; while it is set up, the secret for the app."""
    return _page()


@login_required
def begin_second_factor() -> Response | tuple[str, int]:
    """Make a secret and show it, to whoever knows the password."""
    form = PresentPasswordForm()
    if not form.validate_on_submit():
        return _page(beginning=form), 422
    try:
        runtime().second_factors.begin(current_user.name)
    except SecondFactorInForce:
        flash(gettext("Ihr zweiter Faktor ist schon in Kraft."), "info")
    return _back()


@login_required
def confirm_second_factor() -> str | Response | tuple[str, int]:
    """Put it in force by the app's first code, and show the recovery codes once."""
    factors = runtime().second_factors
    if factors.setup(current_user.name) is None:
        flash(gettext("Die Zeit zum Einrichten ist um. Bitte beginnen Sie noch einmal."), "warning")
        return _back()
    form = CodeForm()
    codes = factors.confirm(current_user.name, form.code.data or "") if form.validate() else None
    if codes is None:
        if not form.errors:
            wrong = gettext("Der Code stimmt nicht. Geht die Uhr Ihres Telefons richtig?")
            form.code.errors = [wrong]
        return _page(confirmation=form), 422
    session.begin(current_user.moderator)  # all others of this account end
    return _show(codes)


@login_required
def renew_recovery_codes() -> str | Response | tuple[str, int]:
    """Show new recovery codes once, to whoever knows the password."""
    form = PresentPasswordForm()
    if not form.validate_on_submit():
        return _page(renewal=form), 422
    codes = runtime().second_factors.renew_recovery_codes(current_user.name)
    return _back() if codes is None else _show(codes)


@login_required
def remove_second_factor() -> Response | tuple[str, int]:
    """Take it off, for whoever knows the password."""
    form = PresentPasswordForm()
    if not form.validate_on_submit():
        return _page(removal=form), 422
    try:
        desk.remove(runtime().store, current_user.name, by=current_user.name)
    except NoSecondFactor:
        return _back()
    session.begin(current_user.moderator)  # all others of this account end
    flash(gettext("Ihr zweiter Faktor ist abgeschaltet."), "success")
    return _back()


def fours(secret: str) -> str:
    """Return a secret in groups of four, for the eye.

    Examples
    --------
    >>> fours("ABCDEFGHIJ")
    'ABCD EFGH IJ'
    """
    return " ".join(re.findall(".{1,4}", secret))


def _page(
    *,
    beginning: PresentPasswordForm | None = None,
    confirmation: CodeForm | None = None,
    renewal: PresentPasswordForm | None = None,
    removal: PresentPasswordForm | None = None,
) -> str:
    factors = runtime().second_factors
    setup = factors.setup(current_user.name)
    return render_template(
        "web/second_factor.html",
        factor=factors.of(current_user.name),
        setup=setup,
        qr_code=setup and _qr_code(setup),
        beginning=beginning or PresentPasswordForm(formdata=None),
        confirmation=confirmation or CodeForm(formdata=None),
        renewal=renewal or PresentPasswordForm(formdata=None),
        removal=removal or PresentPasswordForm(formdata=None),
    )


def _qr_code(setup: Setup) -> str:
    """Draw the app's address as an image within the page: the security policy lets data in."""
    drawn = segno.make_qr(setup.uri, error="m")
    return drawn.svg_data_uri(scale=4, dark="#000", light="#fff")


def _show(codes: tuple[str, ...]) -> str:
    return render_template("web/recovery_codes.html", codes=codes)


def _back() -> Response:
    return redirect(url_for("web.second_factor"))
