"""Fitting the network to batches, with checkpoints to go on from."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from moderation.classifier.encoder import ArticleTokens, Tokens
from moderation.training.encoder.network import Articles, Batch, Network, Read, Texts
from moderation.training.encoder.readings import Reading

__all__ = ["FitSettings", "FrozenStates", "fit", "predict"]

_PAD: Final = 1
_AT_A_TIME: Final = 32
# "<s>", and "query:" in three pieces
_MARKS: Final = 4


@dataclass(frozen=True, slots=True)
class FitSettings:
    """How the network is fitted.

    Parameters
    ----------
    layer_rate, head_rate : float
        Highest learning rates of the layers and of the linear heads.
    warm_up : float
        Share of the steps over which the rates rise; after it they fall linearly to nothing.
    weight_decay, clip : float
        As in AdamW; the greatest norm of a gradient.
    pair_weight : float
        How much it counts that the violating member of a minimal pair scores above the other.
    foreign_weight : float
        How much it counts that a comment bound to its article is off-topic under the others.
    contrast_weight, temperature : float
        How much it counts that its own article is nearest to it among those of the batch
        (InfoNCE: van den Oord et al. 2018, arXiv:1807.03748), and the softmax's temperature.
    token_dropout : float
        Share of a comment's tokens that is left out, others each time: what few comments there
        are is not learned by heart so soon.
    output_weights : mapping of str to float
        How much an output counts; 1 unless listed.
    learn_context : bool
        Whether articles and parents teach the network too, or comments only.
    steps_per_checkpoint, steps_per_message : int
        How often to write one.
    """

    layer_rate: float = 1e-4
    head_rate: float = 1e-3
    warm_up: float = 0.06
    weight_decay: float = 0.01
    clip: float = 1.0
    pair_weight: float = 0.2
    foreign_weight: float = 0.3
    contrast_weight: float = 0.3
    temperature: float = 0.03
    token_dropout: float = 0.0
    output_weights: Mapping[str, float] = field(default_factory=dict)
    learn_context: bool = True
    steps_per_checkpoint: int = 50
    steps_per_message: int = 10


class FrozenStates:
    """What the frozen layers make of texts; each text goes through them once.

    Parameters
    ----------
    network : Network
        Its frozen layers are used, and must not change.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._states: dict[Tokens, Tensor] = {}

    def add(self, texts: Sequence[Tokens]) -> None:
        """Read texts that are not known yet, in half precision."""
        new = sorted({text for text in texts if text not in self._states}, key=len)
        for start in range(0, len(new), _AT_A_TIME):
            part = new[start : start + _AT_A_TIME]
            tokens, present = _padded(part)
            states = self._network.read_frozen(tokens, present).to(torch.float16)
            for text, found in zip(part, states, strict=True):
                self._states[text] = found[: len(text)].clone()

    def texts(self, texts: Sequence[Tokens]) -> Texts:
        """Return texts as the trained layers read them."""
        self.add(texts)
        _, present = _padded(texts)
        width = self._network.settings.width
        states = torch.zeros(*present.shape, width)
        for row, text in enumerate(texts):
            states[row, : len(text)] = self._states[text].float()
        return Texts(states, present)

    def batch(self, readings: Sequence[Reading], outputs: Sequence[str]) -> Batch:
        """Put comments into one batch, with each text of their context once."""
        articles = list(dict.fromkeys(each.article for each in readings if each.article))
        parents = [each.parent for each in readings if each.parent is not None]
        context = list(
            dict.fromkeys(
                [text for article in articles for text in (article.title, *article.passages)]
                + parents
            )
        )
        row = {text: number for number, text in enumerate(context)}
        targets = [[each.targets.get(name, math.nan) for name in outputs] for each in readings]
        return Batch(
            comments=self.texts([each.comment for each in readings]),
            context=self.texts(context) if context else None,
            articles=_articles(articles, row) if articles else None,
            article=torch.tensor(
                [articles.index(each.article) if each.article else -1 for each in readings]
            ),
            parent=torch.tensor(
                [row[each.parent] if each.parent is not None else -1 for each in readings]
            ),
            targets=torch.tensor(targets, dtype=torch.float32),
            weights=torch.tensor([each.weight for each in readings], dtype=torch.float32),
            bound=torch.tensor([each.bound for each in readings]),
        )


def _articles(articles: Sequence[ArticleTokens], row: Mapping[Tokens, int]) -> Articles:
    most = max(len(article.passages) for article in articles)
    passages = np.full((len(articles), most), -1, dtype=np.int64)
    for number, article in enumerate(articles):
        passages[number, : len(article.passages)] = [row[text] for text in article.passages]
    return Articles(
        torch.tensor([row[article.title] for article in articles]), torch.from_numpy(passages)
    )


def _padded(texts: Sequence[Tokens]) -> tuple[Tensor, Tensor]:
    longest = max(len(text) for text in texts)
    tokens = np.full((len(texts), longest), _PAD, dtype=np.int64)
    present = np.zeros((len(texts), longest), dtype=bool)
    for row, text in enumerate(texts):
        tokens[row, : len(text)] = text
        present[row, : len(text)] = True
    return torch.from_numpy(tokens), torch.from_numpy(present)


def fit(
    network: Network,
    states: FrozenStates,
    batches: Sequence[Sequence[Reading]],
    outputs: Sequence[str],
    settings: FitSettings,
    *,
    checkpoint: Path,
    log: Callable[[str], None],
) -> None:
    """Fit the network in place; go on from the checkpoint if there is one.

    Parameters
    ----------
    network : Network
        What to fit.
    states : FrozenStates
        What its frozen layers make of the texts.
    batches : sequence of sequences of Reading
        One step each, in this order; the same in every run, or a checkpoint makes no sense.
    outputs : sequence of str
        Names of the network's outputs.
    settings : FitSettings
        How.
    checkpoint : Path
        File for the state between steps; belongs to these batches only.
    log : callable
        Gets a line with step and loss now and then.
    """
    named = [(name, each) for name, each in network.named_parameters() if each.requires_grad]
    layers = [parameter for name, parameter in named if name.startswith("layers.")]
    heads = [parameter for name, parameter in named if not name.startswith("layers.")]
    optimizer = torch.optim.AdamW(
        [
            {"params": layers, "lr": settings.layer_rate},
            {"params": heads, "lr": settings.head_rate},
        ],
        weight_decay=settings.weight_decay,
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: _rate(step, len(batches), settings.warm_up)
    )
    parts = {"network": network, "optimizer": optimizer, "schedule": schedule}
    start = _resume(checkpoint, parts)
    output_weights = torch.tensor([settings.output_weights.get(name, 1.0) for name in outputs])
    network.train()
    losses: list[float] = []
    for step in range(start, len(batches)):
        batch = _thinned(states.batch(batches[step], outputs), settings.token_dropout)
        read = network(batch, learn_context=settings.learn_context)
        loss = _loss(read.logits, batch, output_weights)
        loss = loss + settings.pair_weight * _pair_loss(read.logits, batch.targets, batches[step])
        loss = loss + _relation_loss(read, batch, settings)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(layers, settings.clip)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        if (step + 1) % settings.steps_per_message == 0:
            mean = np.mean(losses[-settings.steps_per_message :])
            log(f"step {step + 1} of {len(batches)}: loss {mean:.4f}")
        if (step + 1) % settings.steps_per_checkpoint == 0 or step + 1 == len(batches):
            _save(checkpoint, parts, step + 1)
    network.eval()


def _thinned(batch: Batch, share: float) -> Batch:
    """Leave a share of the comments' tokens out, never the marks they begin with."""
    if not share:
        return batch
    present = batch.comments.present
    kept = torch.rand(present.shape) >= share
    kept[:, :_MARKS] = True
    return replace(batch, comments=replace(batch.comments, present=present & kept))


def _rate(step: int, steps: int, warm_up: float) -> float:
    rising = max(1.0, warm_up * steps)
    return min((step + 1) / rising, max(0.0, (steps - step) / max(1.0, steps - rising)))


def _loss(logits: Tensor, batch: Batch, output_weights: Tensor) -> Tensor:
    known = ~torch.isnan(batch.targets)
    losses = functional.binary_cross_entropy_with_logits(
        logits, torch.nan_to_num(batch.targets), reduction="none"
    )
    weights = known * batch.weights[:, None] * output_weights
    return (losses * weights).sum() / weights.sum().clamp(min=1e-6)


def _relation_loss(read: Read, batch: Batch, settings: FitSettings) -> Tensor:
    """Ask that a comment be on topic and nearest under its own article, not under the others."""
    rows = batch.bound & (batch.article >= 0)
    if read.closeness is None or read.nearest is None or not bool(rows.any()):
        return torch.zeros(())
    if read.closeness.shape[1] < 2:
        return torch.zeros(())
    own = batch.article[rows]
    foreign = torch.ones_like(read.closeness[rows]).scatter(1, own[:, None], 0.0)
    # each comment counts the same, whatever the number of articles; its own comes in with its label
    off_topic = (functional.softplus(-read.closeness[rows]) * foreign).sum(1) / foreign.sum(1)
    on_topic = functional.softplus(read.closeness[rows].gather(1, own[:, None])).squeeze(1)
    nearest = functional.cross_entropy(read.nearest[rows] / settings.temperature, own)
    return (
        settings.foreign_weight * (off_topic + on_topic).mean() / 2
        + settings.contrast_weight * nearest
    )


def _pair_loss(logits: Tensor, targets: Tensor, readings: Sequence[Reading]) -> Tensor:
    """Ask of each minimal pair that the member with the label scores above the one without."""
    members: dict[str, list[int]] = {}
    for row, reading in enumerate(readings):
        if reading.pair is not None:
            members.setdefault(reading.pair, []).append(row)
    losses = []
    for rows in members.values():
        for bad in rows:
            for good in rows:
                flips = (targets[bad] == 1) & (targets[good] == 0)
                losses.append(functional.softplus(logits[good] - logits[bad])[flips])
    gathered = torch.cat(losses) if losses else torch.zeros(0)
    return gathered.mean() if len(gathered) else torch.zeros(())


def _save(checkpoint: Path, parts: Mapping[str, Any], step: int) -> None:
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    draft = checkpoint.with_suffix(".part")
    states = {name: part.state_dict() for name, part in parts.items()}
    torch.save({**states, "step": step, "random": torch.get_rng_state()}, draft)
    os.replace(draft, checkpoint)


def _resume(checkpoint: Path, parts: Mapping[str, Any]) -> int:
    if not checkpoint.exists():
        return 0
    found = torch.load(checkpoint, weights_only=True)
    for name, part in parts.items():
        part.load_state_dict(found[name])
    torch.set_rng_state(found["random"])
    return int(found["step"])


@torch.no_grad()
def predict(
    network: Network,
    states: FrozenStates,
    readings: Sequence[Reading],
    outputs: Sequence[str],
    size: int = 64,
) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return logits of shape (n_readings, n_outputs), in the order of the readings."""
    network.eval()
    logits = np.zeros((len(readings), len(outputs)), dtype=np.float32)
    # comments of one article together, so that it is read for all of them at once
    order = sorted(range(len(readings)), key=lambda row: readings[row].group)
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        read = network(states.batch([readings[row] for row in rows], outputs))
        logits[rows] = read.logits.numpy()
    return logits
