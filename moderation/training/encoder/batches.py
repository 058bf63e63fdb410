"""The order in which the network sees its comments: batches, the same for the same seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from random import Random
from typing import Final

from moderation.classifier.encoder import ArticleTokens
from moderation.training.encoder.readings import PublicReadings, Reading

__all__ = ["PublicShares", "SeedShares", "public_batches", "seed_batches"]

_SIZE: Final = 32
_POOL: Final = 40
_DOCUMENTS: Final = 16
_ARTICLES: Final = 5
_PER_ARTICLE: Final = 10
_LENGTH_STEP: Final = 12

_Batches = list[list[Reading]]


@dataclass(frozen=True, slots=True)
class PublicShares:
    """How often each public corpus is seen, in passes; documents in batches."""

    germeval: float = 2.0
    gahd: float = 1.0
    argotario: float = 2.0
    document_batches: int = 80


@dataclass(frozen=True, slots=True)
class SeedShares:
    """How the seeds are seen.

    Parameters
    ----------
    passes : int
        How often each comment is seen.
    public : float
        Batches of public comments for each batch of seeds, against forgetting.
    document_batches : int
        Batches of sentences under their documents in each pass: real people on their subject.
    title_only : float
        Share of the seeds' batches in which nothing is known of an article but its title, as
        some blogs send no more.
    """

    passes: int = 4
    public: float = 0.2
    document_batches: int = 0
    title_only: float = 0.0


def public_batches(readings: PublicReadings, shares: PublicShares, random: Random) -> _Batches:
    """Return batches of the public corpora, mixed."""
    batches = [
        *_repeated(readings.germeval, shares.germeval, random),
        *_repeated(readings.gahd, shares.gahd, random),
        *_repeated(readings.argotario, shares.argotario, random),
        *_document_batches(readings.documents, shares.document_batches, random),
    ]
    random.shuffle(batches)
    return batches


def seed_batches(
    seeds: Sequence[Reading], public: PublicReadings, shares: SeedShares, random: Random
) -> _Batches:
    """Return batches of seeds, pass by pass, with some public comments among them."""
    batches: _Batches = []
    for _ in range(shares.passes):
        one_pass = [
            _under_titles(batch) if random.random() < shares.title_only else batch
            for batch in _seed_pass(seeds, random)
        ]
        extra = round(len(one_pass) * shares.public)
        tweets = extra * 3 // 4
        for corpus, count in ((public.germeval, tweets), (public.gahd, extra - tweets)):
            chosen = random.sample(corpus, min(len(corpus), count * _SIZE))
            one_pass += _by_length(chosen, random)
        one_pass += _document_batches(public.documents, shares.document_batches, random)
        random.shuffle(one_pass)
        batches += one_pass
    return batches


def _repeated(readings: Sequence[Reading], passes: float, random: Random) -> _Batches:
    batches: _Batches = []
    while passes > 0:
        chosen = random.sample(readings, round(len(readings) * min(1.0, passes)))
        batches += _by_length(chosen, random)
        passes -= 1
    return batches


def _by_length(readings: Sequence[Reading], random: Random) -> _Batches:
    """Cut into batches of similar length, so that little is padding."""
    batches: _Batches = []
    for start in range(0, len(readings), _SIZE * _POOL):
        pool = sorted(readings[start : start + _SIZE * _POOL], key=lambda each: len(each.comment))
        batches += _slices(pool, _SIZE)
    random.shuffle(batches)
    return batches


def _slices(readings: Sequence[Reading], size: int) -> _Batches:
    return [list(readings[start : start + size]) for start in range(0, len(readings), size)]


def _document_batches(readings: Sequence[Reading], count: int, random: Random) -> _Batches:
    """Show sentences of different documents together, so that each has foreign ones beside it."""
    documents = _by_group(readings)
    batches: _Batches = []
    while len(batches) < count and len(documents) > 1:
        random.shuffle(documents)
        for start in range(0, len(documents), _DOCUMENTS):
            batches.append([random.choice(rows) for rows in documents[start : start + _DOCUMENTS]])
    return batches[:count]


def _seed_pass(seeds: Sequence[Reading], random: Random) -> _Batches:
    """Go once through the seeds: few articles a batch, so that each is read for many comments."""
    portions = list(chain.from_iterable(_portions(rows, random) for rows in _by_group(seeds)))
    near = {id(portion): random.random() < 1 / 2 for portion in portions}

    def key(portion: list[Reading]) -> tuple[int, str, float]:
        length = sum(len(row.comment) for row in portion) / len(portion) / _LENGTH_STEP
        # half of them next to portions of their own topic, so that foreign articles are near ones
        topic = portion[0].topic if near[id(portion)] else ""
        return int(length + random.random()), topic, random.random()

    portions.sort(key=key)
    return [
        list(chain.from_iterable(portions[start : start + _ARTICLES]))
        for start in range(0, len(portions), _ARTICLES)
    ]


def _under_titles(batch: list[Reading]) -> list[Reading]:
    """Leave of the articles nothing but their titles.

    Of all articles of a batch, or one would stand there twice, foreign to itself.
    """
    return [
        replace(row, article=ArticleTokens(row.article.title, ())) if row.article else row
        for row in batch
    ]


def _by_group(readings: Sequence[Reading]) -> list[list[Reading]]:
    groups: dict[str, list[Reading]] = {}
    for reading in readings:
        groups.setdefault(reading.group, []).append(reading)
    return list(groups.values())


def _portions(rows: list[Reading], random: Random) -> _Batches:
    """Cut the comments of an article into portions of similar length; pairs stay together."""
    jitter = {
        row.pair or id(row): len(row.comment) + random.random() * _LENGTH_STEP for row in rows
    }
    ordered = sorted(rows, key=lambda row: jitter[row.pair or id(row)])
    count = max(1, round(len(ordered) / _PER_ARTICLE))
    return [
        ordered[number * len(ordered) // count : (number + 1) * len(ordered) // count]
        for number in range(count)
    ]
