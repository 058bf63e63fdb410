"""In which language a page is shown, and how times, numbers and shares are written in it.

The texts in templates and Python are German; ``translations/`` holds the other languages.
``make translations`` brings the catalogue up to date.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Protocol, TypeVar, cast

import flask_babel
from babel.numbers import format_percent as babel_percent
from flask import Flask, request
from flask_login import current_user

from moderation.store import StoreUnavailable

LANGUAGES = {"de": "Deutsch", "en": "English"}
"""What the pages can be read in, each named in itself; the first is what the texts are in."""

TIME_ZONE = "Europe/Berlin"

Text_co = TypeVar("Text_co", covariant=True)


class Bilingual(Protocol[Text_co]):
    """Anything written in both languages: a rule's name, a reason, a list of examples."""

    @property
    def de(self) -> Text_co:
        """In German."""

    @property
    def en(self) -> Text_co:
        """In English."""


def init_language(app: Flask) -> None:
    """Let an application show its pages in the language of who reads them."""
    flask_babel.Babel(
        app,
        default_locale=next(iter(LANGUAGES)),
        default_timezone=TIME_ZONE,
        default_translation_directories=str(Path(__file__).with_name("translations")),
        locale_selector=_wanted,
    )
    app.jinja_env.filters.update(
        moment=moment,
        day=day,
        duration=duration,
        percent=percent,
        threshold_percent=threshold_percent,
        number=number,
        in_language=in_language,
    )
    app.jinja_env.globals.update(language=language)
    # a text may stand on several lines of a template
    app.jinja_env.policies["ext.i18n.trimmed"] = True


def _wanted() -> str:
    """Return the language of the moderator's profile, else the browser's."""
    return _of_profile() or language_of_browser()


def language_of_browser() -> str:
    """Return the best of our languages that the browser asks for, else the first."""
    return request.accept_languages.best_match(list(LANGUAGES)) or next(iter(LANGUAGES))


def _of_profile() -> str | None:
    try:
        chosen = current_user.language if current_user.is_authenticated else None
    except StoreUnavailable:
        return None  # the page that says so needs a language too
    return chosen if chosen in LANGUAGES else None


def gettext(text: str, **variables: object) -> str:
    """Return a German text in the language of the page, its ``%(name)s`` filled in."""
    return str(flask_babel.gettext(text, **variables))


def ngettext(one: str, many: str, num: int, **variables: object) -> str:
    """Return the form of a text that fits a number, which is its ``%(num)s``."""
    return str(flask_babel.ngettext(one, many, num, **variables))


def lazy_gettext(text: str) -> str:
    """Return a text that is translated when it is shown: for names made before any request."""
    return cast(str, flask_babel.lazy_gettext(text))


def language() -> str:
    """Return the code of the language of the current request's page."""
    return str(flask_babel.get_locale().language)


def in_language(text: Bilingual[Text_co]) -> Text_co:
    """Return the wording of a text in the language of the page."""
    return text.en if language() == "en" else text.de


def moment(at: datetime) -> str:
    """Return a point in time as day and time of the blog's time zone."""
    # Translators: a pattern of the Unicode CLDR, not words.
    return str(flask_babel.format_datetime(at, gettext("dd.MM.yyyy, HH:mm 'Uhr'")))


def day(of: date, pattern: str | None = None) -> str:
    """Return a day as it is written in a list, or by another pattern of the Unicode CLDR."""
    # Translators: a pattern of the Unicode CLDR, not words.
    usual = gettext("dd.MM.yyyy")
    return str(flask_babel.format_date(of, pattern or usual, rebase=False))


def duration(seconds: float) -> str:
    """Return how long something took, rounded to the largest unit that tells enough."""
    for size, unit in (
        (86_400, gettext("%(count)s Tage")),
        (3_600, gettext("%(count)s Std.")),
        (60, gettext("%(count)s Min.")),
    ):
        if seconds >= 1.5 * size:
            return unit % {"count": number(round(seconds / size))}
    return gettext("%(count)s Sek.", count=number(round(seconds)))


def number(value: float) -> str:
    """Return a number with the language's separators."""
    return str(flask_babel.format_number(value))


def percent(share: float) -> str:
    """Return a share in [0, 1] in percent; only nothing is shown as 0, only everything as 100."""
    if 0 < share < 0.01:
        return f"<\N{NARROW NO-BREAK SPACE}{flask_babel.format_percent(0.01)}"
    if 0.99 < share < 1:
        return f">\N{NARROW NO-BREAK SPACE}{flask_babel.format_percent(0.99)}"
    return str(flask_babel.format_percent(share))


def threshold_percent(threshold: float) -> str:
    """Return a threshold in percent, to a tenth where it has one."""
    rounded = round(threshold, 3)
    return str(babel_percent(rounded, locale=flask_babel.get_locale(), decimal_quantization=False))
