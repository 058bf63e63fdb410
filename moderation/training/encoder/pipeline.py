"""The whole way from base weights and corpora to the encoder's two files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Final

import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor

from moderation.classifier.document import Document
from moderation.classifier.encoder import TOKENIZER, TextReader, Tokens, mask, undisguised
from moderation.comment import Label
from moderation.seeds import Corpus, Split, read_corpus, tweet_labels
from moderation.training.corpora import CORPORA
from moderation.training.dataset import held_back
from moderation.training.encoder.base import BaseWeights, base_weights_path
from moderation.training.encoder.batches import public_batches, seed_batches
from moderation.training.encoder.export import export
from moderation.training.encoder.fit import FitSettings, FrozenStates, fit, predict
from moderation.training.encoder.foundation import Foundation
from moderation.training.encoder.network import Network
from moderation.training.encoder.plan import EncoderPlan
from moderation.training.encoder.readings import (
    CORPUS_NAMES,
    OUTPUTS,
    Reading,
    public_readings,
    seed_readings,
)
from moderation.training.encoder.shipped import load_shipped

__all__ = ["EXACT", "train_encoder"]

RANDOM_STATE: Final = 20261122

EXACT: Final = "exact.pt"
"""File among the checkpoints with the trained weights as they were before 8 bits."""

_SAMPLES: Final = 75

# Our labels start from what the public corpora know of them.
_FIRST_GUESS = {str(Label.DISPARAGING): "germeval_offence"}


def train_encoder(
    data: Path,
    seeds: Path,
    output: Path,
    checkpoints: Path,
    *,
    start: Path | None = None,
    base_weights: Path | None = None,
    plan: EncoderPlan | None = None,
    threads: int = 2,
    bfloat16: bool = False,
    log: Callable[[str], None] = print,
) -> dict[str, float]:
    """Train the encoder and write its files; interrupted, it goes on from its checkpoints.

    First the public corpora teach it what offends and what belongs to a text, then the seeds
    what belongs to an article of ours, at last their labels our rules, in rounds whose ends are
    averaged. Nothing that is held back for measuring is seen. From an encoder that knows all this
    it goes on with the rules alone, and what it starts from counts as the end of a round.

    Parameters
    ----------
    data, seeds : Path
        Folders of the public corpora and of our own.
    output : Path
        Folder for the encoder's files.
    checkpoints : Path
        Folder for the state between steps; empty it to start anew.
    start : Path, optional
        Folder of an encoder to go on from.
    base_weights : Path, optional
        File of the base network's weights; by default that of the installed package.
    plan : EncoderPlan, optional
        The choices; the shipped encoder's by default.
    threads : int
        Processor threads to use. The same number gives the same weights.
    bfloat16 : bool
        Whether to compute with 16 bits; see ``Network``.
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
    ShippedEncoderError
        If training cannot go on from the encoder in ``start``.
    """
    plan = plan or EncoderPlan()
    torch.set_num_threads(threads)
    torch.manual_seed(RANDOM_STATE)
    random = Random(RANDOM_STATE)  # noqa: S311 - no secret
    foundation = Foundation(
        BaseWeights(base_weights or base_weights_path()), _public_texts(data), plan
    )
    reader = foundation.reader
    network = foundation.network(plan.frozen)
    network.bfloat16 = bfloat16
    states = FrozenStates(network)
    public = public_readings(data, tweet_labels(seeds), reader)
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

    ends: list[dict[str, Tensor]] = []

    def ends_here() -> None:
        ends.append({name: value.clone() for name, value in network.state_dict().items()})

    if start is None:
        log("Learning from the public corpora …")
        learn(public_batches(public, plan.public, random), plan.public_fit, "public")
        _guess_our_labels(network)
        log("Learning from the seeds …")
        learn(seed_batches(learned, public, plan.seeds, random), plan.seeds_fit, "seeds")
        rounds, name = plan.rules, "rules"
    else:
        load_shipped(start, foundation, network)
        ends_here()
        rounds, name = plan.more_rules, "more-rules"
    log("Learning the rules from the seeds' labels …")
    network.freeze(plan.rules_frozen)
    states = FrozenStates(network)
    for number, shares in enumerate(rounds, 1):
        learn(seed_batches(learned, public, shares, random), plan.rules_fit, f"{name}-{number}")
        ends_here()
    network.load_state_dict(_averaged(ends[-plan.averaged :] if start is None else ends))
    torch.save({"network": network.state_dict()}, checkpoints / EXACT)

    output.mkdir(parents=True, exist_ok=True)
    weights = {name: value.numpy() for name, value in network.state_dict().items()}
    export(output, weights, foundation.packed_words(), foundation.settings, _samples(learned))
    foundation.tokenizer.save(str(output / TOKENIZER), pretty=False)
    return _development_figures(network, states, development)


def _averaged(states: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Return the mean of several states of one network.

    On the development split it did better than either: Izmailov et al. 2018, "Averaging Weights
    Leads to Wider Optima and Better Generalization", UAI, arXiv:1803.05407.
    """
    return {name: torch.stack([each[name] for each in states]).mean(dim=0) for name in states[0]}


def _public_texts(data: Path) -> Iterator[str]:
    """Yield the public training texts as the network reads them."""
    for name in CORPUS_NAMES:
        for example in CORPORA[name].read(data):
            if held_back(example):
                continue
            article = example.comment.article
            yield undisguised(Document.of(example.comment))
            if article:
                yield mask(article.title)
                yield mask(article.text)


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
