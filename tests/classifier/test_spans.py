"""Which passages of a comment are shown as the reason of a score, with the model that ships."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.classifier import Classifier
from moderation.classifier.normalise import normalise
from moderation.classifier.spans import MOST_SPANS
from moderation.classifier.tokens import STOPWORDS, words
from moderation.comment import Comment, Label

WORDS = (
    "wer so einen unsinn schreibt ist du einfach zu dumm idiot, der und Artikel Akku! hält lange. "
    "1d10t 🤡 Ihr Sie schaf gekauft: nur Werbung billig.example 50 % gratis"
)


@pytest.fixture(scope="module")
def shipped(model_dir):
    return Classifier.load(model_dir)


@given(text=st.lists(st.sampled_from(WORDS.split()), min_size=1, max_size=40).map(" ".join))
def test_passages_lie_in_the_text_apart_and_in_order_and_say_something(shipped, text):
    assessment = shipped.assess(Comment(text))
    for label in (Label.DISPARAGING, Label.SPAM):
        spans = assessment.labels[label].spans
        assert len(spans) <= MOST_SPANS
        ends = [0]
        for span in spans:
            assert ends[-1] <= span.start < span.end <= len(text)
            assert 0 < span.weight <= 1
            ends.append(span.end)
            passage = words(normalise(text[span.start : span.end]).text)
            assert any(word.text not in STOPWORDS for word in passage)


@pytest.mark.parametrize(
    ("text", "heart"),
    [
        ("Der Akku hält lange. Aber du bist so ein Vollidiot, echt.", "Vollidiot"),
        ("Der Akku hält lange. Aber ihr seid alle Schwachköpfe hier.", "Schwachköpfe"),
        ("Schöner Artikel! Mehr gratis Tipps auf billigkram.example im Angebot.", "billigkram"),
    ],
)
def test_the_heaviest_passage_holds_the_heart_of_the_matter(shipped, text, heart):
    found = shipped.assess(Comment(text)).labels
    spans = [*found[Label.DISPARAGING].spans, *found[Label.SPAM].spans]
    heaviest = max(spans, key=lambda span: span.weight)
    assert heart in text[heaviest.start : heaviest.end]
