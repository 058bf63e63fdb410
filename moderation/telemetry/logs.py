"""Logs as JSON, one object a line, each with the id of the request it belongs to."""

from __future__ import annotations

import json
import logging
import re
import traceback
import uuid
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime

_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
# What nginx ($request_id) and most proxies send. Nothing else is taken over, or whoever calls
# could write into the log.
_ID_OF_A_PROXY = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def request_started(sent: str | None) -> str:
    r"""Begin a request: everything logged in this thread from now on carries its id.

    Parameters
    ----------
    sent
        The id a proxy sent; used if it is 32 hexadecimal digits or a UUID, in lower case.

    Examples
    --------
    >>> request_started("0123456789abcdef0123456789abcdef")
    '0123456789abcdef0123456789abcdef'
    >>> len(request_started("anything else\n"))
    32
    """
    known = sent if sent and _ID_OF_A_PROXY.fullmatch(sent) else uuid.uuid4().hex
    _request_id.set(known)
    return known


def request_id() -> str | None:
    """Return the id of the request that this thread works on."""
    return _request_id.get()


class JsonFormatter(logging.Formatter):
    r"""A record as one line of JSON.

    What a call passes as ``extra={"fields": {...}}`` becomes members of the object. Of an
    exception its kind and place are written, never its message: that may repeat a comment.

    Examples
    --------
    >>> record = logging.makeLogRecord({"name": "here", "msg": "two\nlines", "levelname": "INFO"})
    >>> json.loads(JsonFormatter().format(record))["message"]
    'two\nlines'
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        entry: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
        }
        current = request_id()
        if current is not None:
            entry["request"] = current
        fields: Mapping[str, object] = getattr(record, "fields", {})
        entry.update(fields)
        if record.exc_info and record.exc_info[0]:
            kind, _, where = record.exc_info
            entry["error"] = kind.__name__
            entry["where"] = [
                f"{frame.filename}:{frame.lineno} {frame.name}"
                for frame in traceback.extract_tb(where)
            ]
        # anything but ASCII is escaped: a line can hold no line break and move no cursor
        return json.dumps(entry, default=str)


def log_as_json() -> None:
    """Write everything from INFO on to standard error, warnings of Python included."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    # which migrations there are, is nothing to tell at every start
    logging.getLogger("alembic").setLevel(logging.WARNING)
