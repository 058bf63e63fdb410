"""Archives for the tests, made of seeds, and the judges of a run.

What an archive goes through does not depend on what a score rests on, so the model here is the
one that ships without its encoder, which is many times as fast.
"""

import json

import pytest

from moderation.archive.rescore import Judges
from moderation.classifier import Classifier, save_without_encoder
from moderation.comment import Label
from moderation.rules import RuleBook
from moderation.seeds import Split, read_corpus
from moderation.settings import PROJECT_ROOT, Settings

STATUS = ("approved", "rejected", "approved", "pending", "spam")


@pytest.fixture(scope="session")
def archive(tmp_path_factory):
    """A JSONL archive of 90 comments under a few articles, children before their parents."""
    comments = [seed.comment for seed in read_corpus(PROJECT_ROOT / "seeds").of(Split.TEST)][:90]
    lines = []
    for number, comment in enumerate(reversed(comments)):
        told = {
            "id": comment.id,
            "text": comment.text,
            "article": {"id": comment.article.id, "title": comment.article.title},
            "status": STATUS[number % len(STATUS)],
        }
        if comment.parent:
            told["parent"] = {"id": comment.parent.id}
        if number % 4:
            told["date"] = f"{2010 + number % 3}-05-01T10:00:00"
        if number % 3 == 0:
            told["scores"] = {"disparaging": 0.5, "off_topic": 0.01, "spam": 0.0}
        lines.append(json.dumps(told, ensure_ascii=False) + "\n")
    path = tmp_path_factory.mktemp("archive") / "archive.jsonl"
    path.write_text("".join(lines), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def model_dir(tmp_path_factory):
    """The model that ships, without its encoder."""
    folder = tmp_path_factory.mktemp("models") / "quick"
    thresholds = {label: {"0.02": 0.3} for label in Label}
    save_without_encoder(Settings().model_dir, folder, thresholds)
    return folder


@pytest.fixture(autouse=True)
def _model_in_use(model_dir, monkeypatch):
    """Commands, in this process and in others, use that model too."""
    monkeypatch.setenv("MODERATION_MODEL_DIR", str(model_dir))


@pytest.fixture(scope="session")
def classifier(model_dir):
    """That model, loaded once."""
    return Classifier.load(model_dir)


@pytest.fixture(scope="session")
def rules(classifier):
    """The blog's rules with the thresholds of that model."""
    return RuleBook.load(Settings().rules_file).with_thresholds(classifier.manifest.thresholds)


@pytest.fixture(scope="session")
def judges(model_dir, classifier, rules):
    """The model that ships and the blog's rules."""
    return Judges(model_dir, classifier, rules)
