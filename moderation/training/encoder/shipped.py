"""An encoder's files read back, so that training can go on from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import numpy_helper
from tokenizers import Tokenizer

from moderation.classifier.encoder import (
    NETWORK,
    RELATION_WEIGHTS,
    SETTINGS_KEY,
    TOKENIZER,
    EncoderSettings,
    RelationWeights,
)
from moderation.training.encoder.foundation import Foundation
from moderation.training.encoder.network import Network

__all__ = ["ShippedEncoderError", "load_shipped", "shipped_weights"]

_QUANTIZED = "_quantized"


class ShippedEncoderError(Exception):
    """An encoder that training cannot go on from; the message says what to do."""


def load_shipped(folder: Path, foundation: Foundation, network: Network) -> None:
    """Give a network the weights of an encoder that was trained before.

    Parameters
    ----------
    folder : Path
        Holds the encoder's files.
    foundation : Foundation
        What the encoder must have been made from: the same pieces, the same shape and outputs.
    network : Network
        Changed in place. Vectors of pieces, and of positions no text reaches, stay as they are.

    Raises
    ------
    ShippedEncoderError
        If the encoder was made from something else.
    """
    try:
        pieces = Tokenizer.from_file(str(folder / TOKENIZER)).get_vocab()
        settings = _settings(onnx.load(folder / NETWORK))
        same = (pieces, settings) == (foundation.tokenizer.get_vocab(), foundation.settings)
        weights = shipped_weights(folder) if same else {}
    except Exception as error:  # the libraries raise types of their own, and bare ones
        raise ShippedEncoderError(
            f"There is no encoder in {folder} that this program wrote ({error}): name the folder"
            " encoder/ of a model, or train from the base weights, without --from."
        ) from error
    if not same:
        raise ShippedEncoderError(
            f"The encoder in {folder} has other word pieces, another shape or other outputs than"
            " this program and these corpora give: train from the base weights, without --from."
        )
    state = network.state_dict()
    for name, values in weights.items():
        state[name][: len(values)].copy_(torch.from_numpy(values))


def shipped_weights(folder: Path) -> dict[str, npt.NDArray[np.float32]]:
    """Return an encoder's weights, as near to those that were trained as 8 bits keep them.

    Parameters
    ----------
    folder : Path
        Holds what ``export`` wrote.

    Returns
    -------
    dict of str to ndarray of float32
        The network's state without ``word.weight``, which training leaves as the base network has
        it; of ``pos.weight`` as many rows as texts can reach.

    Raises
    ------
    OSError, KeyError, ValueError
        If the files are missing, or not what ``export`` writes.
    """
    model = onnx.load(folder / NETWORK)
    settings = _settings(model)
    stored = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    reader_of = {name: node for node in model.graph.node for name in node.input}

    def matrix(name: str) -> npt.NDArray[np.float32]:
        steps = stored[f"{name}_quantized"].astype(np.float32) - stored[f"{name}_zero_point"]
        values: npt.NDArray[np.float32] = steps * stored[f"{name}_scale"]
        return values

    weights = {name: stored[name] for name in ("pos.weight", "out.bias")}
    weights["out.weight"] = matrix("out.weight").T
    norms = []
    for node in model.graph.node:
        if node.op_type == "LayerNormalization":
            norms.append(node)
        elif node.op_type == "MatMulInteger" and node.input[1].startswith("layers."):
            name = node.input[1].removesuffix(_QUANTIZED)
            weights[f"{name}.weight"] = (matrix(name) * stored[f"{name}.even"][:, None]).T
            added = node
            while added.op_type != "Add":  # what takes the product back to its size comes first
                added = reader_of[added.output[0]]
            weights[f"{name}.bias"] = stored[added.input[1]].copy()
    layers = range(settings.layers)
    parts = ["ln", *(f"layers.{layer}.{part}" for layer in layers for part in ("aln", "oln"))]
    for name, node in zip(parts, norms, strict=True):
        weights[f"{name}.weight"], weights[f"{name}.bias"] = (
            stored[each] for each in node.input[1:]
        )
    # the root that attention divides by stands in the queries' weights
    root = np.sqrt(settings.width // settings.attention_heads)
    for layer in layers:
        for part in ("weight", "bias"):
            weights[f"layers.{layer}.qkv.{part}"][: settings.width] *= root
    relations = RelationWeights.load(folder / RELATION_WEIGHTS)
    weights["of_article.weight"] = relations.article[None]
    weights["of_article.bias"] = np.array([relations.article_bias])
    weights["of_parent.weight"] = relations.parent[None]
    weights["of_parent.bias"] = np.array([relations.parent_bias])
    return {name: np.array(values, dtype=np.float32) for name, values in weights.items()}


def _settings(model: onnx.ModelProto) -> EncoderSettings:
    properties = {each.key: each.value for each in model.metadata_props}
    return EncoderSettings.from_json(properties[SETTINGS_KEY])
