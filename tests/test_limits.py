"""Limits: by token, by address, and at the login, where the wait grows."""

from __future__ import annotations

import re

import pytest

from moderation.app import create_app
from moderation.desk import accounts
from moderation.limits import RateLimits, TooManyRequests
from moderation.store import Scope

PASSWORD = "ein langes Passwort"


@pytest.fixture
def limits() -> RateLimits:
    return RateLimits(comments_per_minute=500, requests_per_minute=3)


@pytest.fixture
def app(settings, classifier):
    few = settings.model_copy(update={"comments_per_minute": 500, "requests_per_minute": 20})
    app = create_app(few, classifier=classifier)
    store = app.extensions["moderation"].store
    accounts.create_moderator(store, "anna", PASSWORD)
    yield app
    store.close()


@pytest.fixture
def bearer(app):
    store = app.extensions["moderation"].store
    key = accounts.issue_token(store, "blog", [Scope.CLASSIFY]).key
    return {"Authorization": f"Bearer {key}"}


def test_a_batch_counts_each_of_its_comments_or_none(limits):
    limits.count_comments(1, 300)
    with pytest.raises(TooManyRequests) as reached:
        limits.count_comments(1, 201)
    assert 1 <= reached.value.retry_after <= 120
    limits.count_comments(1, 200)
    limits.count_comments(2, 500)


def test_an_address_cannot_be_multiplied_within_its_network(limits):
    for host in range(3):
        limits.count_request(f"2001:db8::{host}")
    with pytest.raises(TooManyRequests):
        limits.count_request("2001:db8::ffff")
    limits.count_request("2001:db8:0:1::1")


def test_after_five_failed_logins_there_is_a_wait_for_that_name_from_that_address(limits):
    for _ in range(5):
        limits.check_login("anna", "192.0.2.1")
        limits.count_failed_login("anna", "192.0.2.1")
    with pytest.raises(TooManyRequests) as reached:
        limits.check_login("anna", "192.0.2.1")
    assert reached.value.retry_after <= 60
    limits.check_login("anna", "192.0.2.2")
    limits.check_login("bernd", "192.0.2.1")
    limits.forget_failed_logins("anna", "192.0.2.1")
    limits.check_login("anna", "192.0.2.1")


@pytest.mark.parametrize(("failures", "wait"), [(5, 60), (20, 3600), (50, 86400)])
def test_the_wait_grows_with_the_failures(limits, failures, wait):
    for _ in range(failures):
        limits.count_failed_login("anna", "192.0.2.1")
    with pytest.raises(TooManyRequests) as reached:
        limits.check_login("anna", "192.0.2.1")
    assert wait * 0.9 < reached.value.retry_after <= wait


def test_names_tried_one_after_the_other_are_limited_by_address(limits):
    for number in range(30):
        limits.check_login(f"name {number}", "192.0.2.1")
        limits.count_failed_login(f"name {number}", "192.0.2.1")
    with pytest.raises(TooManyRequests):
        limits.check_login("anna", "192.0.2.1")


def test_a_name_tried_from_many_addresses_is_limited_by_name(limits):
    for number in range(100):
        limits.count_failed_login("anna", f"192.0.2.{number}")
    with pytest.raises(TooManyRequests):
        limits.check_login("anna", "198.51.100.1")


def test_wrong_codes_are_limited_by_name_more_closely_than_passwords(limits):
    for number in range(10):
        limits.check_code("anna", f"192.0.2.{number}")
        limits.count_wrong_code("anna", f"192.0.2.{number}")
    with pytest.raises(TooManyRequests) as reached:
        limits.check_code("anna", "198.51.100.1")
    assert 60 < reached.value.retry_after <= 3600
    limits.check_code("bernd", "198.51.100.1")
    limits.check_login("anna", "198.51.100.1")


def test_a_token_that_is_used_too_much_is_told_when_to_come_again(app, bearer):
    client = app.test_client()
    body = [{"text": "Danke!", "enqueue": False}] * 490
    assert client.post("/classify/batch", json=body, headers=bearer).status_code == 200
    response = client.post("/classify/batch", json=body, headers=bearer)
    assert response.status_code == 429
    assert response.json["type"] == "/docs#problem-too-many"
    assert int(response.headers["Retry-After"]) >= 1


def test_wrong_tokens_count_against_the_address_and_right_ones_do_not(app, bearer):
    client = app.test_client()
    sent = {"text": "Danke!", "enqueue": False}
    statuses = [
        client.post("/classify", json=sent, headers={"Authorization": "Bearer x"}).status_code
        for _ in range(22)
    ]
    assert statuses[:20] == [401] * 20
    assert statuses[-1] == 429
    assert client.post("/classify", json=sent, headers=bearer).status_code == 200


def test_pages_are_limited_and_say_so_as_pages(app):
    client = app.test_client()
    for _ in range(20):
        assert client.get("/login").status_code == 200
    refused = client.get("/login")
    assert refused.status_code == 429
    assert refused.mimetype == "text/html"
    assert "zu viele Anfragen" in refused.text
    assert refused.headers["Retry-After"]
    with client.get("/static/desk/desk.css") as style:
        assert style.status_code == 200


def try_to_log_in(client, name, password):
    page = client.get("/login").text
    token = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', page)[1]
    return client.post("/login", data={"csrf_token": token, "name": name, "password": password})


@pytest.mark.parametrize("name", ["anna", "niemand"])
def test_even_the_right_password_does_not_open_while_there_is_a_wait(app, name):
    client = app.test_client()
    for _ in range(5):
        assert try_to_log_in(client, name, "falsch").status_code == 403
    refused = try_to_log_in(client, name, PASSWORD)
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) <= 60
    assert "Zu viele Versuche" in refused.text


@pytest.mark.parametrize("proxies", [0, 1])
def test_an_address_in_a_header_counts_only_behind_a_proxy(settings, classifier, proxies):
    behind = settings.model_copy(update={"trusted_proxies": proxies, "requests_per_minute": 1})
    app = create_app(behind, classifier=classifier)
    client = app.test_client()
    statuses = [
        client.get("/docs", headers={"X-Forwarded-For": f"203.0.113.9, 192.0.2.{n}"}).status_code
        for n in range(3)
    ]
    assert statuses == ([200, 200, 200] if proxies else [200, 429, 429])
    app.extensions["moderation"].store.close()
