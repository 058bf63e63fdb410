"""Metrics of all worker processes together, in the format that Prometheus reads."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    exposition,
    multiprocess,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

CONTENT_TYPE = exposition.CONTENT_TYPE_PLAIN_0_0_4

_SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
# The environment variable with the folder through which processes share their numbers;
# prometheus_client looks for it when it is imported.

LATENCIES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the latency histogram's buckets, in seconds."""


class Metrics:
    """What one process counts.

    ``route`` is always the pattern of a route, never the path that was asked for, so that the
    number of series is bounded and no caller's words are among them.
    """

    def __init__(self) -> None:
        self._own = CollectorRegistry()
        self._requests = Counter(
            "moderation_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self._own,
        )
        self._latency = Histogram(
            "moderation_request_seconds",
            "Seconds from the request's arrival in the process to its answer.",
            ("route",),
            buckets=LATENCIES,
            registry=self._own,
        )
        self._verdicts = Counter(
            "moderation_verdicts", "Comments judged.", ("verdict",), registry=self._own
        )
        self._broken = Counter(
            "moderation_rule_flags",
            "Comments flagged, by the rule they may break.",
            ("rule",),
            registry=self._own,
        )
        self._refused = Counter(
            "moderation_refused", "Requests refused by a limit.", ("limit",), registry=self._own
        )
        self._model = Gauge(
            "moderation_model",
            "Processes that score with this model.",
            ("version", "sha256"),
            multiprocess_mode="livesum",
            registry=self._own,
        )
        self._model_used: tuple[str, str] | None = None

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request and the time it took."""
        self._requests.labels(method, route, status).inc()
        self._latency.labels(route).observe(seconds)

    def judged(self, verdict: str, rules: Iterable[str]) -> None:
        """Count a verdict and the rules it rests on."""
        self._verdicts.labels(verdict).inc()
        for rule in rules:
            self._broken.labels(rule).inc()

    def refused(self, limit: str) -> None:
        """Count a request that a limit refused."""
        self._refused.labels(limit).inc()

    def model_in_use(self, version: str, sha256: str) -> None:
        """Tell which model this process scores with from now on."""
        if self._model_used is not None:
            self._model.labels(*self._model_used).set(0)
        self._model_used = (version, sha256)
        self._model.labels(version, sha256).set(1)

    def exposition(
        self, comments: Mapping[str, int] | None, outbox: Mapping[str, float] | None = None
    ) -> bytes:
        """Return the numbers of all processes as text.

        Parameters
        ----------
        comments
            How many comments are in each state; ``None`` if the database cannot tell.
        outbox
            How many events are ``pending`` and ``parked``, and the ``seconds`` since the oldest.
        """
        registry = self._own
        if _SHARED_FOLDER in os.environ:
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        lines = exposition.generate_latest(registry)
        if comments is not None:
            stored = CollectorRegistry()
            stored.register(_Stored(comments, outbox or {}))
            lines += exposition.generate_latest(stored)
        return lines


class _Stored(Collector):
    """What is asked of the database at the moment, not counted by a process."""

    def __init__(self, comments: Mapping[str, int], outbox: Mapping[str, float]) -> None:
        self._comments = comments
        self._outbox = outbox

    def collect(self) -> Iterable[Metric]:
        family = GaugeMetricFamily(
            "moderation_comments", "Comments in the store; held ones wait.", labels=("state",)
        )
        for state, number in self._comments.items():
            family.add_metric([state], number)
        yield family
        for name, value in self._outbox.items():
            yield GaugeMetricFamily(
                f"moderation_outbox_{name}", f"Of what the blog was not told: {name}.", value
            )


def worker_ended(process: int) -> None:
    """Take what only living processes count out of the shared numbers."""
    multiprocess.mark_process_dead(process)  # type: ignore[no-untyped-call]
