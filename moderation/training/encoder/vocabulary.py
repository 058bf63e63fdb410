"""Which pieces of the multilingual vocabulary are kept, and the tokenizer made of them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

__all__ = ["build_tokenizer", "kept_pieces"]

_WORD_START = "▁"
_MARKS = 4
_FOREIGN_SIGNS = ("CJK", "HANGUL", "KATAKANA", "HIRAGANA")
_LETTERS = ("LATIN", "GREEK", "CYRILLIC")


def build_tokenizer(pieces: Sequence[str], scores: Sequence[float], unknown: int) -> Tokenizer:
    """Return the Unigram tokenizer of the base network over these pieces.

    Examples
    --------
    >>> tokenizer = build_tokenizer(["<unk>", "▁", "▁Akku", "s", "k"], [0.0, -2.0, -5, -3, -4], 0)
    >>> tokenizer.encode("Akkus  k").tokens
    ['▁Akku', 's', '▁', 'k']
    """
    tokenizer = Tokenizer(
        models.Unigram(list(zip(pieces, scores, strict=True)), unk_id=unknown, byte_fallback=False)
    )
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(
        replacement=_WORD_START, prepend_scheme="always"
    )
    return tokenizer


def kept_pieces(
    pieces: Sequence[str], scores: Sequence[float], seen: Iterable[int], size: int
) -> list[int]:
    """Choose the pieces to keep: what was seen, single signs, then the likeliest in Latin letters.

    Parameters
    ----------
    pieces, scores
        The whole vocabulary.
    seen
        Numbers of the pieces that occur in the training texts.
    size
        How many to keep, unless more have to be.

    Returns
    -------
    list of int
        Numbers of the kept pieces, ascending; the first four, the marks, are among them.
    """
    kept = {*range(_MARKS), *seen}
    kept.update(number for number, piece in enumerate(pieces) if _is_single_sign(piece))
    likeliest = sorted(range(len(pieces)), key=lambda number: -scores[number])
    latin = (number for number in likeliest if number not in kept and _is_latin(pieces[number]))
    for _, number in zip(range(size - len(kept)), latin, strict=False):
        kept.add(number)
    return sorted(kept)


def _is_single_sign(piece: str) -> bool:
    """Whether a piece is one letter that may disguise another, a digit, a sign or an emoji."""
    sign = piece.removeprefix(_WORD_START)
    if len(sign) != 1:
        return False
    name = unicodedata.name(sign, "")
    if unicodedata.category(sign)[0] in "PSNM":
        return not any(foreign in name for foreign in _FOREIGN_SIGNS)
    return name.startswith(_LETTERS)


def _is_latin(piece: str) -> bool:
    return all(
        sign == _WORD_START or unicodedata.name(sign, "").startswith("LATIN ") for sign in piece
    )
