"""Make big archives out of the seeds and measure how fast and with how much memory they are scored.

    python benchmarks/archive.py make 100000 archive.xml      (or archive.parquet)
    python benchmarks/archive.py run 100000 [--dask] [--without-encoder]
    python benchmarks/archive.py memory 100000 1000000 [--without-encoder]

``run`` makes both archives, scores them with one process, with two, and with ``--dask`` on a local
cluster of two workers, and prints comments a second and peak memory, beside a plain scikit-learn
pipeline (``TfidfVectorizer`` and ``LogisticRegression``) over the same comments. Where a machine
has other work as well, comments a second of processor time tell more than those of the clock.

``--without-encoder`` scores with a copy of the model that does not read, which is many times as
fast: what readers, writers, processes and clusters take shows better, and a million comments do
not take hours.

``memory`` scores a smaller and a greater archive and compares the peaks.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import click
import psutil

from moderation.classifier import save_without_encoder
from moderation.seeds import Corpus, Split, read_corpus
from moderation.settings import PROJECT_ROOT, Settings

_SHIPPED = Settings().model_dir
_NAMES = ("Kabelsalat", "nordlicht77", "M. Aksoy", "jule_k", "Zugvogel", "Ruedi", "H. Petersen")
_SENTENCE = re.compile(r"(?<=[.!?…])\s+")
_NUMBER = re.compile(r"\d+")
_FIRST_DAY = datetime(2010, 1, 1, tzinfo=UTC)
_ARTICLE_COMMENTS = 60
_STATUS = ("1", "1", "1", "1", "1", "1", "1", "0", "trash")


def made_up(corpus: Corpus, count: int, seed: int = 1) -> Iterator[dict[str, Any]]:
    """Yield comments made of the seeds' sentences, no two alike: shuffled, joined, renumbered."""
    chance = random.Random(seed)
    seeds = corpus.of(Split.TRAIN)
    sentences = [part for one in seeds for part in _SENTENCE.split(one.comment.text)]
    articles = [each.article for each in corpus.articles.values()]
    under: dict[str, str] = {}
    for number in range(count):
        if number % _ARTICLE_COMMENTS == 0:
            like = chance.choice(articles)
            under = {
                "article_id": f"a{number // _ARTICLE_COMMENTS}",
                "article_url": f"https://blog.example/{number // _ARTICLE_COMMENTS}",
                "article_title": _renumbered(like.title, chance),
                "article_text": _renumbered(like.text, chance),
            }
            first = number
        start = chance.choice(seeds).comment.text
        more = chance.sample(sentences, chance.choice((0, 0, 1, 1, 2)))
        answers = chance.random() < 0.4 and number > first
        yield under | {
            "id": str(number),
            "text": _renumbered(" ".join([start, *more]), chance) + f" #{number}",
            "author": f"{chance.choice(_NAMES)}{chance.randrange(1000)}",
            "date": _FIRST_DAY + timedelta(minutes=number * 60),
            "status": chance.choice(_STATUS),
            "parent_id": str(chance.randrange(first, number)) if answers else None,
        }


def _renumbered(text: str, chance: random.Random) -> str:
    return _NUMBER.sub(lambda found: str(int(found[0]) + chance.randrange(9)), text)


def write_parquet(path: Path, comments: Iterator[dict[str, Any]]) -> None:
    """Write an archive as Parquet, ten thousand rows at a time."""
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    names = ("id", "text", "author", "status", "parent_id")
    names += ("article_id", "article_url", "article_title", "article_text")
    schema = pa.schema(
        [*((name, pa.string()) for name in names), ("date", pa.timestamp("us", tz="UTC"))]
    )
    with ParquetWriter(path, schema) as writer:
        while rows := list(islice(comments, 10_000)):
            writer.write_table(pa.Table.from_pylist(rows, schema))


def write_wxr(path: Path, comments: Iterator[dict[str, Any]]) -> None:
    """Write an archive the way WordPress exports a blog."""
    with path.open("w", encoding="utf-8") as file:
        file.write(
            '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0"'
            ' xmlns:content="http://purl.org/rss/1.0/modules/content/"'
            ' xmlns:wp="http://wordpress.org/export/1.2/">\n'
            "<channel><title>Blog</title><wp:wxr_version>1.2</wp:wxr_version>\n"
        )
        article = None
        for each in comments:
            if each["article_id"] != article:
                file.write("</item>\n" if article else "")
                article = each["article_id"]
                file.write(_item(each))
            file.write(_comment(each))
        file.write("</item>\n</channel></rss>\n" if article else "</channel></rss>\n")


def _item(each: dict[str, Any]) -> str:
    return (
        f"<item><title>{escape(each['article_title'])}</title><link>{each['article_url']}</link>\n"
        f"<content:encoded><![CDATA[<p>{escape(each['article_text'])}</p>]]></content:encoded>\n"
        f"<wp:post_id>{each['article_id']}</wp:post_id><wp:post_type>post</wp:post_type>\n"
    )


def _comment(each: dict[str, Any]) -> str:
    return (
        f"<wp:comment><wp:comment_id>{each['id']}</wp:comment_id>"
        f"<wp:comment_author><![CDATA[{each['author']}]]></wp:comment_author>"
        f"<wp:comment_date_gmt>{each['date']:%Y-%m-%d %H:%M:%S}</wp:comment_date_gmt>"
        f"<wp:comment_content>{escape(escape(each['text']))}</wp:comment_content>"
        f"<wp:comment_approved>{each['status']}</wp:comment_approved>"
        "<wp:comment_type>comment</wp:comment_type>"
        f"<wp:comment_parent>{each['parent_id'] or 0}</wp:comment_parent></wp:comment>\n"
    )


@dataclass(frozen=True, slots=True)
class Measured:
    """How long something took, and the most memory all its processes held at a time.

    ``processor`` are seconds of processor time of all processes that belong to it.
    """

    seconds: float
    processor: float
    peak: int
    largest: int


def measured(command: list[str]) -> Measured:
    """Run a command and watch it: seconds, peak bytes of all processes, and of the largest one."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    peaks = [0, 0]
    used: dict[int, float] = {}
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.5):
            sizes = list(_sizes(used))
            peaks[0] = max(peaks[0], sum(sizes))
            peaks[1] = max(peaks[1], *sizes, 0)

    watcher = threading.Thread(target=watch)
    watcher.start()
    _, said = process.communicate()
    seconds = time.perf_counter() - start
    done.set()
    watcher.join()
    if process.returncode:
        raise click.ClickException(said.decode(errors="replace")[-2000:])
    return Measured(seconds, sum(used.values()), peaks[0], peaks[1])


def _sizes(used: dict[int, float]) -> Iterator[int]:
    """Yield the proportional set sizes of our children: what processes share counts once.

    Notes in ``used`` how much processor time each has had.
    """
    for each in psutil.Process().children(recursive=True):
        try:
            times = each.cpu_times()
            used[each.pid] = times.user + times.system
            yield each.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue


_PLAIN = """
import sys
from pathlib import Path
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
import pyarrow.parquet as pq
from moderation.seeds import Split, read_corpus

seeds = read_corpus(Path(sys.argv[2])).of(Split.TRAIN)
pipeline = make_pipeline(TfidfVectorizer(), LogisticRegression())
pipeline.fit([one.comment.text for one in seeds], [one.violates for one in seeds])
with open(sys.argv[3], "w") as out:
    for batch in pq.ParquetFile(sys.argv[1]).iter_batches(10_000, columns=["text"]):
        scores = pipeline.predict_proba(batch.column("text").to_pylist())[:, 1]
        out.writelines(f"{score:.6f}\\n" for score in scores)
"""


_WITHOUT_ENCODER = click.option(
    "--without-encoder", is_flag=True, help="Score with a copy of the model without its encoder."
)


def use_model_without_encoder(folder: Path) -> None:
    """Let the processes started from here on score with such a copy, kept in a folder."""
    model = folder / "without-encoder"
    save_without_encoder(_SHIPPED, model)
    os.environ["MODERATION_MODEL_DIR"] = str(model)


@click.group(help=__doc__)
def main() -> None:
    """Choose what to do."""


@main.command()
@click.argument("count", type=int)
@click.argument("path", type=click.Path(path_type=Path))
def make(count: int, path: Path) -> None:
    """Make an archive of COUNT comments; the ending of PATH tells the format."""
    write = write_parquet if path.suffix == ".parquet" else write_wxr
    write(path, made_up(read_corpus(PROJECT_ROOT / "seeds"), count))


@main.command()
@click.argument("count", type=int)
@click.option("--dask", is_flag=True, help="Also on a local Dask cluster of two workers.")
@_WITHOUT_ENCODER
def run(count: int, dask: bool, without_encoder: bool) -> None:
    """Make archives of COUNT comments and print what scoring them takes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if without_encoder:
            use_model_without_encoder(folder)
        corpus = read_corpus(PROJECT_ROOT / "seeds")
        write_parquet(folder / "archive.parquet", made_up(corpus, count))
        write_wxr(folder / "archive.xml", made_up(corpus, count))
        print(f"{count} comments, {psutil.cpu_count()} processors\n")
        print(
            "| what | comments/s | seconds | comments per processor second | peak MB, all"
            " | peak MB, largest process | load of the machine |"
        )
        print("|---|--:|--:|--:|--:|--:|--:|")

        def show(what: str, took: Measured) -> None:
            print(
                f"| {what} | {count / took.seconds:.0f} | {took.seconds:.1f}"
                f" | {count / took.processor:.0f} | {took.peak / 2**20:.0f}"
                f" | {took.largest / 2**20:.0f} | {psutil.getloadavg()[1]:.1f} |",
                flush=True,
            )

        rescore = _rescoring(folder)
        show("WXR, one process", measured(rescore("archive.xml", "--jobs", "1")))
        show("Parquet, one process", measured(rescore("archive.parquet", "--jobs", "1")))
        show("Parquet, two processes", measured(rescore("archive.parquet", "--jobs", "2")))
        if dask:
            with ExitStack() as stack:
                address = _cluster(stack)
                command = rescore("archive.parquet", "--backend", "dask", "--scheduler", address)
                show("Parquet, Dask with two workers", measured(command))
        plain = [sys.executable, "-c", _PLAIN, str(folder / "archive.parquet")]
        plain += [str(PROJECT_ROOT / "seeds"), str(folder / "plain.txt")]
        show("plain TfidfVectorizer + LogisticRegression", measured(plain))


@main.command()
@click.argument("fewer", type=int)
@click.argument("more", type=int)
@_WITHOUT_ENCODER
def memory(fewer: int, more: int, without_encoder: bool) -> None:
    """Score FEWER and MORE comments from Parquet with two processes and compare the peaks."""
    peaks = []
    for count in (fewer, more):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            if without_encoder:
                use_model_without_encoder(folder)
            corpus = read_corpus(PROJECT_ROOT / "seeds")
            write_parquet(folder / "archive.parquet", made_up(corpus, count))
            took = measured(_rescoring(folder)("archive.parquet", "--jobs", "2"))
        peaks.append(took.peak)
        print(
            f"{count} comments: peak {took.peak / 2**20:.0f} MB in all processes,"
            f" {took.largest / 2**20:.0f} MB in the largest; {took.seconds:.0f} s",
            flush=True,
        )
    print(f"ratio of the peaks: {peaks[1] / peaks[0]:.2f}")


def _rescoring(folder: Path) -> Callable[..., list[str]]:
    def command(source: str, *options: str) -> list[str]:
        program = "from moderation.cli import main; main()"
        output = ["-o", str(folder / "out.jsonl")]
        source = str(folder / source)
        return [sys.executable, "-c", program, "rescore", source, *output, *options]

    return command


def _cluster(stack: ExitStack) -> str:
    from distributed import LocalCluster

    cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    return str(stack.enter_context(cluster).scheduler_address)


if __name__ == "__main__":
    main()
