"""What a training run starts from: the base network, cut to the pieces its texts are made of."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from moderation.classifier.encoder import EncoderSettings, TextReader
from moderation.training.encoder.base import BaseWeights
from moderation.training.encoder.network import Network
from moderation.training.encoder.plan import EncoderPlan
from moderation.training.encoder.readings import OUTPUTS, RELATED
from moderation.training.encoder.vocabulary import build_tokenizer, kept_pieces

__all__ = ["Foundation"]


class Foundation:
    """Tokenizer, shape and first weights of an encoder that is to be trained.

    Parameters
    ----------
    base : BaseWeights
        The base network.
    texts : iterable of str
        What the encoder learns from; every piece in it is kept.
    plan : EncoderPlan
        How many pieces and tokens there are to be.

    Attributes
    ----------
    tokenizer : tokenizers.Tokenizer
        Over the kept pieces.
    settings : EncoderSettings
        Shape and outputs.
    reader : TextReader
        Makes tokens of comments and articles.
    """

    def __init__(self, base: BaseWeights, texts: Iterable[str], plan: EncoderPlan) -> None:
        self._base = base
        whole = build_tokenizer(base.pieces, base.scores, base.unknown)
        seen: set[int] = set()
        for text in texts:
            seen.update(whole.encode(text, add_special_tokens=False).ids)
        self._pieces = kept_pieces(base.pieces, base.scores, seen, plan.vocabulary)
        self.tokenizer = build_tokenizer(
            [base.pieces[piece] for piece in self._pieces],
            [base.scores[piece] for piece in self._pieces],
            self._pieces.index(base.unknown),
        )
        self.settings = EncoderSettings(
            layers=base.shape.layers,
            attention_heads=base.shape.attention_heads,
            width=base.shape.width,
            comment_tokens=plan.comment_tokens,
            passage_tokens=plan.passage_tokens,
            passages=plan.passages,
            outputs=OUTPUTS,
            related=RELATED,
        )
        self.reader = TextReader(self.tokenizer, self.settings)

    def network(self, frozen: int) -> Network:
        """Return a network with the base network's weights, its lowest layers frozen."""
        feed_forward = self._base.shape.feed_forward
        network = Network(len(self._pieces), self.settings, feed_forward, frozen)
        network.start_from(self._base, self._pieces)
        return network

    def packed_words(self) -> tuple[npt.NDArray[np.float16], npt.NDArray[np.uint8]]:
        """Return the pieces' vectors as the base network packs them: scales, and 4-bit values.

        The shapes are (n_pieces, n_blocks) and (n_pieces, n_blocks, n_bytes of a block).
        """
        scales, packed = self._base.blocks("emb.word")
        rows = np.array(self._pieces)
        shape = (self._base.shape.vocabulary, -1)
        return scales.reshape(shape)[rows], packed.reshape(*shape, packed.shape[1])[rows]
