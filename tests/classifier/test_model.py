from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moderation.classifier import (
    Classifier,
    FeatureExtractor,
    Heads,
    ModelError,
    ModelIncompatible,
    ModelMissing,
    ModelTampered,
    save_model,
)
from moderation.comment import Article, Comment, Label, LabelAssessment, Parent, Span


def score(classifier: Classifier, comment: Comment, label: Label) -> float:
    return judgement(classifier, comment, label).score


def judgement(classifier: Classifier, comment: Comment, label: Label) -> LabelAssessment:
    found = classifier.assess(comment).labels[label]
    assert found is not None
    return found


# --- scores ---------------------------------------------------------------------------------


def test_an_insult_scores_higher_than_criticism(classifier: Classifier, akku: Article) -> None:
    insult = score(classifier, Comment("Du Idiot, du Volldepp.", article=akku), Label.DISPARAGING)
    rant = score(classifier, Comment("Der Akku ist Schrott.", article=akku), Label.DISPARAGING)
    assert insult > 0.5 > rant


def test_advertising_scores_higher_than_an_opinion(classifier: Classifier, akku: Article) -> None:
    advert = Comment("Jetzt klicken: www.kredit.example", article=akku)
    opinion = Comment("Mit dem Akku bin ich zufrieden.", article=akku)
    assert score(classifier, advert, Label.SPAM) > score(classifier, opinion, Label.SPAM)


def test_the_same_comment_is_more_off_topic_under_another_article(
    classifier: Classifier, akku: Article
) -> None:
    text = "Beim Laden wird der Akku vom Handy warm."
    other = Article("Bahn-App bekommt neuen Fahrplan", "Die App zeigt Verspätungen früher an.")
    near = score(classifier, Comment(text, article=akku), Label.OFF_TOPIC)
    assert score(classifier, Comment(text, article=other), Label.OFF_TOPIC) > near


@pytest.mark.parametrize("article", [None, Article(), Article(title=" ", text="\n", id="7")])
@pytest.mark.parametrize("explain", [True, False])
def test_off_topic_is_not_assessed_without_an_article(
    classifier: Classifier, article: Article | None, explain: bool
) -> None:
    comment = Comment("Hallo zusammen", article=article)
    labels = classifier.assess(comment, explain=explain).labels
    assert labels[Label.OFF_TOPIC] is None
    assert labels[Label.SPAM] is not None


COMMENTS = st.builds(
    Comment,
    text=st.text(max_size=80) | st.sampled_from(["Du 1d10t!", "🤡", "\u200b", "www.geld.example"]),
    article=st.none() | st.builds(Article, title=st.text(max_size=20), text=st.text(max_size=40)),
    parent=st.none() | st.builds(Parent, text=st.text(max_size=40)),
    thread=st.lists(st.text(max_size=30), max_size=3).map(tuple),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(COMMENTS, max_size=6))
def test_a_batch_gives_exactly_what_single_comments_get(
    classifier: Classifier, comments: list[Comment]
) -> None:
    assert classifier.assess_many(comments, explain=True) == [
        classifier.assess(comment) for comment in comments
    ]
    for assessment in classifier.assess_many(comments):
        for label in assessment.labels.values():
            assert label is None or 0 <= label.score <= 1
            assert label is None or label.score == round(label.score, 6)


def test_more_comments_than_fit_at_once_keep_their_order(
    classifier: Classifier, training_comments: list[Comment]
) -> None:
    many = training_comments * 8
    assert classifier.assess_many(many) == classifier.assess_many(training_comments) * 8


def test_an_explanation_changes_no_score(
    classifier: Classifier, training_comments: list[Comment]
) -> None:
    for plain, explained in zip(
        classifier.assess_many(training_comments),
        classifier.assess_many(training_comments, explain=True),
        strict=True,
    ):
        for label in Label:
            assert plain.labels[label].score == explained.labels[label].score


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n",
        "\u200b" * 65536,
        "🤡" * 10000,
        "a" * 65536,
        "a " * 32768,
        "\ud800",
        "\ufdfa" * 9000,
    ],
    ids=["empty", "blank", "zero-width", "emojis", "letter", "letters", "surrogate", "ligatures"],
)
def test_hostile_comments_are_scored_too(classifier: Classifier, akku: Article, text: str) -> None:
    for label in classifier.assess(Comment(text, article=akku)).labels.values():
        assert label is not None
        assert 0 <= label.score <= 1


# --- spans ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "insult",
    [
        "Idiot",
        "1d10t",
        "I\u200bd\u200bi\u200bo\u200bt",
        "Іdіоt",
        "I.d.i.o.t",
        "I d i o t",
        "IDIOT",
        "ｉｄｉｏｔ",
        "Volldepp",
        "V0lldepp",
        "V o l l d e p p",
    ],
)
def test_the_span_covers_the_insult_however_it_is_written(
    classifier: Classifier, akku: Article, insult: str
) -> None:
    text = f"Danke für die Grüße, {insult}, und nun zum Preis für das Gerät."
    spans = judgement(classifier, Comment(text, article=akku), Label.DISPARAGING).spans
    strongest = max(spans, key=lambda span: span.weight)
    assert text[strongest.start : strongest.end] == insult


@pytest.mark.parametrize("emoji", ["🤡", "🤡\ufe0f", "🤡🤡🤡🤡"])
def test_the_span_covers_an_emoji(classifier: Classifier, emoji: str) -> None:
    text = f"Danke, {emoji} und Grüße"
    spans = judgement(classifier, Comment(text), Label.DISPARAGING).spans
    assert [text[span.start : span.end].rstrip("\ufe0f") for span in spans] == [
        emoji.rstrip("\ufe0f")
    ]


def test_the_span_of_advertising_covers_the_link(classifier: Classifier, akku: Article) -> None:
    text = "Hier gibt es das Netzteil: www.reichtum.example/jetzt, viel Erfolg"
    spans = judgement(classifier, Comment(text, article=akku), Label.SPAM).spans
    assert "www.reichtum.example/jetzt" in {text[span.start : span.end] for span in spans}


@pytest.mark.parametrize(
    "text",
    ["Der Akku hält zwei Tage, das reicht mir.", "Der Fahrplan gefällt mir.", "", "899 Euro"],
)
def test_nothing_is_marked_in_a_harmless_comment(
    classifier: Classifier, akku: Article, text: str
) -> None:
    for label in (Label.DISPARAGING, Label.SPAM):
        assert judgement(classifier, Comment(text, article=akku), label).spans == ()


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(["Du", "1d10t", "🤡", "Akku", "㎧", "www.a.example", "\u200b", "V o l l"])
    )
)
def test_spans_are_in_order_apart_and_weighted(classifier: Classifier, parts: list[str]) -> None:
    text = " ".join(parts)
    for label in (Label.DISPARAGING, Label.SPAM):
        spans: tuple[Span, ...] = judgement(classifier, Comment(text), label).spans
        end = 0
        for span in spans:
            assert end <= span.start < span.end <= len(text)
            assert 0 < span.weight <= 1
            end = span.end
        assert sum(span.weight for span in spans) <= 1 + 1e-5


def test_spans_are_not_looked_for_unless_asked(classifier: Classifier) -> None:
    labels = classifier.assess(Comment("Du Idiot"), explain=False).labels
    assert labels[Label.DISPARAGING].spans == ()


# --- on disk --------------------------------------------------------------------------------


@pytest.fixture
def folder(saved_model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved_model, tmp_path / "model"))


def edit_manifest(folder: Path, **fields: object) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_a_loaded_model_scores_as_the_one_that_was_saved(
    classifier: Classifier,
    extractor: FeatureExtractor,
    heads: Heads,
    training_comments: list[Comment],
) -> None:
    expected = heads.predict_proba(extractor.transform(training_comments))
    for assessment, row in zip(classifier.assess_many(training_comments), expected, strict=True):
        scores = [assessment.labels[label].score for label in heads.labels]
        assert scores == [round(float(value), 6) for value in row]


def test_the_version_names_the_manifest(classifier: Classifier, saved_model: Path) -> None:
    digest = hashlib.sha256((saved_model / "manifest.json").read_bytes()).hexdigest()
    assert classifier.version.sha256 == digest
    assert classifier.version.version == classifier.manifest.version == "2026.11.1"


def test_the_manifest_says_what_the_model_is(classifier: Classifier) -> None:
    manifest = classifier.manifest
    assert manifest.schema_version == 1
    assert manifest.labels == (Label.DISPARAGING, Label.OFF_TOPIC, Label.SPAM)
    assert manifest.thresholds[Label.SPAM] == {"0.02": 0.2}
    assert set(manifest.files) == {"heads.joblib", "README.md"}
    assert manifest.training_data[0].licence == "Apache-2.0"
    assert manifest.heads[Label.OFF_TOPIC].blocks[-1] == "relevance"
    assert "scikit-learn" in manifest.libraries
    assert manifest.created.tzinfo is not None


def test_weights_are_mapped_not_copied(saved_model: Path) -> None:
    _, heads = joblib.load(saved_model / "heads.joblib", mmap_mode="r")
    assert isinstance(heads.heads_[Label.SPAM].weights_, np.memmap)


def test_a_model_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="moderation train"):
        Classifier.load(tmp_path / "nowhere")
    with pytest.raises(ModelMissing, match="moderation train"):
        Classifier.load(tmp_path)


def append_a_byte(folder: Path) -> None:
    with (folder / "heads.joblib").open("ab") as file:
        file.write(b"x")


def truncate(folder: Path) -> None:
    os.truncate(folder / "heads.joblib", 1000)


def remove(folder: Path) -> None:
    (folder / "heads.joblib").unlink()


def replace_the_card(folder: Path) -> None:
    (folder / "README.md").write_text("another text")


def add_a_file(folder: Path) -> None:
    (folder / "encoder.onnx").write_bytes(b"?")


def add_a_nested_file(folder: Path) -> None:
    (folder / "deep").mkdir()
    (folder / "deep" / "file").write_bytes(b"?")


def truncate_manifest(folder: Path) -> None:
    os.truncate(folder / "manifest.json", 100)


def break_a_field(folder: Path) -> None:
    edit_manifest(folder, thresholds={"spam": {"0.02": "high"}})


def add_a_field(folder: Path) -> None:
    edit_manifest(folder, colour="blue")


@pytest.mark.parametrize(
    "harm",
    [
        append_a_byte,
        truncate,
        remove,
        replace_the_card,
        add_a_file,
        add_a_nested_file,
        truncate_manifest,
        break_a_field,
        add_a_field,
    ],
)
def test_a_model_that_was_changed_is_refused(harm: Callable[[Path], None], folder: Path) -> None:
    harm(folder)
    with pytest.raises(ModelTampered, match=r"moderation train|remove the file") as caught:
        Classifier.load(folder)
    assert str(folder) in str(caught.value)


def test_nothing_is_unpickled_before_the_hashes_are_checked(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append_a_byte(folder)
    opened: list[object] = []
    monkeypatch.setattr(joblib, "load", lambda *args, **_: opened.append(args))
    with pytest.raises(ModelTampered):
        Classifier.load(folder)
    assert not opened


def test_an_unknown_schema_is_refused(folder: Path) -> None:
    edit_manifest(folder, schema_version=2)
    with pytest.raises(ModelIncompatible, match="schema version 2"):
        Classifier.load(folder)


def test_another_series_of_scikit_learn_is_refused(folder: Path) -> None:
    libraries = json.loads((folder / "manifest.json").read_text())["libraries"]
    edit_manifest(folder, libraries=libraries | {"scikit-learn": "0.24.2"})
    with pytest.raises(ModelIncompatible, match=r"install scikit-learn 0\.24 or"):
        Classifier.load(folder)


def test_another_patch_of_scikit_learn_is_fine(folder: Path) -> None:
    libraries = json.loads((folder / "manifest.json").read_text())["libraries"]
    major, minor, *_ = libraries["scikit-learn"].split(".")
    edit_manifest(folder, libraries=libraries | {"scikit-learn": f"{major}.{minor}.99"})
    assert Classifier.load(folder).version.version == "2026.11.1"


def test_a_model_of_other_code_is_refused(folder: Path) -> None:
    joblib.dump("neither extractor nor heads", folder / "heads.joblib")
    files = json.loads((folder / "manifest.json").read_text())["files"]
    digest = hashlib.sha256((folder / "heads.joblib").read_bytes()).hexdigest()
    edit_manifest(folder, files=files | {"heads.joblib": digest})
    with pytest.raises(ModelIncompatible, match="train it again"):
        Classifier.load(folder)


def test_a_model_trained_on_other_features_is_refused_before_it_scores(
    extractor: FeatureExtractor, saved_model: Path, tmp_path: Path
) -> None:
    wider = FeatureExtractor(replace(extractor.settings, word_columns=2**13))
    wider.fit([Comment("Der Akku hält zwei Tage.")])
    heads = joblib.load(saved_model / "heads.joblib")[1]
    save_model(
        tmp_path / "model",
        wider,
        heads,
        version="1",
        thresholds={label: {"0.02": 0.2} for label in Label},
        training_data=[],
        metrics={},
    )
    with pytest.raises(ModelIncompatible, match="trained on other features"):
        Classifier.load(tmp_path / "model")


def test_every_refusal_is_a_model_error() -> None:
    assert {ModelMissing, ModelTampered, ModelIncompatible} <= set(ModelError.__subclasses__())


def save(folder: Path, extractor: FeatureExtractor, heads: Heads, version: str) -> None:
    save_model(
        folder,
        extractor,
        heads,
        version=version,
        thresholds={},
        training_data=[],
        metrics={},
    )


def test_saving_again_replaces_the_model_and_leaves_nothing_behind(
    tmp_path: Path, extractor: FeatureExtractor, heads: Heads
) -> None:
    folder = tmp_path / "default"
    save(folder, extractor, heads, "1")
    save(folder, extractor, heads, "2")
    assert Classifier.load(folder).version.version == "2"
    assert [path.name for path in tmp_path.iterdir()] == ["default"]


def test_a_save_that_fails_leaves_the_former_model_alone(
    tmp_path: Path, extractor: FeatureExtractor, heads: Heads
) -> None:
    folder = tmp_path / "default"
    save(folder, extractor, heads, "1")
    with pytest.raises(ValueError, match="version"):
        save(folder, extractor, heads, "")
    assert Classifier.load(folder).version.version == "1"
    assert [path.name for path in tmp_path.iterdir()] == ["default"]


# --- with an encoder ------------------------------------------------------------------------


def test_a_model_with_an_encoder_brings_it_along(
    model_with_encoder: Path, classifier: Classifier, akku: Article
) -> None:
    with_encoder = Classifier.load(model_with_encoder)
    comment = Comment("Du Idiot, du Volldepp.", article=akku)
    assert set(with_encoder.manifest.files) == {
        "heads.joblib",
        "encoder/encoder.onnx",
        "encoder/relations.npz",
        "encoder/tokenizer.json",
    }
    assert score(with_encoder, comment, Label.DISPARAGING) != score(
        classifier, comment, Label.DISPARAGING
    )


def test_with_an_encoder_a_comment_scores_the_same_alone_and_in_a_batch(
    model_with_encoder: Path, training_comments: list[Comment]
) -> None:
    classifier = Classifier.load(model_with_encoder)
    together = classifier.assess_many(training_comments)
    alone = [classifier.assess(comment, explain=False) for comment in training_comments]
    assert together == alone


def test_a_model_whose_encoder_was_taken_away_is_refused(
    model_with_encoder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(model_with_encoder, folder)
    shutil.rmtree(folder / "encoder")
    with pytest.raises(ModelTampered, match="lacks its file 'encoder/"):
        Classifier.load(folder)
