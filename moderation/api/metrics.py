"""``/metrics``: what Prometheus reads."""

from __future__ import annotations

import logging

from flask import Response

from moderation.api import access
from moderation.runtime import runtime
from moderation.store import Scope, StoreUnavailable
from moderation.telemetry.metrics import CONTENT_TYPE

log = logging.getLogger(__name__)


def metrics() -> Response:
    """Answer the numbers of all processes and how many comments are in each state."""
    access.require(access.token(), Scope.METRICS)
    return Response(runtime().metrics.exposition(_comments()), content_type=CONTENT_TYPE)


def _comments() -> dict[str, int] | None:
    try:
        return {state.value: number for state, number in runtime().desk.counts().items()}
    except StoreUnavailable as error:
        # the rest is worth most when something is broken
        log.warning("The comments cannot be counted: %s", error)
        return None
