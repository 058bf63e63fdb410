"""The OpenAPI document: schemas from the wire format, the few routes told by hand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import TypeAdapter

from moderation.api.classify import LARGEST_BATCH, LARGEST_BATCH_BODY, LARGEST_BODY
from moderation.wire import ClassifyAnswer, ClassifyRequest, Problem, ProblemKind

Json = dict[str, Any]

EXAMPLE_REQUEST: Json = {
    "id": "4711",
    "text": "Wer so einen Unsinn schreibt, ist einfach zu dumm zum Testen.",
    "author": "Max",
    "article": {
        "id": "123",
        "url": "https://blog.example/notebook-test",
        "title": "Das neue Notebook im Test",
        "text": "Das Notebook rechnet schnell, wird aber heiß. Der Akku hält acht Stunden.",
    },
    "parent": {"id": "4700", "text": "Wie lange hält der Akku beim Streamen?"},
    "enqueue": True,
}

EXAMPLE_ANSWER: Json = {
    "id": "4711",
    "verdict": "hold",
    "labels": {
        "disparaging": {
            "score": 0.94,
            "flagged": True,
            "rule": "respekt",
            "spans": [{"start": 42, "end": 60, "weight": 0.71}],
        },
        "off_topic": {
            "score": 0.08,
            "flagged": False,
            "rule": "thema",
            "evidence": {
                "source": "article",
                "text": "Das Notebook rechnet schnell, wird aber heiß.",
                "similarity": 0.41,
            },
        },
        "spam": {"score": 0.01, "flagged": False, "rule": "werbung"},
    },
    "reasons": ["Setzt eine Person herab: «zu dumm zum Testen»"],
    "model": {
        "version": "2026.11.1",
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    },
    "queue_url": "/queue/4711",
}

EXAMPLE_PROBLEM: Json = {
    "type": ProblemKind.INVALID.uri,
    "title": ProblemKind.INVALID.title,
    "status": ProblemKind.INVALID.status,
    "detail": "1 field of the request is wrong; see errors.",
    "errors": [{"field": "/text", "detail": "This field is required."}],
}

_DESCRIPTION = f"""\
Scores comments against the rules of the blog and says why. The verdict is a recommendation:
`approve` for what is clearly fine, `hold` for what a person should see.

Every error is `application/problem+json` (RFC 9457) and never repeats the text of a comment.
One comment with its context may have {LARGEST_BODY // 1024} KiB, a batch {LARGEST_BATCH} comments
and {LARGEST_BATCH_BODY // 1024 // 1024} MiB. Calls with an `id` may be repeated safely.
"""

_REFUSALS = (
    ProblemKind.MALFORMED,
    ProblemKind.UNAUTHENTICATED,
    ProblemKind.FORBIDDEN,
    ProblemKind.RETRACTED,
    ProblemKind.TOO_LARGE,
    ProblemKind.MEDIA_TYPE,
    ProblemKind.INVALID,
    ProblemKind.UNKNOWN_ARTICLE,
    ProblemKind.UNKNOWN_PARENT,
    ProblemKind.TOO_MANY,
    ProblemKind.INTERNAL,
    ProblemKind.MODEL_LOADING,
    ProblemKind.MODEL_REFUSED,
    ProblemKind.DATABASE,
)


def document(version: str) -> Json:
    """Return the OpenAPI 3.1 document of this interface.

    Parameters
    ----------
    version
        Of the program, shown as the version of the interface.
    """
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Comment moderation",
            "version": version,
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "tags": [
            {"name": "Comments", "description": "Score comments and hand them to the desk."},
            {"name": "Service", "description": "Health, figures and documentation."},
        ],
        "paths": {
            "/classify": {"post": _classify()},
            "/classify/batch": {"post": _classify_batch()},
            "/healthz": {"get": _healthz()},
            "/readyz": {"get": _readyz()},
            "/metrics": {"get": _metrics()},
            "/openapi.json": {"get": _this_document()},
        },
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": (
                        "An API token of the scope `classify` (score only), `submit` (enqueue) or "
                        "`metrics`; the operator makes one with `moderation token`."
                    ),
                }
            },
        },
    }


def _schemas() -> Json:
    _, definitions = TypeAdapter.json_schemas(
        [
            ("request", "validation", TypeAdapter(ClassifyRequest)),
            ("answer", "serialization", TypeAdapter(ClassifyAnswer)),
            ("problem", "serialization", TypeAdapter(Problem)),
        ],
        ref_template="#/components/schemas/{model}",
    )
    schemas: Json = definitions["$defs"]
    return schemas


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(schema: Json, example: Any) -> Json:
    return {"application/json": {"schema": schema, "example": example}}


def _problems(kinds: Iterable[ProblemKind]) -> Json:
    by_status: dict[int, list[ProblemKind]] = {}
    for kind in kinds:
        by_status.setdefault(kind.status, []).append(kind)
    return {
        str(status): {
            "description": " / ".join(kind.title for kind in group),
            "content": {"application/problem+json": {"schema": _ref("Problem")}},
        }
        for status, group in by_status.items()
    }


_LANGUAGE: Json = {
    "name": "Accept-Language",
    "in": "header",
    "required": False,
    "description": "language of `reasons`: German unless English (`en`) is asked for",
    "schema": {"type": "string"},
    "example": "de",
}


def _classify() -> Json:
    return {
        "operationId": "classify",
        "tags": ["Comments"],
        "summary": "Score one comment",
        "description": (
            "Scores the comment under each rule and says why. With `enqueue` (the default) it is "
            "stored, and moderators see it if the verdict is `hold`. An article may be sent once "
            "and later be named by `id` or `url` alone."
        ),
        "parameters": [_LANGUAGE],
        "requestBody": {
            "required": True,
            "content": _json(_ref("ClassifyRequest"), EXAMPLE_REQUEST),
        },
        "responses": {
            "200": {
                "description": "The verdict with its reasons",
                "content": _json(_ref("ClassifyAnswer"), EXAMPLE_ANSWER),
            },
            **_problems(_REFUSALS),
        },
    }


def _classify_batch() -> Json:
    answers = {"type": "array", "items": {"anyOf": [_ref("ClassifyAnswer"), _ref("Problem")]}}
    requests = {"type": "array", "items": _ref("ClassifyRequest"), "maxItems": LARGEST_BATCH}
    return {
        "operationId": "classifyBatch",
        "tags": ["Comments"],
        "summary": f"Score up to {LARGEST_BATCH} comments",
        "description": (
            "Answers in the order of the request. An item that cannot be answered gets a problem "
            "(it has `status`, an answer has `verdict`) in its place; the others are not affected."
        ),
        "parameters": [_LANGUAGE],
        "requestBody": {"required": True, "content": _json(requests, [EXAMPLE_REQUEST])},
        "responses": {
            "200": {
                "description": "One answer or problem for each comment",
                "content": _json(answers, [EXAMPLE_ANSWER, EXAMPLE_PROBLEM]),
            },
            **_problems(_REFUSALS),
        },
    }


def _status(summary: str, description: str, example: Json) -> Json:
    schema = {
        "type": "object",
        "properties": {name: {"type": "string"} for name in example},
        "required": list(example),
    }
    return {
        "tags": ["Service"],
        "security": [],
        "summary": summary,
        "description": description,
        "responses": {"200": {"description": summary, "content": _json(schema, example)}},
    }


def _healthz() -> Json:
    said = _status("The process is up", "Answers even while the model loads.", {"status": "ok"})
    return {"operationId": "healthz", **said}


def _readyz() -> Json:
    said = _status(
        "The service is ready",
        "Ready means: the model is loaded and the database can be reached. "
        "Otherwise `detail` says what is missing.",
        {"status": "ready", "model": "loaded", "database": "reachable"},
    )
    said["responses"] |= _problems([ProblemKind.NOT_READY])
    return {"operationId": "readyz", **said}


def _metrics() -> Json:
    return {
        "operationId": "metrics",
        "tags": ["Service"],
        "summary": "Figures for Prometheus",
        "description": (
            "Requests, latency, verdicts, flags by rule, comments in each state and the model in "
            "use, of all worker processes together. Takes a token of the scope `metrics`."
        ),
        "responses": {
            "200": {
                "description": "The text format of Prometheus",
                "content": {
                    "text/plain": {
                        "schema": {"type": "string"},
                        "example": 'moderation_verdicts_total{verdict="hold"} 17.0\n',
                    }
                },
            },
            **_problems(
                (
                    ProblemKind.UNAUTHENTICATED,
                    ProblemKind.FORBIDDEN,
                    ProblemKind.TOO_MANY,
                    ProblemKind.INTERNAL,
                    ProblemKind.DATABASE,
                )
            ),
        },
    }


def _this_document() -> Json:
    said = _status("This document", "The same as this page, for programs.", {"openapi": "3.1.0"})
    return {"operationId": "openapi", **said}
