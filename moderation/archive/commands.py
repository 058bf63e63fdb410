"""``moderation classify``: a file of comments in, a file of verdicts out."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import click
from tqdm import tqdm

from moderation.archive.classify import classify_lines, lines_of
from moderation.classifier import Classifier, ModelError
from moderation.rules import RuleBook, RulesError
from moderation.settings import Settings
from moderation.wire import Language


@click.command()
@click.argument("source", metavar="IN.jsonl", type=click.Path(dir_okay=False, allow_dash=True))
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="OUT.jsonl",
    type=click.Path(dir_okay=False, allow_dash=True),
    help="Where the answers go, one a line in the same order; - for standard output.",
)
@click.option(
    "--language",
    type=click.Choice(["de", "en"]),
    default="de",
    show_default=True,
    help="Of the reasons.",
)
def classify(source: str, output: str, language: str) -> None:
    """Score comments from a JSONL file (- for standard input).

    Each line is one object in the shape of POST /classify and gets the same answer; nothing is
    stored. A bad line becomes an error object with its line number, the run goes on, and the exit
    status is 1 if there was any. OUT.jsonl appears only when it is complete.
    """
    settings = Settings()
    try:
        classifier = Classifier.load(settings.model_dir)
        rules = RuleBook.load(settings.rules_file).with_thresholds(classifier.manifest.thresholds)
    except (ModelError, RulesError) as error:
        raise click.ClickException(str(error)) from None
    bad = 0
    with _input(source) as incoming, _output(output) as outgoing, _progress(source) as progress:
        lines = lines_of(incoming)
        for answered in classify_lines(lines, classifier, rules, cast("Language", language)):
            body = dict(answered.answer)
            if answered.bad:
                bad += 1
                body["line"] = answered.line
            outgoing.write(json.dumps(body, ensure_ascii=False).encode() + b"\n")
            progress.update(answered.size)
    if bad:
        click.echo(f"{bad} lines could not be scored; their answers say why.", err=True)
        sys.exit(1)


@contextmanager
def _input(source: str) -> Iterator[BinaryIO]:
    if source == "-":
        yield sys.stdin.buffer
        return
    try:
        stream = Path(source).open("rb")  # noqa: SIM115 - closed below
    except OSError as error:
        raise click.ClickException(f"{source} cannot be read: {error.strerror}.") from None
    with stream:
        yield stream


@contextmanager
def _output(output: str) -> Iterator[BinaryIO]:
    """Yield a stream; a named file gets its name only after everything was written."""
    if output == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    final = Path(output)
    part = final.with_name(f"{final.name}.part")
    try:
        with part.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(final)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise click.ClickException(f"{output} cannot be written: {error.strerror}.") from None


def _progress(source: str) -> tqdm:
    size = None if source == "-" else Path(source).stat().st_size
    return tqdm(
        total=size,
        unit="B",
        unit_scale=True,
        unit_divisor=1024,
        disable=None,  # only on a terminal
        desc="classify",
    )
