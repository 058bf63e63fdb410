"""Errors as RFC 9457 problem details: which problem an exception is, and its response."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field

from flask import Response, current_app, request
from werkzeug.exceptions import HTTPException

from moderation.desk import (
    CommentRetracted,
    InvalidCursor,
    InvalidInput,
    UnknownArticle,
    UnknownParent,
)
from moderation.limits import TooManyRequests
from moderation.runtime import ModelNotReady, ModelState, runtime
from moderation.store import StoreUnavailable
from moderation.wire import (
    FieldError,
    InvalidRequest,
    MalformedRequest,
    Problem,
    ProblemKind,
    problem,
    request_problem,
)

log = logging.getLogger(__name__)

_KIND_OF_STATUS = {
    kind.status: kind
    for kind in (
        ProblemKind.MALFORMED,
        ProblemKind.UNAUTHENTICATED,
        ProblemKind.FORBIDDEN,
        ProblemKind.NOT_FOUND,
        ProblemKind.METHOD_NOT_ALLOWED,
        ProblemKind.TOO_LARGE,
        ProblemKind.MEDIA_TYPE,
    )
}
_KIND_OF_STATE = {
    ModelState.LOADING: (ProblemKind.MODEL_LOADING, 3),
    ModelState.REFUSED: (ProblemKind.MODEL_REFUSED, 60),
}
_DATABASE_RETRY = 10


@dataclass(frozen=True, slots=True)
class Failure:
    """A problem and the headers that belong to it."""

    problem: Problem
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):  # noqa: N818 - the request's fault, not the code's
    """Raised by a view to answer with a problem of a known kind."""

    def __init__(
        self,
        kind: ProblemKind,
        detail: str | None = None,
        *,
        errors: tuple[FieldError, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail or kind.meaning)
        self.failure = Failure(problem(kind, detail, errors), headers or {})


def failure_of(error: Exception) -> Failure:  # noqa: PLR0911 - one return for each kind
    """Return what to answer to an exception; an unexpected one is logged.

    The log names where it happened, never the exception's message: that may hold a comment.
    """
    match error:
        case Refusal():
            return error.failure
        case MalformedRequest() | InvalidRequest():
            return Failure(request_problem(error))
        case UnknownArticle():
            return Failure(_unknown(ProblemKind.UNKNOWN_ARTICLE, "/article"))
        case UnknownParent():
            return Failure(_unknown(ProblemKind.UNKNOWN_PARENT, "/parent"))
        case InvalidInput():
            pointer = "/" + error.field.replace(".", "/")
            found = (FieldError(field=pointer, detail=error.problem),)
            return Failure(request_problem(InvalidRequest(found)))
        case CommentRetracted():
            return Failure(problem(ProblemKind.RETRACTED))
        case InvalidCursor():
            return Failure(problem(ProblemKind.NOT_FOUND))
        case ModelNotReady():
            kind, seconds = _KIND_OF_STATE[error.state]
            return Failure(problem(kind), {"Retry-After": str(seconds)})
        case TooManyRequests():
            runtime().metrics.refused(error.limit)
            return Failure(problem(ProblemKind.TOO_MANY), {"Retry-After": str(error.retry_after)})
        case StoreUnavailable():
            log.warning("The database cannot be used: %s", error)
            return Failure(problem(ProblemKind.DATABASE), {"Retry-After": str(_DATABASE_RETRY)})
        case HTTPException():
            return _http_failure(error)
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error("%s while handling %s\n%s", type(error).__name__, request.endpoint, where)
    return Failure(problem(ProblemKind.INTERNAL))


def _unknown(kind: ProblemKind, pointer: str) -> Problem:
    return problem(kind, errors=(FieldError(field=pointer, detail=kind.meaning),))


def _http_failure(error: HTTPException) -> Failure:
    headers = {
        name: value
        for name, value in error.get_headers(request.environ)
        if name.lower() not in {"content-type", "content-length"}
    }
    kind = _KIND_OF_STATUS.get(error.code or 500)
    if kind:
        return Failure(problem(kind), headers)
    body = Problem(
        type="about:blank", title=error.name, status=error.code or 500, detail=f"{error.name}."
    )
    return Failure(body, headers)


def respond(failure: Failure) -> Response:
    """Return a failure as a response of type ``application/problem+json``."""
    return Response(
        current_app.json.dumps(failure.problem),
        status=failure.problem["status"],
        headers=dict(failure.headers),
        content_type="application/problem+json",
    )
