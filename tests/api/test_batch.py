"""``POST /classify/batch``: answers in order, one error for each bad item."""

from __future__ import annotations

from moderation.api.classify import LARGEST_BATCH
from moderation.store import Listing, Scope

BATCH = "/classify/batch"


def test_each_comment_is_answered_in_its_place_as_if_sent_alone(post, insult, article):
    requests = [
        {"id": "1", "text": insult, "article": article, "enqueue": False},
        {"id": "2", "text": "Danke!", "enqueue": False},
        {"id": "3", "text": "Hält der Akku?", "article": article, "enqueue": False},
    ]
    assert post(requests, BATCH).json == [post(request).json for request in requests]


def test_bad_items_get_a_problem_each_and_the_others_are_stored(post, runtime, insult):
    response = post(
        [
            {"id": "1", "text": insult},
            {"id": "2", "text": " "},
            17,
            {"id": "3", "text": "Danke!", "article": {"id": "unknown"}},
            {"id": "4", "text": "x" * 100_000},
            {"id": "5", "text": insult},
        ],
        BATCH,
    )
    assert response.status_code == 200
    kinds = [item.get("type", item.get("verdict")) for item in response.json]
    assert kinds == [
        "hold",
        "/docs#problem-invalid",
        "/docs#problem-invalid",
        "/docs#problem-unknown-article",
        "/docs#problem-invalid",
        "hold",
    ]
    assert response.json[1]["errors"][0]["field"] == "/text"
    assert [item.comment.id for item in runtime.desk.listing(Listing.FLAGGED).items] == ["1", "5"]


def test_an_item_that_the_token_may_not_send_is_refused_alone(client, issue):
    response = client.post(
        BATCH,
        json=[{"text": "Danke!", "enqueue": False}, {"text": "Danke!", "enqueue": True}],
        headers={"Authorization": f"Bearer {issue(Scope.CLASSIFY)}"},
    )
    assert [item.get("status", 200) for item in response.json] == [200, 403]


def test_an_empty_batch_has_an_empty_answer(post):
    assert post([], BATCH).json == []


def test_a_batch_may_not_be_longer_than_it_may(post):
    item = {"text": " "}
    assert post([item] * LARGEST_BATCH, BATCH).status_code == 200
    response = post([item] * (LARGEST_BATCH + 1), BATCH)
    assert response.status_code == 422
    assert str(LARGEST_BATCH) in response.json["detail"]


def test_a_batch_must_be_a_list(post):
    response = post({"text": "Danke!"}, BATCH)
    assert response.status_code == 422
    assert response.json["detail"] == "A batch is a list of comments."


def test_a_batch_may_be_larger_than_a_single_request(post):
    items = [{"text": "Danke! " * 8_000, "enqueue": False}] * 2
    assert [item["verdict"] for item in post(items, BATCH).json]
