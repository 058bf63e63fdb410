"""Which passages of a comment are shown as the reason of a score, with the model that ships."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.classifier import Classifier
from moderation.classifier.document import Document
from moderation.classifier.normalise import normalise
from moderation.classifier.spans import MOST_SPANS, _clauses, _lost_without_clauses
from moderation.classifier.tokens import STOPWORDS, words
from moderation.comment import Article, Comment, Label

WORDS = (
    "wer so einen unsinn schreibt ist du einfach zu dumm idiot, der und Artikel Akku! hält lange. "
    "1d10t 🤡 Ihr Sie schaf gekauft: nur Werbung billig.example 50 % gratis"
)


@pytest.fixture(scope="module")
def shipped(model_dir):
    return Classifier.load(model_dir)


@settings(deadline=None, max_examples=50)
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


CLAUSED = (
    "Danke, das hilft mir sehr weiter. Nur eins noch: Wer den Test so schreibt, hat das Gerät nie"
    " benutzt (oder nur kurz), und zwar keine Minute!"
)


def clause_texts(text: str) -> list[str]:
    document = Document.of(Comment(text))
    words = document.words
    return [" ".join(word.text for word in words[a:b]) for a, b in _clauses(document)]


def test_a_comment_falls_into_clauses_at_its_punctuation() -> None:
    assert clause_texts(CLAUSED) == [
        "danke das hilft mir sehr weiter nur eins noch",
        "wer den test so schreibt",
        "hat das geraet nie benutzt oder nur kurz",
        "und zwar keine minute !",
    ]
    assert clause_texts("Nein") == ["nein"]
    assert clause_texts("") == []


@given(st.text(alphabet="ab äß.,!?\n🤡1 ", max_size=120))
def test_clauses_are_few_and_hold_every_word_once(text: str) -> None:
    document = Document.of(Comment(text))
    clauses = _clauses(document)
    assert [word for first, last in clauses for word in range(first, last)] == list(
        range(len(document.words))
    )
    assert len(clauses) <= 4
    assert len(clauses) <= 1 or all(last - first >= 3 for first, last in clauses)


def test_what_the_encoder_reads_is_marked_too(model_with_encoder: Path, akku: Article) -> None:
    """The small encoder is drawn at random: something is lost without each clause of a comment."""
    classifier = Classifier.load(model_with_encoder)
    extractor = classifier._extractor
    assert extractor.encoder is not None
    document = Document.of(Comment(CLAUSED, article=akku))
    weights = np.ones((extractor.encoder.n_features, 1), dtype=np.float32)
    lost = _lost_without_clauses(document, extractor.encoder, weights)
    assert lost.shape == (len(document.words), 1)
    assert lost.any()
    for first, last in _clauses(document):
        assert (lost[first:last] == lost[first]).all()
