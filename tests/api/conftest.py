"""The real application on a fresh database, and ways to call it as the blog does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from moderation.app import create_app
from moderation.classifier import Classifier
from moderation.desk.accounts import issue_token
from moderation.runtime import Runtime
from moderation.settings import Settings
from moderation.store import Scope

INSULT = "Du bist doch ein dummer Idiot, halt einfach die Fresse!"
ARTICLE = {
    "id": "123",
    "url": "https://blog.example/notebook-test",
    "title": "Das neue Notebook im Test",
    "text": "Das Notebook rechnet schnell, wird aber heiß. Der Akku hält acht Stunden.",
}

Post = Callable[..., TestResponse]


@pytest.fixture
def app(settings: Settings, classifier: Classifier) -> Iterator[Flask]:
    app = create_app(settings, classifier=classifier)
    store = runtime_of(app).store  # a test may put another runtime in place
    yield app
    store.close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def runtime_of(app: Flask) -> Runtime:
    runtime = app.extensions["moderation"]
    assert isinstance(runtime, Runtime)
    return runtime


@pytest.fixture
def runtime(app: Flask) -> Runtime:
    return runtime_of(app)


@pytest.fixture
def issue(runtime: Runtime) -> Callable[..., str]:
    """Issue a token of some scopes."""
    return lambda *scopes: issue_token(runtime.store, "test", scopes).key


@pytest.fixture
def token(issue: Callable[..., str]) -> str:
    """A token that may score and submit."""
    return issue(Scope.CLASSIFY, Scope.SUBMIT)


@pytest.fixture
def post(client: FlaskClient, token: str) -> Post:
    """Send JSON, or bytes as they are, to ``/classify`` or another path."""

    def send(body: Any, path: str = "/classify", **headers: str) -> TestResponse:
        headers = {"Authorization": f"Bearer {token}"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        if isinstance(body, bytes):
            headers.setdefault("Content-Type", "application/json")
            return client.post(path, data=body, headers=headers)
        return client.post(path, json=body, headers=headers)

    return send


@pytest.fixture
def insult() -> str:
    """A text that every model holds."""
    return INSULT


@pytest.fixture
def article() -> dict[str, str]:
    """An article as the blog sends it."""
    return dict(ARTICLE)
