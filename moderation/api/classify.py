"""``POST /classify`` and ``/classify/batch``: a comment in, a reasoned verdict out."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from flask import Response, jsonify, request, url_for
from werkzeug.exceptions import RequestEntityTooLarge

from moderation.api import access
from moderation.api.problems import Refusal, failure_of
from moderation.comment import Comment
from moderation.desk import Desk
from moderation.runtime import runtime
from moderation.store import ApiToken, Scope
from moderation.wire import (
    ClassifyAnswer,
    ClassifyRequest,
    FieldError,
    Language,
    Problem,
    ProblemKind,
    answer,
    parse,
    read,
)

LARGEST_BODY = 64 * 1024
"""Bytes of one comment with its context."""

LARGEST_BATCH = 500
"""Comments of one batch."""

LARGEST_BATCH_BODY = LARGEST_BATCH * LARGEST_BODY
"""Bytes of a batch: each of its comments may be as large as one sent alone."""

READ_ON = 8 * 1024 * 1024
"""Bytes of a body that is too large which are read, so that its sender gets to see the answer."""

_LANGUAGES: tuple[Language, ...] = ("de", "en")


def classify() -> Response:
    """Score one comment and, unless asked not to, enqueue it."""
    holder = access.token()
    runtime().limits.count_comments(holder.id, 1)
    return _in_language(_classified(runtime().desk, holder, _body(LARGEST_BODY)))


def classify_batch() -> Response:
    """Answer up to 500 comments in order; one that cannot be answered does not fail the rest."""
    holder = access.token()
    runtime().require_model()
    items = _body(LARGEST_BATCH_BODY)
    if not isinstance(items, list):
        raise _refused_batch("A batch is a list of comments.")
    if len(items) > LARGEST_BATCH:
        raise _refused_batch(f"A batch may have at most {LARGEST_BATCH} comments.")
    runtime().limits.count_comments(holder.id, len(items))
    desk = runtime().desk
    return _in_language([_classified_or_problem(desk, holder, item) for item in items])


def _classified_or_problem(desk: Desk, holder: ApiToken, item: object) -> ClassifyAnswer | Problem:
    try:
        return _classified(desk, holder, item)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other comments go on
        return failure_of(error).problem


def _classified(desk: Desk, holder: ApiToken, item: object) -> ClassifyAnswer:
    sent = read(item)
    access.require(holder, Scope.SUBMIT if sent.is_kept else Scope.CLASSIFY)
    done = desk.submit(_of_whom(sent)) if sent.is_kept else desk.assess(sent.comment())
    broken = [done.rules[label].id for label in done.verdict.flagged]
    runtime().metrics.judged(done.verdict.outcome.value, broken)
    return answer(
        done.comment.id,
        done.assessment,
        done.verdict,
        {label: applied.id for label, applied in done.rules.items()},
        language=_language(),
        queue_url=url_for("web.comment", comment_id=done.comment.id) if done.stored else None,
    )


def _of_whom(sent: ClassifyRequest) -> Comment:
    """Return the comment with hashes of what was sent about its author, if there is a key."""
    pseudonyms = runtime().pseudonyms
    if pseudonyms is None:
        return sent.comment()
    return replace(
        sent.comment(),
        email_hash=pseudonyms.email(sent.email) if sent.email else None,
        address_hash=pseudonyms.address(sent.address) if sent.address else None,
    )


def _body(largest: int) -> object:
    if request.mimetype != "application/json" or "Content-Encoding" in request.headers:
        raise Refusal(ProblemKind.MEDIA_TYPE)
    # a body sent in chunks is cut off at the limit, so one byte more tells it from one that fits
    request.max_content_length = largest + 1
    try:
        raw = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raw = None
    if raw is None or len(raw) > largest:
        _read_on()
        raise Refusal(
            ProblemKind.TOO_LARGE, f"The body may have at most {largest // 1024} KiB here."
        )
    return parse(raw)


def _read_on() -> None:
    """Take in what is still being sent, within reason: closing at once may lose our answer."""
    stream, left = request.environ["wsgi.input"], READ_ON
    while left > 0 and (chunk := stream.read(min(left, 64 * 1024))):
        left -= len(chunk)


def _refused_batch(detail: str) -> Refusal:
    return Refusal(ProblemKind.INVALID, detail, errors=(FieldError(field="", detail=detail),))


def _language() -> Language:
    return cast(Language, request.accept_languages.best_match(_LANGUAGES, "de"))


def _in_language(body: ClassifyAnswer | list[ClassifyAnswer | Problem]) -> Response:
    response = jsonify(body)
    response.content_language.add(_language())
    response.vary.add("Accept-Language")
    return response
