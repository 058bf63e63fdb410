"""Full-text search: umlauts, beginnings of words, and queries that are no queries."""

from __future__ import annotations

import pytest

from moderation.comment import Action, Comment
from moderation.desk import Desk
from moderation.store import Filter, Listing

TEXTS = {
    "akku": "Trottel, der Akku hält über fünf Stunden!",
    "strasse": "Trottel auf der Müllerstraße, AND nun OR nie: NEAR",
    "quote": "Trottel, \"ein 'Zitat' mit 100% *Sternchen* -- und; (Klammern) ^~:\"",
    "wort": "Trottel" + "x" * 60_000,
    "cafe": "Trottel im Cafe\u0301 mit ﬁnem Ⅻ",
}

FOUND = {
    "akku": {"akku"},
    "AKK": {"akku"},
    "kku": set(),
    "über": {"akku"},
    "ueber": {"akku"},
    "uber": set(),
    "müllerstr": {"strasse"},
    "MUELLERSTRASSE": {"strasse"},
    "stunden akku": {"akku"},
    "akku zitat": set(),
    "café": {"cafe"},
    "cafe": {"cafe"},
    "finem": {"cafe"},
    "xii": {"cafe"},
    "trottelx": {"wort"},
    "trottel": set(TEXTS),
    "  ": set(TEXTS),
}
HOSTILE = {
    "AND": {"strasse"},
    "and OR nie NEAR": {"strasse"},
    "akku OR zitat": set(),
    "akku NOT stunden": set(),
    '"akku': {"akku"},
    "'akku':*": {"akku"},
    "words:akku": set(),
    "akku)": {"akku"},
    "^akku* -": {"akku"},
    "akku & !stunden | <->": {"akku"},
    "100%": {"quote"},
    "'; DROP TABLE comments; --": set(),
    "\\": set(),
    "!!!": set(),
    "a\0b": set(),
    "\ud83d akku": {"akku"},
    "akku " * 5000: {"akku"},
    " ".join(f"w{number}" for number in range(2000)): set(),
    "x" * 70_000: set(),
}


@pytest.fixture
def stocked(desk: Desk) -> Desk:
    for comment_id, text in TEXTS.items():
        desk.submit(Comment(text, id=comment_id))
    return desk


def found(desk: Desk, words: str) -> set[str | None]:
    page = desk.listing(Listing.FLAGGED, Filter(words=words))
    return {item.comment.id for item in page.items}


def test_words_are_found_by_their_beginnings_however_they_are_spelled(stocked: Desk) -> None:
    for query, expected in FOUND.items():
        assert found(stocked, query) == expected, query


def test_many_are_found_as_few_are(stocked: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("moderation.store.lists.FEW", 0)
    for query, expected in FOUND.items():
        assert found(stocked, query) == expected, query


def test_whatever_is_typed_is_taken_as_words(stocked: Desk) -> None:
    for query, expected in HOSTILE.items():
        assert found(stocked, query) == expected, query[:50]


def test_an_edited_comment_is_found_by_its_new_words_only(stocked: Desk) -> None:
    stocked.submit(Comment("Trottel, das Netzteil!", id="akku"))

    assert found(stocked, "netzteil") == {"akku"}
    assert found(stocked, "stunden") == set()


def test_what_is_found_is_narrowed_to_the_list(stocked: Desk) -> None:
    stocked.decide("akku", Action.APPROVE, "eva", version=1)

    assert found(stocked, "akku") == set()
    page = stocked.listing(Listing.DECIDED, Filter(words="akku"))
    assert [item.comment.id for item in page.items] == ["akku"]


def test_nothing_is_found_under_a_name_that_cannot_be_kept(stocked: Desk) -> None:
    for narrowed in (Filter(author="a\0b"), Filter(article="a\0b"), Filter(model="\ud83d")):
        assert stocked.listing(Listing.FLAGGED, narrowed).items == ()
        assert set(stocked.listing_counts(narrowed).values()) == {0}
