"""The pages in German and English: which is chosen, what differs, what is missing."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask

import moderation
from moderation.settings import PROJECT_ROOT
from moderation.web import language

PACKAGE = Path(moderation.__file__).parent
CATALOGUE = PACKAGE / "web" / "translations" / "en" / "LC_MESSAGES" / "messages.po"
KEYWORDS = DEFAULT_KEYWORDS | {"lazy_gettext": None, "lazy_ngettext": (1, 2)}
ENGLISH = {"Accept-Language": "en-GB,en;q=0.9,fr;q=0.5"}


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    with CATALOGUE.open("rb") as file:
        return read_po(file, abort_invalid=True)


@pytest.fixture(scope="module")
def texts() -> set[object]:
    """Every text that stands in the pages now, by the rules that `make translations` uses."""
    found = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())["tool"]["babel"]
    mappings = [(one.pop("pattern"), one) for one in found["mappings"]]
    return {
        message
        for _, _, message, _, _ in extract_from_dir(
            PACKAGE,
            method_map=[(pattern, options["method"]) for pattern, options in mappings],
            options_map=dict(mappings),
            keywords=KEYWORDS,
        )
    }


def test_the_catalogue_has_exactly_the_texts_of_the_pages(catalogue, texts):
    assert {message.id for message in catalogue if message.id} == texts


def test_every_text_is_translated_and_nobody_has_to_look_at_it_again(catalogue):
    entries = [message for message in catalogue if message.id]
    assert [message.id for message in entries if message.fuzzy] == []
    assert [message.id for message in entries if not all(_forms(message.string))] == []


def test_translations_use_the_same_placeholders(catalogue):
    assert [(message.id, errors) for message, errors in catalogue.check()] == []


def test_the_compiled_catalogue_is_the_written_one(catalogue):
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    assert CATALOGUE.with_suffix(".mo").read_bytes() == compiled.getvalue()


def _forms(string: str | tuple[str, ...]) -> tuple[str, ...]:
    return (string,) if isinstance(string, str) else string


@pytest.mark.parametrize(
    ("asked_for", "shown"),
    [
        ("en-GB,en;q=0.9,de;q=0.5", "en"),
        ("de-AT,de;q=0.9,en;q=0.5", "de"),
        ("fr,nl;q=0.8,en;q=0.1", "en"),
        ("fr", "de"),
        ("", "de"),
        ("\x00;;q=zwei", "de"),
    ],
)
def test_a_stranger_reads_the_language_of_their_browser(visitor, asked_for, shown):
    page = visitor.client.get("/login", headers={"Accept-Language": asked_for}).text
    assert f'<html lang="{shown}">' in page
    assert ("Log in" in page) == (shown == "en")
    assert ("Anmelden" in page) == (shown == "de")


def test_an_error_is_told_in_the_language_of_the_browser(app):
    client = app.test_client()
    page = client.get("/nowhere", headers=ENGLISH | {"Accept": "text/html"}).text
    assert "There is nothing here" in page
    assert '<html lang="en">' in page


def test_without_the_database_the_browsers_language_is_used(sql, anna):
    sql("ALTER TABLE moderators RENAME TO lost")
    page = anna.client.get("/queue", headers=ENGLISH)
    assert page.status_code == 503
    assert "The database cannot be used" in page.text


@pytest.fixture
def german(app: Flask) -> Iterator[None]:
    with app.test_request_context(headers={"Accept-Language": "de"}):
        yield


@pytest.fixture
def english(app: Flask) -> Iterator[None]:
    with app.test_request_context(headers=ENGLISH):
        yield


NIGHT = datetime(2026, 7, 1, 22, 5, tzinfo=UTC)


def test_german_times_and_numbers(german):
    assert language.moment(NIGHT) == "02.07.2026, 00:05 Uhr"
    assert language.day(date(2026, 7, 1)) == "01.07.2026"
    assert language.number(12_345) == "12.345"
    assert language.number(0.25) == "0,25"
    assert language.percent(0.125) == "12\N{NO-BREAK SPACE}%"


def test_english_times_and_numbers(english):
    assert language.moment(NIGHT) == "2 Jul 2026, 00:05"
    assert language.day(date(2026, 7, 1)) == "1 Jul 2026"
    assert language.number(12_345) == "12,345"
    assert language.number(0.25) == "0.25"
    assert language.percent(0.125) == "12%"


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0.0, "0%"), (0.004, "< 1%"), (0.01, "1%"), (0.99, "99%"), (0.9961, "> 99%"), (1.0, "100%")],
)
def test_only_nothing_is_0_and_only_everything_100_percent(english, share, shown):
    assert language.percent(share).replace("\N{NARROW NO-BREAK SPACE}", " ") == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 Sek."),
        (59, "59 Sek."),
        (90, "2 Min."),
        (3_600, "60 Min."),
        (7_200, "2 Std."),
        (200_000, "2 Tage"),
    ],
)
def test_a_duration_is_told_in_the_largest_unit_that_tells_enough(german, seconds, shown):
    assert language.duration(seconds) == shown
