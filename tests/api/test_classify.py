"""``POST /classify``: the answer, what is stored, and what a repeated call does."""

from __future__ import annotations

import pytest

from moderation.desk import UnknownComment
from moderation.store import State


def test_it_holds_an_insult_and_says_where_and_why(post, insult, article):
    response = post({"id": "4711", "text": insult, "author": "Max", "article": article})
    assert response.status_code == 200
    answer = response.json
    assert answer["id"] == "4711"
    assert answer["verdict"] == "hold"
    found = answer["labels"]["disparaging"]
    assert found["flagged"] is True
    assert found["rule"] == "respekt"
    assert 0 <= found["score"] <= 1
    for span in found["spans"]:
        assert 0 <= span["start"] < span["end"] <= len(insult)
        assert 0 < span["weight"] <= 1
    assert len(answer["reasons"]) == sum(
        label["flagged"] for label in answer["labels"].values() if label
    )
    assert answer["queue_url"] == "/queue/4711"


def test_the_answer_names_the_model_that_judged(post, classifier):
    answer = post({"text": "Danke!"}).json
    assert answer["model"] == {
        "version": classifier.version.version,
        "sha256": classifier.version.sha256,
    }


def test_without_an_article_the_topic_is_not_assessed(post):
    labels = post({"text": "Danke für den Test!"}).json["labels"]
    assert list(labels) == ["disparaging", "off_topic", "spam"]
    assert labels["off_topic"] is None


def test_with_an_article_the_nearest_passage_is_the_evidence(post, article):
    text = "Hält der Akku wirklich acht Stunden?"
    found = post({"text": text, "article": article}).json["labels"]["off_topic"]
    assert found["evidence"]["source"] == "article"
    assert "Akku" in found["evidence"]["text"]


def test_offsets_are_code_points_of_the_text_as_it_was_sent(post):
    text = "🤡🤡 \u0055\u0308berhaupt: du bist ein dummer I\u200bdiot!"
    answer = post({"text": text}).json
    spans = answer["labels"]["disparaging"]["spans"]
    assert spans
    assert all(span["end"] <= len(text) for span in spans)


def test_reasons_are_german_unless_english_is_asked_for(post, insult):
    german = post({"text": insult, "enqueue": False})
    english = post({"text": insult, "enqueue": False}, Accept_Language="en-GB,en;q=0.9,de;q=0.5")
    french = post({"text": insult, "enqueue": False}, Accept_Language="fr")
    assert german.headers["Content-Language"] == "de"
    assert english.headers["Content-Language"] == "en"
    assert "person" in english.json["reasons"][0]
    assert "Person" in german.json["reasons"][0]
    assert french.json["reasons"] == german.json["reasons"]


def test_without_enqueue_nothing_is_stored(post, runtime, insult):
    answer = post({"id": "4711", "text": insult, "enqueue": False}).json
    assert "queue_url" not in answer
    with pytest.raises(UnknownComment):
        runtime.desk.comment("4711")


def test_a_held_comment_is_in_the_queue_with_all_its_context(post, runtime, insult, article):
    post({"id": "4700", "text": "Wie lange hält der Akku?", "article": article})
    post(
        {
            "id": "4711",
            "text": insult,
            "author": "Max",
            "article": {"id": article["id"]},
            "parent": {"id": "4700"},
            "thread": ["Ich komme auf sechs Stunden."],
        }
    )
    item = runtime.desk.comment("4711")
    assert item.state is State.HELD
    assert item.comment.text == insult
    assert item.comment.author == "Max"
    assert item.comment.thread == ("Ich komme auf sechs Stunden.",)
    assert item.article.title == article["title"]
    assert item.parent.text == "Wie lange hält der Akku?"


def test_an_article_sent_once_is_known_by_its_url_too(post, article):
    post({"text": "Danke!", "article": article})
    labels = post({"text": "Danke!", "article": {"url": article["url"]}}).json["labels"]
    assert labels["off_topic"] is not None


def test_a_comment_without_an_id_is_given_one(post, runtime):
    answer = post({"text": "Danke!"}).json
    assert answer["queue_url"] == f"/queue/{answer['id']}"
    assert runtime.desk.comment(answer["id"]).comment.text == "Danke!"


def test_nothing_is_named_that_was_neither_sent_nor_stored(post):
    assert post({"text": "Danke!", "enqueue": False}).json["id"] is None


def test_the_same_call_again_gives_the_same_answer_and_no_second_comment(post, runtime, insult):
    first = post({"id": "4711", "text": insult}).json
    assert post({"id": "4711", "text": insult}).json == first
    assert sum(runtime.desk.counts().values()) == 1


def test_another_text_under_the_same_id_is_an_edit(post, runtime, insult):
    post({"id": "4711", "text": insult})
    post({"id": "4711", "text": "Danke für den Test!"})
    item = runtime.desk.comment("4711")
    assert item.comment.text == "Danke für den Test!"
    assert [past.text for past in item.past_texts] == [insult]


def test_a_withdrawn_comment_cannot_be_changed(post, runtime, insult):
    post({"id": "4711", "text": insult})
    runtime.desk.retract("4711")
    response = post({"id": "4711", "text": "Danke!"})
    assert response.status_code == 409
    assert response.json["type"] == "/docs#problem-retracted"


def test_what_is_scored_only_scores_the_same_as_what_is_stored(post, insult, article):
    request = {"id": "4711", "text": insult, "article": article}
    scored = post(request | {"enqueue": False}).json
    stored = post(request).json
    stored.pop("queue_url")
    assert scored == stored
