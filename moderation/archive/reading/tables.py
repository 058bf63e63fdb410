"""CSV and Parquet: one comment a row, columns named by us or by a mapping."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, time
from itertools import islice
from pathlib import Path
from typing import Any

from charset_normalizer import from_bytes

from moderation.archive.record import (
    ArchivedComment,
    ArchiveError,
    Found,
    Problem,
    date_of,
    in_utc,
    score_of,
    status_of,
    verdict_of,
)
from moderation.comment import Article, Comment, Label, Parent

COLUMNS = (
    "id",
    "text",
    "author",
    "date",
    "status",
    "article_id",
    "article_url",
    "article_title",
    "article_text",
    "parent_id",
    "parent_text",
    "verdict",
    *(f"score_{label}" for label in Label),
)
"""What a column can hold; only ``text`` has to be there."""

LONGEST_FIELD = 4 * 2**20
"""Characters of one field of a CSV file."""

_LIKELY_ENCODINGS = ["cp1252", "iso8859_15", "cp850", "mac_roman", "utf_16_le", "utf_16_be"]
_SAMPLE = 2**18
_BATCH = 512
_BUFFER = 2**20


def read_csv(path: Path, columns: Mapping[str, str], encoding: str | None) -> Iterator[Found]:
    """Yield the comments of a CSV file; a row that cannot be used becomes a problem.

    Parameters
    ----------
    path
        The file; its first row names the columns. Comma, semicolon, tab and bar are told apart.
    columns
        Which column holds what: one of :data:`COLUMNS` → the file's name for it.
    encoding
        Of the file; looked for if ``None``.

    Raises
    ------
    ArchiveError
        If there is no header or no column with the text, or the encoding is not known.
    """
    encoding = encoding or detected_encoding(path)
    try:
        stream = path.open(encoding=encoding, errors="surrogateescape", newline="")
    except LookupError:
        raise ArchiveError(f"There is no encoding called {encoding}.") from None
    with stream, _long_fields():
        try:
            header = stream.readline()
            stream.seek(0)
            rows = csv.reader(stream, _dialect(header), doublequote=True, skipinitialspace=False)
            names = [name.strip() for name in next(rows, [])]
        except (UnicodeError, csv.Error):
            raise ArchiveError(
                f"The first row of {path} cannot be read as {encoding}; name the right encoding "
                "with --encoding."
            ) from None
        places = _places(path, names, columns)
        yield from _csv_rows(rows, names, places, encoding)


@contextmanager
def _long_fields() -> Iterator[None]:
    former = csv.field_size_limit(LONGEST_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(former)


def _csv_rows(
    rows: Any, names: list[str], places: Mapping[str, str], encoding: str
) -> Iterator[Found]:
    while True:
        place = f"line {rows.line_num + 1}"
        try:
            row = next(rows, None)
        except UnicodeError:  # in UTF-16 nothing tells where the next row begins
            yield Problem(place, f"This is not text in {encoding}; nothing after it was read.")
            return
        except csv.Error:
            yield Problem(
                place,
                f"A field has more than {LONGEST_FIELD} characters, perhaps for want of a closing"
                " quotation mark; nothing after this line was read.",
            )
            return
        if row is None:
            return
        if not any(row):
            continue
        if len(row) != len(names):
            yield Problem(place, f"The row has {len(row)} fields, the header {len(names)}.")
        elif any("\udc80" <= character <= "\udcff" for character in "".join(row)):
            yield Problem(place, f"The row is not text in {encoding}.")
        else:
            values = dict(zip(names, row, strict=True))
            yield from _comment(place, {ours: values[theirs] for ours, theirs in places.items()})


def detected_encoding(path: Path) -> str:
    """Return the encoding of a text file.

    UTF-8 is believed if most lines with other than ASCII characters are UTF-8; the rest is then
    damage, not another encoding. Otherwise the old encodings of German texts are compared.
    """
    with path.open("rb") as stream:
        start = stream.read(4)
        if start.startswith(b"\xef\xbb\xbf"):
            return "utf-8-sig"
        if start.startswith((b"\xff\xfe", b"\xfe\xff")):
            return "utf-16"
        stream.seek(0)
        sound = broken = 0
        sample = bytearray()
        for line in stream:
            if line.isascii():
                continue
            if _is_utf8(line):
                sound += 1
            else:
                broken += 1
                if len(sample) < _SAMPLE:
                    sample += line[:_SAMPLE]
    if sound >= broken:
        return "utf-8"
    best = from_bytes(bytes(sample), cp_isolation=_LIKELY_ENCODINGS).best()
    return best.encoding if best else "cp1252"


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _dialect(header: str) -> type[csv.Dialect]:
    try:
        return csv.Sniffer().sniff(header, delimiters=",;\t|")
    except csv.Error:  # one column only
        return csv.excel


def _places(path: Path, names: Iterable[str], columns: Mapping[str, str]) -> dict[str, str]:
    """Return for each of our columns that the file has what the file calls it."""
    there = list(names)
    missing = [theirs for theirs in columns.values() if theirs not in there]
    if missing:
        raise ArchiveError(
            f"{path} has no column {missing[0]}; its columns are {', '.join(there) or '(none)'}."
        )
    places = {name: name for name in COLUMNS if name in there} | dict(columns)
    if "text" not in places:
        raise ArchiveError(
            f"{path} has no column text; say which of {', '.join(there) or '(none)'} it is,"
            " such as --column text=NAME."
        )
    return places


def read_parquet(path: Path, columns: Mapping[str, str]) -> Iterator[Found]:
    """Yield the comments of a Parquet file; a row that cannot be used becomes a problem.

    Parameters
    ----------
    path
        The file; read a few hundred rows at a time.
    columns
        As for :func:`read_csv`.

    Raises
    ------
    ArchiveError
        If pyarrow is not installed, this is no Parquet file, or no column has the text.
    """
    try:
        import pyarrow as pa
        from pyarrow.parquet import ParquetFile
    except ModuleNotFoundError:
        raise ArchiveError(
            "Parquet needs pyarrow. Run `pip install 'moderation[archive]'`."
        ) from None
    try:
        file = ParquetFile(path, buffer_size=_BUFFER, pre_buffer=False)
    except pa.ArrowInvalid:
        raise ArchiveError(f"{path} is not a Parquet file, or the end of it is missing.") from None
    with file:
        places = _places(path, file.schema_arrow.names, columns)
        number = 0
        try:
            for batch in file.iter_batches(_BATCH, columns=sorted(set(places.values()))):
                for values in batch.to_pylist():
                    number += 1
                    row = {ours: values[theirs] for ours, theirs in places.items()}
                    yield from _comment(f"row {number}", row)
        except (pa.ArrowException, OSError):
            yield Problem(
                f"row {number + 1}", "The file is damaged from here on; the rest was not read."
            )


def _comment(place: str, row: Mapping[str, Any]) -> Iterator[Found]:
    words = {name: "" if value is None else str(value) for name, value in row.items()}

    def word(name: str) -> str | None:
        return words.get(name, "").strip() or None

    if not words["text"].strip():
        yield Problem(place, "The comment has no text.")
        return
    moment = None
    try:
        moment = _moment(row.get("date"))
    except ValueError as error:
        yield Problem(place, f"{error} The comment is used without its date.")
    article = Article(
        title=words.get("article_title", ""),
        text=words.get("article_text", ""),
        id=word("article_id"),
        url=word("article_url"),
    )
    parent = Parent(words.get("parent_text", ""), _parent_id(word("parent_id")))
    try:
        scores = {label: score_of(row.get(f"score_{label}")) for label in Label}
        yield ArchivedComment(
            comment=Comment(
                text=words["text"],
                id=word("id"),
                author=word("author"),
                article=None if article == Article() else article,
                parent=None if parent == Parent("") else parent,
            ),
            place=place,
            status=status_of(words.get("status", "")),
            date=moment,
            scores=scores if any(score is not None for score in scores.values()) else None,
            verdict=verdict_of(words.get("verdict", "")),
        )
    except ValueError as error:
        yield Problem(place, str(error))


def _parent_id(told: str | None) -> str | None:
    return None if told == "0" else told  # many blogs' word for none


def _moment(told: object) -> datetime | None:
    if isinstance(told, datetime):
        return in_utc(told)
    if isinstance(told, date):
        return in_utc(datetime.combine(told, time()))
    return date_of("" if told is None else str(told))


def batches(rows: Iterable[dict[str, Any]], size: int = _BATCH) -> Iterator[list[dict[str, Any]]]:
    """Yield rows in lists of a size that a Parquet file or a transaction takes at once."""
    remaining = iter(rows)
    while batch := list(islice(remaining, size)):
        yield batch
