"""Who may do what: every route with every role and every scope of a token."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask

from moderation.app import create_app
from moderation.comment import Comment
from moderation.desk import accounts
from moderation.store import Role, Scope

PASSWORD = "ein langes Passwort"
ROLES = frozenset(Role)
DECIDING = frozenset({Role.MODERATOR, Role.ADMIN})
ADMINS = frozenset({Role.ADMIN})
EVERYBODY = "everybody"

PAGES: dict[tuple[str, str], object] = {
    ("GET", "/"): EVERYBODY,  # leads to the queue, which asks for a login
    ("GET", "/login"): EVERYBODY,
    ("POST", "/login"): EVERYBODY,
    ("GET", "/login/code"): ROLES,  # who has shown the password; a stranger begins with that
    ("POST", "/login/code"): ROLES,
    ("POST", "/logout"): ROLES,
    ("GET", "/queue"): ROLES,
    ("GET", "/queue/<id:comment_id>"): ROLES,
    ("POST", "/queue/<id:comment_id>/decision"): DECIDING,
    ("POST", "/queue/<id:comment_id>/claim"): DECIDING,
    ("DELETE", "/queue/<id:comment_id>/claim"): DECIDING,
    ("POST", "/bulk"): DECIDING,
    ("POST", "/bulk/undo"): DECIDING,
    ("GET", "/changes"): ROLES,
    ("GET", "/range"): ROLES,
    ("GET", "/dashboard"): ROLES,
    ("GET", "/thresholds"): ROLES,
    ("POST", "/thresholds"): ADMINS,
    ("GET", "/profile"): ROLES,
    ("POST", "/profile/language"): ROLES,
    ("POST", "/profile/password"): ROLES,
    ("GET", "/profile/second-factor"): ROLES,
    ("POST", "/profile/second-factor/begin"): ROLES,
    ("POST", "/profile/second-factor/confirm"): ROLES,
    ("POST", "/profile/second-factor/recovery-codes"): ROLES,
    ("POST", "/profile/second-factor/remove"): ROLES,
    ("GET", "/moderators"): ADMINS,
    ("GET", "/moderators/second-factor"): ADMINS,
    ("POST", "/moderators/second-factor"): ADMINS,
}
"""For each page which roles may use it; a stranger is sent to the login."""

CALLS: dict[tuple[str, str], object] = {
    ("POST", "/classify"): Scope.SUBMIT,  # and without `enqueue` Scope.CLASSIFY, see below
    ("POST", "/classify/batch"): frozenset(Scope),  # decided for each comment, see below
    ("GET", "/metrics"): Scope.METRICS,
    ("GET", "/openapi.json"): EVERYBODY,
    ("GET", "/docs"): EVERYBODY,
    ("GET", "/healthz"): EVERYBODY,
    ("GET", "/readyz"): EVERYBODY,
}
"""For each call of a machine the scope it takes."""

STATIC = (
    "/bootstrap/static/<path:filename>",
    "/static/desk/<path:filename>",
    "/static/docs/<path:filename>",
)


@pytest.fixture
def app(settings, classifier) -> Iterator[Flask]:
    app = create_app(settings, classifier=classifier)
    runtime = app.extensions["moderation"]
    runtime.desk.submit(Comment("Du bist ein dummer Idiot!", id="4711"))
    yield app
    runtime.store.close()


@pytest.fixture
def as_role(app):
    """Log in with a role; ``None`` is a stranger."""

    def client_of(role):
        client = app.test_client()
        take_form_token(client, "/login")
        if role is not None:
            accounts.create_moderator(app.extensions["moderation"].store, role, PASSWORD, role)
            answer = client.post("/login", data={"name": role, "password": PASSWORD})
            assert answer.status_code == 302
            take_form_token(client, "/queue")
        return client

    return client_of


def take_form_token(client, path: str) -> None:
    """Send with every request from now on what the forms of a page send."""
    found = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', client.get(path).text)
    client.environ_base["HTTP_X_CSRFTOKEN"] = found[1]


def routes(app: Flask) -> dict[tuple[str, str], str]:
    """Return the endpoint of each method and path."""
    return {
        (method, rule.rule): rule.endpoint
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }


def test_every_route_has_an_entry(app):
    known = set(PAGES) | set(CALLS) | {("GET", path) for path in STATIC}
    missing = sorted(routes(app).keys() - known)
    assert not missing, "Add to PAGES or CALLS who may use:\n" + "\n".join(
        f'    ("{method}", "{path}"): ...,' for method, path in missing
    )
    gone = sorted(known - routes(app).keys())
    assert not gone, f"These routes are no more; take out their entries: {gone}"


@pytest.mark.parametrize("role", [None, *Role])
def test_each_role_may_use_its_pages_and_no_others(app, as_role, role):
    client = as_role(role)
    wrong = []
    # logging out comes last
    for (method, path), who in sorted(PAGES.items(), key=lambda entry: entry[0][1] == "/logout"):
        answer = client.open(path.replace("<id:comment_id>", "4711"), method=method)
        found = outcome(answer)
        if who == EVERYBODY or (role is not None and role in who):
            wanted = "may"
        else:
            wanted = "login" if role is None else "refused"
        if path == "/logout" and role is not None:
            wanted = "login"  # which is where logging out leads
        if found != wanted:
            wrong.append((method, path, found, wanted))
    assert not wrong


def outcome(answer) -> str:
    """Tell what became of a request: led to the login, refused, or let through."""
    if answer.status_code == 302 and answer.location.startswith("/login"):
        return "login"
    # a decision sent by whoever is not logged in is kept until after the login
    return {401: "login", 403: "refused"}.get(answer.status_code, "may")


@pytest.mark.parametrize("scope", [None, *Scope])
def test_each_scope_may_make_its_calls_and_no_others(app, scope):
    store = app.extensions["moderation"].store
    client = app.test_client()
    if scope is not None:
        key = accounts.issue_token(store, "blog", [scope]).key
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {key}"
    for (method, path), who in CALLS.items():
        body = [] if path == "/classify/batch" else {"text": "Danke!"}
        answer = client.open(path, method=method, json=body if method == "POST" else None)
        may = who in (EVERYBODY, scope) or (isinstance(who, frozenset) and scope in who)
        assert answer.status_code == (200 if may else 401 if scope is None else 403), path


@pytest.mark.parametrize("scope", list(Scope))
@pytest.mark.parametrize("enqueue", [True, False])
def test_a_batch_takes_for_each_comment_what_the_comment_alone_would(app, scope, enqueue):
    key = accounts.issue_token(app.extensions["moderation"].store, "blog", [scope]).key
    headers = {"Authorization": f"Bearer {key}"}
    sent = {"text": "Danke!", "enqueue": enqueue}
    client = app.test_client()
    alone = client.post("/classify", json=sent, headers=headers)
    (within,) = client.post("/classify/batch", json=[sent], headers=headers).json
    assert (alone.status_code == 200) == (scope == (Scope.SUBMIT if enqueue else Scope.CLASSIFY))
    assert within.get("status", 200) == alone.status_code


def test_a_session_opens_no_call_and_a_token_no_page(app, as_role):
    assert as_role(Role.ADMIN).post("/classify", json={"text": "Danke!"}).status_code == 401
    key = accounts.issue_token(app.extensions["moderation"].store, "blog", list(Scope)).key
    stranger = as_role(None)
    stranger.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {key}"
    for (method, path), who in PAGES.items():
        if who != EVERYBODY:
            assert outcome(stranger.open(path, method=method)) == "login", path


def test_every_form_takes_a_token_against_forgery(app, as_role):
    client = as_role(Role.ADMIN)
    del client.environ_base["HTTP_X_CSRFTOKEN"]
    for method, path in PAGES:
        if method != "GET":
            answer = client.open(path.replace("<id:comment_id>", "4711"), method=method)
            # 409: what was to be decided is shown again, with a token, to be sent once more
            assert answer.status_code in {400, 409}, path
    state = app.extensions["moderation"].desk.comment("4711")
    assert state.version == 1
    assert client.get("/queue").status_code == 200
