"""How a comment relates to its article, to the comment it answers, and to the thread."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from moderation.classifier.document import Document, taken_apart
from moderation.classifier.evidence import passages
from moderation.classifier.hashing import HashedTfidf, Hashes, hashes
from moderation.classifier.ngrams import character_ngram_hashes
from moderation.classifier.normalise import normalise
from moderation.classifier.tokens import content_stems, tokens
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

_NOTHING: frozenset[str] = frozenset()
_TOGETHER = 128
"""Comments whose contexts are compared in one product of matrices."""


@dataclass(frozen=True)
class _Text:
    """A text taken apart: its distinct content stems in their order, and its hashed terms."""

    stems: tuple[str, ...]
    stem_hashes: Hashes
    character_hashes: Hashes

    @classmethod
    def of(cls, text_tokens: Sequence[str]) -> _Text:
        stems = content_stems(text_tokens)
        characters = character_ngram_hashes(text_tokens, _SHORTEST_NGRAM, _LONGEST_NGRAM)
        return cls(tuple(dict.fromkeys(stems)), hashes(stems), characters)

    @cached_property
    def stem_set(self) -> frozenset[str]:
        return frozenset(self.stems)

    @cached_property
    def affixes(self) -> frozenset[str]:
        """Beginnings and ends of the stems."""
        return frozenset().union(*map(_affixes, self.stems))

    def shared(self, other: _Text) -> frozenset[str]:
        """Return the stems that the other text has too."""
        return self.stem_set & other.stem_set

    def shared_in_part(self, other: _Text) -> frozenset[str]:
        """Return the stems that are part of a compound there, or the other way about."""
        compounds = self.stem_set & other.affixes
        parts = self.affixes & other.stem_set
        if not parts:
            return compounds
        return compounds.union(s for s in self.stems if not parts.isdisjoint(_affixes(s)))


@dataclass(frozen=True, slots=True)
class _Rows:
    """Vectors of some texts, one row each: over stems and over character n-grams."""

    stems: sparse.csr_matrix
    characters: sparse.csr_matrix


@dataclass(frozen=True, slots=True)
class _ArticleParts:
    """An article taken apart; its rows are those of its title, of all of it, and its passages."""

    title: _Text
    whole: _Text
    passages: tuple[str, ...]
    rows: _Rows


@dataclass(frozen=True, slots=True)
class _Source:
    """One kind of context of a comment: its texts, and the numbers of its rows in a batch."""

    texts: Sequence[_Text]
    rows: Sequence[int]


@dataclass(frozen=True, slots=True)
class _Closeness:
    """What a source has in common with a comment.

    ``found`` are the stems of the comment that are there as such, ``found_in_part`` also those
    that are there as part of a compound (or the other way about); the greatest cosines lie in
    [0, 1].
    """

    found: frozenset[str]
    found_in_part: frozenset[str]
    stem_cosine: float
    character_cosine: float


class Relevance:
    """Named columns on what a comment shares with its context.

    For the article's title, its whole text, its nearest passage, the parent and the thread: the
    share of the comment's content stems found there, weighted by their rarity; the same where
    part of a compound is enough; and TF-IDF cosines over stems and over character n-grams. Also
    how much content the comment has, how much of it is found nowhere (which says less where
    nothing is known of an article but its title), and whom it speaks to. A context that is not
    there leaves zeros.

    Parameters
    ----------
    n_features : int
        The number of hashed columns behind the cosines; a power of two.
    cached_texts : int
        How many texts stay taken apart in memory; a quarter as many articles, which are bigger.
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
        "strange_content_under_title",
        "title_alone",
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
        texts = [_Text.of(d.tokens) for d in documents]
        texts += [_Text.of(_tokens(p)) for a in articles for p in _article_passages(a)]
        self.stems.fit(text.stem_hashes for text in texts)
        self.characters.fit(text.character_hashes for text in texts)
        self._start_caches()

    def transform(self, documents: Sequence[Document]) -> sparse.csr_matrix:
        """Return one row per comment, of shape (n_documents, n_features)."""
        rows: list[list[float]] = []
        for start in range(0, len(documents), _TOGETHER):
            rows += self._rows(documents[start : start + _TOGETHER])
        table = np.array(rows, dtype=np.float32)
        return sparse.csr_matrix(table.reshape(len(documents), self.n_features))

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
        own = self.vectors([self.text(document.comment.text)])
        best: Evidence | None = None
        for kind, texts, rows in self._candidates(document.comment):
            stem_cosines = _cosines(rows.stems, own.stems)
            character_cosines = _cosines(rows.characters, own.characters)
            similarities = (stem_cosines[:, 0] + character_cosines[:, 0]) / 2
            nearest = int(np.argmax(similarities))
            similarity = min(1.0, round(float(similarities[nearest]), 6))
            if similarity > max(_LEAST_SIMILARITY, best.similarity if best else 0.0):
                best = Evidence(kind, texts[nearest], similarity)
        return best

    def _candidates(
        self, comment: Comment
    ) -> Iterator[tuple[EvidenceSource, tuple[str, ...], _Rows]]:
        if comment.article:
            article = self.article(comment.article)
            passage_rows = _Rows(article.rows.stems[2:], article.rows.characters[2:])
            yield EvidenceSource.ARTICLE, article.passages, passage_rows
        for kind, context in (
            (EvidenceSource.PARENT, _parent(comment)),
            (EvidenceSource.THREAD, _thread(comment)),
        ):
            texts = tuple(passage for text in context for passage in passages(text))
            if texts:
                yield kind, texts, self.vectors([_Text.of(_tokens(text)) for text in texts])

    def vectors(self, texts: Sequence[_Text]) -> _Rows:
        """Return the vectors of texts."""
        return _Rows(
            self.stems.transform(text.stem_hashes for text in texts),
            self.characters.transform(text.character_hashes for text in texts),
        )

    # -- a batch of comments -------------------------------------------------------------

    def _rows(self, documents: Sequence[Document]) -> list[list[float]]:
        texts = [self.text(document.comment.text) for document in documents]
        own = self.vectors(texts)
        contexts = _Contexts(self, [document.comment for document in documents])
        stem_cosines = _cosines(contexts.rows.stems, own.stems).T.tolist()
        character_cosines = _cosines(contexts.rows.characters, own.characters).T.tolist()
        rows = []
        for number, (document, text) in enumerate(zip(documents, texts, strict=True)):
            near = {
                kind: _closeness(text, source, stem_cosines[number], character_cosines[number])
                for kind, source in contexts.sources(document.comment).items()
            }
            rarity = self.stems.rarity(hashes(text.stems)).tolist()
            rows.append(_row(document, text, rarity, near))
        return rows

    # -- texts and articles, remembered --------------------------------------------------

    def _start_caches(self) -> None:
        self.text = lru_cache(self.cached_texts)(_remembered_text)
        self.article = lru_cache(self.cached_texts // 4)(self._take_article_apart)

    def _take_article_apart(self, article: Article) -> _ArticleParts:
        found = _article_passages(article) or ("",)
        title, whole, *rest = (
            _Text.of(_tokens(text)) for text in (article.title, _whole(article), *found)
        )
        return _ArticleParts(title, whole, found, self.vectors([title, whole, *rest]))

    def __getstate__(self) -> dict[str, Any]:
        """Leave the caches behind: they cannot be saved and hold other people's texts."""
        return {k: v for k, v in self.__dict__.items() if k not in ("text", "article")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._start_caches()


class _Contexts:
    """The contexts of some comments, every text of them with its row in one matrix."""

    def __init__(self, relevance: Relevance, comments: Sequence[Comment]) -> None:
        distinct = dict.fromkeys(
            text for comment in comments for text in (*_parent(comment), *_thread(comment))
        )
        texts = [relevance.text(text) for text in distinct]
        self._texts = {
            text: (part, row) for row, (text, part) in enumerate(zip(distinct, texts, strict=True))
        }
        self._articles: dict[Article, tuple[_ArticleParts, int]] = {}
        parts = [relevance.vectors(texts)]
        end = len(texts)
        for article in dict.fromkeys(comment.article for comment in comments):
            if article:
                article_parts = relevance.article(article)
                self._articles[article] = article_parts, end
                parts.append(article_parts.rows)
                end += article_parts.rows.stems.shape[0]
        self.rows = _Rows(
            sparse.vstack([part.stems for part in parts], format="csr"),
            sparse.vstack([part.characters for part in parts], format="csr"),
        )

    def sources(self, comment: Comment) -> dict[str, _Source]:
        """Return what a comment is compared with, by kind; passages have rows only."""
        found = {
            "parent": self._several(_parent(comment)),
            "thread": self._several(_thread(comment)),
        }
        if comment.article:
            article, first = self._articles[comment.article]
            end = first + article.rows.stems.shape[0]
            found["title"] = _Source((article.title,), (first,))
            found["article"] = _Source((article.whole,), (first + 1,))
            found["passage"] = _Source((), range(first + 2, end))
        return found

    def _several(self, texts: Sequence[str]) -> _Source:
        placed = [self._texts[text] for text in texts]
        return _Source([text for text, _ in placed], [row for _, row in placed])


def _cosines(rows: sparse.csr_matrix, own: sparse.csr_matrix) -> NDArray[np.float32]:
    # Each sum runs over a row of its own and in order: it is the same alone and among others.
    cosines: NDArray[np.float32]
    if own.shape[0] == 1:  # a dense vector is faster
        cosines = (rows @ own.toarray()[0])[:, np.newaxis]
    else:
        cosines = (rows @ own.T).toarray()
    # Rounding may carry the cosine of a text with itself beyond one.
    return cosines.clip(max=1.0)


def _closeness(
    text: _Text, source: _Source, stem_cosines: list[float], character_cosines: list[float]
) -> _Closeness:
    found = _NOTHING.union(*(text.shared(other) for other in source.texts))
    in_part = found.union(*(text.shared_in_part(other) for other in source.texts))
    return _Closeness(
        found,
        in_part,
        max((stem_cosines[row] for row in source.rows), default=0.0),
        max((character_cosines[row] for row in source.rows), default=0.0),
    )


def _row(
    document: Document, text: _Text, rarity: Sequence[float], near: Mapping[str, _Closeness]
) -> list[float]:
    comment = document.comment
    distinct_tokens = set(document.tokens)
    content = _Content(text.stems, rarity)
    found = _NOTHING.union(*(closeness.found for closeness in near.values()))
    in_part = _NOTHING.union(*(closeness.found_in_part for closeness in near.values()))
    strange = _damped(content.amount(text.stem_set - in_part))

    row = dict.fromkeys(Relevance.columns, 0.0)
    for kind, closeness in near.items():
        row[f"{kind}_stem_cosine"] = closeness.stem_cosine
        row[f"{kind}_character_cosine"] = closeness.character_cosine
        if kind != "passage":
            row[f"{kind}_shared"] = content.share(closeness.found)
            row[f"{kind}_shared_in_part"] = content.share(closeness.found_in_part)
    row["context_shared"] = content.share(found)
    row["context_shared_in_part"] = content.share(in_part)
    row["found_content"] = _damped(content.amount(in_part))
    row["strange_content"] = strange
    row["strange_content_with_parent"] = strange if comment.parent else 0.0
    title_alone = comment.article is not None and not comment.article.text.strip()
    row["strange_content_under_title"] = strange if title_alone else 0.0
    row["title_alone"] = float(title_alone)
    row["content"] = _damped(content.total)
    row["no_content"] = float(not text.stems)
    row["little_content"] = float(0 < len(text.stems) < 3)
    row["is_reply"] = float(comment.parent is not None)
    row["addresses_someone"] = float(not distinct_tokens.isdisjoint(_ADDRESSING))
    row["mentions_article"] = float(not distinct_tokens.isdisjoint(_ABOUT_ARTICLE))
    row["asks"] = float("?" in comment.text)
    return list(row.values())


class _Content:
    """The stems of a comment with their rarity."""

    def __init__(self, stems: Sequence[str], rarity: Sequence[float]) -> None:
        self._stems = stems
        self._rarity = rarity
        self.total = sum(rarity)

    def amount(self, stems: frozenset[str]) -> float:
        """Sum up the rarity of some of the stems, always in the order of the comment."""
        return sum(r for s, r in zip(self._stems, self._rarity, strict=True) if s in stems)

    def share(self, stems: frozenset[str]) -> float:
        return self.amount(stems) / self.total if stems else 0.0


def _damped(amount: float) -> float:
    """Map an amount of content, a sum of rarities, to about [0, 1]."""
    return math.log1p(amount) / 6.0


@lru_cache(maxsize=16384)
def _affixes(stem: str) -> frozenset[str]:
    """Return beginnings and ends of a stem that may be words themselves."""
    lengths = range(_SHORTEST_AFFIX, len(stem))
    return frozenset([stem[:n] for n in lengths] + [stem[-n:] for n in lengths])


def _remembered_text(text: str) -> _Text:
    return _Text.of(taken_apart(text)[1])


def _tokens(text: str) -> tuple[str, ...]:
    return tokens(normalise(text).text)


def _whole(article: Article) -> str:
    return f"{article.title}\n{article.text}"


def _article_passages(article: Article) -> tuple[str, ...]:
    return (*passages(article.title), *passages(article.text))


def _parent(comment: Comment) -> tuple[str, ...]:
    return (comment.parent.text[:_LONGEST_CONTEXT],) if comment.parent else ()


def _thread(comment: Comment) -> tuple[str, ...]:
    return tuple(text[:_LONGEST_CONTEXT] for text in comment.thread[-_LATEST_IN_THREAD:])
