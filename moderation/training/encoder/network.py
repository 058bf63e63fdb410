"""The network in PyTorch, as it is trained; ``export`` writes the same network for run time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from moderation.classifier.encoder import CONTRAST, EncoderSettings
from moderation.training.encoder.base import BaseWeights
from moderation.training.encoder.readings import RELATED

__all__ = ["Articles", "Batch", "Network", "Read", "Texts"]

_EPSILON: Final = 1e-12
_MASKED: Final = -1e4
_POSITIONS: Final = 128
_HEAD_SPREAD: Final = 0.02
_AT_A_TIME: Final = 16


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts after the frozen layers, padded to one length.

    ``states`` is of float32, shape (n_texts, n_tokens, width); ``present`` is of bool, shape
    (n_texts, n_tokens), and tells tokens from padding.
    """

    states: Tensor
    present: Tensor


@dataclass(frozen=True, slots=True)
class Articles:
    """The different articles of a batch: rows of its ``context``.

    ``titles`` is of int64, shape (n_articles,); ``passages`` of int64, shape
    (n_articles, n_passages), -1 where an article has fewer.
    """

    titles: Tensor
    passages: Tensor


@dataclass(frozen=True, slots=True)
class Batch:
    """Comments to read, and what they stand under.

    ``context`` holds titles, passages and parents. ``article`` and ``parent`` are of int64, shape
    (n_comments,): a comment's row in ``articles`` and its parent's in ``context``, -1 for none.
    ``targets`` is of float32, shape (n_comments, n_outputs), NaN where nobody said; ``weights``
    and ``bound`` are of float32 and bool, shape (n_comments,).
    """

    comments: Texts
    context: Texts | None
    articles: Articles | None
    article: Tensor
    parent: Tensor
    targets: Tensor
    weights: Tensor
    bound: Tensor


@dataclass(frozen=True, slots=True)
class Read:
    """What the network makes of a batch.

    ``vectors`` is of shape (n_comments, width), ``logits`` of (n_comments, n_outputs).
    ``closeness`` and ``nearest``, of shape (n_comments, n_articles), are the logit of
    ``off_topic`` if a comment stood alone under that article, and its greatest cosine to one of
    the article's texts; None without articles.
    """

    vectors: Tensor
    logits: Tensor
    closeness: Tensor | None
    nearest: Tensor | None


class _Layer(nn.Module):
    """A BERT layer."""

    def __init__(self, width: int, attention_heads: int, feed_forward: int, dropout: float) -> None:
        super().__init__()
        self.attention_heads = attention_heads
        self.dropout = dropout
        self.qkv = nn.Linear(width, 3 * width)
        self.ao = nn.Linear(width, width)
        self.aln = nn.LayerNorm(width, eps=_EPSILON)
        self.fi = nn.Linear(width, feed_forward)
        self.fo = nn.Linear(feed_forward, width)
        self.oln = nn.LayerNorm(width, eps=_EPSILON)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        rows, tokens, width = x.shape
        query, key, value = (
            self.qkv(x).view(rows, tokens, 3, self.attention_heads, -1).permute(2, 0, 3, 1, 4)
        )
        attended = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        attended = attended.transpose(1, 2).reshape(rows, tokens, width)
        x = self.aln(x + self._drop(self.ao(attended)))
        return self.oln(x + self._drop(self.fo(functional.gelu(self.fi(x)))))

    def _drop(self, x: Tensor) -> Tensor:
        return functional.dropout(x, self.dropout, self.training)


class Network(nn.Module):
    """The base network with heads of its own; its lower layers stay as they are.

    Every text is read by itself; the mean of its tokens is what it means. What a comment has to
    do with its article and its parent is read off their directions: cosines, and products of
    the normalised vectors.

    Parameters
    ----------
    vocabulary : int
        Number of pieces.
    settings : EncoderSettings
        Shape and outputs.
    feed_forward : int
        Width between the two feed-forward maps of a layer.
    frozen : int
        How many of the lowest layers are not trained.
    dropout : float
        Share of values left out in training.

    Attributes
    ----------
    bfloat16 : bool
        Whether the trained layers compute with 16 bits while they learn; False at first.
    """

    def __init__(
        self,
        vocabulary: int,
        settings: EncoderSettings,
        feed_forward: int,
        frozen: int,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        width = settings.width
        self.settings = settings
        self.dropout = dropout
        self.bfloat16 = False
        self.word = nn.Embedding(vocabulary, width)
        self.pos = nn.Embedding(_POSITIONS, width)
        self.ln = nn.LayerNorm(width, eps=_EPSILON)
        self.layers = nn.ModuleList(
            _Layer(width, settings.attention_heads, feed_forward, dropout)
            for _ in range(settings.layers)
        )
        self.freeze(frozen)
        self.out = nn.Linear(width, len(settings.outputs))
        self.of_article = nn.Linear(3 + width, 1)
        self.of_parent = nn.Linear(1 + width, 1)
        nn.init.normal_(self.out.weight, std=_HEAD_SPREAD)
        nn.init.zeros_(self.out.bias)
        for part in (self.of_article, self.of_parent):
            nn.init.zeros_(part.weight)
            nn.init.zeros_(part.bias)

    def freeze(self, layers: int) -> None:
        """Keep the pieces' vectors and this many of the lowest layers as they are, no others."""
        self.frozen = layers
        for part in (self.word, self.pos, self.ln):
            part.requires_grad_(False)
        for number, layer in enumerate(self.layers):
            layer.requires_grad_(number >= layers)

    def start_from(self, base: BaseWeights, pieces: Sequence[int]) -> None:
        """Take over the base network's weights.

        Parameters
        ----------
        base : BaseWeights
            The base network.
        pieces : sequence of int
            Which rows of its vocabulary are kept.
        """
        width, inner = base.shape.width, base.shape.feed_forward

        def tensor(name: str, *shape: int) -> Tensor:
            return torch.from_numpy(base.tensor(name, *shape))

        # All our texts are of the base network's first kind, so its vector goes to the positions.
        kind = tensor("emb.type", base.shape.kinds, width)[0]
        state = {
            "word.weight": tensor("emb.word", base.shape.vocabulary, width)[list(pieces)],
            "pos.weight": tensor("emb.pos", base.shape.positions, width)[:_POSITIONS] + kind,
            "ln.weight": tensor("emb.ln.w", width),
            "ln.bias": tensor("emb.ln.b", width),
        }
        for layer in range(len(self.layers)):
            ours, theirs = f"layers.{layer}.", f"l{layer}."
            for end, shape in ((".w", (width, width)), (".b", (width,))):
                parts = [tensor(f"{theirs}{part}{end}", *shape) for part in "qkv"]
                state[f"{ours}qkv{_LONG[end]}"] = torch.cat(parts)
            for part, shape in (
                ("ao", (width, width)),
                ("fi", (inner, width)),
                ("fo", (width, inner)),
            ):
                state[f"{ours}{part}.weight"] = tensor(f"{theirs}{part}.w", *shape)
                state[f"{ours}{part}.bias"] = tensor(f"{theirs}{part}.b", shape[0])
            for part in ("aln", "oln"):
                state[f"{ours}{part}.weight"] = tensor(f"{theirs}{part}.w", width)
                state[f"{ours}{part}.bias"] = tensor(f"{theirs}{part}.b", width)
        self.load_state_dict(state, strict=False)

    @torch.no_grad()
    def read_frozen(self, tokens: Tensor, present: Tensor) -> Tensor:
        """Return what the frozen layers make of texts, of shape (n_texts, n_tokens, width)."""
        x = self.ln(self.word(tokens) + self.pos.weight[: tokens.shape[1]])
        bias = _bias(present)
        for layer in self.layers[: self.frozen]:
            x = layer.eval()(x, bias)
        return x

    def forward(self, batch: Batch, *, learn_context: bool = True) -> Read:
        """Read the comments of a batch, and what they stand under.

        Without ``learn_context`` no gradient goes through the context, which is much of the work.
        """
        vectors = self._vectors(batch.comments)
        logits = self.out(functional.dropout(vectors, self.dropout, self.training))
        if batch.context is None:
            return Read(vectors, logits, None, None)
        comments = functional.normalize(vectors, dim=1)
        with torch.set_grad_enabled(learn_context and torch.is_grad_enabled()):
            context = functional.normalize(self._vectors(batch.context), dim=1)
        column = self.settings.outputs.index(RELATED)
        alone = logits[:, column]
        added = torch.zeros_like(alone)
        closeness = nearest = None
        if batch.articles is not None:
            by_article, nearest = self._by_article(comments, context, batch.articles)
            own = by_article.gather(1, batch.article.clamp(min=0)[:, None]).squeeze(1)
            added = added + own * (batch.article >= 0)
            closeness = by_article + alone[:, None]
        if bool((batch.parent >= 0).any()):
            parents = context[batch.parent.clamp(min=0)]
            added = added + self._by_parent(comments, parents) * (batch.parent >= 0)
        related = (alone + added)[:, None]
        logits = torch.cat((logits[:, :column], related, logits[:, column + 1 :]), dim=1)
        return Read(vectors, logits, closeness, nearest)

    def _by_article(
        self, comments: Tensor, context: Tensor, articles: Articles
    ) -> tuple[Tensor, Tensor]:
        """Return what each article adds to the logit of each comment, and the nearest cosines."""
        logits, nearest = [], []
        for number, title in enumerate(articles.titles):
            rows = articles.passages[number]
            texts = torch.cat((context[title][None], context[rows[rows >= 0]]))
            cosines = comments @ texts.T
            near = cosines.amax(1)
            columns = torch.stack((cosines[:, 0], near, cosines.mean(1)), dim=1) * CONTRAST
            mean = functional.normalize(texts.mean(0), dim=0)
            products = comments * mean * self.settings.width**0.5
            logits.append(self.of_article(torch.cat((columns, products), dim=1)).squeeze(1))
            nearest.append(near)
        return torch.stack(logits, dim=1), torch.stack(nearest, dim=1)

    def _by_parent(self, comments: Tensor, parents: Tensor) -> Tensor:
        products = comments * parents * self.settings.width**0.5
        cosine = (comments * parents).sum(1, keepdim=True) * CONTRAST
        return self.of_parent(torch.cat((cosine, products), dim=1)).squeeze(1)

    def _vectors(self, texts: Texts) -> Tensor:
        """Read texts, those of similar length together so that little is padding."""
        lengths = texts.present.sum(1)
        order = lengths.argsort()
        vectors = []
        for rows in order.split(_AT_A_TIME):
            longest = int(lengths[rows].max())
            present = texts.present[rows, :longest]
            x, bias = texts.states[rows, :longest], _bias(present)
            with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16 and self.training):
                for layer in self.layers[self.frozen :]:
                    x = layer(x, bias)
            weights = present[..., None].float()
            vectors.append((x.float() * weights).sum(1) / weights.sum(1))
        return torch.cat(vectors)[order.argsort()]


def _bias(present: Tensor) -> Tensor:
    return torch.zeros(present.shape).masked_fill(~present, _MASKED)[:, None, None, :]


_LONG: Final = {".w": ".weight", ".b": ".bias"}
