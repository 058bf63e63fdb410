"""What the network learns from: comments as tokens, with what is known of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from moderation.classifier.document import Document
from moderation.classifier.encoder import ArticleTokens, TextReader, Tokens
from moderation.comment import Label
from moderation.seeds import FUNCTIONS, Seed
from moderation.training.corpora import CORPORA, Example
from moderation.training.dataset import TWEETS, held_back

__all__ = [
    "CORPUS_NAMES",
    "FUNCTION_OUTPUTS",
    "HATE",
    "OFFENCE",
    "OUTPUTS",
    "RELATED",
    "PublicReadings",
    "Reading",
    "gahd_readings",
    "germeval_readings",
    "public_readings",
    "seed_readings",
]

CORPUS_NAMES: Final = (TWEETS, "gahd", "argotario-de", "cimt")
"""The public corpora the network learns from; all may be shipped."""

OFFENCE: Final = "germeval_offence"
HATE: Final = "gahd_hate"
_AD_HOMINEM = "ad_hominem"
_FINE = {"PROFANITY": "germeval_profanity", "INSULT": "germeval_insult", "ABUSE": "germeval_abuse"}

# What these are shows only beside the article or the parent.
_RELATIVE = {"drift_reply", "near_miss", "wrong_article", "thread_turn"}

FUNCTION_OUTPUTS: Final[Mapping[str, str]] = {
    function: f"function_{function}" for function in FUNCTIONS if function not in _RELATIVE
}
"""What a seed does (quote an insult, mock, ask …), as far as its own words tell, to its output."""

OUTPUTS: Final[tuple[str, ...]] = (
    *(str(label) for label in Label),
    OFFENCE,
    *_FINE.values(),
    HATE,
    _AD_HOMINEM,
    *FUNCTION_OUTPUTS.values(),
)
"""What the network learns to tell: our labels, those of the public corpora, seeds' functions."""

RELATED: Final = str(Label.OFF_TOPIC)
"""The output that depends on article and parent as well as on the comment itself."""

_SHORTEST_SENTENCE = 5
_BORDERLINE_WEIGHT = 0.6
_SHORTEST_MOVED = 6
# These could stand under any article.
_UNBOUND = {"short_reply", "quoted_insult", "firm_disagreement", "thread_turn"}


@dataclass(frozen=True, slots=True)
class Reading:
    """A comment as the network reads it.

    Parameters
    ----------
    comment : tuple of int
        Its tokens.
    targets : mapping of str to float
        Output to 0 or 1; outputs that nobody labelled are not in it.
    article : ArticleTokens or None
        Tokens of the article's title and passages.
    parent : tuple of int or None
        Tokens of the comment it answers.
    weight : float
        How much it counts.
    group : str
        Article or document.
    topic : str
        What the article is about, broadly; near and far articles are told apart by it.
    pair : str or None
        Shared by the members of a minimal pair.
    bound : bool
        Whether it is about its own article and would be off-topic under any other.
    """

    comment: Tokens
    targets: Mapping[str, float]
    article: ArticleTokens | None = None
    parent: Tokens | None = None
    weight: float = 1.0
    group: str = ""
    topic: str = ""
    pair: str | None = None
    bound: bool = False


@dataclass(frozen=True, slots=True)
class PublicReadings:
    """Of each public corpus what is not held back."""

    germeval: list[Reading] = field(default_factory=list)
    gahd: list[Reading] = field(default_factory=list)
    argotario: list[Reading] = field(default_factory=list)
    documents: list[Reading] = field(default_factory=list)


def public_readings(
    data: Path, tweets: Mapping[str, bool | None], reader: TextReader
) -> PublicReadings:
    """Read the public corpora.

    Parameters
    ----------
    data : Path
        Their folder.
    tweets : mapping of str to bool or None
        What our readers said of GermEval's tweets; see ``dataset.by_our_rule``.
    reader : TextReader
        Makes tokens.

    Raises
    ------
    CorpusError
        If a file is missing or malformed.
    """
    learned = {
        name: [each for each in CORPORA[name].read(data) if not held_back(each)]
        for name in CORPUS_NAMES
    }
    return PublicReadings(
        germeval=germeval_readings(learned[TWEETS], reader, tweets),
        gahd=gahd_readings(learned["gahd"], reader),
        argotario=[
            _reading(each, reader, {_AD_HOMINEM: float(ad_hominem)})
            for each in learned["argotario-de"]
            if (ad_hominem := each.labels[Label.DISPARAGING]) is not None
        ],
        documents=[
            _reading(each, reader, {}, with_article=True)
            for each in learned["cimt"]
            if len(each.comment.text.split()) >= _SHORTEST_SENTENCE
        ],
    )


def germeval_readings(
    examples: Sequence[Example],
    reader: TextReader,
    tweets: Mapping[str, bool | None] = MappingProxyType({}),
) -> list[Reading]:
    """Turn tweets of GermEval 2018 into readings, with coarse and fine labels, and our reading."""
    return [
        _reading(each, reader, _germeval_targets(str(each.fine)) | _ours(tweets.get(each.group)))
        for each in examples
    ]


def gahd_readings(examples: Sequence[Example], reader: TextReader) -> list[Reading]:
    """Turn sentences of GAHD into readings."""
    return [
        _reading(each, reader, {HATE: float(each.labels[Label.DISPARAGING] or 0)})
        for each in examples
    ]


def _germeval_targets(fine: str) -> dict[str, float]:
    return {OFFENCE: float(fine != "OTHER")} | {
        output: float(fine == name) for name, output in _FINE.items()
    }


def _ours(disparaging: bool | None) -> dict[str, float]:
    return {} if disparaging is None else {str(Label.DISPARAGING): float(disparaging)}


def _reading(
    example: Example,
    reader: TextReader,
    targets: Mapping[str, float],
    *,
    with_article: bool = False,
) -> Reading:
    article = example.comment.article
    return Reading(
        comment=reader.comment(Document.of(example.comment)),
        targets=targets,
        article=reader.article(article) if with_article and article else None,
        group=example.group,
        bound=with_article,
    )


def seed_readings(
    seeds: Sequence[Seed], topics: Mapping[str, str], reader: TextReader
) -> list[Reading]:
    """Turn our own labelled comments into readings.

    Parameters
    ----------
    seeds : sequence of Seed
        The comments.
    topics : mapping of str to str
        An article's id to its topic.
    reader : TextReader
        Makes tokens.
    """
    return [_seed_reading(seed, topics, reader) for seed in seeds]


def _seed_reading(seed: Seed, topics: Mapping[str, str], reader: TextReader) -> Reading:
    comment = seed.comment
    article = comment.article
    if article is None or article.id is None:
        raise ValueError(f"seed {seed.id} has no article")
    return Reading(
        comment=reader.comment(Document.of(comment)),
        targets={str(label): float(broken) for label, broken in seed.labels.items()}
        | {output: float(seed.function == name) for name, output in FUNCTION_OUTPUTS.items()},
        article=reader.article(article),
        parent=reader.parent(comment.parent) if comment.parent else None,
        weight=_BORDERLINE_WEIGHT if seed.borderline else 1.0,
        group=article.id,
        topic=topics[article.id],
        pair=f"{article.id}/{seed.pair}" if seed.pair else None,
        bound=not seed.labels[Label.OFF_TOPIC]
        and not seed.labels[Label.SPAM]
        and comment.parent is None
        and seed.function not in _UNBOUND
        and len(comment.text.split()) >= _SHORTEST_MOVED,
    )
