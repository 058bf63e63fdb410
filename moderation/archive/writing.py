"""Writers: results out as JSON lines, CSV or Parquet; a file is there as a whole or not at all.

An article's text is written once, with the first of its comments; after that its id or address
stands for it. So the files can be read again, as the archive of a later run.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from moderation.archive.reading.tables import COLUMNS, batches
from moderation.archive.record import ArchiveError, Problem
from moderation.archive.workfile import Result
from moderation.comment import Article, Label, ModelVersion
from moderation.rules import RuleBook

SCORES = tuple(f"score_{label}" for label in Label)
FORMER_SCORES = tuple(f"previous_{name}" for name in SCORES)
TABLE = (
    *COLUMNS,
    "rules",
    "change",
    "previous_verdict",
    *FORMER_SCORES,
    "model_version",
    "model_sha256",
)
"""The columns of a table of results: what a reader takes, and what a person wants to know."""

_ROW_GROUP = 10_000


@contextmanager
def whole_file(final: Path) -> Iterator[BinaryIO]:
    """Yield a stream; the file gets its name only after everything was written.

    Raises
    ------
    ArchiveError
        If the file cannot be written.
    """
    part = final.with_name(f"{final.name}.part")
    try:
        with part.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(final)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise ArchiveError(f"{final} cannot be written: {error.strerror}.") from None


def write_problems(final: Path, problems: Iterable[Problem]) -> None:
    """Write one JSON object a line for everything that could not be used as it was."""
    with whole_file(final) as stream:
        for problem in problems:
            told = {"place": problem.place, "problem": problem.sentence}
            stream.write(_json_line(told))


class ResultRows:
    """Turns results into what is written of them, naming each article's text once."""

    def __init__(self, rules: RuleBook, model: ModelVersion) -> None:
        self._rules = rules.ids
        self._model = model
        self._told: set[int] = set()

    def record(self, result: Result) -> dict[str, Any]:
        """Return a result as a JSON object, in the shape that the JSONL reader takes."""
        archived = result.entry.archived
        comment = archived.comment
        parent = comment.parent
        told = {
            "id": comment.id,
            "text": comment.text,
            "author": comment.author,
            "article": self._article(result.entry.article, comment.article),
            "parent": parent and _without_none({"id": parent.id, "text": parent.text or None}),
            "thread": list(comment.thread) or None,
            "date": archived.date and archived.date.isoformat(),
            "status": archived.status,
            "verdict": result.now.outcome,
            "scores": dict(result.scores),
            "rules": [self._rules[label] for label in result.now.labels],
            "change": result.change,
            "previous": _without_none(
                {
                    "verdict": archived.verdict,
                    "scores": None if archived.scores is None else dict(archived.scores),
                }
            )
            or None,
            "model": {"version": self._model.version, "sha256": self._model.sha256},
        }
        return _without_none(told)

    def row(self, result: Result) -> dict[str, Any]:
        """Return a result as one row of a table."""
        told = self.record(result)
        article, parent = told.get("article", {}), told.get("parent", {})
        previous = told.get("previous", {})
        return dict.fromkeys(TABLE) | {
            **{name: told.get(name) for name in ("id", "text", "author", "date", "status")},
            **{f"article_{name}": value for name, value in article.items()},
            **{f"parent_{name}": value for name, value in parent.items()},
            "verdict": told["verdict"],
            **{f"score_{label}": score for label, score in result.scores.items()},
            "rules": " ".join(told["rules"]),
            "change": told["change"],
            "previous_verdict": previous.get("verdict"),
            **{
                f"previous_score_{label}": score
                for label, score in previous.get("scores", {}).items()
            },
            "model_version": self._model.version,
            "model_sha256": self._model.sha256,
        }

    def _article(self, number: int, article: Article | None) -> dict[str, str] | None:
        if article is None:
            return None
        named = article.id or article.url
        whole = not named or number not in self._told
        self._told.add(number)
        return _without_none(
            {
                "id": article.id,
                "url": article.url,
                "title": article.title or None,
                "text": (article.text or None) if whole else None,
            }
        )


def _without_none(told: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in told.items() if value is not None}


def _json_line(told: dict[str, Any]) -> bytes:
    return json.dumps(told, ensure_ascii=False).encode() + b"\n"


def _write_jsonl(stream: BinaryIO, results: Iterable[Result], rows: ResultRows) -> None:
    for result in results:
        stream.write(_json_line(rows.record(result)))


def _write_csv(stream: BinaryIO, results: Iterable[Result], rows: ResultRows) -> None:
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
    writer = csv.DictWriter(text, TABLE, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows.row(result) for result in results)
    text.flush()
    text.detach()


def _write_parquet(stream: BinaryIO, results: Iterable[Result], rows: ResultRows) -> None:
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    numbers = {*SCORES, *FORMER_SCORES}
    schema = pa.schema([(name, pa.float64() if name in numbers else pa.string()) for name in TABLE])
    with ParquetWriter(stream, schema, compression="zstd") as writer:
        for batch in batches((rows.row(result) for result in results), _ROW_GROUP):
            writer.write_table(pa.Table.from_pylist(batch, schema))


Writer = Callable[[BinaryIO, Iterable[Result], ResultRows], None]
WRITERS: dict[str, Writer] = {
    ".jsonl": _write_jsonl,
    ".ndjson": _write_jsonl,
    ".csv": _write_csv,
    ".parquet": _write_parquet,
}


def writer_for(output: Path) -> Writer:
    """Return the writer that a file's ending asks for.

    Raises
    ------
    ArchiveError
        If there is none, or if it needs what is not installed.
    """
    suffix = output.suffix.lower()
    if suffix not in WRITERS:
        raise ArchiveError(
            f"The ending of {output} names no format; choose one of {', '.join(WRITERS)}."
        )
    if suffix == ".parquet":
        _require_pyarrow()
    return WRITERS[suffix]


def _require_pyarrow() -> None:
    try:
        import pyarrow  # noqa: F401
    except ModuleNotFoundError:
        raise ArchiveError(
            "Parquet needs pyarrow. Run `pip install 'moderation[archive]'`."
        ) from None
