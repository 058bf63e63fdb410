"""Every error: the right status, one shape, and never a comment's text in it or in the log."""

from __future__ import annotations

import json
import logging
import shutil

import pytest

from moderation.api import failure_of
from moderation.app import create_app
from moderation.comment import Comment
from moderation.runtime import ModelNotReady, ModelState, Runtime
from moderation.store import Scope
from moderation.wire import ProblemKind

CANARY = "Kanarienvogel-9c1f"


def assert_problem(response, status, kind, *fields):
    """Assert the one shape that every error has."""
    assert response.status_code == status
    assert response.content_type == "application/problem+json"
    body = response.json
    assert body["type"] == f"/docs#problem-{kind}"
    assert body["status"] == status
    assert body["title"]
    assert body["detail"].endswith(".")
    assert [found["field"] for found in body.get("errors", [])] == list(fields)
    assert all(found["detail"].endswith(".") for found in body.get("errors", []))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"text": "Danke!"',
        b'{"text": "\xff\xfe"}',
        b'{"text": "\\ud800"}',
        b"[" * 60_000,
        b"NaN",
    ],
    ids=["nothing", "cut off", "not UTF-8", "half a surrogate pair", "endless nesting", "NaN"],
)
def test_what_is_not_json_in_utf_8_is_malformed(post, body):
    assert_problem(post(body), 400, "malformed")


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["/text"]),
        ({"text": ""}, ["/text"]),
        ({"text": " \n\t\u00a0\u200b"}, ["/text"]),
        ({"text": 7}, ["/text"]),
        ({"text": None}, ["/text"]),
        ({"text": "a\0b"}, ["/text"]),
        ({"text": "Danke!", "autor": "Max"}, ["/autor"]),
        ({"text": "Danke!", "enqueue": "yes"}, ["/enqueue"]),
        ({"text": "Danke!", "id": 4711}, ["/id"]),
        ({"text": "Danke!", "id": ""}, ["/id"]),
        ({"text": "Danke!", "id": "../admin"}, ["/id"]),
        ({"text": "Danke!", "article": []}, ["/article"]),
        ({"text": "Danke!", "article": {}}, ["/article"]),
        ({"text": "Danke!", "article": {"url": "javascript:alert(1)"}}, ["/article/url"]),
        ({"text": "Danke!", "article": {"titel": "x", "id": 1}}, ["/article/id", "/article/titel"]),
        ({"text": "Danke!", "parent": {"text": ""}}, ["/parent"]),
        ({"text": "Danke!", "thread": "Danke!"}, ["/thread"]),
        ({"text": "Danke!", "thread": ["a"] * 51}, ["/thread"]),
        ({"text": "Danke!", "thread": ["a", 2]}, ["/thread/1"]),
        ("Danke!", [""]),
        ([], [""]),
        (None, [""]),
    ],
)
def test_what_is_not_a_comment_is_refused_field_by_field(post, body, fields):
    assert_problem(post(json.dumps(body).encode()), 422, "invalid", *fields)


def test_an_unknown_article_is_refused(post):
    response = post({"text": "Danke!", "article": {"id": "unknown"}})
    assert_problem(response, 422, "unknown-article", "/article")


def test_an_unknown_parent_is_refused(post):
    response = post({"text": "Danke!", "parent": {"id": "unknown"}})
    assert_problem(response, 422, "unknown-parent", "/parent")


def test_what_only_the_store_cannot_keep_is_named_by_its_field_too(post):
    url = "https://blog.example/" + "ä" * 1500
    response = post({"text": "Danke!", "article": {"title": "Test", "url": url}})
    assert_problem(response, 422, "invalid", "/article/url")


def test_errors_without_a_kind_of_their_own_have_the_same_shape(client):
    response = client.get("/static/docs/docs.css", headers={"Range": "bytes=9999999-"})
    assert response.status_code == 416
    assert response.content_type == "application/problem+json"
    assert response.json["status"] == 416
    assert response.json["type"] == "about:blank"


def test_a_body_over_64_kib_is_refused(post):
    frame = len(json.dumps({"text": ""}))
    fits = json.dumps({"text": "x" * (64 * 1024 - frame)}).encode()
    assert post(fits).status_code == 200
    assert_problem(post(fits + b" "), 413, "too-large")
    assert_problem(post({"text": "x" * 2**20}), 413, "too-large")


def test_only_json_is_taken(post):
    assert_problem(post(b"text=Danke", Content_Type="text/plain"), 415, "media-type")
    assert_problem(post(b"{}", Content_Encoding="gzip"), 415, "media-type")


def test_an_unknown_address_is_a_problem_for_machines_and_a_page_for_people(client):
    assert_problem(client.get("/nothing"), 404, "not-found")
    page = client.get("/nothing", headers={"Accept": "text/html,*/*;q=0.8"})
    assert page.status_code == 404
    assert page.mimetype == "text/html"


def test_another_method_is_refused_with_those_that_are_allowed(client):
    response = client.get("/classify")
    assert_problem(response, 405, "method-not-allowed")
    assert "POST" in response.headers["Allow"]


def test_while_the_model_loads_comments_are_asked_to_come_again(app, post, settings):
    still_loading = Runtime(settings)
    still_loading.attach(app)
    for path, body in (("/classify", {"text": "Danke!"}), ("/classify/batch", [])):
        response = post(body, path)
        assert_problem(response, 503, "model-loading")
        assert int(response.headers["Retry-After"]) > 0
    still_loading.store.close()


def test_a_comment_that_crosses_with_the_loaded_model_is_asked_to_come_again(settings, classifier):
    runtime = Runtime(settings)
    taken_before = runtime.desk
    runtime.use(classifier)
    with pytest.raises(ModelNotReady) as refusal:
        taken_before.submit(Comment("Danke!"))
    assert failure_of(refusal.value).problem["type"] == "/docs#problem-model-loading"
    runtime.store.close()


def test_a_repeated_call_is_answered_even_while_the_model_loads(app, post, settings, insult):
    answer = post({"id": "4711", "text": insult}).json
    still_loading = Runtime(settings)
    still_loading.attach(app)
    assert post({"id": "4711", "text": insult}).json == answer
    still_loading.store.close()


@pytest.fixture
def damaged_model(tmp_path, model_dir):
    folder = tmp_path / "damaged"
    shutil.copytree(model_dir, folder)
    largest = max(folder.iterdir(), key=lambda path: path.stat().st_size)
    content = bytearray(largest.read_bytes())
    content[len(content) // 2] ^= 1
    largest.write_bytes(content)
    return folder


@pytest.mark.parametrize("kind", ["damaged", "missing"])
def test_a_model_that_is_damaged_or_missing_is_refused_with_what_to_do(
    kind, settings, damaged_model, token, caplog
):
    folder = damaged_model if kind == "damaged" else damaged_model / "nowhere"
    app = create_app(settings.model_copy(update={"model_dir": folder}))
    runtime = app.extensions["moderation"]
    assert runtime.wait(60) is ModelState.REFUSED
    response = app.test_client().post(
        "/classify", json={"text": "Danke!"}, headers={"Authorization": f"Bearer {token}"}
    )
    assert_problem(response, 503, "model-refused")
    assert str(folder) not in response.text
    assert str(folder) in caplog.text
    runtime.store.close()


def test_a_read_only_database_takes_no_comment_but_scores(
    settings, classifier, token, read_only_url
):
    read_only = settings.model_copy(update={"database_url": read_only_url})
    app = create_app(read_only, classifier=classifier)
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    response = client.post("/classify", json={"id": "4711", "text": "Danke!"})
    assert_problem(response, 503, "database")
    assert int(response.headers["Retry-After"]) > 0
    scored = client.post("/classify", json={"text": "Danke!", "enqueue": False})
    assert scored.status_code == 200
    app.extensions["moderation"].store.close()


def test_a_database_that_fails_in_a_batch_fails_only_what_needs_it(sql, post):
    asked = [{"text": "Danke!", "enqueue": False}, {"text": "Danke!"}]
    sql("ALTER TABLE comments RENAME TO lost")
    scored, refused = post(asked, "/classify/batch").json
    assert scored["verdict"]
    assert refused["type"] == "/docs#problem-database"


def test_no_error_and_no_log_line_repeats_a_comment_or_a_token(client, issue, post, caplog):
    caplog.set_level(logging.DEBUG)
    long = f"{CANARY} " * 10_000
    bodies = [
        {"text": CANARY, CANARY: 1, f"{CANARY} mit Leerzeichen": 1, "x" * 50 + CANARY: 2},
        {"text": [CANARY]},
        {"text": f"{CANARY}\0"},
        {"text": long},
        {"text": CANARY, "article": {"id": "unknown", "url": f"ftp://{CANARY}"}},
        {"text": CANARY, "id": f" {CANARY}"},
        {"text": CANARY, "parent": {"id": "unknown"}},
        {"text": "a", "thread": [CANARY] * 51},
        [CANARY],
        CANARY,
    ]
    raw = [json.dumps(body).encode() for body in bodies]
    raw += [f'{{"text": "{CANARY}"'.encode(), f'{{"text": "{CANARY}\xff'.encode("latin-1")]
    for body in raw:
        response = post(body)
        assert response.status_code >= 400
        # only a name that looks like a field's is said back, so that a typo can be found
        assert CANARY not in response.text.replace(f"/{CANARY}", "")
    for path in ("/classify", "/classify/batch", "/nothing"):
        client.post(path, json=[], headers={"Authorization": f"Bearer {CANARY}"})
    weak = issue(Scope.READ)
    refused = client.post(
        "/classify", json={"text": CANARY}, headers={"Authorization": f"Bearer {weak}"}
    )
    assert CANARY not in refused.text
    assert weak not in refused.text
    assert CANARY not in caplog.text
    assert weak not in caplog.text


def test_an_error_of_ours_is_logged_by_place_not_by_message(app, client, caplog):
    def fail():
        raise RuntimeError(CANARY)

    app.view_functions["api.healthz"] = fail
    assert_problem(client.get("/healthz"), 500, "internal")
    assert "RuntimeError" in caplog.text
    assert "in fail" in caplog.text
    assert CANARY not in caplog.text


def test_every_kind_of_problem_has_its_own_type():
    assert len({kind.slug for kind in ProblemKind}) == len(ProblemKind)
