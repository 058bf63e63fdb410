"""Comments as rows of figures: one extractor for training and for run time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import asdict, dataclass
from typing import Protocol

from scipy import sparse

from moderation.classifier.document import Document
from moderation.classifier.encoder import Encoder
from moderation.classifier.ngrams import CharacterNgrams, Style, WordNgrams
from moderation.classifier.relevance import Relevance
from moderation.comment import Comment, Evidence

__all__ = ["FeatureBlock", "FeatureExtractor", "FeatureSettings"]


class FeatureBlock(Protocol):
    """Some columns that belong together; a further kind of feature is a further block."""

    @property
    def name(self) -> str:
        """What the block is called in the settings of heads."""

    @property
    def n_features(self) -> int:
        """The number of columns."""

    def fit(self, documents: Sequence[Document]) -> object:
        """Learn what the columns need to know about the training comments."""

    def transform(self, documents: Sequence[Document]) -> sparse.csr_matrix:
        """Return one row per comment, of shape (n_documents, n_features)."""


@dataclass(frozen=True, slots=True)
class FeatureSettings:
    """What a feature extractor is made with; part of a model's manifest.

    Parameters
    ----------
    word_columns, character_columns, relevance_columns : int
        Numbers of hashed columns; powers of two.
    shortest_ngram, longest_ngram : int
        Lengths of character n-grams, in characters.
    """

    word_columns: int = 2**16
    character_columns: int = 2**17
    relevance_columns: int = 2**16
    shortest_ngram: int = 2
    longest_ngram: int = 5

    def as_dict(self) -> dict[str, int]:
        """Return the settings as plain values."""
        return asdict(self)


class FeatureExtractor:
    """Turns comments into rows of features, in blocks of columns.

    Parameters
    ----------
    settings : FeatureSettings, optional
        Sizes and lengths.
    encoder : Encoder, optional
        What comments mean, as a block of its own; kept in files of its own, so that a pickled
        extractor comes back without it (see ``with_encoder``).

    Attributes
    ----------
    blocks : tuple of FeatureBlock
        The blocks, in the order of their columns.
    slices : mapping of str to slice
        The columns of each block by its name.

    Examples
    --------
    >>> comments = [Comment("Toller Akku!"), Comment("Du Pfosten")]
    >>> extractor = FeatureExtractor().fit(comments)
    >>> extractor.transform(comments).shape == (2, extractor.n_features)
    True
    """

    encoder: Encoder | None = None

    def __init__(
        self, settings: FeatureSettings | None = None, encoder: Encoder | None = None
    ) -> None:
        self.settings = settings or FeatureSettings()
        self.words = WordNgrams(self.settings.word_columns)
        self.characters = CharacterNgrams(
            self.settings.character_columns,
            self.settings.shortest_ngram,
            self.settings.longest_ngram,
        )
        self.relevance = Relevance(self.settings.relevance_columns)
        self.encoder = encoder

    def with_encoder(self, encoder: Encoder) -> FeatureExtractor:
        """Return the same extractor with the block of this encoder."""
        whole = copy(self)
        whole.encoder = encoder
        return whole

    def __getstate__(self) -> dict[str, object]:
        """Leave the encoder to its own files."""
        return self.__dict__ | {"encoder": None}

    @property
    def blocks(self) -> tuple[FeatureBlock, ...]:
        """The blocks, in the order of their columns."""
        blocks: tuple[FeatureBlock, ...] = (self.words, self.characters, Style(), self.relevance)
        return blocks if self.encoder is None else (*blocks, self.encoder)

    @property
    def slices(self) -> Mapping[str, slice]:
        """The columns of each block by its name."""
        result = {}
        start = 0
        for block in self.blocks:
            result[block.name] = slice(start, start + block.n_features)
            start += block.n_features
        return result

    @property
    def n_features(self) -> int:
        """The number of columns of all blocks together."""
        return sum(block.n_features for block in self.blocks)

    def fit(self, comments: Sequence[Comment]) -> FeatureExtractor:
        """Learn how rare words and n-grams are.

        Parameters
        ----------
        comments : sequence of Comment
            Training comments, at least one.

        Returns
        -------
        FeatureExtractor
            Itself.

        Raises
        ------
        ValueError
            If there is no comment.
        """
        if not comments:
            raise ValueError("there are no comments to learn from; pass at least one")
        documents = [Document.of(comment) for comment in comments]
        for block in self.blocks:
            block.fit(documents)
        return self

    def evidence(self, document: Document) -> Evidence | None:
        """Return the passage of a comment's context that it most likely belongs to.

        By its meaning, if there is an encoder, else by its words; then None if they share none.
        """
        if self.encoder is not None:
            return self.encoder.evidence(document)
        return self.relevance.evidence(document)

    def transform(self, comments: Sequence[Comment]) -> sparse.csr_matrix:
        """Turn comments into rows.

        Parameters
        ----------
        comments : sequence of Comment
            Comments with all the context there is.

        Returns
        -------
        csr_matrix of shape (n_comments, n_features), float32
            A row depends on its own comment only.
        """
        return self.transform_documents([Document.of(comment) for comment in comments])

    def transform_documents(self, documents: Sequence[Document]) -> sparse.csr_matrix:
        """Turn comments that are already taken apart into rows; see ``transform``."""
        if not documents:
            return sparse.csr_matrix((0, self.n_features), dtype="float32")
        return sparse.hstack([b.transform(documents) for b in self.blocks], format="csr")
