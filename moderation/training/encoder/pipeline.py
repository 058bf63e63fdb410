"""The whole way from base weights and corpora to the encoder's two files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from tokenizers import Tokenizer

from moderation.classifier.document import Document
from moderation.classifier.encoder import (
    TOKENIZER,
    EncoderSettings,
    TextReader,
    Tokens,
    mask,
    undisguised,
)
from moderation.comment import Label
from moderation.seeds import Corpus, Split, read_corpus
from moderation.training.corpora import CORPORA
from moderation.training.dataset import held_back
from moderation.training.encoder.base import BaseWeights, base_weights_path
from moderation.training.encoder.batches import (
    PublicShares,
    SeedShares,
    public_batches,
    seed_batches,
)
from moderation.training.encoder.export import export
from moderation.training.encoder.fit import FitSettings, FrozenStates, fit, predict
from moderation.training.encoder.network import Network
from moderation.training.encoder.readings import (
    CORPUS_NAMES,
    FUNCTION_OUTPUTS,
    OUTPUTS,
    RELATED,
    Reading,
    public_readings,
    seed_readings,
)
from moderation.training.encoder.vocabulary import build_tokenizer, kept_pieces

__all__ = ["EncoderPlan", "train_encoder"]

RANDOM_STATE: Final = 20261122
_SAMPLES: Final = 75

_PUBLIC_WEIGHTS = {
    "germeval_profanity": 0.3,
    "germeval_insult": 0.5,
    "germeval_abuse": 0.5,
    "ad_hominem": 0.5,
}
_SEED_WEIGHTS = {
    "germeval_offence": 0.5,
    "germeval_profanity": 0.1,
    "germeval_insult": 0.3,
    "germeval_abuse": 0.3,
    "gahd_hate": 0.5,
    **dict.fromkeys(FUNCTION_OUTPUTS.values(), 0.05),
}
# Our labels start from what the public corpora know of them.
_FIRST_GUESS = {str(Label.DISPARAGING): "germeval_offence"}


@dataclass(frozen=True, slots=True)
class EncoderPlan:
    """All choices of a training run; those chosen on the development split are the defaults.

    Parameters
    ----------
    frozen, rules_frozen : int
        How many of the lowest layers stay as they are, at first and at last.
    vocabulary : int
        How many pieces are kept.
    comment_tokens, passage_tokens, passages : int
        See ``EncoderSettings``.
    public, seeds, rules : PublicShares, SeedShares, SeedShares
        What is seen how often: first, then, and at last.
    public_fit, seeds_fit, rules_fit : FitSettings
        How the network is fitted to each.
    """

    frozen: int = 6
    rules_frozen: int = 2
    vocabulary: int = 40_000
    comment_tokens: int = 96
    passage_tokens: int = 96
    passages: int = 8
    public: PublicShares = field(default_factory=PublicShares)
    seeds: SeedShares = field(default_factory=SeedShares)
    rules: SeedShares = field(
        default_factory=lambda: SeedShares(passes=3, document_batches=12, title_only=0.35)
    )
    public_fit: FitSettings = field(
        default_factory=lambda: FitSettings(output_weights=_PUBLIC_WEIGHTS)
    )
    seeds_fit: FitSettings = field(
        default_factory=lambda: FitSettings(output_weights=_SEED_WEIGHTS, learn_context=False)
    )
    # What stands under which article is known by now; asking on drowns what the labels say.
    rules_fit: FitSettings = field(
        default_factory=lambda: FitSettings(
            output_weights=_SEED_WEIGHTS,
            learn_context=False,
            foreign_weight=0.1,
            contrast_weight=0.03,
            token_dropout=0.15,
        )
    )


def train_encoder(
    data: Path,
    seeds: Path,
    output: Path,
    checkpoints: Path,
    *,
    base_weights: Path | None = None,
    plan: EncoderPlan | None = None,
    threads: int = 2,
    log: Callable[[str], None] = print,
) -> dict[str, float]:
    """Train the encoder and write its files; interrupted, it goes on from its checkpoints.

    First the public corpora teach it what offends and what belongs to a text, then the seeds
    what belongs to an article of ours, at last their labels our rules. Nothing that is held back
    for measuring is seen.

    Parameters
    ----------
    data, seeds : Path
        Folders of the public corpora and of our own.
    output : Path
        Folder for the encoder's files.
    checkpoints : Path
        Folder for the state between steps; empty it to start anew.
    base_weights : Path, optional
        File of the base network's weights; by default that of the installed package.
    plan : EncoderPlan, optional
        The choices; the shipped encoder's by default.
    threads : int
        Processor threads to use. The same number gives the same weights.
    log : callable
        Gets lines with the progress.

    Returns
    -------
    dict of str to float
        ROC AUC of our labels on the seeds' development split, before quantisation.

    Raises
    ------
    BaseWeightsError, CorpusError, SeedsError
        If something to learn from is missing or malformed.
    """
    plan = plan or EncoderPlan()
    torch.set_num_threads(threads)
    torch.manual_seed(RANDOM_STATE)
    random = Random(RANDOM_STATE)  # noqa: S311 - no secret
    base = BaseWeights(base_weights or base_weights_path())
    pieces = kept_pieces(base.pieces, base.scores, _seen_pieces(base, data), plan.vocabulary)
    tokenizer = _tokenizer(base, pieces)
    settings = EncoderSettings(
        layers=base.shape.layers,
        attention_heads=base.shape.attention_heads,
        width=base.shape.width,
        comment_tokens=plan.comment_tokens,
        passage_tokens=plan.passage_tokens,
        passages=plan.passages,
        outputs=OUTPUTS,
        related=RELATED,
    )
    reader = TextReader(tokenizer, settings)
    network = Network(len(pieces), settings, base.shape.feed_forward, plan.frozen)
    network.start_from(base, pieces)
    states = FrozenStates(network)
    public = public_readings(data, reader)
    corpus = read_corpus(seeds)
    learned, development = (_seeds(corpus, split, reader) for split in (Split.TRAIN, Split.DEV))

    def learn(batches: list[list[Reading]], settings: FitSettings, name: str) -> None:
        fit(
            network,
            states,
            batches,
            OUTPUTS,
            settings,
            checkpoint=checkpoints / f"{name}.pt",
            log=log,
        )

    log("Learning from the public corpora …")
    learn(public_batches(public, plan.public, random), plan.public_fit, "public")
    _guess_our_labels(network)
    log("Learning from the seeds …")
    learn(seed_batches(learned, public, plan.seeds, random), plan.seeds_fit, "seeds")
    log("Learning the rules from the seeds' labels …")
    network.freeze(plan.rules_frozen)
    states = FrozenStates(network)
    learn(seed_batches(learned, public, plan.rules, random), plan.rules_fit, "rules")

    output.mkdir(parents=True, exist_ok=True)
    weights = {name: value.numpy() for name, value in network.state_dict().items()}
    export(output, weights, _packed_words(base, pieces), settings, _samples(learned))
    tokenizer.save(str(output / TOKENIZER), pretty=False)
    return _development_figures(network, states, development)


def _seen_pieces(base: BaseWeights, data: Path) -> set[int]:
    """Return the pieces that the public training texts are made of."""
    whole = build_tokenizer(base.pieces, base.scores, base.unknown)
    seen: set[int] = set()
    for name in CORPUS_NAMES:
        for example in CORPORA[name].read(data):
            if held_back(example):
                continue
            article = example.comment.article
            texts = [undisguised(Document.of(example.comment))]
            texts += [mask(part) for part in (article.title, article.text)] if article else []
            for text in texts:
                seen.update(whole.encode(text, add_special_tokens=False).ids)
    return seen


def _tokenizer(base: BaseWeights, pieces: Sequence[int]) -> Tokenizer:
    return build_tokenizer(
        [base.pieces[piece] for piece in pieces],
        [base.scores[piece] for piece in pieces],
        pieces.index(base.unknown),
    )


def _packed_words(
    base: BaseWeights, pieces: Sequence[int]
) -> tuple[
    np.ndarray[tuple[int, ...], np.dtype[np.float16]],
    np.ndarray[tuple[int, ...], np.dtype[np.uint8]],
]:
    scales, packed = base.blocks("emb.word")
    rows = np.array(pieces)
    shape = (base.shape.vocabulary, -1)
    return scales.reshape(shape)[rows], packed.reshape(*shape, packed.shape[1])[rows]


def _seeds(corpus: Corpus, split: Split, reader: TextReader) -> list[Reading]:
    topics = {name: each.tags[0] for name, each in corpus.articles.items()}
    return seed_readings(corpus.of(split), topics, reader)


def _samples(readings: Sequence[Reading]) -> list[Tokens]:
    chosen = readings[:: max(1, len(readings) // _SAMPLES)]
    return [each.comment for each in chosen] + [
        each.article.title for each in chosen if each.article
    ]


@torch.no_grad()
def _guess_our_labels(network: Network) -> None:
    for ours, theirs in _FIRST_GUESS.items():
        row, source = OUTPUTS.index(ours), OUTPUTS.index(theirs)
        network.out.weight[row] = network.out.weight[source]
        network.out.bias[row] = network.out.bias[source]


def _development_figures(
    network: Network, states: FrozenStates, readings: Sequence[Reading]
) -> dict[str, float]:
    logits = predict(network, states, readings, OUTPUTS)
    figures = {}
    for label in Label:
        truth = [each.targets[str(label)] for each in readings]
        if len(set(truth)) == 2:
            column = logits[:, OUTPUTS.index(str(label))]
            figures[str(label)] = float(roc_auc_score(truth, column))
    return figures
