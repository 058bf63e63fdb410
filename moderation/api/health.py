"""``/healthz``: the process is up. ``/readyz``: it can work, or what it lacks."""

from __future__ import annotations

from flask import Response, jsonify

from moderation.api.problems import Failure, respond
from moderation.runtime import ModelState, runtime
from moderation.store import StoreUnavailable
from moderation.wire import ProblemKind, problem

_LACKS = {
    ModelState.LOADING: "The model is loading.",
    ModelState.REFUSED: "The model is missing or was refused; the log says what to do.",
}


def healthz() -> Response:
    """Answer as soon as the process does."""
    return jsonify(status="ok")


def readyz() -> Response:
    """Answer 200 once the model is loaded and the database can be reached, else 503."""
    model = runtime().model_state
    missing = [_LACKS[model]] if model in _LACKS else []
    try:
        runtime().store.check()
    except StoreUnavailable as error:
        missing.append(str(error))
    if missing:
        return respond(
            Failure(problem(ProblemKind.NOT_READY, " ".join(missing)), {"Retry-After": "3"})
        )
    return jsonify(status="ready", model="loaded", database="reachable")
