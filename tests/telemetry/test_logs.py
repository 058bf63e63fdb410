"""Logs: one JSON object a line that nobody outside can write into."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from moderation.telemetry import JsonFormatter
from moderation.telemetry.logs import request_started

CANARY = "Kanarienvogel-9c1f"


HERE = logging.Logger("here")
"""Stands by itself: pytest passes on what it captures, and half a character cannot be passed on."""


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What the logger writes."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonFormatter())
    HERE.addHandler(handler)
    yield written
    HERE.removeHandler(handler)


def test_an_exception_is_told_by_kind_and_place_but_never_by_its_message(lines):
    try:
        int(CANARY)
    except ValueError:
        HERE.exception("It failed.")
    entry = json.loads(lines.getvalue())
    assert entry["message"] == "It failed."
    assert entry["level"] == "error"
    assert entry["error"] == "ValueError"
    assert "test_logs.py" in entry["where"][0]
    assert CANARY not in lines.getvalue()


@pytest.mark.parametrize(
    "injected", ["\n{}", "\r\n", "\u2028", "\x1b[2J", "\x9b2J", '"}', "\ud800"]
)
def test_nothing_logged_can_begin_a_line_or_move_a_cursor(lines, injected):
    HERE.warning("before%safter", injected)
    assert lines.getvalue().count("\n") == 1
    assert lines.getvalue().isascii()
    assert lines.getvalue().rstrip("\n").isprintable()
    assert json.loads(lines.getvalue())["message"] == f"before{injected}after"


def test_everything_logged_during_a_request_carries_its_id(lines):
    known = request_started(None)
    HERE.warning("One.")
    assert json.loads(lines.getvalue())["request"] == known


@pytest.mark.parametrize(
    "sent",
    ["0123456789abcdef0123456789abcdef", "01234567-89ab-cdef-0123-456789abcdef"],
)
def test_the_id_that_a_proxy_gave_is_kept(sent):
    assert request_started(sent) == sent


@pytest.mark.parametrize("sent", [None, "", CANARY, "0" * 33, "0" * 32 + "\n", "mod_geheim"])
def test_nothing_else_becomes_an_id(sent):
    assert request_started(sent) != sent
