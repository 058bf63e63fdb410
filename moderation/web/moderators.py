"""All accounts, for admins; they reset the second factor of whoever has lost it."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, request, url_for
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from moderation.desk import accounts, second_factor
from moderation.desk.second_factor import NoSecondFactor
from moderation.runtime import runtime
from moderation.web.language import gettext
from moderation.web.profile import ROLE_NAMES, PresentPasswordForm


@login_required
def moderators() -> str:
    """List who works at the desk."""
    _require_admin()
    found = accounts.moderators(runtime().store)
    return render_template("web/moderators.html", moderators=found, role_names=ROLE_NAMES)


@login_required
def reset_second_factor() -> str | Response | tuple[str, int]:
    """Ask whether to take off somebody's second factor, or do it; one's own is in the profile."""
    _require_admin()
    moderator = accounts.moderator(runtime().store, request.args.get("name", ""))
    if moderator is None or moderator.name == current_user.name:
        abort(404)
    form = PresentPasswordForm()
    if not form.validate_on_submit():
        page = render_template("web/reset_second_factor.html", moderator=moderator, form=form)
        return (page, 422) if form.errors else page
    try:
        second_factor.remove(runtime().store, moderator.name, by=current_user.name)
    except NoSecondFactor:
        flash(gettext("Dieses Konto hat keinen zweiten Faktor mehr."), "info")
    else:
        told = gettext(
            "Der zweite Faktor von %(name)s ist zurückgesetzt.", name=moderator.display_name
        )
        flash(told, "success")
    return redirect(url_for("web.moderators"))


def _require_admin() -> None:
    """Stop everybody else (403)."""
    if not current_user.is_admin:
        abort(403)
