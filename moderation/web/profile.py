"""The profile: in which language a moderator reads the desk, and their password."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for
from flask_babel import force_locale
from flask_login import current_user, login_required
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField, ValidationError
from wtforms.validators import AnyOf, EqualTo, InputRequired, Length

from moderation.desk import accounts
from moderation.desk.accounts import LONGEST_PASSWORD, SHORTEST_PASSWORD
from moderation.runtime import runtime
from moderation.store import Role
from moderation.web import login, session
from moderation.web.language import LANGUAGES, gettext, language_of_browser, lazy_gettext

ROLE_NAMES = {
    Role.ADMIN: lazy_gettext("Verwaltung: entscheidet, ändert Schwellen und betreut die Konten"),
    Role.MODERATOR: lazy_gettext("Moderation: entscheidet"),
    Role.READER: lazy_gettext("Nur lesen"),
}


class LanguageForm(FlaskForm):
    """The language of the pages."""

    language = StringField(lazy_gettext("Sprache"), validators=[AnyOf(["", *LANGUAGES])])


class PresentPasswordForm(FlaskForm):
    """Shows that it is the account's owner who sits there: whoever finds the desk open is not."""

    present = PasswordField(
        lazy_gettext("Jetziges Passwort"),
        validators=[
            InputRequired(lazy_gettext("Bitte geben Sie Ihr jetziges Passwort ein.")),
            Length(max=LONGEST_PASSWORD),
        ],
    )

    def validate_present(self, field: PasswordField) -> None:
        """Check the password; wrong ones count as failed logins."""
        if not login.verified(current_user.name, field.data or ""):
            raise ValidationError(gettext("Das ist nicht Ihr jetziges Passwort."))


class PasswordForm(PresentPasswordForm):
    """A new password, for whoever knows the present one."""

    new = PasswordField(
        lazy_gettext("Neues Passwort"),
        validators=[
            InputRequired(lazy_gettext("Bitte geben Sie ein neues Passwort ein.")),
            Length(
                min=SHORTEST_PASSWORD,
                max=LONGEST_PASSWORD,
                message=lazy_gettext("Ein Passwort hat %(min)d bis %(max)d Zeichen."),
            ),
        ],
    )
    again = PasswordField(
        lazy_gettext("Neues Passwort noch einmal"),
        validators=[EqualTo("new", lazy_gettext("Die beiden Eingaben sind verschieden."))],
    )


@login_required
def profile() -> str:
    """Show the moderator's own account."""
    return _page(LanguageForm(data={"language": current_user.language or ""}), PasswordForm())


@login_required
def set_language() -> Response | tuple[str, int]:
    """Keep the language that was chosen."""
    form = LanguageForm()
    if not form.validate_on_submit():
        return _page(form, PasswordForm(formdata=None)), 422
    chosen = form.language.data or None
    accounts.set_language(runtime().store, current_user.name, chosen)
    with force_locale(chosen or language_of_browser()):
        flash(gettext("Ihre Sprache ist gespeichert."), "success")
    return redirect(url_for("web.profile"))


@login_required
def set_password() -> Response | tuple[str, int]:
    """Give the account a new password."""
    form = PasswordForm()
    if not form.validate_on_submit():
        languages = LanguageForm(formdata=None, data={"language": current_user.language or ""})
        return _page(languages, form), 422
    accounts.set_password(runtime().store, current_user.name, form.new.data or "")
    session.begin(current_user.moderator)  # all others of this account end
    flash(gettext("Ihr Passwort ist geändert."), "success")
    return redirect(url_for("web.profile"))


def _page(languages: LanguageForm, passwords: PasswordForm) -> str:
    return render_template(
        "web/profile.html",
        languages=languages,
        choices={"": gettext("wie mein Browser")} | LANGUAGES,
        passwords=passwords,
        role_name=ROLE_NAMES[current_user.moderator.role],
    )
