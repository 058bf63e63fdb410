"""Whose session it is and how long; Flask-Login keeps it in a signed cookie."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

from flask import Flask, g, session
from flask_login import LoginManager, UserMixin, login_user
from flask_wtf import CSRFProtect

from moderation.desk import accounts
from moderation.runtime import runtime
from moderation.store import Moderator, Role
from moderation.web import resume
from moderation.web.forms import wants_json
from moderation.web.language import lazy_gettext

SHIFT = timedelta(hours=12)
"""How long a login lasts."""

# no name holds it: names are printable
_SEPARATOR = "\n"

csrf = CSRFProtect()


class LoggedIn(UserMixin):
    """A moderator as Flask-Login wants to see one.

    ``id`` is what the session carries: who, since when, and a stamp that changes with the password
    and the second factor.
    """

    def __init__(self, moderator: Moderator, session_id: str) -> None:
        self.moderator = moderator
        self.id = session_id

    @property
    def name(self) -> str:
        """What is written into a decision."""
        return self.moderator.name

    @property
    def display_name(self) -> str:
        """What colleagues read."""
        return self.moderator.display_name

    @property
    def language(self) -> str | None:
        """The language chosen in the profile; ``None`` leaves it to the browser."""
        return self.moderator.language

    @property
    def second_factor_since(self) -> datetime | None:
        """When a code of an app became part of the login, if it is."""
        return self.moderator.second_factor_since

    @property
    def may_decide(self) -> bool:
        """Readers only look."""
        return self.moderator.role is not Role.READER

    @property
    def is_admin(self) -> bool:
        """Admins set what all comments are judged by."""
        return self.moderator.role is Role.ADMIN


class Logins(LoginManager):
    """Sends strangers to the login page; what they were about to decide is kept for afterwards."""

    def unauthorized(self) -> Any:
        """Answer a request that needs a login."""
        if wants_json():
            return resume.session_over()
        return resume.login_with_kept_form() if resume.worth_keeping() else super().unauthorized()


def init_sessions(app: Flask, *, over_https: bool) -> None:
    """Give an application sessions, logins and protection of its forms.

    ``over_https`` keeps the cookie from ever being sent over plain http.
    """
    app.config.update(
        # the prefix makes browsers refuse such a cookie from a neighbouring or unsafe host
        SESSION_COOKIE_NAME="__Host-moderation" if over_https else "moderation",
        SESSION_COOKIE_SECURE=over_https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=SHIFT,
        # a form may stay open as long as its session
        WTF_CSRF_TIME_LIMIT=None,
    )
    csrf.init_app(app)
    logins = Logins(app)
    logins.login_view = "web.login"
    logins.login_message = lazy_gettext("Bitte melden Sie sich an.")
    logins.localize_callback = str  # in the language of the request
    logins.login_message_category = "info"
    logins.user_loader(_logged_in)


def begin(moderator: Moderator) -> None:
    """Begin a session; nothing of the one before, a stranger's perhaps, is left.

    To be called after a login, and after a change of password or second factor by whoever is to
    stay logged in.
    """
    stamp = accounts.session_stamp(runtime().store, moderator.name)
    if stamp is None:
        return
    forget()
    session.permanent = True
    session_id = _SEPARATOR.join((moderator.name, stamp, str(int(time.time()))))
    login_user(LoggedIn(moderator, session_id))


def forget() -> None:
    """Forget the present session and whatever it holds."""
    session.clear()
    # the form's token that this request has made belonged to that one
    g.pop("csrf_token", None)


def _logged_in(session_id: str) -> LoggedIn | None:
    name, _, stamp_and_start = session_id.partition(_SEPARATOR)
    stamp, _, start = stamp_and_start.partition(_SEPARATOR)
    # a cookie is kept alive by use; a session ends all the same, so that a stolen one does
    if not start.isdecimal() or not 0 <= time.time() - int(start) < SHIFT.total_seconds():
        return None
    moderator = accounts.session_holder(runtime().store, name, stamp)
    return None if moderator is None else LoggedIn(moderator, session_id)
