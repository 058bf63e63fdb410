"""``/metrics``: what Prometheus reads, and who may."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from moderation.store import Scope


@pytest.fixture
def figures(client, issue):
    """Return every sample of ``/metrics`` by name and labels."""
    key = issue(Scope.METRICS)

    def read():
        response = client.get("/metrics", headers={"Authorization": f"Bearer {key}"})
        assert response.status_code == 200
        assert response.mimetype == "text/plain"
        return {
            (sample.name, *sorted(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(response.text)
            for sample in family.samples
        }

    return read


def test_verdicts_flags_and_waiting_comments_are_counted(figures, post, insult):
    post({"text": insult})
    post([{"text": insult, "enqueue": False}] * 2, "/classify/batch")
    found = figures()
    assert found["moderation_verdicts_total", ("verdict", "hold")] == 3
    assert found["moderation_rule_flags_total", ("rule", "respekt")] == 3
    assert found["moderation_comments", ("state", "held")] == 1


def test_requests_are_counted_by_route_not_by_address(figures, client, post):
    post({"text": "Danke!"})
    client.get("/healthz")
    for path in ("/one", "/two", "/queue/4711", "/queue/4712"):
        client.get(path)
    client.open("/one", method="GEHEIM")
    found = figures()
    count = "moderation_requests_total"
    labels = ("method", "POST"), ("route", "/classify"), ("status", "200")
    assert found[count, *labels] == 1
    assert found["moderation_request_seconds_count", ("route", "/classify")] == 1
    assert found[count, ("method", "GET"), ("route", "(none)"), ("status", "404")] == 2
    assert found[count, ("method", "other"), ("route", "(none)"), ("status", "404")] == 1
    routes = {label[1] for name, *labels in found for label in labels if label[0] == "route"}
    assert "/queue/<id:comment_id>" in routes
    assert not any("4711" in route or "/one" in route for route in routes)


def test_the_model_in_use_is_named(figures, classifier):
    version = classifier.version
    labels = ("sha256", version.sha256), ("version", version.version)
    assert figures()["moderation_model", *labels] == 1


def test_it_takes_a_token_of_its_own_scope(client, issue):
    assert client.get("/metrics").status_code == 401
    key = issue(Scope.CLASSIFY, Scope.SUBMIT, Scope.READ, Scope.DECIDE)
    response = client.get("/metrics", headers={"Authorization": f"Bearer {key}"})
    assert response.status_code == 403
    assert 'scope="metrics"' in response.headers["WWW-Authenticate"]


def test_without_the_comments_table_the_rest_is_still_told(figures, sql):
    sql("ALTER TABLE comments RENAME TO lost")
    found = figures()
    assert not any(name == "moderation_comments" for name, *_ in found)
    assert any(name == "moderation_model" for name, *_ in found)


def test_what_the_blog_was_not_told_is_counted(figures, post, insult):
    assert figures()["moderation_outbox_pending",] == 0
    post({"text": insult})
    found = figures()
    assert found["moderation_outbox_pending",] == 1
    assert found["moderation_outbox_parked",] == 0
    assert 0 < found["moderation_outbox_seconds",] < 600
