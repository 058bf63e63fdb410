"""``/metrics``: what Prometheus reads."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from flask import Response

from moderation.api import access
from moderation.runtime import runtime
from moderation.store import Scope, StoreUnavailable
from moderation.telemetry.metrics import CONTENT_TYPE

log = logging.getLogger(__name__)


def metrics() -> Response:
    """Answer the numbers of all processes and how many comments are in each state."""
    access.require(access.token(), Scope.METRICS)
    return Response(runtime().metrics.exposition(_comments(), _outbox()), content_type=CONTENT_TYPE)


def _outbox() -> dict[str, float] | None:
    try:
        with runtime().store.reading() as reader:
            backlog = reader.outbox.backlog()
    except StoreUnavailable:
        return None  # said already of the comments
    oldest = backlog.oldest
    seconds = (datetime.now(UTC) - oldest).total_seconds() if oldest else 0.0
    return {"pending": backlog.pending, "parked": backlog.parked, "seconds": seconds}


def _comments() -> dict[str, int] | None:
    try:
        return {state.value: number for state, number in runtime().desk.counts().items()}
    except StoreUnavailable as error:
        # the rest is worth most when something is broken
        log.warning("The comments cannot be counted: %s", error)
        return None
