"""Words and stems of a normalised text, each with its place."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import regex
from nltk.stem.snowball import GermanStemmer

__all__ = ["STOPWORDS", "Word", "content_stems", "stem", "tokens", "words"]

_WORD = regex.compile(
    r":[a-z0-9_]++:"  # an emoji's name
    r"|<(?:url|email|user)>"
    r"|[:;=8]-?+[()dp/|*](?!\w)"  # a smiley in typewriter style
    r"|\d++(?:[.,]\d++)*+"
    r"|[^\W_]++(?:['*][^\W_]++)*+\*?+"
    r"|[!?]++"
)
_ASCII_WORD = re.compile(_WORD.pattern, re.ASCII)  # finds the same in most texts, and faster
_LONGEST_STEMMED = 40

# Function words only: whom a comment addresses and how sure it sounds stays visible elsewhere.
_STOPWORDS = """
    aber alle allem allen aller alles als also am an ander andere anderem anderen anderer anderes
    auch auf aus bei beim bin bis bist da dabei dadurch dafuer dagegen daher dahin damit danach
    daneben dann daran darauf daraus darf darin darueber darum darunter das dass davon dazu dein
    deine deinem deinen deiner dem den denen denn der deren des deshalb dessen dich die dies diese
    diesem diesen dieser dieses dir doch dort du durch eben eher ein eine einem einen einer eines
    einfach einige einigen einmal er es etwa etwas euch euer eure eurem euren eurer fuer ganz gar
    gegen geht genau gerade gern gerne gibt gibts gut hab habe haben habt halt hast hat hatte
    hatten hier hin hinter ich ihm ihn ihnen ihr ihre ihrem ihren ihrer im immer in ins ist ists ja
    jede jedem jeden jeder jedes jetzt kann kannst kein keine keinem keinen keiner koennen koennt
    koennte koennten lassen mach machen macht mal man manche manchen mehr mein meine meinem meinen
    meiner mich mir mit muss muessen musst na nach naja ne nee nein nicht nichts nie noch nun nur
    ob oder ohne schon sehr sei sein seine seinem seinen seiner seit selbst sich sie sind so
    sollen sollte sollten sonst soll ueber ueberhaupt um und uns unser unsere unserem unseren
    unserer unter vielleicht viel viele vom von vor waere waeren wann war waren warum was weg wegen
    weil weiter welche welchem welchen welcher welches wem wen wenig wenn wer werde werden wie
    wieder wieso will wir wird wirklich wo wohl wollen wollte worden wurde wurden wuerde wuerden
    zu zum zur zwar zwischen
    a about all also an and any are as at be been but by can do does for from get had has have he
    her his how if in into is it its just me my no not of off on one only or our out she some than
    that the their them then there they this to too up us was we were what when which who why will
    with would you your
"""
STOPWORDS = frozenset(_STOPWORDS.split())


class Word(NamedTuple):
    """A word of a normalised text; ``start`` and ``end`` are offsets into that text."""

    text: str
    start: int
    end: int


def words(text: str) -> list[Word]:
    """Split a normalised text into words.

    Emojis, placeholders, smileys, numbers and runs of question and exclamation marks are words
    of their own. Compounds with hyphens fall apart, so that their parts can meet other words.

    Parameters
    ----------
    text : str
        A text that ``normalise`` returned.

    Returns
    -------
    list of Word
        In the order of the text, without overlaps.

    Examples
    --------
    >>> [word.text for word in words("der e-auto-akku haelt 2,5 jahre :clown_face: !!")]
    ['der', 'e', 'auto', 'akku', 'haelt', '2,5', 'jahre', ':clown_face:', '!!']
    """
    return [Word(match[0], *match.span()) for match in _WORD.finditer(text)]


def tokens(text: str) -> tuple[str, ...]:
    """Return what ``words`` would find, without the places.

    Examples
    --------
    >>> tokens("kein e-auto!")
    ('kein', 'e', 'auto', '!')
    """
    return tuple((_ASCII_WORD if text.isascii() else _WORD).findall(text))


_stemmer = GermanStemmer()


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """Return the stem of a normalised word after Porter's Snowball rules for German.

    Overlong words are cut instead of stemmed.

    Examples
    --------
    >>> stem("preise"), stem("preisen")
    ('preis', 'preis')
    """
    if len(word) > _LONGEST_STEMMED:
        return word[:_LONGEST_STEMMED]
    return str(_stemmer.stem(word))


def content_stems(text_tokens: Iterable[str]) -> list[str]:
    """Return the stems of the words that carry content: no function words, signs or placeholders.

    Examples
    --------
    >>> content_stems(tokens("der preis ist mit 299 euro zu hoch :-) <url>"))
    ['preis', '299', 'euro', 'hoch']
    """
    return [stem(token) for token in text_tokens if _carries_content(token)]


@lru_cache(maxsize=32768)
def _carries_content(token: str) -> bool:
    return len(token) > 1 and token not in STOPWORDS and token[0].isalnum()
