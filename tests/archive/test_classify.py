"""``moderation classify``: a file in, a file out, line by line what /classify would say."""

import json
import os

import pytest
from click.testing import CliRunner

from moderation import wire
from moderation.archive.classify import LONGEST_LINE, classify_lines, lines_of
from moderation.cli import main

ARTICLE = {
    "id": "a1",
    "url": "https://blog.example/akku",
    "title": "Neuer Akku hält zwei Tage",
    "text": "Der Hersteller verspricht zwei Tage Laufzeit. Im Test waren es anderthalb.",
}


@pytest.fixture
def run(tmp_path, model_dir, monkeypatch):
    """Run the command on some lines; returns exit status, answers and standard error."""
    monkeypatch.setenv("MODERATION_MODEL_DIR", str(model_dir))

    def run(*lines, options=()):
        source, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
        source.write_bytes(b"".join(lines))
        result = CliRunner().invoke(
            main, ["classify", str(source), "-o", str(output), *options], catch_exceptions=False
        )
        answers = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
        return result.exit_code, answers, result.stderr

    return run


def line(**request):
    return json.dumps(request, ensure_ascii=False).encode() + b"\n"


def test_every_line_is_answered_in_order_and_nothing_is_stored(run, tmp_path):
    status, answers, _ = run(*(line(id=f"c{n}", text=f"Bei mir {n} Stunden.") for n in range(600)))
    assert status == 0
    assert [answer["id"] for answer in answers] == [f"c{n}" for n in range(600)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


def test_the_answer_is_the_one_the_service_gives(run, classifier, rules):
    text = "Wer das schreibt, ist ein Vollidiot."
    request = wire.read({"id": "1", "text": text, "article": ARTICLE})
    assessment = classifier.assess(request.comment())
    expected = wire.answer("1", assessment, rules.judge(text, assessment), rules.ids)
    _, [answer], _ = run(line(id="1", text=text, article=ARTICLE))
    assert answer == json.loads(json.dumps(expected))


def test_a_broken_line_in_the_middle_becomes_an_error_line_and_the_run_goes_on(run):
    status, answers, said = run(
        line(text="Guter Test."), b'{"text": "kaputt\n', line(text="Danke!")
    )
    assert status == 1
    assert [answer.get("status") for answer in answers] == [None, 400, None]
    assert answers[1]["line"] == 2
    assert "1 lines could not be scored" in said


@pytest.mark.parametrize(
    ("bad", "status"),
    [
        (b"\n", 400),
        (b'{"text": "\xff\xfe"}\n', 400),
        (b"[1, 2]\n", 422),
        (line(text="   "), 422),
        (line(text=7), 422),
        (line(text="Hallo", colour="blue"), 422),
        (line(text="Hallo", article={"id": "never-sent"}), 422),
        (line(text="Hallo", parent={"id": "never-sent"}), 422),
        (line(text="x" * (LONGEST_LINE + 10)), 413),
    ],
)
def test_bad_input_is_answered_with_the_status_of_the_service(run, bad, status):
    exit_code, answers, _ = run(bad, line(text="Danke!"))
    assert exit_code == 1
    assert answers[0]["status"] == status
    assert answers[0]["detail"].endswith(".")
    assert "verdict" in answers[1]


def test_an_article_sent_once_may_be_named_by_id_or_url_later(run):
    _, answers, _ = run(
        line(text="Erster Eindruck: gut.", article=ARTICLE),
        line(text="Wie lange hält der Akku?", article={"id": "a1"}),
        line(text="Wie lange hält der Akku?", article={"url": ARTICLE["url"]}),
        line(text="Wie lange hält der Akku?", article=ARTICLE),
    )
    assert answers[1]["labels"] == answers[2]["labels"] == answers[3]["labels"]
    assert answers[1]["labels"]["off_topic"] is not None


def test_a_parent_may_be_named_by_the_id_of_an_earlier_line(run):
    _, answers, _ = run(
        line(id="p", text="Mein Akku hält drei Stunden.", article=ARTICLE),
        line(text="Meiner auch.", article={"id": "a1"}, parent={"id": "p"}),
        line(text="Meiner auch.", article=ARTICLE, parent={"text": "Mein Akku hält drei Stunden."}),
    )
    assert answers[1]["labels"] == answers[2]["labels"]


def test_reasons_come_in_english_when_asked_for(run):
    insult = line(text="Du bist doch ein dummer Idiot und Vollpfosten.")
    _, [german], _ = run(insult)
    _, [english], _ = run(insult, options=["--language", "en"])
    assert german["labels"] == english["labels"]
    assert german["verdict"] == "hold"
    assert "herab" in german["reasons"][0]
    assert "put" in english["reasons"][0]


def test_a_line_without_newline_at_the_end_counts(run):
    _, answers, _ = run(line(text="Danke!").rstrip())
    assert len(answers) == 1


def test_a_missing_model_is_one_clear_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("MODERATION_MODEL_DIR", str(tmp_path / "nowhere"))
    source = tmp_path / "in.jsonl"
    source.write_bytes(line(text="Danke!"))
    result = CliRunner().invoke(main, ["classify", str(source), "-o", str(tmp_path / "out.jsonl")])
    assert result.exit_code == 1
    assert "There is no model in" in result.stderr
    assert not (tmp_path / "out.jsonl").exists()


def test_a_missing_input_is_one_clear_sentence(tmp_path, model_dir, monkeypatch):
    monkeypatch.setenv("MODERATION_MODEL_DIR", str(model_dir))
    result = CliRunner().invoke(
        main, ["classify", str(tmp_path / "no.jsonl"), "-o", str(tmp_path / "out.jsonl")]
    )
    assert result.exit_code == 1
    assert "no.jsonl cannot be read" in result.stderr
    assert not (tmp_path / "out.jsonl").exists()


def test_it_reads_standard_input_and_writes_standard_output(model_dir, monkeypatch):
    monkeypatch.setenv("MODERATION_MODEL_DIR", str(model_dir))
    result = CliRunner().invoke(main, ["classify", "-", "-o", "-"], input=line(text="Danke!"))
    assert result.exit_code == 0
    assert json.loads(result.stdout)["verdict"] in {"approve", "hold"}


def test_an_overlong_line_is_read_past_in_bounded_pieces(tmp_path):
    path = tmp_path / "long.jsonl"
    path.write_bytes(b"x" * (3 * LONGEST_LINE) + b"\n" + b"y" * LONGEST_LINE + b"\nz")
    with path.open("rb") as stream:
        lengths = [len(each) for each in lines_of(stream)]
    assert lengths == [LONGEST_LINE + 1, LONGEST_LINE + 1, 1]


def test_lines_are_taken_as_they_are_needed(classifier, rules):
    taken = 0

    def lines():
        nonlocal taken
        while True:
            taken += 1
            yield line(text="Danke!")

    next(classify_lines(lines(), classifier, rules))
    assert taken < 1000


def test_a_run_that_ends_early_leaves_no_output(tmp_path, model_dir, monkeypatch):
    monkeypatch.setenv("MODERATION_MODEL_DIR", str(model_dir))
    source = tmp_path / "in.jsonl"
    source.write_bytes(line(text="Danke!"))
    locked = tmp_path / "missing-folder" / "out.jsonl"
    result = CliRunner().invoke(main, ["classify", str(source), "-o", str(locked)])
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr
    assert not os.path.exists(locked)
