"""The comments a model learns from: seeds, public corpora, and pairs made from both."""

from __future__ import annotations

import hashlib
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from moderation.comment import Article, Label
from moderation.seeds import Corpus as SeedCorpus
from moderation.seeds import Seed, Split
from moderation.training.corpora import CORPORA, LEXICONS, Corpus, CorpusError, Example, Source

SEEDS = "seeds"
MISMATCHED = "seeds, mismatched"
TITLE_ONLY = "seeds, under titles alone"
DEV_SHARE = 5
"""Of a corpus without a development split of its own, every fifth group is held back."""

SENTENCES_OF_A_DOCUMENT = 2

TWEETS = "germeval2018"
"""The corpus of which we have a reading of our own."""

GROUP_HATE = "gahd"
"""The corpus that labels hate against groups and nothing else."""

WEIGHTS: Mapping[str, float] = {SEEDS: 1.0, TITLE_ONLY: 1 / 2, MISMATCHED: 1 / 16}
PUBLIC_WEIGHT = 1 / 8
"""How much one comment counts, by where it comes from.

Seeds are what moderators of this blog see, so each counts as much as eight tweets; a made pair says
less of what people mean by "off-topic" than a written comment. Seeds alone do better on the seeds'
own development split and clearly worse on real comments from other platforms.
"""


def weight(example: Example) -> float:
    """Return how much an example counts."""
    return WEIGHTS.get(example.source, PUBLIC_WEIGHT)


def trainable(names: Sequence[str]) -> list[Corpus]:
    """Return public corpora by name.

    Raises
    ------
    CorpusError
        If a name is unknown, or what ships must not be trained on that corpus.
    """
    chosen = []
    for name in names:
        corpus = CORPORA.get(name)
        if corpus is None:
            raise CorpusError(f"There is no corpus {name}; choose from {', '.join(CORPORA)}.")
        if not corpus.trainable:
            raise CorpusError(
                f"{name} may be measured on only ({corpus.licence}); leave it out of training."
            )
        chosen.append(corpus)
    return chosen


def sources(corpora: Sequence[Corpus]) -> list[Source]:
    """Return everything that is read when these corpora are: themselves and the word lists."""
    lexicons = LEXICONS.values() if GROUP_HATE in {corpus.name for corpus in corpora} else ()
    return [*corpora, *lexicons]


def from_seeds(seeds: Sequence[Seed]) -> list[Example]:
    """Return labelled comments of our own corpus as examples, grouped by article."""
    return [
        Example(
            comment=seed.comment,
            labels=dict(seed.labels),
            group=f"seeds/{_article_id(seed)}",
            source=SEEDS,
            fine=seed.function,
            split=str(seed.split),
            pair=seed.pair,
        )
        for seed in seeds
    ]


def under_titles(seeds: Sequence[Seed]) -> list[Example]:
    """Return comments with nothing known of their articles but the titles.

    Some blogs send no more, and what belongs to an article looks less like it then. Nothing new is
    said of the rules that do not look at the article.
    """
    return [
        Example(
            comment=replace(seed.comment, article=replace(article, text="")),
            labels={**dict.fromkeys(Label), Label.OFF_TOPIC: seed.labels[Label.OFF_TOPIC]},
            group=f"seeds/{_article_id(seed)}",
            source=TITLE_ONLY,
            split=str(seed.split),
        )
        for seed in seeds
        if (article := seed.comment.article) is not None
    ]


def mismatched(seeds: Sequence[Seed], corpus: SeedCorpus, random_state: int) -> list[Example]:
    """Return fine comments put under an article they were not written for: off-topic ones.

    Each fine comment that names its subject (it is no reply, and long enough to say something)
    goes once under another article of the same split. Nothing is claimed of the other rules.

    Parameters
    ----------
    seeds
        Comments to move; articles are taken from among theirs.
    corpus
        Where the articles come from.
    random_state
        Makes the choice of articles repeatable.
    """
    choose = random.Random(random_state)  # noqa: S311 - no secret
    ids = sorted({_article_id(seed) for seed in seeds})
    if len(ids) < 2:
        return []
    moved = []
    for seed in seeds:
        if seed.violates or seed.comment.parent or len(seed.comment.text.split()) < 8:
            continue
        other = choose.choice([each for each in ids if each != _article_id(seed)])
        moved.append(
            Example(
                comment=replace(seed.comment, article=corpus.articles[other].article),
                labels={Label.DISPARAGING: None, Label.OFF_TOPIC: True, Label.SPAM: None},
                group=f"seeds/{_article_id(seed)}",
                source=MISMATCHED,
                split=str(seed.split),
            )
        )
    return moved


def mismatched_documents(examples: Sequence[Example], random_state: int) -> list[Example]:
    """Return comments of a corpus of documents, each under another document's beginning."""
    choose = random.Random(random_state)  # noqa: S311 - no secret
    articles: dict[str, Article] = {}
    for example in examples:
        if example.comment.article is not None:
            articles.setdefault(example.group, example.comment.article)
    groups = sorted(articles)
    moved = []
    for example in examples:
        other = choose.choice(groups)
        if other != example.group:
            moved.append(
                replace(
                    example,
                    comment=replace(example.comment, article=articles[other]),
                    labels={**dict.fromkeys(Label), Label.OFF_TOPIC: True},
                )
            )
    return moved


def held_back(example: Example) -> bool:
    """Whether an example belongs to a development split: its publisher's, else every fifth group.

    Examples
    --------
    >>> from moderation.comment import Comment
    >>> held_back(Example(Comment("Hallo"), {}, group="g", source="gahd", split="dev"))
    True
    """
    if example.split is not None:
        return example.split != Split.TRAIN
    return int(hashlib.sha256(example.group.encode()).hexdigest(), 16) % DEV_SHARE == 0


def by_our_rule(examples: Sequence[Example], labels: Mapping[str, bool | None]) -> list[Example]:
    """Return tweets with the labels that readers gave them by our rule, where anybody read them.

    Parameters
    ----------
    examples
        Tweets with their publisher's labels.
    labels
        Group of a tweet to whether it is disparaging, None if that is not certain.
    """
    return [
        replace(each, labels={**each.labels, Label.DISPARAGING: labels[each.group]})
        if each.group in labels
        else each
        for each in examples
    ]


def read_public(
    corpora: Sequence[Corpus],
    data: Path,
    random_state: int,
    tweets: Mapping[str, bool | None],
) -> Iterator[Example]:
    """Yield the examples of public corpora, documents also in mismatched pairs.

    Parameters
    ----------
    corpora
        What to read.
    data
        Their folder.
    random_state
        Makes the choice of other documents repeatable.
    tweets
        What our readers said; see :func:`by_our_rule`.

    Of a document two sentences are taken: its sentences resemble each other, and a corpus of long
    documents would otherwise outnumber everything that resembles a comment.

    Raises
    ------
    CorpusError
        If a file is missing or malformed.
    """
    for corpus in corpora:
        examples = corpus.read(data)
        if corpus.name == "cimt":
            examples = _first_of_each_group(examples, SENTENCES_OF_A_DOCUMENT)
            yield from mismatched_documents(examples, random_state)
        if corpus.name == TWEETS:
            examples = by_our_rule(examples, tweets)
        if corpus.name == GROUP_HATE:
            swear_words = frozenset(
                word for lexicon in LEXICONS.values() for word in lexicon.read(data)
            )
            examples = [_unknown_if_it_swears(example, swear_words) for example in examples]
        yield from examples


def _unknown_if_it_swears(example: Example, swear_words: frozenset[str]) -> Example:
    """Take back "not disparaging" from what swears: the set calls insults of one person harmless.

    Taken at its word it would teach that whoever says "Idiot" means no harm.
    """
    said = set(re.findall(r"\w+", example.comment.text.lower()))
    if example.labels[Label.DISPARAGING] is False and said & swear_words:
        return replace(example, labels=dict.fromkeys(Label))
    return example


def _first_of_each_group(examples: Sequence[Example], most: int) -> list[Example]:
    taken: Counter[str] = Counter()
    kept = []
    for example in examples:
        taken[example.group] += 1
        if taken[example.group] <= most:
            kept.append(example)
    return kept


def _article_id(seed: Seed) -> str:
    return str(seed.comment.article and seed.comment.article.id)
