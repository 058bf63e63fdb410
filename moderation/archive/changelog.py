"""What an applied run has changed, one JSON object a line, and all that is needed to undo it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from moderation.archive.record import Applied, ArchiveError, Status


@dataclass(frozen=True, slots=True)
class StatusChange:
    """A comment's status as it was known, and the one it gets."""

    comment_id: str
    before: Status
    after: Status


class ChangeLog:
    """A file that only grows: first what it is about, then each change before it is made.

    What becomes of a change is noted after it. So whatever moment a run is killed at, the log
    knows everything that may have been changed.

    Parameters
    ----------
    path
        The file; made if it is not there.
    about
        What the changes are about, for a new log.

    Attributes
    ----------
    about : mapping
        What the log itself says it is about.
    changes : dict of str to StatusChange
        What was to be changed, by the comments' ids, in order.
    results : dict of str to Applied
        What became of it, as far as it is known.
    complete : bool
        Whether the run that wrote it came to its end.

    Raises
    ------
    ArchiveError
        If the file cannot be used, is no such log, or another process is writing to it.
    """

    def __init__(self, path: Path, about: Mapping[str, Any] | None = None) -> None:
        self.path = path
        self.changes: dict[str, StatusChange] = {}
        self.results: dict[str, Applied] = {}
        self.complete = False
        try:
            self._stream = path.open("r+b" if about is None else "a+b")
        except OSError as error:
            raise ArchiveError(f"{path} cannot be used: {error.strerror}.") from None
        try:
            self.about = self._read(about)
        except BaseException:
            self._stream.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def intend(self, change: StatusChange) -> None:
        """Note a change that is about to be made; it is on disk when this returns."""
        self._append(
            {"id": change.comment_id, "before": change.before, "after": change.after}, safe=True
        )
        self.changes[change.comment_id] = change

    def settle(self, comment_id: str, result: Applied) -> None:
        """Note what became of a change."""
        self._append({"id": comment_id, "result": result}, safe=False)
        self.results[comment_id] = result

    def close_run(self) -> None:
        """Note that there is nothing more to change."""
        self._append({"complete": True}, safe=True)
        self.complete = True

    def _append(self, told: Mapping[str, Any], *, safe: bool) -> None:
        self._stream.write(json.dumps(told, ensure_ascii=False).encode() + b"\n")
        self._stream.flush()
        if safe:
            os.fsync(self._stream.fileno())

    def _read(self, about: Mapping[str, Any] | None) -> Mapping[str, Any]:
        try:
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ArchiveError(f"Another process is at work with {self.path}.") from None
        self._stream.seek(0)
        lines = self._whole_lines()
        try:
            first = next(lines, None)
            if first is None and about is not None:
                self._append({"about": about}, safe=True)
                return about
            told: Mapping[str, Any] = (first or {})["about"]
            for line in lines:
                self._take_in(line)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ArchiveError(f"{self.path} is not the log of an applied run.") from None
        return told

    def _whole_lines(self) -> Iterator[dict[str, Any]]:
        end = 0
        for line in self._stream:
            if not line.endswith(b"\n"):  # a kill came in the middle of it
                self._stream.truncate(end)
                break
            end += len(line)
            yield json.loads(line)
        self._stream.seek(end)

    def _take_in(self, line: dict[str, Any]) -> None:
        if "complete" in line:
            self.complete = True
        elif "result" in line:
            self.results[line["id"]] = Applied(line["result"])
        else:
            change = StatusChange(line["id"], Status(line["before"]), Status(line["after"]))
            self.changes[change.comment_id] = change


def latest_log(output: Path) -> Path:
    """Return the log that an applied run with this output goes on with, or a new one.

    Logs are numbered, because the log of a finished run is what undoes it and must stay.

    Raises
    ------
    ArchiveError
        If one of them cannot be read.
    """
    number = 1
    while (path := output.with_name(f"{output.name}.applied-{number}.jsonl")).exists():
        with ChangeLog(path, {}) as log:
            if not log.complete:
                return path
        number += 1
    return path
