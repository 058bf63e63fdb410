"""``moderation train`` and ``moderation evaluate`` from end to end, on a part of the seeds."""

import json
import shutil
import sys
import xml.etree.ElementTree as ET

import pytest
from click.testing import CliRunner

from moderation.classifier import Classifier
from moderation.cli import main
from moderation.comment import Comment, Label
from moderation.settings import PROJECT_ROOT

ARTICLES = {"train": 14, "dev": 6, "test": 6}


def lines(name, folder=PROJECT_ROOT / "seeds"):
    return (folder / f"{name}.jsonl").read_text(encoding="utf-8").strip("\n").split("\n")


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    """A folder with a few articles of each split of the real seeds."""
    folder = tmp_path_factory.mktemp("seeds")
    rows = [json.loads(line) for line in lines("comments")]
    chosen = set()
    for split, count in ARTICLES.items():
        in_split = dict.fromkeys(row["article"] for row in rows if row["split"] == split)
        chosen |= set(list(in_split)[:count])
    for name, key in (("articles", "id"), ("comments", "article")):
        kept = [line for line in lines(name) if json.loads(line)[key] in chosen]
        (folder / f"{name}.jsonl").write_text("\n".join(kept) + "\n", encoding="utf-8")
    return folder


def run(*arguments):
    return CliRunner().invoke(main, [str(each) for each in arguments], catch_exceptions=False)


@pytest.fixture(scope="module")
def trained(seeds, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "0.0.1"
    # n-grams alone: what is tested here does not depend on what a score rests on
    options = ("--seeds", seeds, "--without-encoder")
    result = run("train", "--version", "0.0.1", *options, "-o", folder)
    assert result.exit_code == 0, result.output
    return folder, result.output


def test_training_makes_a_model_that_loads_and_scores(trained):
    classifier = Classifier.load(trained[0])
    assert classifier.version.version == "0.0.1"
    assessment = classifier.assess(Comment("Du bist ein Vollidiot."))
    assert 0 <= assessment.labels[Label.DISPARAGING].score <= 1


def test_the_manifest_says_what_it_learned_from_and_how_well(trained):
    manifest = Classifier.load(trained[0]).manifest
    assert [source.name for source in manifest.training_data] == ["seeds, train split"]
    assert manifest.training_data[0].rows == 14 * 31
    assert set(manifest.metrics) == {"seeds dev", "seeds test", "seeds test under titles"}
    assert set(manifest.thresholds) == set(Label)


def test_the_model_comes_with_its_card(trained):
    card = (trained[0] / "README.md").read_text(encoding="utf-8")
    assert card.startswith("# Model 0.0.1\n")
    assert "| seeds test | spam |" in card
    assert "README.md" in Classifier.load(trained[0]).manifest.files


def test_training_says_how_to_put_the_model_to_use(trained):
    assert "ln -sfn 0.0.1" in trained[1]


def test_the_same_data_gives_the_same_model(trained, seeds, tmp_path):
    options = ("--seeds", seeds, "--without-encoder")
    run("train", "--version", "0.0.1", *options, "-o", tmp_path / "again")
    again = Classifier.load(tmp_path / "again").manifest
    first = Classifier.load(trained[0]).manifest
    # the model card says how long scoring took
    assert again.files["heads.joblib"] == first.files["heads.joblib"]
    assert again.files.keys() == first.files.keys()
    assert again.thresholds == first.thresholds


def test_it_has_learned_something(trained):
    figures = Classifier.load(trained[0]).manifest.metrics["seeds dev"]["labels"]
    assert figures["disparaging"]["roc_auc"] > 0.6
    assert figures["spam"]["roc_auc"] > 0.8


def test_evaluation_prints_tables_and_writes_json_and_plots(trained, seeds, tmp_path):
    result = run("evaluate", "--model", trained[0], "--seeds", seeds, "--by", "function",
                 "-o", tmp_path / "out")  # fmt: skip
    assert result.exit_code == 0
    for expected in (
        "| seeds dev | disparaging |",
        "| seeds test | spam |",
        "| target miss rate (seeds dev) |",
        "| product_rant | approved |",
    ):
        assert expected in result.output
    body = json.loads((tmp_path / "out" / "evaluation.json").read_text(encoding="utf-8"))
    assert body["model"]["version"] == "0.0.1"
    assert [each["name"] for each in body["sets"]] == [
        "seeds dev",
        "seeds test",
        "seeds dev under titles",
        "seeds test under titles",
    ]
    plots = sorted(path.name for path in (tmp_path / "out").glob("*.svg"))
    assert plots == [
        "seeds-dev-precision-recall.svg",
        "seeds-dev-reliability.svg",
        "seeds-dev-under-titles-precision-recall.svg",
        "seeds-dev-under-titles-reliability.svg",
        "seeds-test-precision-recall.svg",
        "seeds-test-reliability.svg",
        "seeds-test-under-titles-precision-recall.svg",
        "seeds-test-under-titles-reliability.svg",
    ]
    for plot in plots:
        assert ET.parse(tmp_path / "out" / plot).getroot().tag.endswith("svg")


def test_one_split_of_the_seeds_may_be_measured_alone(trained, seeds, tmp_path):
    result = run("evaluate", "--model", trained[0], "--seeds", seeds, "--split", "test",
                 "-o", tmp_path)  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "| seeds test | spam |" in result.output
    assert "seeds dev" not in result.output


def test_without_matplotlib_the_figures_come_and_the_plots_are_explained(
    trained, seeds, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "moderation.training.plots", raising=False)
    result = run("evaluate", "--model", trained[0], "--seeds", seeds, "-o", tmp_path)
    assert result.exit_code == 0
    assert "The plots need matplotlib" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["evaluation.json"]


def test_no_comment_reaches_the_evaluation(trained, seeds, tmp_path):
    result = run("evaluate", "--model", trained[0], "--seeds", seeds, "-o", tmp_path)
    written = result.output + "".join(p.read_text(encoding="utf-8") for p in tmp_path.iterdir())
    for line in lines("comments", seeds):
        text = json.loads(line)["text"]
        assert len(text) < 25 or text not in written


def test_a_tampered_model_is_refused_with_what_to_do(trained, seeds, tmp_path):
    shutil.copytree(trained[0], tmp_path / "model")
    with (tmp_path / "model" / "heads.joblib").open("r+b") as file:
        file.seek(1000)
        file.write(b"\0\1\2\3")
    result = run("evaluate", "--model", tmp_path / "model", "--seeds", seeds, "-o", tmp_path)
    assert result.exit_code == 1
    assert "train" in result.output


def test_a_corpus_without_its_folder_is_refused():
    result = run("train", "--version", "1", "--corpus", "gahd")
    assert result.exit_code == 2
    assert "--corpus needs --data" in result.output


def test_a_missing_corpus_file_is_named(tmp_path, seeds):
    folder = tmp_path / "model"
    options = ("--data", tmp_path, "--corpus", "gahd", "--seeds", seeds, "-o", folder)
    result = run("train", "--version", "1", *options)
    assert result.exit_code == 1
    assert "gahd_train_dev.tsv is missing" in result.output


def test_too_few_labelled_comments_are_refused_with_a_reason(tmp_path, seeds):
    few = tmp_path / "few"
    few.mkdir()
    for name, count in (("articles", 1), ("comments", 12)):
        kept = lines(name, seeds)[:count]
        (few / f"{name}.jsonl").write_text("\n".join(kept) + "\n", encoding="utf-8")
    result = run("train", "--version", "1", "--seeds", few, "-o", tmp_path / "model")
    assert result.exit_code == 1
    assert "add labelled comments" in result.output
    assert not (tmp_path / "model").exists()


def test_the_encoder_in_use_comes_along_unless_told_otherwise(trained, seeds, tmp_path):
    assert not any(
        name.startswith("encoder/") for name in Classifier.load(trained[0]).manifest.files
    )
    result = run("train", "--version", "0.0.2", "--seeds", seeds, "-o", tmp_path / "model")
    assert result.exit_code == 0, result.output
    classifier = Classifier.load(tmp_path / "model")
    assert "encoder/encoder.onnx" in classifier.manifest.files
    assert classifier.assess(Comment("Danke für den Test!")).labels[Label.DISPARAGING].score < 0.5
