"""Made-up and hostile input for everything that reads what strangers wrote.

    python benchmarks/fuzz.py [--examples 20000]

First table: what was fed, how many inputs, and the slowest of them. An input that does anything
but what is promised stops the program with that input. Second table: how the time grows with the
length of texts made to be slow; 1 is in proportion, 2 would be quadratic. Third: whether a wrong
token takes another time the more of it is right.

The tests run it with few inputs.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from moderation.archive.plain import plain
from moderation.archive.reading import Source
from moderation.archive.record import ArchiveError
from moderation.classifier.encoder import mask
from moderation.classifier.evidence import passages
from moderation.classifier.normalise import normalise
from moderation.classifier.tokens import words
from moderation.desk.accounts import issue_token, token_holder
from moderation.store import Scope, Store
from moderation.store.search import words_of
from moderation.wire import InvalidRequest, MalformedRequest, parse, read

PIECES = [
    "Idiot",
    "1d10t",
    "d e p p",
    "sooo",
    "***",
    "🤷🏽‍♂️",
    "\u200b",
    "\u0301",
    "Іd",
    "ﬁ",
    "www.a.de",
]
TEXTS = st.one_of(
    st.text(st.characters()),
    st.lists(st.sampled_from([*PIECES, " ", ".", "\n", "\ud800"])).map("".join),
)
MARKUP = [
    "<p>",
    "</p>",
    "<!--",
    "-->",
    "<a href='",
    "'>",
    "<script>",
    "</",
    "<![CDATA[",
    "&#x",
    ";",
]
MARKED_UP = st.lists(st.sampled_from(MARKUP) | TEXTS).map("".join)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS | st.sampled_from(["text", "id"]), inner),
)
FIELDS = ("id", "text", "author", "article", "parent", "thread", "email", "address", "store")

WXR = """<?xml version="1.0"?><rss xmlns:wp="http://wordpress.org/export/1.2/"><channel><item>
<title>Akku</title><link>https://blog.example/akku</link><wp:post_id>1</wp:post_id><wp:comment>
<wp:comment_id>2</wp:comment_id><wp:comment_author>Max</wp:comment_author>
<wp:comment_date_gmt>2026-01-01 08:00:00</wp:comment_date_gmt>
<wp:comment_content><![CDATA[Größe?]]></wp:comment_content>
<wp:comment_approved>1</wp:comment_approved><wp:comment_type>comment</wp:comment_type>
<wp:comment_parent>0</wp:comment_parent></wp:comment></item></channel></rss>"""
JSONL = '{"id": "1", "text": "Größe?", "article": {"title": "Akku"}, "status": "approved"}\n' * 3
CSV = 'id;text;author;date\n1;"Größe;\nneue Zeile";Max;2026-01-01\n2;Danke!;Eva;2026-01-02\n'


def main() -> None:
    """Print the three tables."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--examples", type=int, default=20000, help="inputs of each kind")
    examples = arguments.parse_args().examples
    with tempfile.TemporaryDirectory() as folder:
        fuzz(Path(folder), examples)
        grow()
        compare_tokens(Path(folder), min(examples, 2000))


def fuzz(folder: Path, examples: int) -> None:
    """Feed each reader and print how many inputs there were."""
    print(f"{'fed':<28} {'inputs':>8} {'slowest':>12}")
    feed("normaliser", TEXTS, normalised, examples)
    feed("search words", TEXTS, words_of, examples)
    feed("passages", TEXTS, passages, examples)
    feed("HTML of exports", MARKED_UP, plain, examples)
    feed("request, any bytes", st.binary() | spoiled(JSONL.encode()), requested, examples)
    request = st.dictionaries(st.sampled_from(FIELDS), JSON).map(dumped)
    feed("request, any JSON", request, requested, examples)
    parquet = folder / "valid.parquet"
    pq.write_table(pa.table({"id": ["1"], "text": ["Größe?"]}), parquet)
    for suffix, valid in (
        ("jsonl", JSONL.encode()),
        ("csv", CSV.encode()),
        ("xml", WXR.encode()),
        ("parquet", parquet.read_bytes()),
    ):
        archive = reading(folder / f"archive.{suffix}")
        feed(f"archive, {suffix}", st.binary() | spoiled(valid), archive, examples)


def feed(name: str, made: st.SearchStrategy[Any], reader: Callable[[Any], Any], count: int) -> None:
    """Feed a reader, and print how many inputs it took and for how long the slowest."""
    fed, slowest = 0, 0.0

    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(made)
    def one(value: Any) -> None:
        nonlocal fed, slowest
        started = time.thread_time()
        reader(value)
        slowest = max(slowest, time.thread_time() - started)
        fed += 1

    one()
    print(f"{name:<28} {fed:>8} {slowest * 1000:>9.1f} ms", flush=True)


def normalised(text: str) -> None:
    """Hold the law of offsets: each character comes from a passage of the original, in order."""
    done = normalise(text)
    assert len(done.starts) == len(done.ends) == len(done.text)
    assert list(done.starts) == sorted(done.starts)
    assert list(done.ends) == sorted(done.ends)
    for start, end in zip(done.starts, done.ends, strict=True):
        assert 0 <= start <= end <= len(text)


def dumped(value: object) -> bytes:
    """Write JSON, halves of surrogate pairs and infinities too."""
    return json.dumps(value).encode()


def requested(raw: bytes) -> None:
    """Read a request, or refuse it in one of the two ways that are promised."""
    with suppress(MalformedRequest, InvalidRequest):
        read(parse(raw)).comment()


def reading(path: Path) -> Callable[[bytes], None]:
    """Return what reads an archive to its end, or refuses it as a whole."""

    def read_all(raw: bytes) -> None:
        path.write_bytes(raw)
        with suppress(ArchiveError):
            for _ in Source(str(path)).read():
                pass

    return read_all


def spoiled(valid: bytes) -> st.SearchStrategy[bytes]:
    """Cut, overwrite and repeat passages of something valid."""
    place = st.integers(0, len(valid))
    change = st.tuples(place, place, st.binary(max_size=12) | st.just(valid[:40]))

    def spoil(changes: Sequence[tuple[int, int, bytes]]) -> bytes:
        raw = valid
        for start, end, put in changes:
            raw = raw[: min(start, end)] + put + raw[max(start, end) :]
        return raw

    near = st.tuples(place, st.integers(0, 4), st.binary(max_size=4)).map(
        lambda at: valid[: at[0]] + at[2] + valid[at[0] + at[1] :]
    )
    return near | st.lists(change, min_size=1, max_size=4).map(spoil)


HOSTILE = {
    "one letter": "a",
    "spaced letters": "a ",
    "dots": ".",
    "stars in words": "a*",
    "slashes": "http://",
    "almost addresses": "www.a-",
    "at signs": "@a",
    "digits and letters": "1a",
    "invisible": "a\u200b",
    "marks": "a\u0301",
    "emoji": "🤷🏽‍♂️",
    "joiners": "\u200d",
    "blanks": " \t",
    "quotes": '."«» ',
    "abbreviations": "z. B. ",
    "brackets": "(((",
}
HOSTILE_MARKUP = {
    "comments": "<!--",
    "closed comments": "<!-- >",
    "declarations": "<![CDATA[",
    "tags": "<a ",
    "quotes in tags": "<a b='",
    "links": "<a href=x>y",
    "nested": "<div>",
    "references": "&#",
    "blanks": "<a" + " " * 100,
}
READERS: dict[str, tuple[Callable[[str], object], dict[str, str]]] = {
    "normalise": (normalise, HOSTILE),
    "words": (words, HOSTILE),
    "passages": (passages, HOSTILE),
    "mask": (mask, HOSTILE),
    "search": (words_of, HOSTILE),
    "HTML": (plain, HOSTILE_MARKUP),
}
SHORT, LONG = 8_192, 65_536
STEEPEST = 1.5
"""Exponent; 2 would be quadratic, and up to 1.25 is measured of what is in proportion: a longer
text no longer fits into the processor's caches."""


def grow() -> None:
    """Print by which power of the length the time of each reader grows at most."""
    print(f"\n{'reader':<12} {'worst text':<20} {'64 KiB in':>12} {'exponent':>9}")
    for name, (reader, kinds) in READERS.items():
        found = [(*growth(reader, unit), kind) for kind, unit in kinds.items()]
        exponent, seconds, kind = max(found)
        print(f"{name:<12} {kind:<20} {seconds * 1000:>9.1f} ms {exponent:>9.2f}", flush=True)
        assert exponent < STEEPEST, f"{name} takes too long for {kind}"


def growth(reader: Callable[[str], object], unit: str) -> tuple[float, float]:
    """Return the exponent, and the seconds for the longer text.

    Whatever else the machine does adds time and never takes any away, so what looks too steep is
    measured a few times more, and the quickest of all count: only what is steep stays so.
    """
    short = long = math.inf
    for _ in range(4):
        short = min(short, quickest(reader, (unit * SHORT)[:SHORT]))
        long = min(long, quickest(reader, (unit * LONG)[:LONG]))
        # what is over in a moment measures nothing but the clock
        exponent = math.log(max(long, 1e-3) / max(short, 1e-3 / 8)) / math.log(LONG / SHORT)
        if exponent < STEEPEST:
            break
    return exponent, long


def quickest(reader: Callable[[str], object], text: str) -> float:
    """Return the seconds of CPU of the quickest of a few calls."""
    taken = []
    for _ in range(3):
        started = time.thread_time()
        reader(text)
        taken.append(time.thread_time() - started)
    return min(taken)


def compare_tokens(folder: Path, number: int) -> None:
    """Print how long wrong tokens take that are right to their first, middle and last letters."""
    store = Store(f"sqlite:///{folder / 'tokens.db'}")
    store.migrate()
    key = issue_token(store, "fuzz", [Scope.READ]).key
    wrong = {
        "nothing": "x" * len(key),
        "half": key[: len(key) // 2] + "x" * (len(key) - len(key) // 2),
        "all but one": key[:-1] + ("a" if key[-1] != "a" else "b"),
    }
    taken: dict[str, list[float]] = {name: [] for name in wrong}
    for _ in range(number):
        for name, each in wrong.items():
            started = time.perf_counter()
            assert token_holder(store, each) is None
            taken[name].append(time.perf_counter() - started)
    store.close()
    print(f"\n{'right in a wrong token':<28} {'checks':>8} {'median':>12}")
    medians = {name: statistics.median(times) for name, times in taken.items()}
    for name, seconds in medians.items():
        print(f"{name:<28} {number:>8} {seconds * 1e6:>9.1f} µs")
    assert max(medians.values()) < 1.5 * min(medians.values()), "the time tells what is right"


if __name__ == "__main__":
    main()
