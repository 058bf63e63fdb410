"""Input guided by coverage, with atheris, for what reads what strangers wrote.

    pip install atheris                                     # Linux, Python 3.11 to 3.13
    python benchmarks/fuzz_guided.py normaliser [--inputs 100000]

The same readers and the same promises as `benchmarks/fuzz.py`; what breaks one is printed and left
in the present folder as a file. libFuzzer prints how many inputs it tried and what it covered.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["moderation"]):
    import fuzz

TARGETS: dict[str, tuple[Callable[[Path], Callable[[bytes], object]], str]] = {
    "normaliser": (
        lambda _: lambda raw: fuzz.normalised(text_of(raw)),
        "sooo 1d10t d.e.p.p *** Іd",
    ),
    "html": (
        lambda _: lambda raw: fuzz.plain(text_of(raw)),
        "<p>a<!-- b --><a href='c'>d</a> &amp;",
    ),
    "request": (lambda _: fuzz.requested, fuzz.JSONL),
    "jsonl": (lambda folder: fuzz.reading(folder / "archive.jsonl"), fuzz.JSONL),
    "csv": (lambda folder: fuzz.reading(folder / "archive.csv"), fuzz.CSV),
    "wxr": (lambda folder: fuzz.reading(folder / "archive.xml"), fuzz.WXR),
}
"""For each name how its reader is made, and something valid to begin with."""


def text_of(raw: bytes) -> str:
    """Return any bytes as a text, halves of surrogate pairs included."""
    return raw.decode("utf-8", "surrogateescape")


def main() -> None:
    """Try as many inputs as wanted on one reader."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("target", choices=TARGETS)
    arguments.add_argument("--inputs", type=int, default=100_000)
    wanted = arguments.parse_args()
    folder = Path(tempfile.mkdtemp())
    make, valid = TARGETS[wanted.target]
    corpus = folder / "corpus"
    corpus.mkdir()
    (corpus / "valid").write_text(valid, encoding="utf-8")
    options = [f"-runs={wanted.inputs}", "-max_len=4096", "-timeout=10", "-verbosity=1"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], make(folder))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
