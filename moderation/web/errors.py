"""Errors as German pages for people."""

from __future__ import annotations

from flask import current_app
from flask_wtf.csrf import CSRFError

_SENTENCES = {
    400: ("Die Anfrage ist unvollständig", "Bitte laden Sie die Seite neu."),
    403: ("Das dürfen Sie nicht", "Ihr Zugang erlaubt nur das Lesen."),
    404: ("Hier ist nichts", "Die Seite oder der Kommentar existiert nicht."),
    405: ("So geht es nicht", "Bitte benutzen Sie die Knöpfe der Seite."),
    413: ("Das ist zu viel", "Bitte fassen Sie sich kürzer."),
    503: (
        "Gerade nicht möglich",
        "Die Datenbank kann im Moment nicht benutzt werden. Es ist nichts verloren gegangen, was "
        "schon gespeichert war; Ihre letzte Eingabe ist es vielleicht nicht. "
        "Bitte versuchen Sie es gleich noch einmal.",
    ),
}
_EXPIRED = (
    "Die Sitzung ist abgelaufen",
    "Bitte gehen Sie zurück, laden Sie die Seite neu und entscheiden Sie noch einmal.",
)
_UNEXPECTED = (
    "Da ist etwas schiefgegangen",
    "Der Fehler steht im Protokoll des Servers. Bitte versuchen Sie es noch einmal.",
)


def error_page(error: Exception, status: int) -> str:
    """Return the page that tells people about an error."""
    title, sentence = (
        _EXPIRED if isinstance(error, CSRFError) else _SENTENCES.get(status, _UNEXPECTED)
    )
    # rendered without Flask's context: who is logged in may be what cannot be found out
    template = current_app.jinja_env.get_template("web/error.html")
    return template.render(title=title, sentence=sentence)
