"""The real application on a fresh database, moderators who are logged in, and a real browser."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from sqlalchemy import make_url
from werkzeug.test import TestResponse

from moderation.app import create_app
from moderation.classifier import Classifier
from moderation.comment import Article, Comment
from moderation.desk import Desk, accounts
from moderation.runtime import Runtime
from moderation.settings import Settings
from moderation.store import Role, Store

PASSWORD = "ein langes Passwort"
INSULT = "Du bist doch ein dummer Idiot, halt einfach die Fresse!"
ARTICLE = Article(
    title="Das neue Notebook im Test",
    text="Das Notebook rechnet schnell, wird aber heiß. Der Akku hält acht Stunden.",
    id="123",
    url="https://blog.example/notebook-test",
)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def sqlite_template(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the moderators, made once: hashing passwords is slow on purpose."""
    path = tmp_path_factory.mktemp("staffed") / "template.db"
    shutil.copy(sqlite_template, path)
    _employ(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgresql_template(postgresql_template: str, copy_postgresql: Callable[[str], str]) -> str:
    """The same on PostgreSQL."""
    url = copy_postgresql(postgresql_template)
    _employ(url)
    return str(make_url(url).database)


def _employ(database_url: str) -> None:
    store = Store(database_url)
    accounts.create_moderator(store, "anna", PASSWORD, display_name="Anna Berger")
    accounts.create_moderator(store, "bernd", PASSWORD)
    accounts.create_moderator(store, "lea", PASSWORD, Role.READER)
    store.close()


@pytest.fixture
def app(settings: Settings, classifier: Classifier) -> Iterator[Flask]:
    app = create_app(settings, classifier=classifier)
    store = app.extensions["moderation"].store  # a test may put another runtime in place
    yield app
    store.close()


@pytest.fixture
def runtime(app: Flask) -> Runtime:
    runtime = app.extensions["moderation"]
    assert isinstance(runtime, Runtime)
    return runtime


@pytest.fixture
def desk(runtime: Runtime) -> Desk:
    return runtime.desk


@pytest.fixture
def insult() -> str:
    """A text that every model holds."""
    return INSULT


@pytest.fixture
def submit(desk: Desk) -> Callable[..., Comment]:
    """Submit a comment, held unless another text is given."""

    def send(comment_id: str = "4711", text: str = INSULT, **details: object) -> Comment:
        details.setdefault("article", ARTICLE)
        details.setdefault("author", "Max")
        return desk.submit(Comment(text=text, id=comment_id, **details)).comment  # type: ignore[arg-type]

    return send


class Visitor:
    """A test client that fills in forms as a browser does."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, path: str, status: int = 200) -> str:
        """Return a page."""
        response = self.client.get(path, follow_redirects=True)
        assert response.status_code == status
        return response.text

    def send(self, path: str, page: str, status: int = 200, **fields: object) -> str:
        """Send a form of a page and return the page that follows."""
        response = self.client.post(
            path, data={"csrf_token": csrf_token(page), **fields}, follow_redirects=True
        )
        assert response.status_code == status, response.text
        return response.text

    def ask(self, path: str, page: str, **fields: object) -> TestResponse:
        """Send a form as desk.js does and return the answer."""
        return self.client.post(
            path,
            data={"csrf_token": csrf_token(page), **fields},
            headers={"Accept": "application/json"},
        )

    def log_in(self, name: str) -> Visitor:
        """Log in."""
        self.send("/login", self.get("/login"), name=name, password=PASSWORD)
        return self

    def decide(self, comment_id: str, status: int = 200, **fields: object) -> str:
        """Decide about a comment from the queue and return the page that follows."""
        fields.setdefault("version", 1)
        return self.send(f"/queue/{comment_id}/decision", self.get("/queue"), status, **fields)


def csrf_token(page: str) -> str:
    found = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', page)
    assert found, page
    return found[1]


@pytest.fixture
def visitor(app: Flask) -> Visitor:
    """Somebody who has not logged in."""
    return Visitor(app.test_client())


@pytest.fixture
def anna(app: Flask) -> Visitor:
    """A moderator."""
    return Visitor(app.test_client()).log_in("anna")


@pytest.fixture
def bernd(app: Flask) -> Visitor:
    """Another moderator."""
    return Visitor(app.test_client()).log_in("bernd")


@pytest.fixture
def lea(app: Flask) -> Visitor:
    """A reader."""
    return Visitor(app.test_client()).log_in("lea")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The Chromium of this machine."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.fail("The browser tests need Chromium. Run tests/bring-chromium.")
    expect.set_options(timeout=30_000)  # milliseconds; only a machine under load needs so many
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_tab(browser: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Open a German browser with a moderator logged in.

    Fails the test on anything a console says, but for answers that the script deals with.
    """
    opened: list[BrowserContext] = []
    said: list[str] = []

    def hear(text: str) -> None:
        if not text.startswith("Failed to load resource"):
            said.append(text)

    def open_as(name: str = "anna", **options: Any) -> Page:
        context = browser.new_context(base_url=address, locale="de-DE", **options)
        opened.append(context)
        page = context.new_page()
        page.on("console", lambda message: hear(message.text))
        page.on("pageerror", lambda error: hear(str(error)))
        page.on("dialog", lambda dialog: (hear(dialog.message), dialog.dismiss()))
        page.goto("/queue")
        page.get_by_label("Name").fill(name)
        page.get_by_label("Passwort").fill(PASSWORD)
        page.get_by_role("button", name="Anmelden").click()
        page.wait_for_url("**/queue")
        return page

    yield open_as
    for context in opened:
        context.close()
    assert said == []


@pytest.fixture
def tab(open_tab: Callable[..., Page]) -> Page:
    """A tab logged in as Anna."""
    return open_tab()
