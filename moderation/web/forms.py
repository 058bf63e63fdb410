"""The forms of the desk: the login, decisions about one comment and about many, and back again."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import redirect, request, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import (
    BooleanField,
    HiddenField,
    IntegerField,
    PasswordField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import InputRequired, Length, Regexp

from moderation.comment import Action
from moderation.rules import Rule
from moderation.runtime import runtime
from moderation.web.language import gettext as _
from moderation.web.language import lazy_gettext

LONGEST_NOTE = 1000
"""Characters of a moderator's note."""

LONGEST_MESSAGE = 2000
"""Characters of a message to an author."""


def named(action: str | None) -> tuple[str, str]:
    """Return the action that a button names, and the id of the rule named with it.

    Examples
    --------
    >>> named("reject:respekt"), named("approve")
    (('reject', 'respekt'), ('approve', ''))
    """
    action, _colon, rule_id = (action or "").partition(":")
    return action, rule_id


def _rule(rule_id: str) -> Rule | None:
    return next((rule for rule in runtime().rules.rules if rule.id == rule_id), None)


def _text(longest: int) -> TextAreaField:
    return TextAreaField(
        filters=[_as_typed],
        validators=[Length(max=longest, message=lazy_gettext("Höchstens %(max)d Zeichen, bitte."))],
    )


def _as_typed(sent: str | None) -> str:
    # a browser counts a line's end as one character and sends it as two
    return (sent or "").replace("\r\n", "\n").strip()


class LoginForm(FlaskForm):
    """Name and password; ``kept`` is a decision that arrived after the session's end."""

    name = StringField(
        lazy_gettext("Name"),
        validators=[
            InputRequired(lazy_gettext("Bitte geben Sie Ihren Namen ein.")),
            Length(max=200),
        ],
    )
    password = PasswordField(
        lazy_gettext("Passwort"),
        validators=[
            InputRequired(lazy_gettext("Bitte geben Sie Ihr Passwort ein.")),
            Length(max=1000),
        ],
    )
    kept = HiddenField()


class CodeForm(FlaskForm):
    """A code of an app or a recovery code; ``kept`` as in the login's form."""

    code = StringField(
        lazy_gettext("Code"),
        validators=[
            InputRequired(lazy_gettext("Bitte geben Sie den Code ein.")),
            Length(max=100),
        ],
    )
    kept = HiddenField()


class ReturningForm(FlaskForm):
    """A form that leads back to where it was sent from."""

    back = HiddenField()

    @property
    def return_address(self) -> str:
        """Where it was sent from, if that is one of our pages."""
        address = self.back.data or ""
        return address if is_own_page(address) else url_for("web.queue")

    def back_to_its_page(self) -> Response:
        """Lead back to where it was sent from."""
        return redirect(self.return_address)

    def first_error(self) -> str:
        """Return the first thing that is wrong with it."""
        return str(next(iter(self.errors.values()))[0])


class ChoiceForm(ReturningForm):
    """What was decided; a button sends the action, ``reject:`` with the broken rule's id."""

    action = StringField()
    note = _text(LONGEST_NOTE)
    tell = BooleanField()
    message = _text(LONGEST_MESSAGE)

    def validate_action(self, field: StringField) -> None:
        """Accept our own actions; rejecting takes one of the blog's rules."""
        action, rule_id = named(field.data)
        if action not in list(Action):
            raise ValidationError(_("Bitte benutzen Sie die Knöpfe der Seite."))
        if action == Action.REJECT and _rule(rule_id) is None:
            raise ValidationError(_("Zum Ablehnen wählen Sie bitte die verletzte Regel."))

    @property
    def chosen(self) -> Action:
        """The action, of a form found valid."""
        return Action(named(self.action.data)[0])

    @property
    def broken(self) -> Rule | None:
        """The rule that a comment is rejected for."""
        action, rule_id = named(self.action.data)
        return _rule(rule_id) if action == Action.REJECT else None

    @property
    def message_to_author(self) -> str | None:
        """What the author is told: what was written, else the rule's own text in German."""
        if not self.tell.data:
            return None
        template = self.broken and self.broken.message_to_author
        return self.message.data or (template.de if template else None)


class DecisionForm(ChoiceForm):
    """A decision about the version of one comment that the moderator saw."""

    version = IntegerField(validators=[InputRequired()])


class BulkForm(ChoiceForm):
    """A decision about many comments.

    ``seen`` names exactly the comments and versions that a range covered on the page; ``typed``
    is the number of comments as the moderator typed it.
    """

    seen = HiddenField()
    typed = StringField()


class UndoForm(ReturningForm):
    """The numbers of the decisions to take back, as `moderation.web.bulk.compact` writes them."""

    decisions = HiddenField(validators=[Regexp(r"\d{1,18}(-\d{1,18})?(,\d{1,18}(-\d{1,18})?)*\Z")])


def wants_json() -> bool:
    """Whether desk.js asks, rather than a form without script."""
    return request.accept_mimetypes.best == "application/json"


def is_own_page(address: str) -> bool:
    r"""Tell whether an address stays on this site.

    Examples
    --------
    >>> [is_own_page(address) for address in ("/queue/4711", "//evil.example", "/\\evil.example")]
    [True, False, False]
    """
    parts = urlsplit(address)
    return (
        address.startswith("/")
        and not address.startswith("//")
        and "\\" not in address
        and address.isprintable()
        and not parts.scheme
        and not parts.netloc
    )
