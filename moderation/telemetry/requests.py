"""Every request of an application: its id, one line in the log, and its place in the metrics."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from flask import Flask, Response, g, request

from moderation.telemetry.logs import request_started

if TYPE_CHECKING:
    from moderation.telemetry.metrics import Metrics

log = logging.getLogger("moderation.requests")

ID_HEADER = "X-Request-ID"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NO_ROUTE = "(none)"
"""Stands in the log and the metrics for every address that leads nowhere."""


def watch_requests(app: Flask, metrics: Metrics) -> None:
    """Log and count each request of an application, and give it an id.

    What callers choose freely (path, query, headers, unknown methods) is neither logged nor
    counted by: it may hold a comment or a token.
    """

    def begin() -> None:
        g.started = time.perf_counter()
        g.request_id = request_started(request.headers.get(ID_HEADER))

    def end(response: Response) -> Response:
        seconds = time.perf_counter() - g.started
        method = request.method if request.method in METHODS else "other"
        route = request.url_rule.rule if request.url_rule else NO_ROUTE
        metrics.answered(method, route, response.status_code, seconds)
        fields = {
            "method": method,
            "route": route,
            "status": response.status_code,
            "milliseconds": round(seconds * 1000, 1),
        }
        if "caller" in g:
            fields["caller"] = g.caller
        log.info("%s %s %d", method, route, response.status_code, extra={"fields": fields})
        response.headers[ID_HEADER] = g.request_id
        return response

    app.before_request(begin)
    app.after_request(end)
