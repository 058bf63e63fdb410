"""The trained network as an ONNX file with 8-bit weights, for onnxruntime.

The graph reads one text at a time, so it needs neither padding nor a mask. Word embeddings stay
as the base network has them, 4 bits each, and are unpacked for the tokens of the text only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from moderation.classifier.encoder import (
    NETWORK,
    RELATION_WEIGHTS,
    SETTINGS_KEY,
    EncoderSettings,
    RelationWeights,
    Tokens,
)

__all__ = ["exact_model", "export"]

_OPSET: Final = 20
_IR_VERSION: Final = 10
_EPSILON: Final = 1e-12
_LEAST: Final = 1e-4
# With these, 8 bits changed the scores least on the development split. A scale for each token
# before the maps of attention as well changes nothing more, and takes 4 % of the time.
_SMOOTHING: Final = 0.5
_SCALED_BY_TOKEN: Final = (".fi", ".fo")
_STEPS: Final = 64
_DAMPING: Final = 0.01
_ROWS_AT_A_TIME: Final = 128

_Array = npt.NDArray[Any]


class _Graph:
    """A graph under construction; ``add`` returns the name of a node's output."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, value: _Array, name: str | None = None) -> str:
        name = name or f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.array(value, order="C"), name))
        return name

    def whole(self, *values: int) -> str:
        return self.constant(np.array(values, dtype=np.int64))

    def add(self, operator: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        output = output or f"{operator}_{len(self.nodes)}"
        self.nodes.append(
            helper.make_node(operator, list(inputs), [output], name=output, **attributes)
        )
        return output

    def pick(self, values: str, number: int) -> str:
        return self.add("Gather", values, self.constant(np.array(number, dtype=np.int64)), axis=0)

    def linear(self, x: str, weight: _Array, bias: _Array, name: str) -> str:
        product = self.add("MatMul", x, self.constant(weight.T, name))
        return self.add("Add", product, self.constant(bias))

    def norm(self, x: str, weight: _Array, bias: _Array) -> str:
        return self.add(
            "LayerNormalization",
            x,
            self.constant(weight),
            self.constant(bias),
            axis=-1,
            epsilon=_EPSILON,
        )


def export(
    folder: Path,
    weights: Mapping[str, npt.NDArray[np.float32]],
    words: tuple[npt.NDArray[np.float16], npt.NDArray[np.uint8]],
    settings: EncoderSettings,
    texts: Sequence[Tokens],
) -> None:
    """Write the network and the weights of its relations.

    Parameters
    ----------
    folder : Path
        Where to put the files.
    weights : mapping of str to ndarray of float32
        The trained network's state.
    words : tuple of ndarray
        The word embeddings in 4 bits: scales of shape (n_pieces, width / 32), packed of shape
        (n_pieces, width / 32, 16).
    settings : EncoderSettings
        Shape and outputs; stored in the file.
    texts : sequence of tuple of int
        Some texts to see from which values the network works with.
    """
    model = exact_model(weights, words, settings)
    fit_for_bits = _scaled_by_token(_smoothed_and_rounded(model, _inputs(model, texts)))
    with TemporaryDirectory() as draft:
        exact = Path(draft) / "exact.onnx"
        onnx.save(fit_for_bits, exact)
        quantize_dynamic(
            exact,
            folder / NETWORK,
            op_types_to_quantize=["MatMul"],
            per_channel=True,
            # 7 bits: with 8, processors without VNNI overflow and give other scores. The weights
            # are on its steps already.
            reduce_range=True,
            weight_type=QuantType.QInt8,
            extra_options={"MatMulConstBOnly": True},
        )
    _relations(weights).save(folder / RELATION_WEIGHTS)


def _relations(weights: Mapping[str, npt.NDArray[np.float32]]) -> RelationWeights:
    return RelationWeights(
        article=weights["of_article.weight"][0],
        article_bias=float(weights["of_article.bias"][0]),
        parent=weights["of_parent.weight"][0],
        parent_bias=float(weights["of_parent.bias"][0]),
    )


def exact_model(
    weights: Mapping[str, npt.NDArray[np.float32]],
    words: tuple[npt.NDArray[np.float16], npt.NDArray[np.uint8]],
    settings: EncoderSettings,
) -> onnx.ModelProto:
    """Return the network without 8-bit weights; parameters as for ``export``."""
    graph = _Graph()
    x = _embedded(graph, weights, words, settings)
    for layer in range(settings.layers):
        x = _layer(graph, x, weights, layer, settings)
    vector = graph.add("ReduceMean", x, graph.whole(0), keepdims=0, output="vector")
    logits = graph.add(
        "Gemm",
        graph.add("Unsqueeze", vector, graph.whole(0)),
        graph.constant(weights["out.weight"], "out.weight"),
        graph.constant(weights["out.bias"], "out.bias"),
        transB=1,
    )
    graph.add("Squeeze", logits, graph.whole(0), output="logits")
    return _checked(graph, settings)


def _mapped(model: onnx.ModelProto) -> list[tuple[onnx.NodeProto, onnx.TensorProto]]:
    """Return the linear maps of a network: products with a constant, and that constant."""
    constants = {constant.name: constant for constant in model.graph.initializer}
    return [
        (node, constants[node.input[1]])
        for node in model.graph.node
        if node.op_type == "MatMul" and node.input[1] in constants
    ]


class _Inputs(NamedTuple):
    """What goes into a linear map over some texts.

    Parameters
    ----------
    greatest : ndarray of float32, shape (n_channels,)
        Each channel's greatest absolute value.
    products : ndarray of float32, shape (n_channels, n_channels)
        Sum over the tokens of the products of any two channels.
    """

    greatest: npt.NDArray[np.float32]
    products: npt.NDArray[np.float32]


def _inputs(model: onnx.ModelProto, texts: Sequence[Tokens]) -> dict[str, _Inputs]:
    """Return what goes into every linear map, by the input's name."""
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    names = sorted({node.input[0] for node, _ in _mapped(model)})
    for name in names:
        watched.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    session = onnxruntime.InferenceSession(
        watched.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    found: dict[str, _Inputs] = {}
    for tokens in texts:
        read = session.run(names, {"tokens": np.array(tokens, dtype=np.int64)})
        for name, values in zip(names, read, strict=True):
            new = _Inputs(np.abs(values).max(axis=0), values.T @ values)
            old = found.get(name, new)
            found[name] = _Inputs(
                np.maximum(old.greatest, new.greatest),
                new.products if old is new else old.products + new.products,
            )
    return found


def _smoothed_and_rounded(model: onnx.ModelProto, inputs: Mapping[str, _Inputs]) -> onnx.ModelProto:
    """Even out the channels before each linear map, and its weights the other way about.

    A few channels are many times greater than the rest; one 8-bit scale for all would leave the
    rest no precision. See Xiao et al. 2023, "SmoothQuant", ICML, arXiv:2211.10438. The weights
    are put on the steps that 8 bits have.
    """
    nodes = list(model.graph.node)
    for node, constant in _mapped(model):
        weight = numpy_helper.to_array(constant)
        found = inputs[node.input[0]]
        greatest = np.maximum(found.greatest, _LEAST)
        rows = np.maximum(np.abs(weight).max(axis=1), _LEAST)
        scale = greatest**_SMOOTHING / rows ** (1 - _SMOOTHING)
        scale /= np.exp(np.log(scale).mean())
        rounded = _rounded(weight * scale[:, None], found.products / np.outer(scale, scale))
        constant.CopyFrom(numpy_helper.from_array(rounded, constant.name))
        inverse = numpy_helper.from_array((1 / scale).astype(np.float32), f"{constant.name}.even")
        model.graph.initializer.append(inverse)
        evened = f"{constant.name}.evened"
        evening = helper.make_node("Mul", [node.input[0], inverse.name], [evened], name=evened)
        nodes.insert(nodes.index(node), evening)
        node.input[0] = evened
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def _rounded(weight: npt.NDArray[Any], products: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Put a map's weights on steps of 1/64 of each output's greatest.

    Row by row, and what rounding one input's weights does to the outputs is made good by the
    weights of the inputs not yet rounded, as far as these go along with it: Frantar et al. 2023,
    "GPTQ", ICLR, arXiv:2210.17323. The outputs lose a third of what they lose when each weight is
    rounded to the nearest step.

    Parameters
    ----------
    weight : ndarray of float, shape (n_inputs, n_outputs)
        What to round.
    products : ndarray of float, shape (n_inputs, n_inputs)
        Sum of the products of any two inputs over some texts.

    Returns
    -------
    ndarray of float32, shape (n_inputs, n_outputs)
        The greatest of each output as it was, so that the steps are found again from it.
    """
    count, columns = weight.shape
    step = np.maximum(np.abs(weight).max(axis=0), np.finfo(np.float32).tiny) / _STEPS
    order = np.argsort(-np.diag(products), kind="stable")
    left = weight[order].astype(np.float64)
    curved = products[np.ix_(order, order)].astype(np.float64)
    curved[np.diag_indices(count)] += max(_DAMPING * np.diag(curved).mean(), _LEAST)
    root = np.linalg.cholesky(np.linalg.inv(curved)).T
    steps = np.zeros_like(left)
    for start in range(0, count, _ROWS_AT_A_TIME):
        end = min(start + _ROWS_AT_A_TIME, count)
        lost = np.zeros((end - start, columns))
        for row in range(start, end):
            steps[row] = np.clip(np.round(left[row] / step), -_STEPS, _STEPS)
            lost[row - start] = (left[row] - steps[row] * step) / root[row, row]
            left[row:end] -= np.outer(root[row, row:end], lost[row - start])
        left[end:] -= root[start:end, end:].T @ lost
    rounded = np.zeros_like(left)
    rounded[order] = steps * step
    greatest = np.abs(weight).argmax(axis=0), np.arange(columns)
    rounded[greatest] = weight[greatest]
    return rounded.astype(np.float32)


def _scaled_by_token(model: onnx.ModelProto) -> onnx.ModelProto:
    """Bring every token to one greatest value before each feed-forward map, and back after it.

    The marks around a text grow several times as great as its words; one 8-bit scale for all
    would leave the words no precision. See Yao et al. 2022, "ZeroQuant", NeurIPS,
    arXiv:2206.01861, on scales by token.
    """
    nodes = list(model.graph.node)
    axis = numpy_helper.from_array(np.array([1], dtype=np.int64), "by_token.axis")
    least = numpy_helper.from_array(np.array(_LEAST, dtype=np.float32), "by_token.least")
    model.graph.initializer.extend([axis, least])
    for node, constant in _mapped(model):
        if not constant.name.endswith(_SCALED_BY_TOKEN):
            continue
        x, y = node.input[0], node.output[0]
        size, top, scale, scaled, product = (
            f"{constant.name}.{what}" for what in ("size", "top", "scale", "scaled", "product")
        )
        node.input[0], node.output[0] = scaled, product
        before = [
            helper.make_node("Abs", [x], [size], name=size),
            helper.make_node("ReduceMax", [size, axis.name], [top], name=top, keepdims=1),
            helper.make_node("Max", [top, least.name], [scale], name=scale),
            helper.make_node("Div", [x, scale], [scaled], name=scaled),
        ]
        place = nodes.index(node)
        nodes[place:place] = before
        back = helper.make_node("Mul", [product, scale], [y], name=f"{constant.name}.unscaled")
        nodes.insert(place + len(before) + 1, back)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def _embedded(
    graph: _Graph,
    weights: Mapping[str, npt.NDArray[np.float32]],
    words: tuple[npt.NDArray[np.float16], npt.NDArray[np.uint8]],
    settings: EncoderSettings,
) -> str:
    scales, packed = words
    rows = graph.add("Gather", graph.constant(packed, "word.packed"), "tokens")
    low = graph.add("BitwiseAnd", rows, graph.constant(np.array(15, dtype=np.uint8)))
    high = graph.add(
        "BitShift", rows, graph.constant(np.array(4, dtype=np.uint8)), direction="RIGHT"
    )
    raised = graph.add("Cast", graph.add("Concat", low, high, axis=2), to=TensorProto.FLOAT)
    signed = graph.add("Sub", raised, graph.constant(np.array(8, dtype=np.float32)))
    scale = graph.add("Gather", graph.constant(scales, "word.scales"), "tokens")
    scale = graph.add("Unsqueeze", graph.add("Cast", scale, to=TensorProto.FLOAT), graph.whole(-1))
    word = graph.add("Reshape", graph.add("Mul", signed, scale), graph.whole(-1, settings.width))
    longest = max(settings.comment_tokens, settings.passage_tokens)
    position = graph.add(
        "Slice",
        graph.constant(weights["pos.weight"][:longest], "pos.weight"),
        graph.whole(0),
        graph.add("Shape", "tokens"),
        graph.whole(0),
    )
    x = graph.add("Add", word, position)
    return graph.norm(x, weights["ln.weight"], weights["ln.bias"])


def _layer(
    graph: _Graph,
    x: str,
    weights: Mapping[str, npt.NDArray[np.float32]],
    layer: int,
    settings: EncoderSettings,
) -> str:
    """Add a layer; returns its output, of shape (tokens, width)."""
    heads, width = settings.attention_heads, settings.width
    depth = width // heads

    def weight(part: str) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        name = f"layers.{layer}.{part}"
        return weights[f"{name}.weight"], weights[f"{name}.bias"]

    qkv_weight, qkv_bias = (part.copy() for part in weight("qkv"))
    qkv_weight[:width] /= np.sqrt(depth)
    qkv_bias[:width] /= np.sqrt(depth)
    qkv = graph.linear(x, qkv_weight, qkv_bias, f"layers.{layer}.qkv")
    qkv = graph.add("Reshape", qkv, graph.whole(-1, 3, heads, depth))
    qkv = graph.add("Transpose", qkv, perm=[1, 2, 0, 3])
    keys = graph.add("Transpose", graph.pick(qkv, 1), perm=[0, 2, 1])
    attention = graph.add("Softmax", graph.add("MatMul", graph.pick(qkv, 0), keys), axis=-1)
    attended = graph.add("MatMul", attention, graph.pick(qkv, 2))
    attended = graph.add(
        "Reshape", graph.add("Transpose", attended, perm=[1, 0, 2]), graph.whole(-1, width)
    )
    attended = graph.linear(attended, *weight("ao"), f"layers.{layer}.ao")
    x = graph.norm(graph.add("Add", x, attended), *weight("aln"))
    inner = graph.add("Gelu", graph.linear(x, *weight("fi"), f"layers.{layer}.fi"))
    inner = graph.linear(inner, *weight("fo"), f"layers.{layer}.fo")
    return graph.norm(graph.add("Add", x, inner), *weight("oln"))


def _checked(graph: _Graph, settings: EncoderSettings) -> onnx.ModelProto:
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "encoder",
            [helper.make_tensor_value_info("tokens", TensorProto.INT64, ["tokens"])],
            [
                helper.make_tensor_value_info("vector", TensorProto.FLOAT, [settings.width]),
                helper.make_tensor_value_info("logits", TensorProto.FLOAT, [len(settings.outputs)]),
            ],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
    )
    helper.set_model_props(model, {SETTINGS_KEY: settings.to_json()})
    onnx.checker.check_model(model)
    return model
