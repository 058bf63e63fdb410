"""``/healthz`` and ``/readyz``."""

from __future__ import annotations

from moderation.runtime import Runtime


def test_it_is_ready_with_a_model_and_a_database(client):
    assert client.get("/healthz").json == {"status": "ok"}
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json == {"status": "ready", "model": "loaded", "database": "reachable"}


def test_while_the_model_loads_it_is_up_but_not_ready(app, client, settings):
    still_loading = Runtime(settings)
    still_loading.attach(app)
    assert client.get("/healthz").status_code == 200
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.content_type == "application/problem+json"
    assert response.json["detail"] == "The model is loading."
    still_loading.store.close()


def test_without_its_database_it_says_what_to_do(client, runtime, ruin):
    runtime.store.close()
    sentence = ruin()
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json["detail"] == sentence
    assert client.get("/healthz").status_code == 200


def test_everything_that_is_missing_is_named(app, client, settings, ruin):
    still_loading = Runtime(settings)
    still_loading.attach(app)
    ruin()
    detail = client.get("/readyz").json["detail"]
    assert "model" in detail
    assert "database" in detail
    still_loading.store.close()
