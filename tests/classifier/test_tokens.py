from __future__ import annotations

import nltk
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.classifier.normalise import normalise
from moderation.classifier.tokens import STOPWORDS, content_stems, stem, tokens, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("der e-auto-akku", ["der", "e", "auto", "akku"]),
        ("2,5 mal 1.299", ["2,5", "mal", "1.299"]),
        (":clown_face: nein :-)", [":clown_face:", "nein", ":-)"]),
        ("<user> siehe <url>.", ["<user>", "siehe", "<url>"]),
        ("id*t und leser*innen", ["id*t", "und", "leser*innen"]),
        ("was?! nein!!", ["was", "?!", "nein", "!!"]),
        ("", []),
    ],
)
def test_words_are_what_a_reader_would_count(text: str, expected: list[str]) -> None:
    assert [word.text for word in words(text)] == expected


@given(st.text(max_size=80))
def test_every_word_stands_where_it_says_and_none_overlap(text: str) -> None:
    normalised = normalise(text).text
    assert tokens(normalised) == tuple(word.text for word in words(normalised))
    end = 0
    for word in words(normalised):
        assert normalised[word.start : word.end] == word.text
        assert end <= word.start < word.end
        end = word.end


def test_inflected_words_share_a_stem() -> None:
    assert stem("lade") == stem("laden")
    assert stem("preise") == stem("preisen") == stem("preises")


def test_stemming_needs_no_nltk_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nltk.data, "path", [])
    assert stem("verspaetungen") == stem("verspaetung")


def test_an_overlong_word_is_cut() -> None:
    assert stem("x" * 5000) == "x" * 40


def test_function_words_signs_and_placeholders_carry_no_content() -> None:
    text = normalise("Ich habe das nicht, und du? :-) 🤡 https://a.example !!").text
    assert content_stems(tokens(text)) == []


def test_stopwords_are_spelt_as_normalised_text_is() -> None:
    assert all(normalise(word).text == word for word in STOPWORDS)
