"""Errors as pages for people."""

from __future__ import annotations

from flask import current_app
from flask_wtf.csrf import CSRFError

from moderation.web.language import lazy_gettext

_SENTENCES = {
    400: (
        lazy_gettext("Die Anfrage ist unvollständig"),
        lazy_gettext("Bitte laden Sie die Seite neu."),
    ),
    403: (
        lazy_gettext("Das dürfen Sie nicht"),
        lazy_gettext("Ihr Konto erlaubt das nicht. Wer die Konten verwaltet, kann das ändern."),
    ),
    404: (
        lazy_gettext("Hier ist nichts"),
        lazy_gettext("Die Seite oder der Kommentar existiert nicht."),
    ),
    405: (
        lazy_gettext("So geht es nicht"),
        lazy_gettext("Bitte benutzen Sie die Knöpfe der Seite."),
    ),
    429: (
        lazy_gettext("Das waren zu viele Anfragen"),
        lazy_gettext("Bitte warten Sie eine Minute und laden Sie die Seite dann neu."),
    ),
    413: (lazy_gettext("Das ist zu viel"), lazy_gettext("Bitte fassen Sie sich kürzer.")),
    503: (
        lazy_gettext("Gerade nicht möglich"),
        lazy_gettext(
            "Die Datenbank kann im Moment nicht benutzt werden. Es ist nichts verloren gegangen, "
            "was schon gespeichert war; Ihre letzte Eingabe wurde vielleicht nicht gespeichert. "
            "Bitte versuchen Sie es gleich noch einmal."
        ),
    ),
}
_EXPIRED = (
    lazy_gettext("Die Sitzung ist abgelaufen"),
    lazy_gettext(
        "Bitte gehen Sie zurück, laden Sie die Seite neu und entscheiden Sie noch einmal."
    ),
)
_UNEXPECTED = (
    lazy_gettext("Da ist etwas schiefgegangen"),
    lazy_gettext("Der Fehler steht im Protokoll des Servers. Bitte versuchen Sie es noch einmal."),
)


def error_page(error: Exception, status: int) -> str:
    """Return the page that tells people about an error."""
    title, sentence = (
        _EXPIRED if isinstance(error, CSRFError) else _SENTENCES.get(status, _UNEXPECTED)
    )
    # rendered without Flask's context: who is logged in may be what cannot be found out
    template = current_app.jinja_env.get_template("web/error.html")
    return template.render(title=title, sentence=sentence)
