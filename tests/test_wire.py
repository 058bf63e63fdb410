"""The wire format by itself: what is read is what was sent, and nothing sent comes back."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.comment import (
    Article,
    Assessment,
    Evidence,
    EvidenceSource,
    Label,
    LabelAssessment,
    ModelVersion,
    Outcome,
    Parent,
    Reason,
    Span,
    Verdict,
)
from moderation.wire import InvalidRequest, MalformedRequest, answer, parse, read

RULES = {Label.DISPARAGING: "respekt", Label.OFF_TOPIC: "thema", Label.SPAM: "werbung"}
visible = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=200
).map(lambda text: f"x{text}")


@given(visible)
def test_a_text_arrives_as_it_was_sent(text):
    assert read(parse(json.dumps({"text": text}).encode())).comment().text == text


def test_a_request_becomes_a_comment_with_all_its_context():
    comment = read(
        {
            "id": "4711",
            "text": "Danke!",
            "author": "",
            "article": {"id": "123"},
            "parent": {"text": "Gern."},
            "thread": ["Erster!"],
        }
    ).comment()
    assert comment.id == "4711"
    assert comment.author is None
    assert comment.article == Article(id="123")
    assert comment.parent == Parent(text="Gern.")
    assert comment.thread == ("Erster!",)


@given(st.binary(max_size=200))
def test_bytes_are_read_or_refused_but_never_break_anything(raw):
    with suppress(MalformedRequest, InvalidRequest):
        read(parse(raw))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["text", "id", "article", "thread", "parent", "author", "enqueue", "x y"]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)


def refused(value):
    """What is wrong with a value; nothing if it can be read."""
    try:
        read(value)
    except InvalidRequest as error:
        return error.errors
    return ()


@given(json_values)
def test_whatever_json_says_is_read_or_refused_in_sentences(value):
    for found in refused(value):
        assert found["detail"].endswith(".")
        assert "{" not in found["detail"]


def assessed(**labels):
    return Assessment(
        {label: labels.get(label.value) for label in Label}, ModelVersion("2026.11.1", "ab12")
    )


def test_the_answer_has_the_agreed_shape():
    assessment = assessed(
        disparaging=LabelAssessment(0.94, spans=(Span(10, 24, 0.71),)),
        off_topic=LabelAssessment(
            0.08, evidence=Evidence(EvidenceSource.ARTICLE, "Der Akku hält.", 0.81)
        ),
        spam=LabelAssessment(0.01),
    )
    verdict = Verdict(
        Outcome.HOLD,
        (Label.DISPARAGING,),
        (Reason(Label.DISPARAGING, "respekt", "Setzt herab.", "Puts down."),),
    )
    assert answer("4711", assessment, verdict, RULES, queue_url="/queue/4711") == {
        "id": "4711",
        "verdict": "hold",
        "labels": {
            "disparaging": {
                "score": 0.94,
                "flagged": True,
                "rule": "respekt",
                "spans": [{"start": 10, "end": 24, "weight": 0.71}],
            },
            "off_topic": {
                "score": 0.08,
                "flagged": False,
                "rule": "thema",
                "evidence": {"source": "article", "text": "Der Akku hält.", "similarity": 0.81},
            },
            "spam": {"score": 0.01, "flagged": False, "rule": "werbung"},
        },
        "reasons": ["Setzt herab."],
        "model": {"version": "2026.11.1", "sha256": "ab12"},
        "queue_url": "/queue/4711",
    }
    english = answer("4711", assessment, verdict, RULES, language="en")
    assert english["reasons"] == ["Puts down."]
    assert "queue_url" not in english


@pytest.mark.parametrize("label", list(Label))
def test_a_label_that_was_not_assessed_is_null(label):
    others = {other.value: LabelAssessment(0.1) for other in Label if other is not label}
    body = answer(None, assessed(**others), Verdict(Outcome.APPROVE, (), ()), RULES)
    assert body["labels"][label.value] is None
    assert body["id"] is None
