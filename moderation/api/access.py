"""Who may call: bearer tokens and their scopes."""

from __future__ import annotations

from flask import g, request

from moderation.api.problems import Refusal
from moderation.desk import accounts
from moderation.runtime import runtime
from moderation.store import ApiToken, Scope
from moderation.wire import ProblemKind

_REALM = 'Bearer realm="moderation"'


def token() -> ApiToken:
    """Return the token the request was made with.

    Raises
    ------
    Refusal
        If there is none or it is not valid (401).
    """
    sent = request.authorization
    if sent is None or sent.type != "bearer" or not sent.token:
        runtime().limits.count_request(request.remote_addr)
        raise Refusal(
            ProblemKind.UNAUTHENTICATED,
            "Send the header Authorization: Bearer followed by an API token.",
            headers={"WWW-Authenticate": _REALM},
        )
    holder = accounts.token_holder(runtime().store, sent.token)
    if holder is None:
        runtime().limits.count_request(request.remote_addr)
        raise Refusal(
            ProblemKind.UNAUTHENTICATED,
            "The token is unknown, expired or withdrawn; ask the operator for a new one.",
            headers={"WWW-Authenticate": f'{_REALM}, error="invalid_token"'},
        )
    g.caller = f"token {holder.id}"
    return holder


def require(holder: ApiToken, scope: Scope) -> None:
    """Let the call pass if the token has the scope.

    Raises
    ------
    Refusal
        If it has not (403).
    """
    if scope not in holder.scopes:
        raise Refusal(
            ProblemKind.FORBIDDEN,
            f"The token lacks the scope {scope}.",
            headers={"WWW-Authenticate": f'{_REALM}, error="insufficient_scope", scope="{scope}"'},
        )
