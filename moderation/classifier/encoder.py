"""What a comment means, and how near it is to its article: a small transformer, run by onnxruntime.

The network reads every text by itself: the comment, the comment it answers, the article's title
and its passages. So an article is read once for all comments under it, and what a comment has to
do with it is read off the directions of their vectors.

The weights are 8-bit. Activations are quantised too: before each feed-forward map every token is
brought to one size, but the range of their values is taken over the whole call. Two texts in one
call would share it, and a comment's score would depend on its neighbours. Every text is therefore
a call of its own, without padding; several run side by side in threads.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import onnxruntime
from scipy import sparse
from scipy.special import expit
from tokenizers import Tokenizer

from moderation.classifier.document import Document
from moderation.classifier.errors import ModelIncompatible, ModelMissing
from moderation.classifier.evidence import passages
from moderation.comment import Article, Comment, Evidence, EvidenceSource, Parent

__all__ = [
    "CONTRAST",
    "COSINES",
    "NETWORK",
    "RELATIONS",
    "RELATION_WEIGHTS",
    "TOKENIZER",
    "ArticleTokens",
    "Encoder",
    "EncoderSettings",
    "RelationWeights",
    "TextReader",
    "Tokens",
]

NETWORK: Final = "encoder.onnx"
TOKENIZER: Final = "tokenizer.json"
RELATION_WEIGHTS: Final = "relations.npz"
SETTINGS_KEY: Final = "moderation.encoder"
SCHEMA_VERSION: Final = 1

COSINES: Final = ("title", "nearest", "mean", "parent")
"""Cosines of the comment to the article's title, the nearest of title and passages, the mean over
them, and to the comment it answers; 0 for what is not there."""

RELATIONS: Final = (*COSINES, "parent_related", "reply", "title_alone")
"""The cosines, then the related output of the comment it answers (whoever answers a digression
digresses), and 1 if there is one; both 0 if not. At last 1 if an article has no text but its title,
to which most of what is said about it is less near."""

CONTRAST: Final = 10.0
"""Cosines of this network lie close together; multiplied by this they move a linear head."""

_TEXTS_KEPT = 1024
# No token of ours is longer than this on average; cuts a megabyte before it is tokenised.
_CHARACTERS_PER_TOKEN = 16

_Floats = npt.NDArray[np.float32]
Tokens: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ArticleTokens:
    """An article's title and passages; without a title its first passage stands for it."""

    title: Tokens
    passages: tuple[Tokens, ...]


@dataclass(frozen=True, slots=True)
class EncoderSettings:
    """How the network was made; stored in its file.

    Parameters
    ----------
    layers, attention_heads, width : int
        The network's shape.
    comment_tokens, passage_tokens : int
        The longest comment and the longest title or passage, in tokens; the marks around it
        count. Of a longer comment the beginning and the last third are read.
    passages : int
        How many passages of an article are read, from its beginning.
    outputs : tuple of str
        What the network was taught to tell; the names of its logits.
    related : str
        The output that depends on article and parent as well.
    """

    layers: int
    attention_heads: int
    width: int
    comment_tokens: int
    passage_tokens: int
    passages: int
    outputs: tuple[str, ...]
    related: str

    def to_json(self) -> str:
        """Return the settings as they are stored in the network's file."""
        return json.dumps({"schema_version": SCHEMA_VERSION, **asdict(self)})

    @classmethod
    def from_json(cls, text: str) -> EncoderSettings:
        """Read what ``to_json`` wrote.

        Raises
        ------
        ValueError
            If it is something else, or of another version.
        """
        fields: dict[str, Any] = json.loads(text)
        if fields.pop("schema_version", None) != SCHEMA_VERSION:
            raise ValueError("unknown version of the encoder's settings")
        fields.pop("chance", None)  # encoders of 2026.11.5 have it; nothing reads it any more
        try:
            return cls(**{**fields, "outputs": tuple(fields["outputs"])})
        except (KeyError, TypeError) as error:
            raise ValueError("incomplete settings of the encoder") from error


_TOP_LEVEL = (
    "de|at|ch|eu|com|net|org|info|biz|io|app|dev|shop|store|online|site|club|blog|xyz|top|tv|me|ly"
    "|to|co|ru|example"
)
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.)+\w{2,}")
_SENTENCE_END = r"(?<![.,;:!?)\]»“\"'])"
_LINK = re.compile(
    rf"(?:https?://|www\.)\S+{_SENTENCE_END}"
    rf"|(?<![\w@.-])(?:[\w-]{{1,63}}\.)+(?:{_TOP_LEVEL})\b(?:/\S*{_SENTENCE_END})?",
    re.IGNORECASE,
)
_USER = re.compile(r"(?<![\w@.])@\w+")
_PLACEHOLDERS = {"<url>": "https://link", "<email>": "mail@link", "<user>": "@user"}


def mask(text: str) -> str:
    """Replace addresses and user names by stand-ins, so that the network learns no name or site.

    Examples
    --------
    >>> mask("@Lena_B schau auf https://blog.example/a oder blog.example/b, sonst an a@b.example")
    '@user schau auf https://link oder https://link, sonst an mail@link'
    """
    return _USER.sub("@user", _LINK.sub("https://link", _EMAIL.sub("mail@link", text)))


def undisguised(document: Document) -> str:
    """Return the comment's text for reading: as it was sent, or normalised if it was disguised.

    The network has read ordinary German, with capitals and umlauts; only where somebody hides a
    word is the normalised spelling easier to read.
    """
    if not document.normalised.disguises:
        return mask(document.comment.text)
    text = document.normalised.text
    for placeholder, stand_in in _PLACEHOLDERS.items():
        text = text.replace(placeholder, stand_in)
    return text


class TextReader:
    """Turns texts into token numbers as the network expects them, in training and at run time.

    The marks in front are those the base network was trained with.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer
        Without truncation, padding or marks of its own.
    settings : EncoderSettings
        Gives the greatest lengths.
    """

    def __init__(self, tokenizer: Tokenizer, settings: EncoderSettings) -> None:
        self._tokenizer = tokenizer
        self._settings = settings
        begin, end = tokenizer.token_to_id("<s>"), tokenizer.token_to_id("</s>")
        if begin is None or end is None:
            raise ValueError("the tokenizer lacks the marks <s> and </s>")
        self._begin: int = begin
        self._end: int = end

    def comment(self, document: Document) -> Tokens:
        """Return the tokens of a comment."""
        longest = self._settings.comment_tokens
        return self._tokens("query: ", undisguised(document), longest, tail=longest // 3)

    def parent(self, parent: Parent) -> Tokens:
        """Return the tokens of the comment that another one answers, read like any comment."""
        return self.comment(Document.of(Comment(parent.text)))

    def article(self, article: Article) -> ArticleTokens | None:
        """Return the tokens of an article, or None if it has neither title nor text."""
        title, *texts = self.article_texts(article) or ("",)
        if not title:
            return None
        return ArticleTokens(self.passage(title), tuple(self.passage(text) for text in texts))

    def article_texts(self, article: Article) -> tuple[str, ...]:
        """Return what is read of an article: its title, or else its first passage, and passages."""
        texts = self.passages(article.text)
        title = article.title if article.title.strip() else "".join(texts[:1])
        return (title, *texts) if title else ()

    def passages(self, text: str) -> tuple[str, ...]:
        """Return the passages that are read of a text."""
        return tuple(passages(text[: self._most_characters])[: self._settings.passages])

    def passage(self, text: str) -> Tokens:
        """Return the tokens of a title or a passage."""
        return self._tokens("passage: ", mask(text), self._settings.passage_tokens, tail=0)

    @property
    def _most_characters(self) -> int:
        settings = self._settings
        return settings.passages * settings.passage_tokens * _CHARACTERS_PER_TOKEN

    def _tokens(self, sign: str, text: str, longest: int, tail: int) -> Tokens:
        characters = longest * _CHARACTERS_PER_TOKEN
        if len(text) > 2 * characters:
            text = f"{text[:characters]} {text[-characters:]}"
        ids: list[int] = self._tokenizer.encode(sign + text, add_special_tokens=False).ids
        room = longest - 2
        if len(ids) > room:
            ids = ids[: room - tail] + ids[len(ids) - tail :]
        return (self._begin, *ids, self._end)


@dataclass(frozen=True, slots=True)
class RelationWeights:
    """What an article and a parent add to the logit of the related output.

    ``article`` is of shape (3 + width,), ``parent`` of shape (1 + width,): weights of the cosines
    times ``CONTRAST``, then of the products of the normalised vectors times the root of the width.
    """

    article: _Floats
    article_bias: float
    parent: _Floats
    parent_bias: float

    def save(self, path: Path) -> None:
        """Write the weights to a file."""
        np.savez(
            path,
            article=self.article,
            article_bias=np.float32(self.article_bias),
            parent=self.parent,
            parent_bias=np.float32(self.parent_bias),
        )

    @classmethod
    def load(cls, path: Path) -> RelationWeights:
        """Read what ``save`` wrote."""
        with path.open("rb") as file, np.load(file, allow_pickle=False) as found:
            return cls(
                found["article"],
                float(found["article_bias"]),
                found["parent"],
                float(found["parent_bias"]),
            )

    def relate(
        self, comment: _Floats, article: _Floats | None, parent: _Floats | None
    ) -> tuple[float, _Floats]:
        """Return what the context adds to the logit, and the ``COSINES``.

        Parameters
        ----------
        comment, parent : ndarray of float32, shape (width,)
            Of length 1.
        article : ndarray of float32, shape (n_texts, width)
            Title and passages, each of length 1.
        """
        cosines = np.zeros(len(COSINES), dtype=np.float32)
        added = 0.0
        root = np.float32(len(comment) ** 0.5)
        if article is not None:
            near = article @ comment
            cosines[:3] = near[0], near.max(), near.mean()
            mean = _of_length_one(article.mean(axis=0))
            columns = np.concatenate((cosines[:3] * CONTRAST, comment * mean * root))
            added += float(columns @ self.article) + self.article_bias
        if parent is not None:
            cosines[3] = comment @ parent
            columns = np.concatenate((cosines[3:] * CONTRAST, comment * parent * root))
            added += float(columns @ self.parent) + self.parent_bias
        return added, cosines


class Encoder:
    """Reads comments in their context and says what they mean, in numbers.

    What it returns for a comment depends on the comment, its article and its parent only: alone,
    in a batch of any size, in any thread, the same numbers come out. Instances may be shared
    between threads, and between processes that fork.

    Parameters
    ----------
    session : onnxruntime.InferenceSession
        The network.
    reader : TextReader
        Makes its input.
    relations : RelationWeights
        What the context adds.
    settings : EncoderSettings
        Its shape and outputs.
    threads : int
        How many comments are read at a time.
    """

    name = "encoder"

    def __init__(
        self,
        session: onnxruntime.InferenceSession,
        reader: TextReader,
        relations: RelationWeights,
        settings: EncoderSettings,
        threads: int = 1,
    ) -> None:
        self._session = session
        self._reader = reader
        self._relations = relations
        self._threads = threads
        self._related = settings.outputs.index(settings.related)
        self.settings = settings
        self._read = lru_cache(_TEXTS_KEPT)(self._run)
        self._article = lru_cache(_TEXTS_KEPT)(self._read_article)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns of what ``encode`` returns."""
        return (*self.settings.outputs, *RELATIONS)

    @property
    def n_features(self) -> int:
        """The number of columns."""
        return len(self.columns)

    def fit(self, documents: Sequence[Document]) -> None:
        """Do nothing: ``moderation train encoder`` has taught it all it knows."""

    def transform(self, documents: Sequence[Document]) -> sparse.csr_matrix:
        """Return the columns of ``encode`` as other blocks do."""
        return sparse.csr_matrix(self.encode(documents))

    @classmethod
    def load(cls, folder: Path, threads: int = 1) -> Encoder:
        """Load the network, its tokenizer and the weights of its relations.

        Parameters
        ----------
        folder : Path
            Holds the files, already checked against the model's manifest.
        threads : int
            How many comments to read at a time.

        Raises
        ------
        ModelMissing
            If a file is not there.
        ModelIncompatible
            If a file is not what this program reads.
        """
        for name in (NETWORK, TOKENIZER, RELATION_WEIGHTS):
            if not (folder / name).is_file():
                raise ModelMissing(
                    f"The encoder in {folder} lacks its file {name!r}: restore the folder from its"
                    " source or train one with `moderation train encoder`."
                )
        try:
            session = onnxruntime.InferenceSession(
                str(folder / NETWORK), _session_options(), providers=["CPUExecutionProvider"]
            )
            properties = session.get_modelmeta().custom_metadata_map
            settings = EncoderSettings.from_json(properties[SETTINGS_KEY])
            reader = TextReader(Tokenizer.from_file(str(folder / TOKENIZER)), settings)
            relations = RelationWeights.load(folder / RELATION_WEIGHTS)
        except Exception as error:  # the libraries raise types of their own, and bare ones
            raise ModelIncompatible(
                f"The encoder in {folder} does not fit this program ({type(error).__name__}):"
                " restore the folder from its source or train one with `moderation train encoder`."
            ) from error
        return cls(session, reader, relations, settings, threads)

    def encode(self, documents: Sequence[Document]) -> _Floats:
        """Return what comments mean.

        Parameters
        ----------
        documents : sequence of Document
            Comments with all the context there is; ``thread`` is not looked at.

        Returns
        -------
        ndarray of float32, shape (n_documents, n_columns)
            For each comment the logits of the outputs, then the ``RELATIONS``.
        """
        encoded = np.empty((len(documents), len(self.columns)), dtype=np.float32)

        def encode_row(row: int) -> None:
            encoded[row] = self._encode_one(documents[row])

        if self._threads == 1 or len(documents) == 1:
            for row in range(len(documents)):
                encode_row(row)
        else:
            # made for the call: threads do not survive a fork
            with ThreadPoolExecutor(self._threads) as pool:
                for _ in pool.map(encode_row, range(len(documents))):
                    pass
        return encoded

    def evidence(self, document: Document) -> Evidence | None:
        """Return the passage of article or parent that a comment most likely belongs to.

        Parameters
        ----------
        document : Document
            The comment.

        Returns
        -------
        Evidence or None
            None if there is neither article nor parent. The similarity is how likely, by the
            network's judgement, the comment would be on topic if there were only that passage.
        """
        comment, logits = self._read(self._reader.comment(document))
        best: Evidence | None = None
        for source, texts, vectors in self._contexts(document.comment):
            for text, vector in zip(texts, vectors, strict=True):
                only = (vector[None], None) if source is EvidenceSource.ARTICLE else (None, vector)
                added, _ = self._relations.relate(comment, *only)
                similarity = round(float(expit(-logits[self._related] - added)), 6)
                if best is None or similarity > best.similarity:
                    best = Evidence(source, text, similarity)
        return best

    def _contexts(
        self, comment: Comment
    ) -> Iterator[tuple[EvidenceSource, tuple[str, ...], _Floats]]:
        article, parent = comment.article, comment.parent
        if article is not None:
            vectors = self._article(article.title, article.text)
            if vectors is not None:
                yield EvidenceSource.ARTICLE, self._reader.article_texts(article), vectors
        texts = self._reader.passages(parent.text) if parent is not None else ()
        if texts:
            read = [self._read(self._reader.passage(text))[0] for text in texts]
            yield EvidenceSource.PARENT, texts, np.stack(read)

    def _encode_one(self, document: Document) -> _Floats:
        told, parent = document.comment.article, document.comment.parent
        article = self._article(told.title, told.text) if told is not None else None
        above: tuple[float, float] = (0.0, 0.0)
        answered = None
        if parent is not None and parent.text.strip():
            answered, their_logits = self._read(self._reader.parent(parent))
            their_added, _ = self._relations.relate(answered, article, None)
            above = (float(their_logits[self._related]) + their_added, 1.0)
        comment, logits = self._read(self._reader.comment(document))
        added, cosines = self._relations.relate(comment, article, answered)
        related = logits.copy()
        related[self._related] += added
        title_alone = article is not None and len(article) == 1
        rest = np.array((*above, title_alone), dtype=np.float32)
        return np.concatenate((related, cosines, rest))

    def _read_article(self, title: str, text: str) -> _Floats | None:
        """Return the vectors of an article's title and passages, of shape (n_texts, width)."""
        tokens = self._reader.article(Article(title, text))
        if tokens is None:
            return None
        texts = (tokens.title, *tokens.passages)
        return np.stack([self._run(each)[0] for each in texts])

    def _run(self, tokens: Tokens) -> tuple[_Floats, _Floats]:
        """Return a text's vector, of length 1, and the logits of what it says by itself."""
        vector, logits = self._session.run(
            ["vector", "logits"], {"tokens": np.array(tokens, dtype=np.int64)}
        )
        return _of_length_one(vector), logits


def _of_length_one(vector: _Floats) -> _Floats:
    scaled: _Floats = vector / np.linalg.norm(vector)
    scaled.setflags(write=False)
    return scaled


def _session_options() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    # One thread a call: calls run side by side, and no thread pool stands in the way of a fork.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return options
