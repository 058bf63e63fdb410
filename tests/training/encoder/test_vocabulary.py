from __future__ import annotations

from moderation.training.encoder.vocabulary import build_tokenizer, kept_pieces

PIECES = [
    "<s>",
    "<pad>",
    "</s>",
    "<unk>",
    "▁Akku",
    "字",
    "о",
    "🤡",
    "▁ist",
    "▁da",
    "слово",
    "▁",
    "!",
]
SCORES = [0.0, 0, 0, 0, -9, -2, -5, -6, -3, -4, -1, -2, -3]


def kept(seen: list[int], size: int) -> list[str]:
    return [PIECES[number] for number in kept_pieces(PIECES, SCORES, seen, size)]


def test_marks_single_signs_and_what_was_seen_are_always_kept() -> None:
    assert kept([4], 0) == [*PIECES[:4], "▁Akku", "о", "🤡", "!"]


def test_the_rest_is_filled_with_the_likeliest_latin_pieces() -> None:
    assert kept([], 9) == [*PIECES[:4], "о", "🤡", "▁ist", "▁", "!"]


def test_foreign_words_are_not_kept_unless_they_were_seen() -> None:
    assert "слово" not in kept([], 100)
    assert "слово" in kept([10], 100)


def test_the_tokenizer_takes_the_likeliest_division() -> None:
    pieces = ["<unk>", "▁", "▁Akku", "▁Ak", "ku", "s"]
    tokenizer = build_tokenizer(pieces, [0.0, -2, -5, -1, -9, -3], 0)
    assert tokenizer.encode("Akkus").tokens == ["▁Akku", "s"]
    assert tokenizer.encode("  Akku \n Akku").tokens == ["▁Akku", "▁Akku"]
