"""JSON lines: the shape of ``POST /classify`` plus what became of the comment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from moderation import wire
from moderation.archive.classify import LONGEST_LINE, lines_of
from moderation.archive.record import (
    ArchivedComment,
    Found,
    Problem,
    date_of,
    score_of,
    status_of,
    verdict_of,
)
from moderation.comment import Label

OURS = ("status", "date", "scores", "verdict")
WRITTEN = ("previous", "change", "rules", "model")
"""What a rescored file says besides; a later run takes no notice of it."""


def read(path: Path) -> Iterator[Found]:
    """Yield the comments of a file; a line that cannot be used becomes a problem."""
    with path.open("rb") as stream:
        for number, raw in enumerate(lines_of(stream), start=1):
            if raw.strip():
                yield from _read_line(raw, f"line {number}")


def _read_line(raw: bytes, place: str) -> Iterator[Found]:
    if len(raw) > LONGEST_LINE:
        yield Problem(place, f"A line may have at most {LONGEST_LINE} bytes.")
        return
    try:
        value = wire.parse(raw)
        if not isinstance(value, dict):
            yield Problem(place, "This is not a JSON object.")
            return
        past = {key: value.pop(key, None) for key in OURS}
        for key in WRITTEN:
            value.pop(key, None)
        comment = wire.read(value).comment()
    except wire.MalformedRequest as error:
        yield Problem(place, str(error))
        return
    except wire.InvalidRequest as error:
        first = error.errors[0]
        yield Problem(place, f"{first['field'] or 'The object'}: {first['detail']}")
        return
    date: datetime | None = None
    try:
        date = date_of(str(past["date"] or ""))
    except ValueError as error:
        yield Problem(place, f"{error} The comment is used without its date.")
    try:
        yield ArchivedComment(
            comment=comment,
            place=place,
            status=status_of(str(past["status"] or "")),
            date=date,
            scores=_scores(past["scores"]),
            verdict=verdict_of(str(past["verdict"] or "")),
        )
    except ValueError as error:
        yield Problem(place, str(error))


def _scores(told: Any) -> dict[Label, float | None] | None:
    if told is None:
        return None
    if not isinstance(told, dict) or not told.keys() <= set(Label):
        raise ValueError(f"scores must be an object with the keys {', '.join(Label)}.")
    return {label: score_of(told.get(label)) for label in Label}
