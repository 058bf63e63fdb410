"""Who may call ``/classify``."""

from __future__ import annotations

import pytest

from moderation.desk.accounts import revoke_token, tokens
from moderation.store import Scope


def call(client, header=None, *, enqueue=False):
    headers = {"Authorization": header} if header else {}
    return client.post("/classify", json={"text": "Danke!", "enqueue": enqueue}, headers=headers)


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer ", "Basic YTpi", "Token abc"])
def test_without_a_bearer_token_it_is_said_how_to_send_one(client, header):
    response = call(client, header)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="moderation"'
    assert response.json["type"] == "/docs#problem-unauthenticated"


@pytest.mark.parametrize("key", ["mod_unknown", "ß€", "a" * 5000])
def test_an_unknown_token_is_refused(client, key):
    response = call(client, f"Bearer {key}")
    assert response.status_code == 401
    assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]


def test_a_withdrawn_token_is_refused(client, runtime, token):
    revoke_token(runtime.store, tokens(runtime.store)[0].id)
    assert call(client, f"Bearer {token}").status_code == 401


@pytest.mark.parametrize(
    ("scopes", "enqueue", "status"),
    [
        ([Scope.CLASSIFY], False, 200),
        ([Scope.CLASSIFY], True, 403),
        ([Scope.SUBMIT], True, 200),
        ([Scope.SUBMIT], False, 403),
        ([Scope.READ, Scope.DECIDE], False, 403),
    ],
)
def test_scoring_and_submitting_take_a_scope_each(client, issue, scopes, enqueue, status):
    response = call(client, f"Bearer {issue(*scopes)}", enqueue=enqueue)
    assert response.status_code == status
    if status == 403:
        needed = "submit" if enqueue else "classify"
        assert f'scope="{needed}"' in response.headers["WWW-Authenticate"]


def test_whoever_may_not_call_learns_nothing_about_their_body(client):
    response = client.post("/classify", data=b"{", content_type="application/json")
    assert response.status_code == 401
