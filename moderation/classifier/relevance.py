"""How a comment relates to its article, to the comment it answers, and to the thread."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from moderation.classifier.document import Document
from moderation.classifier.evidence import passages
from moderation.classifier.hashing import HashedTfidf
from moderation.classifier.ngrams import character_ngrams
from moderation.classifier.normalise import normalise
from moderation.classifier.tokens import Word, content_stems, words
from moderation.comment import Article, Comment, Evidence, EvidenceSource

__all__ = ["Relevance"]

_SHORTEST_NGRAM = 4
_LONGEST_NGRAM = 5
_SHORTEST_AFFIX = 4
# What stands further down in a long parent or thread adds time, not meaning.
_LONGEST_CONTEXT = 4000
_LATEST_IN_THREAD = 20
# Below, two texts share some everyday word or a few letters.
_LEAST_SIMILARITY = 0.02

_ADDRESSING = frozenset({
    "du", "dir", "dich", "dein", "deine", "deinen", "deinem", "deiner",
    "ihr", "euch", "euer", "eure", "euren", "eurem", "eurer",
})  # fmt: skip
_ABOUT_ARTICLE = frozenset({
    "artikel", "artikels", "autor", "autorin", "autoren", "beitrag", "bericht", "berichts", "text",
    "redakteur", "redakteurin", "redaktion", "schreiber", "schreiberling", "verfasser",
    "ueberschrift",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Source:
    """A text, or several, that comments are compared with; one matrix row for each text."""

    stems: frozenset[str]
    affixes: frozenset[str]
    stem_rows: sparse.csr_matrix
    character_rows: sparse.csr_matrix


@dataclass(frozen=True, slots=True)
class _ArticleSources:
    """An article taken apart: its title, all of it, and its passages."""

    title: _Source
    whole: _Source
    passages: tuple[str, ...]
    passage_source: _Source


@dataclass(frozen=True, slots=True)
class _Side:
    """The comment's side of the comparison."""

    stems: tuple[str, ...]
    rarity: NDArray[np.float32]
    stem_row: NDArray[np.float32]
    character_row: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Closeness:
    """What a source has in common with a comment.

    ``found`` and ``found_in_part`` say for every stem of the comment whether it is in the source,
    as such or as part of a compound (or the other way about); the rest lies in [0, 1].
    """

    found: NDArray[np.bool_]
    found_in_part: NDArray[np.bool_]
    stem_cosine: float
    character_cosine: float


class Relevance:
    """Named columns on what a comment shares with its context.

    For the article's title, its whole text, its nearest passage, the parent and the thread: the
    share of the comment's content stems found there, weighted by their rarity; the same where
    part of a compound is enough; and TF-IDF cosines over stems and over character n-grams. Also
    how much content the comment has, how much of it is found nowhere, and whom it speaks to. A
    context that is not there leaves zeros.

    Parameters
    ----------
    n_features : int
        The number of hashed columns behind the cosines; a power of two.
    cached_texts : int
        How many articles, and how many other texts, stay taken apart in memory.
    """

    name = "relevance"
    columns = (
        *(
            f"{source}_{measure}"
            for source in ("title", "article", "parent", "thread")
            for measure in ("shared", "shared_in_part", "stem_cosine", "character_cosine")
        ),
        "passage_stem_cosine",
        "passage_character_cosine",
        "context_shared",
        "context_shared_in_part",
        "found_content",
        "strange_content",
        "strange_content_with_parent",
        "content",
        "no_content",
        "little_content",
        "is_reply",
        "addresses_someone",
        "mentions_article",
        "asks",
    )

    def __init__(self, n_features: int = 2**16, cached_texts: int = 512) -> None:
        self.cached_texts = cached_texts
        self.stems = HashedTfidf(n_features)
        self.characters = HashedTfidf(n_features)
        self._start_caches()

    @property
    def n_features(self) -> int:
        """The number of columns."""
        return len(self.columns)

    def fit(self, documents: Sequence[Document]) -> None:
        """Learn how rare stems and character n-grams are in comments and articles.

        Parameters
        ----------
        documents : sequence of Document
            Comments; every article counts once, however many comments it has.
        """
        articles = dict.fromkeys(d.comment.article for d in documents if d.comment.article)
        texts = [d.words for d in documents]
        texts += [_words(p) for a in articles for p in _article_passages(a)]
        self.stems.fit(map(content_stems, texts))
        self.characters.fit(map(_ngrams, texts))
        self._start_caches()

    def transform(self, documents: Sequence[Document]) -> sparse.csr_matrix:
        """Return one row per comment, of shape (n_documents, n_features)."""
        rows = np.array(
            [self._row(d, s) for d, s in zip(documents, self._sides(documents), strict=True)],
            dtype=np.float32,
        )
        return sparse.csr_matrix(rows.reshape(len(documents), self.n_features))

    def evidence(self, document: Document) -> Evidence | None:
        """Return the passage of article, parent or thread that is nearest to the comment.

        Parameters
        ----------
        document : Document
            The comment.

        Returns
        -------
        Evidence or None
            None if nothing in its context has anything in common with the comment.
        """
        side = next(self._sides([document]))
        best: Evidence | None = None
        for kind, texts, source in self._candidates(document.comment):
            stem_cosines = source.stem_rows @ side.stem_row
            similarities = (stem_cosines + source.character_rows @ side.character_row) / 2
            nearest = int(np.argmax(similarities))
            similarity = min(1.0, round(float(similarities[nearest]), 6))
            if similarity > max(_LEAST_SIMILARITY, best.similarity if best else 0.0):
                best = Evidence(kind, texts[nearest], similarity)
        return best

    def _candidates(
        self, comment: Comment
    ) -> Iterator[tuple[EvidenceSource, tuple[str, ...], _Source]]:
        if comment.article:
            article = self._article(comment.article)
            yield EvidenceSource.ARTICLE, article.passages, article.passage_source
        for kind, context in (
            (EvidenceSource.PARENT, _parent(comment)),
            (EvidenceSource.THREAD, _thread(comment)),
        ):
            texts = tuple(passage for text in context for passage in passages(text))
            if texts:
                yield kind, texts, self._source(texts)

    # -- one comment ---------------------------------------------------------------------

    def _row(self, document: Document, side: _Side) -> list[float]:
        comment = document.comment
        tokens = {word.text for word in document.words}
        row = dict.fromkeys(self.columns, 0.0)

        near: dict[str, list[_Closeness]] = {
            "parent": [self._closeness(side, self._source((t,))) for t in _parent(comment)],
            "thread": [self._closeness(side, self._source((t,))) for t in _thread(comment)],
        }
        if comment.article:
            article = self._article(comment.article)
            near["title"] = [self._closeness(side, article.title)]
            near["article"] = [self._closeness(side, article.whole)]
            passage = self._closeness(side, article.passage_source)
            row["passage_stem_cosine"] = passage.stem_cosine
            row["passage_character_cosine"] = passage.character_cosine

        for source, closenesses in near.items():
            row |= _measures(source, side, closenesses)
        everything = [c for closenesses in near.values() for c in closenesses]
        found = _any([c.found for c in everything], len(side.stems))
        in_part = _any([c.found_in_part for c in everything], len(side.stems))
        strange = float(side.rarity[~in_part].sum())

        row["context_shared"] = _share(side, found)
        row["context_shared_in_part"] = _share(side, in_part)
        row["found_content"] = _damped(float(side.rarity[in_part].sum()))
        row["strange_content"] = _damped(strange)
        row["strange_content_with_parent"] = _damped(strange) if comment.parent else 0.0
        row["content"] = _damped(float(side.rarity.sum()))
        row["no_content"] = float(not side.stems)
        row["little_content"] = float(0 < len(side.stems) < 3)
        row["is_reply"] = float(comment.parent is not None)
        row["addresses_someone"] = float(not tokens.isdisjoint(_ADDRESSING))
        row["mentions_article"] = float(not tokens.isdisjoint(_ABOUT_ARTICLE))
        row["asks"] = float("?" in comment.text)
        return list(row.values())

    def _sides(self, documents: Sequence[Document]) -> Iterator[_Side]:
        stems = [content_stems(d.words) for d in documents]
        stem_rows = self.stems.transform(stems)
        character_rows = self.characters.transform(_ngrams(d.words) for d in documents)
        for number, own in enumerate(stems):
            distinct = tuple(dict.fromkeys(own))
            yield _Side(
                distinct,
                self.stems.rarity(distinct),
                stem_rows[number].toarray().ravel(),
                character_rows[number].toarray().ravel(),
            )

    def _closeness(self, side: _Side, source: _Source) -> _Closeness:
        found = np.fromiter((s in source.stems for s in side.stems), bool, len(side.stems))
        in_part = np.fromiter((_in_part(s, source) for s in side.stems), bool, len(side.stems))
        return _Closeness(
            found,
            found | in_part,
            _greatest(source.stem_rows @ side.stem_row),
            _greatest(source.character_rows @ side.character_row),
        )

    # -- its context, remembered ---------------------------------------------------------

    def _start_caches(self) -> None:
        self._source = lru_cache(self.cached_texts)(self._take_apart)
        self._article = lru_cache(self.cached_texts)(self._take_article_apart)

    def _take_article_apart(self, article: Article) -> _ArticleSources:
        found = _article_passages(article)
        return _ArticleSources(
            self._take_apart((article.title,)),
            self._take_apart((_whole(article),)),
            found or ("",),
            self._take_apart(found or ("",)),
        )

    def _take_apart(self, texts: tuple[str, ...]) -> _Source:
        texts_words = [_words(text) for text in texts]
        stems = [content_stems(w) for w in texts_words]
        distinct = frozenset(stem for text_stems in stems for stem in text_stems)
        return _Source(
            distinct,
            frozenset(affix for stem in distinct for affix in _affixes(stem)),
            self.stems.transform(stems),
            self.characters.transform([_ngrams(w) for w in texts_words]),
        )

    def __getstate__(self) -> dict[str, Any]:
        """Leave the caches behind: they cannot be saved and hold other people's texts."""
        return {k: v for k, v in self.__dict__.items() if k not in ("_source", "_article")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._start_caches()


def _measures(source: str, side: _Side, near: Sequence[_Closeness]) -> dict[str, float]:
    size = len(side.stems)
    return {
        f"{source}_shared": _share(side, _any([c.found for c in near], size)),
        f"{source}_shared_in_part": _share(side, _any([c.found_in_part for c in near], size)),
        f"{source}_stem_cosine": max((c.stem_cosine for c in near), default=0.0),
        f"{source}_character_cosine": max((c.character_cosine for c in near), default=0.0),
    }


def _any(masks: Sequence[NDArray[np.bool_]], size: int) -> NDArray[np.bool_]:
    result = np.zeros(size, dtype=bool)
    for mask in masks:
        result |= mask
    return result


def _share(side: _Side, found: NDArray[np.bool_]) -> float:
    total = float(side.rarity.sum())
    return float(side.rarity[found].sum()) / total if total else 0.0


def _greatest(cosines: NDArray[np.float32]) -> float:
    # Rounding may carry the cosine of a text with itself beyond one.
    return min(1.0, float(cosines.max(initial=0.0)))


def _damped(amount: float) -> float:
    """Map an amount of content, a sum of rarities, to about [0, 1]."""
    return math.log1p(amount) / 6.0


def _in_part(stem: str, source: _Source) -> bool:
    return stem in source.affixes or any(affix in source.stems for affix in _affixes(stem))


def _affixes(stem: str) -> Iterable[str]:
    """Return beginnings and ends of a stem that may be words themselves."""
    lengths = range(_SHORTEST_AFFIX, len(stem))
    return [stem[:n] for n in lengths] + [stem[-n:] for n in lengths]


def _words(text: str) -> list[Word]:
    return words(normalise(text).text)


def _ngrams(text_words: Sequence[Word]) -> list[str]:
    return character_ngrams(text_words, _SHORTEST_NGRAM, _LONGEST_NGRAM)


def _whole(article: Article) -> str:
    return f"{article.title}\n{article.text}"


def _article_passages(article: Article) -> tuple[str, ...]:
    return (*passages(article.title), *passages(article.text))


def _parent(comment: Comment) -> tuple[str, ...]:
    return (comment.parent.text[:_LONGEST_CONTEXT],) if comment.parent else ()


def _thread(comment: Comment) -> tuple[str, ...]:
    return tuple(text[:_LONGEST_CONTEXT] for text in comment.thread[-_LATEST_IN_THREAD:])
