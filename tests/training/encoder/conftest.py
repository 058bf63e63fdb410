"""A file of base weights in the real format, small enough to make for each test."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest


def _four_bit(blocks: int, seed: int) -> bytes:
    """Return blocks of 32 weights of 4 bits with the scale 1/16."""
    chance = np.random.default_rng(seed)
    scale = np.array([1 / 16], dtype="<f2").tobytes()
    return b"".join(scale + chance.bytes(16) for _ in range(blocks))


@pytest.fixture
def write_base() -> Callable[..., Path]:
    return _write_base


@pytest.fixture
def small_base(tmp_path: Path) -> Path:
    """Whole base weights of two layers over single letters."""
    pieces = [
        "<s>",
        "<pad>",
        "</s>",
        "<unk>",
        "▁",
        *"aeinrstdhulcgmobwfkzpvjyxqäöüß0123456789.,!?@:/",
    ]
    width, layers, inner, positions = 64, 2, 128, 300
    chance = np.random.default_rng(3)
    shapes: dict[str, tuple[int, ...]] = {
        "emb.pos": (positions, width),
        "emb.type": (2, width),
        "emb.ln.w": (width,),
        "emb.ln.b": (width,),
    }
    for layer in range(layers):
        for part in ("q", "k", "v", "ao"):
            shapes[f"l{layer}.{part}.w"] = (width, width)
            shapes[f"l{layer}.{part}.b"] = (width,)
        shapes |= {f"l{layer}.fi.w": (inner, width), f"l{layer}.fi.b": (inner,)}
        shapes |= {f"l{layer}.fo.w": (width, inner), f"l{layer}.fo.b": (width,)}
        for part in ("aln", "oln"):
            shapes |= {f"l{layer}.{part}.w": (width,), f"l{layer}.{part}.b": (width,)}
    tensors: dict[str, np.ndarray | bytes] = {
        name: np.ones(shape) if name.endswith("ln.w") else chance.normal(0, 0.1, shape)
        for name, shape in shapes.items()
    }
    tensors["emb.word"] = _four_bit(len(pieces) * width // 32, seed=4)
    shape = (width, layers, 2, inner, len(pieces), positions, 2)
    return _write_base(tmp_path / "base.bin", pieces, shape, tensors)


def _write_base(
    path: Path,
    pieces: Sequence[str],
    shape: Sequence[int],
    tensors: Mapping[str, np.ndarray | bytes],
    *,
    magic: bytes = b"E5S1",
    block: int = 32,
) -> Path:
    """Write base weights.

    ``shape`` is width, layers, heads, feed-forward, vocabulary, positions, kinds; a tensor given
    as bytes is one of 4 bits.
    """
    text = "".join(pieces).encode()
    offsets = np.cumsum([0, *(len(piece.encode()) for piece in pieces)])
    body = magic + struct.pack("<I", 1) + struct.pack("<7i", *shape)
    body += struct.pack("<fi", 1e-12, block)
    body += struct.pack("<5i", len(pieces), 0, 2, 1, 3) + struct.pack("<Q", len(text))
    body += offsets.astype("<u4").tobytes()
    body += (-np.arange(len(pieces), dtype="<f4") / 100).tobytes() + text
    body += struct.pack("<iI", 0, 3) + b"xyz"
    stored = {
        name: value if isinstance(value, bytes) else value.astype("<f4").tobytes()
        for name, value in tensors.items()
    }
    at = len(body) + 4 + sum(2 + len(name) + 21 for name in stored)
    body += struct.pack("<i", len(stored))
    for name, content in stored.items():
        is_small = isinstance(tensors[name], bytes)
        count = len(content) // 18 * 32 if is_small else len(content) // 4
        body += struct.pack("<H", len(name)) + name.encode()
        body += struct.pack("<BIQQ", int(is_small), count, at, len(content))
        at += len(content)
    path.write_bytes(body + b"".join(stored.values()))
    return path
