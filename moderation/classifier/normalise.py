"""One spelling for every disguise of a word, with the way back to the original text.

People write the same word in many ways, and some do so to get past a filter. ``normalise`` undoes
that step by step. Each step rewrites passages of the text and leaves a note of them, so whatever is
found in the normalised text can be shown in the comment as it was sent. All steps run in time
linear in the length of the text; their patterns use possessive quantifiers and anchored starts to
keep it that way for hostile input. Most texts hold nothing that most steps look for; a glance at
their characters spares them the search.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TypeAlias

import regex

__all__ = ["EMAIL", "URL", "USER", "NormalisedText", "normalise"]

URL = "<url>"
EMAIL = "<email>"
USER = "<user>"

_Piece: TypeAlias = tuple[int, int, str]
"""A replacement of ``text[start:end]``; one of equal length maps character by character."""


@dataclass(frozen=True)
class NormalisedText:
    """A normalised text that knows where it came from.

    Parameters
    ----------
    original : str
        The text as it was sent.
    text : str
        The normalised text.
    disguises : int
        How many disguises were undone: look-alike letters, invisible characters inside words,
        digits for letters, masked and spaced-out words. Ordinary spelling does not count.
    rewrites : sequence of sequences of pieces
        What each step replaced; the way back is worked out only for those who ask for it.
    """

    original: str
    text: str
    disguises: int
    rewrites: Sequence[Sequence[_Piece]] = field(repr=False)

    @property
    def starts(self) -> Sequence[int]:
        """For every character of ``text`` where in ``original`` its passage starts; ascending."""
        return self._passages[0]

    @property
    def ends(self) -> Sequence[int]:
        """For every character of ``text`` where in ``original`` its passage ends; ascending."""
        return self._passages[1]

    @cached_property
    def _passages(self) -> tuple[list[int], list[int]]:
        starts = list(range(len(self.original)))
        ends = list(range(1, len(self.original) + 1))
        for pieces in self.rewrites:
            starts, ends = _rewritten(starts, ends, pieces)
        return starts, ends

    def original_span(self, start: int, end: int) -> tuple[int, int]:
        """Return the passage of the original that ``text[start:end]`` stands for.

        Parameters
        ----------
        start, end : int
            Code-point offsets into ``text`` with ``0 <= start <= end <= len(text)``.

        Returns
        -------
        tuple of int
            Start and end (exclusive) in code points of ``original``; empty for an empty passage.

        Raises
        ------
        IndexError
            If the offsets do not lie within the text.

        Examples
        --------
        >>> normalised = normalise("So ein 1d10t!")
        >>> normalised.text
        'so ein idiot!'
        >>> normalised.original_span(7, 12)
        (7, 12)
        """
        if not 0 <= start <= end <= len(self.text):
            raise IndexError(f"the passage {start}:{end} is not within 0:{len(self.text)}")
        if start == end:
            at = self.starts[start] if start < len(self.text) else len(self.original)
            return at, at
        return self.starts[start], self.ends[end - 1]


def _rewritten(
    starts: list[int], ends: list[int], pieces: Sequence[_Piece]
) -> tuple[list[int], list[int]]:
    """Carry the passages of all characters over a step."""
    new_starts: list[int] = []
    new_ends: list[int] = []
    done = 0
    for start, end, new in pieces:
        same_length = len(new) == end - start
        kept = end if same_length else start
        new_starts += starts[done:kept]
        new_ends += ends[done:kept]
        if not same_length:
            new_starts += [starts[start]] * len(new)
            new_ends += [ends[end - 1]] * len(new)
        done = end
    return new_starts + starts[done:], new_ends + ends[done:]


class _Draft:
    """The text between two steps, with a note of what the steps before have replaced."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.rewrites: list[Sequence[_Piece]] = []
        self.disguises = 0

    def rewrite(self, pieces: Iterable[_Piece]) -> None:
        """Replace the pieces, which come in order and do not overlap; keep all between them."""
        pieces = list(pieces)
        if not pieces:
            return
        texts: list[str] = []
        done = 0
        for start, end, new in pieces:
            texts += (self.text[done:start], new)
            done = end
        texts.append(self.text[done:])
        self.text = "".join(texts)
        self.rewrites.append(pieces)

    def between_letters(self, start: int, end: int) -> bool:
        """Tell whether ``text[start:end]`` has a letter on either side."""
        return start > 0 and self.text[start - 1].isalpha() and self.text[end : end + 1].isalpha()


def normalise(text: str) -> NormalisedText:
    """Undo spelling variants and disguises.

    The result is lower case ASCII as far as the text is in the Latin alphabet: umlauts become
    ``ae``, ``oe``, ``ue`` (which many people type anyway, so that both spellings meet), ``ß``
    becomes ``ss``, other accents go. Digits that stand for letters, look-alike letters of other
    alphabets, invisible characters and spaced-out words are resolved, three and more equal
    letters become two, emojis become words such as ``:clown_face:``, and addresses become
    ``<url>``, ``<email>`` and ``<user>``. A masked word keeps one asterisk as its mark.

    Parameters
    ----------
    text : str
        Any text, lone surrogates included.

    Returns
    -------
    NormalisedText
        The normalised text with the original passage of each of its characters.

    Examples
    --------
    >>> normalise("Schöööne Grüße 🤡").text
    'schoene gruesse :clown_face:'
    >>> normalise("V o l l d e p p, sch31sse, Id***t").text
    'volldepp, scheisse, id*t'
    >>> normalise("z. B. iPhone 15 mit 5G für 999,99 €").text
    'z. b. iphone 15 mit 5g fuer 999,99 €'
    """
    draft = _Draft(text)
    unusual = _UNUSUAL.search(text) is not None
    if unusual:
        _drop_invisible(draft)
    _read_hidden_beginnings(draft)
    draft.rewrite(_addresses(draft.text))
    if unusual:
        draft.rewrite(_emojis(draft.text))
    _fold_letters(draft, marked=unusual)
    if unusual:
        _resolve_lookalikes(draft)
    _lower_case(draft)
    _join_spaced_words(draft)
    _shorten_masks(draft)
    _read_leetspeak(draft)
    draft.rewrite(_whitespace(draft.text))
    draft.rewrite(_repetitions(draft.text))
    return NormalisedText(text, draft.text, draft.disguises, draft.rewrites)


# Characters that are neither invisible nor emojis, marks or letters of other alphabets.
_UNUSUAL = re.compile(r"[^\t-\r -~ÄÖÜäöüß€„“”‚‘’«»–—…]")


# --- invisible characters -------------------------------------------------------------------

_INVISIBLE = regex.compile(
    r"(?V1)[[\p{Cf}\p{Cc}\p{Variation_Selector}\u034f\u115f\u1160\u3164\uffa0\u2800]--[\t-\r]]++"
    r"|\p{Cs}"
)
# Word processors and joined scripts put these inside words without any ill intent.
_INNOCENT = "\u00ad\u200c"


def _drop_invisible(draft: _Draft) -> None:
    """Remove zero-width, bidirectional and control characters; a lone surrogate becomes a space."""
    pieces = []
    for match in _INVISIBLE.finditer(draft.text):
        start, end = match.span()
        surrogate = "\ud800" <= match[0] <= "\udfff"
        pieces.append((start, end, " " if surrogate else ""))
        if draft.between_letters(start, end) and match[0].strip(_INNOCENT):
            draft.disguises += 1
    draft.rewrite(pieces)


# --- insults whose first letter is hidden ----------------------------------------------------

# Elsewhere a sign in front makes a name ("@rschmidt") or a number ("1euro"), so these are listed.
_HIDDEN_BEGINNING = regex.compile(
    r"(?<![\w@])(?:[1!|](?=diot)|[4@](?=rsch(?:loch|l[öo]e?ch|geige|gesicht|kriech|krampe))"
    r"|[4@](?=ffen?(?!\w))|[3€](?=sel(?!\w))|0(?=chse)"
    r"|[5$](?=chwein|chlampe|chwachk|past|pinner)|7(?=rottel)|8(?=l[öo]e?d))",
    regex.IGNORECASE,
)
_FIRST_LETTERS = str.maketrans("1!|4@3€05$78", "iiiaaeeosstb")


def _read_hidden_beginnings(draft: _Draft) -> None:
    """Read the sign in front of some insults as their first letter, as in ``@rschloch``."""
    pieces = [
        (match.start(), match.end(), match[0].translate(_FIRST_LETTERS))
        for match in _HIDDEN_BEGINNING.finditer(draft.text)
    ]
    draft.disguises += len(pieces)
    draft.rewrite(pieces)


# --- addresses and mentions -----------------------------------------------------------------

_TOP_LEVEL = (
    "de|at|ch|li|com|net|org|info|biz|eu|io|co|me|tv|cc|to|ru|cn|uk|fr|nl|pl|it|shop|online|store"
    "|site|website|xyz|club|top|app|dev|blog|news|live|link|click|vip|pro|example|test|onion"
)
_ADDRESS = regex.compile(
    r"(?P<link>(?<!\w)(?:(?:https?|ftp|hxxps?)://|www\.)\S++)"
    r"|(?P<email>(?<![\w.+-])[\w.+-]++@(?:[\w-]++\.(?=\w))++\w++)"
    rf"|(?P<domain>(?<![\w.@-])(?:[\w-]++\.(?=\w))++(?:{_TOP_LEVEL})(?![\w@-])(?:/\S*+)?)"
    r"|(?P<user>(?<![\w@])@\w++)",
    regex.IGNORECASE,
)
# Every address has one of these.
_ADDRESS_SIGN = re.compile(r"@|://|\.\S")
_PLACEHOLDER = {"link": URL, "domain": URL, "email": EMAIL, "user": USER}
_CLOSING = ".,;:!?)]}>\"'»«“”…*_"


def _addresses(text: str) -> Iterator[_Piece]:
    """Put placeholders for links, e-mail addresses and mentions: who and where says too much."""
    if not _ADDRESS_SIGN.search(text):
        return
    for match in _ADDRESS.finditer(text):
        kind = str(match.lastgroup)
        end = match.end()
        if kind in ("link", "domain"):
            end = match.start() + len(match[0].rstrip(_CLOSING))
        yield match.start(), end, _PLACEHOLDER[kind]


# --- emojis ---------------------------------------------------------------------------------

_EMOJI = regex.compile(
    # Letters in boxes are letters; (c), (r) and tm are signs that only some fonts draw in colour.
    r"(?V1)(?P<flag>[\U0001F1E6-\U0001F1FF]++)"
    r"|(?P<base>[\p{Extended_Pictographic}--[\xa9\xae\u203c\u2049\u2122\u2139\u24c2\u3297\u3299"
    r"\U0001F130-\U0001F189]])[\U0001F3FB-\U0001F3FF]*+[\u2640\u2642]?+"
    r"|(?P<rest>[\U0001F3FB-\U0001F3FF]++)"
)
_FIRST_INDICATOR = 0x1F1E6


def _emojis(text: str) -> Iterator[_Piece]:
    """Turn emojis into words, without skin tones and genders; letters of flags stay together."""
    for match in _EMOJI.finditer(text):
        start, end = match.span()
        if match["base"]:
            yield start, end, f" :{_emoji_name(match['base'])}: "
        elif match["rest"]:
            yield start, end, " "
        else:
            letters = "".join(chr(ord(c) - _FIRST_INDICATOR + ord("a")) for c in match["flag"])
            if len(letters) % 2:  # not flags: somebody writes with these letters
                yield start, end, letters
            else:
                for i in range(0, len(letters), 2):
                    yield start + i, start + i + 2, f" :flag_{letters[i : i + 2]}: "


@lru_cache(maxsize=2048)
def _emoji_name(character: str) -> str:
    name = unicodedata.name(character, "emoji").lower()
    return regex.sub(r"[^a-z0-9]+", "_", name).strip("_")


# --- letters --------------------------------------------------------------------------------

_NOT_PLAIN = regex.compile(r"[^\x00-\x7f]\p{M}*+|[\x00-\x7f]\p{M}++")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")  # enough where no marks are about
_LETTERS = {
    "ä": "ae", "ö": "oe", "ü": "ue", "Ä": "ae", "Ö": "oe", "Ü": "ue", "ß": "ss", "ẞ": "ss",
    "æ": "ae", "Æ": "ae", "œ": "oe", "Œ": "oe", "ø": "oe", "Ø": "oe", "ł": "l", "Ł": "l",
    "đ": "d", "Đ": "d", "ı": "i", "ð": "d", "þ": "th", "ƒ": "f", "ɑ": "a", "ɡ": "g", "ɩ": "i",
    "´": "'", "`": "'", "’": "'", "‘": "'", "ʼ": "'", "′": "'",
    "„": '"', "“": '"', "”": '"', "«": '"', "»": '"', "‚": "'", "‹": "'", "›": "'",
    "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "−": "-",
}  # fmt: skip
_BOXED = regex.compile(r"(?:SQUARED|CIRCLED|PARENTHESIZED) LATIN (?:CAPITAL|SMALL) LETTER (\w)$")
_SMALL_CAPITAL = regex.compile(r"LATIN LETTER SMALL CAPITAL (\w)$")
_STYLED = regex.compile(r"MATHEMATICAL|FULLWIDTH LATIN|CIRCLED LATIN|SQUARED LATIN|SMALL CAPITAL")
# Sorting a long run of combining marks takes quadratic time, and no language needs more.
_MARKS_KEPT = 3
# A few ligatures stand for whole sentences; unlimited they would blow a text up eighteen-fold.
_LONGEST_EXPANSION = 4


def _fold_letters(draft: _Draft, *, marked: bool) -> None:
    """Bring characters to NFKC and Latin letters to ASCII."""
    if draft.text.isascii():
        return
    clusters = _NOT_PLAIN if marked else _NOT_ASCII
    pieces = []
    for match in clusters.finditer(draft.text):
        folded, styled = _fold(match[0][: 1 + _MARKS_KEPT])
        pieces.append((match.start(), match.end(), folded))
        draft.disguises += styled
    draft.rewrite(pieces)


@lru_cache(maxsize=8192)
def _fold(cluster: str) -> tuple[str, bool]:
    """Return the plain form of one base character with its marks, and whether it was styled."""
    if cluster in _LETTERS:
        return _LETTERS[cluster], False
    name = unicodedata.name(cluster[0], "")
    boxed = _BOXED.search(name) or _SMALL_CAPITAL.search(name)
    composed = boxed[1].lower() if boxed else unicodedata.normalize("NFKC", cluster)
    folded = "".join(_fold_character(c) for c in composed[:_LONGEST_EXPANSION])
    return folded, bool(boxed or _STYLED.search(name))


def _fold_character(character: str) -> str:
    if character in _LETTERS:
        return _LETTERS[character]
    if unicodedata.category(character) in ("Mn", "Me"):
        return ""
    base = unicodedata.normalize("NFD", character)[0]
    return base if base.isascii() else character


# Each letter with the Latin one it is mistaken for, in pairs.
_PAIRS = (
    "аa бb вb дd еe ёe һh нh іi їi иn јj кk ӏl мm оo пn рp ԛq гr яr ѕs тt уy хx шw ԝw сc ԁd "
    "АA ВB ЕE ЁE НH ІI ЇI ЈJ КK ӀI МM ОO РP ԚQ ЯR ЅS ТT УY ХX ШW ԜW СC "
    "αa βb γy δd εe ηn ιi κk νv οo ρp σo ςs τt υu χx ωw άa έe ήn ίi όo ύu ώw μu "
    "ΑA ΒB ΕE ΖZ ΗH ΙI ΚK ΜM ΝN ΟO ΡP ΤT ΥY ΧX"
)
_LOOKALIKES = {ord(pair[0]): pair[1] for pair in _PAIRS.split()}
_WORD = regex.compile(r"\w++")
_LATIN = regex.compile(r"[a-zA-Z]")
# Units such as the micrometre mix alphabets too.
_SHORTEST_DISGUISED_WORD = 3


def _resolve_lookalikes(draft: _Draft) -> None:
    """Read Cyrillic and Greek letters as Latin ones in words that also have Latin letters."""
    if draft.text.isascii():
        return
    pieces = []
    for match in _WORD.finditer(draft.text):
        word = match[0]
        if word.isascii() or len(word) < _SHORTEST_DISGUISED_WORD or not _LATIN.search(word):
            continue
        resolved = word.translate(_LOOKALIKES)
        if resolved != word:
            pieces.append((match.start(), match.end(), resolved))
            draft.disguises += 1
    draft.rewrite(pieces)


_UPPER = regex.compile(r"[A-Z]++|[^\x00-\x7f]")


def _lower_case(draft: _Draft) -> None:
    folded = draft.text.casefold()
    if len(folded) == len(draft.text):  # none became several, so each stays where it was
        draft.text = folded
        return
    folded_each = ((match.span(), match[0].casefold()) for match in _UPPER.finditer(draft.text))
    draft.rewrite((start, end, folded) for (start, end), folded in folded_each)


# --- words in disguise ----------------------------------------------------------------------

# Four letters or more, each alone, with the same separator between them. Abbreviations are
# shorter, except with ". ", where five are needed.
_SPACED = regex.compile(
    r"(?<![^\W_])[^\W_](?P<sep>\.\ |\ {1,3}|[.\-_*·|/~+,])[^\W_](?![^\W_])"
    r"(?:(?P=sep)[^\W_](?![^\W_])){2,}+"
)
# What such a word begins with; much quicker to look for.
_LETTER_APART = re.compile(r"(?<![a-z0-9])[a-z0-9][. \-_*|/~+,] {0,2}[a-z0-9](?![a-z0-9])")


def _join_spaced_words(draft: _Draft) -> None:
    """Join words whose letters stand apart, as in ``I.d.i.o.t``."""
    if draft.text.isascii() and not _LETTER_APART.search(draft.text):
        return
    pieces = []
    for match in _SPACED.finditer(draft.text):
        separator = match["sep"]
        letters = match[0].split(separator)
        if sum(letter.isalpha() for letter in letters) <= max(2, len(letters) // 2):
            continue  # rather a number
        if separator == ". " and len(letters) < 5:
            continue
        draft.disguises += 1
        step = 1 + len(separator)
        for start in range(match.start() + 1, match.end(), step):
            pieces.append((start, start + len(separator), ""))
    draft.rewrite(pieces)


_MASK = regex.compile(r"[*•●█■]++|[#%&§]{2,}+")
# After a single asterisk these endings are the gender star, as in "Leser*innen" or "jede*r".
_GENDER_ENDING = regex.compile(r"(?:in|innen|r|n|e|en|m|s|die|der|den|das)(?![^\W_])")


def _shorten_masks(draft: _Draft) -> None:
    """Leave one asterisk where part of a word is masked; bold type in Markdown is not a mask."""
    text = draft.text
    pieces = []
    bold = False
    for match in _MASK.finditer(text):
        start, end = match.span()
        after_letter = start > 0 and text[start - 1].isalnum()
        before_letter = text[end : end + 1].isalnum()
        if not after_letter:
            bold = bold or (before_letter and "*" in match[0])
            continue
        if before_letter:
            gender = match[0] == "*" and _GENDER_ENDING.match(text, end)
            draft.disguises += not gender
        elif bold or len(match[0]) == 1:
            bold = False
            continue
        else:
            draft.disguises += 1
        pieces.append((start, end, "*"))
    draft.rewrite(pieces)


_DIGIT_LETTERS = str.maketrans("0134578", "oieastb")
_SIGN_LETTERS = str.maketrans("@$€!", "asei")
_MIXED = regex.compile(r"[a-z0-9]++")
# A digit or two between letters; digits after the letters (iPhone15, WLAN6, MP3) and before them
# (5G, 4K, 3fach) name versions, counts and units.
_INNER_DIGITS = regex.compile(r"(?<=[a-z])[013457]{1,2}+(?=[a-z])")
_LEET_DIGITS = regex.compile(r"[a-z0134578]++")
_DIMENSIONS = regex.compile(r"\d++x\d")
_SIGN = regex.compile(
    r"(?<=[a-z])(?:[@€]|\$++)(?=[a-z])|(?<=[a-z])\${2,}+(?!\w)"
    r"|(?<![^\W_]{4})(?<=[a-z])!(?=[a-z])(?![^\W_]{4})"
)


def _read_leetspeak(draft: _Draft) -> None:
    """Read digits and signs as letters inside words that mix them in no other sensible way."""
    pieces = []
    for match in _SIGN.finditer(draft.text):
        pieces.append((match.start(), match.end(), match[0].translate(_SIGN_LETTERS)))
    draft.disguises += len(pieces)
    draft.rewrite(pieces)

    if not _INNER_DIGITS.search(draft.text):
        return
    pieces = []
    for match in _MIXED.finditer(draft.text):
        word = match[0]
        if _is_leetspeak(word):
            pieces.append((match.start(), match.end(), word.translate(_DIGIT_LETTERS)))
    draft.disguises += len(pieces)
    draft.rewrite(pieces)


def _is_leetspeak(word: str) -> bool:
    letters = sum(c.isalpha() for c in word)
    return (
        4 <= len(word) <= 40
        and letters * 5 >= len(word) * 2
        and (letters > 2 or len(word) > 4 or "00" in word)
        and _DIMENSIONS.match(word) is None
        and _LEET_DIGITS.fullmatch(word) is not None
        and _INNER_DIGITS.search(word) is not None
    )


# --- spaces and repetitions -----------------------------------------------------------------

_SPACE = regex.compile(r"\s++")
_REPEATED = regex.compile(
    r"(?P<umlaut>[aou]e)(?P=umlaut)++"  # was one letter, and no German word doubles it
    r"|(?P<letter>[^\W\d])(?P=letter){2,}+"
    r"|(?P<sign>[!?.,;])(?P=sign){2,}+"
    r"|(?P<emoji>:[a-z0-9_]++:)(?:\ (?P=emoji)){2,}+"
)
_THRICE = re.compile(r"(.)\1\1|: :", re.DOTALL)
_DOUBLE_UMLAUTS = ("aeae", "oeoe", "ueue")


def _whitespace(text: str) -> Iterator[_Piece]:
    """Leave single spaces, none at the ends."""
    if text == " ".join(text.split()):
        return
    for match in _SPACE.finditer(text):
        start, end = match.span()
        new = " " if start > 0 and end < len(text) else ""
        if match[0] != new:
            yield start, end, new


def _repetitions(text: str) -> Iterator[_Piece]:
    """Leave two of what comes three or more times; the last one stands for all the rest."""
    if not (_THRICE.search(text) or any(pair in text for pair in _DOUBLE_UMLAUTS)):
        return
    for match in _REPEATED.finditer(text):
        start, end = match.span()
        if match["umlaut"]:
            yield start + 1, end, "e"
        elif match["emoji"]:
            yield start + len(match["emoji"]), end, f" {match['emoji']}"
        else:
            yield start + 1, end, match[0][0]
