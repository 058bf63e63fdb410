"""The checks of our own corpus, each shown a corpus with one thing wrong."""

import json
import shutil
import sys

import pytest
from click.testing import CliRunner

from moderation.cli import main
from moderation.seeds.check import check
from moderation.settings import PROJECT_ROOT

PROSE = " ".join(f"Wort{n}" for n in range(90))


def comment(number, text, *, article="a001", label=None, **changes):
    labels = {"disparaging": 0, "off_topic": 0, "spam": 0}
    if label:
        labels[label] = 1
    return {
        "id": f"{article}-{number:02d}",
        "article": article,
        "parent": None,
        "text": text,
        "labels": labels,
        "function": {None: "opinion", "disparaging": "reader_insult", "off_topic": "chat"}[label],
        "severity": 1 if label else None,
        "borderline": False,
        "split": "train" if article == "a001" else "dev",
        "pair": None,
    } | changes


@pytest.fixture
def corpus(tmp_path):
    """A small sound corpus (but for its size), written out by ``save``."""

    class Corpus:
        def __init__(self):
            self.articles = [
                {
                    "id": f"a00{n}",
                    "title": f"Ein Test Nummer {n}",
                    "author": "Lena Brock",
                    "tags": ["Test"],
                    "topic": "phones",
                    "text": PROSE,
                }
                for n in (1, 2)
            ]
            self.comments = [
                comment(1, "Der Akku hält bei mir den ganzen Tag, das reicht mir völlig."),
                comment(
                    2, "Wer das kauft, hat die Kontrolle verloren, du Held.", label="disparaging"
                ),
                comment(3, "Moin zusammen, wer fährt am Samstag mit zum See?", label="off_topic"),
                comment(1, "Die Kamera ist nachts zu dunkel.", article="a002"),
                comment(2, "Du Nase, lies den Text.", article="a002", label="disparaging"),
                comment(3, "Schönes Wochenende euch allen!", article="a002", label="off_topic"),
                comment(4, "Taugt das Gerät auch fürs Rad?", article="a002"),
            ]
            self.opinions = [
                {"id": c["id"], "first": c["labels"], "second": c["labels"], "settled": None}
                for c in self.comments
            ]

        def save(self):
            shutil.copy(PROJECT_ROOT / "seeds" / "schema.json", tmp_path)
            for name in ("articles", "comments", "opinions"):
                file = "second_opinion" if name == "opinions" else name
                lines = [json.dumps(row, ensure_ascii=False) for row in getattr(self, name)]
                (tmp_path / f"{file}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
            return tmp_path

    return Corpus()


def findings(corpus):
    return [
        finding
        for finding in check(corpus.save())
        if not finding.message.endswith(("are needed.", "not 70%.", "not 15%."))
        and "none in the split" not in finding.message
        and "alone tells" not in finding.message
    ]


def one_about(corpus, *ids):
    [finding] = [finding for finding in findings(corpus) if set(ids) <= set(finding.ids)]
    return finding.message


def test_a_sound_corpus_has_no_findings_but_its_size(corpus):
    assert findings(corpus) == []
    assert any("4000 are needed" in str(finding) for finding in check(corpus.save()))


def test_an_unknown_function_is_named_with_its_id(corpus):
    corpus.comments[0]["function"] = "ramble"
    assert "ramble" in one_about(corpus, "a001-01")


def test_an_article_that_is_too_short_is_found(corpus):
    corpus.articles[1]["text"] = "Kurz."
    assert "articles.jsonl" in one_about(corpus, "a002")


def test_an_id_that_stands_twice_is_found(corpus):
    corpus.comments[1]["id"] = "a001-01"
    assert "stands twice" in one_about(corpus, "a001-01")


def test_a_parent_that_comes_later_is_found(corpus):
    corpus.comments[0]["parent"] = "a001-02"
    assert "not an earlier comment" in one_about(corpus, "a001-01")


def test_an_article_torn_between_splits_is_found(corpus):
    corpus.comments[2]["split"] = "test"
    assert "more than one split" in one_about(corpus, "a001")


def test_a_fine_function_with_a_label_is_found(corpus):
    corpus.comments[0] |= {"labels": corpus.comments[1]["labels"], "severity": 1}
    corpus.opinions[0] |= {
        "first": corpus.comments[1]["labels"],
        "second": corpus.comments[1]["labels"],
    }
    assert "is fine, but a label is set" in one_about(corpus, "a001-01")


def test_a_violation_without_severity_is_found(corpus):
    corpus.comments[1]["severity"] = None
    assert "have a severity" in one_about(corpus, "a001-02")


def test_the_same_text_twice_is_found_whatever_its_spacing(corpus):
    corpus.comments[3]["text"] = corpus.comments[0]["text"].upper().replace(" ", "  ")
    messages = [finding.message for finding in findings(corpus)]
    assert "The same text:" in messages


def test_near_duplicates_are_found(corpus):
    corpus.comments[3]["text"] = corpus.comments[0]["text"] + "!"
    assert one_about(corpus, "a001-01", "a002-01") == "Near-duplicates:"


def test_a_pair_is_two_comments_under_one_parent_that_differ_a_little_and_flip_a_label(corpus):
    corpus.comments[0]["pair"] = corpus.comments[1]["pair"] = "a001-A"
    assert "more than a small change apart" in one_about(corpus, "a001-01", "a001-02")
    corpus.comments[1]["text"] = corpus.comments[0]["text"].replace("mir", "dir Held")
    assert findings(corpus) == []
    corpus.comments[1]["parent"] = "a001-01"
    assert "not under one article and parent" in one_about(corpus, "a001-01", "a001-02")


def test_a_pair_of_one_is_found(corpus):
    corpus.comments[0]["pair"] = "a001-A"
    assert "does not have two comments" in one_about(corpus, "a001-01")


def test_a_comment_without_second_opinion_is_found(corpus):
    del corpus.opinions[3]
    assert one_about(corpus, "a002-01") == "Without a second opinion:"


def test_a_disagreement_must_be_settled(corpus):
    corpus.opinions[0] = corpus.opinions[0] | {"second": corpus.comments[1]["labels"]}
    assert "The second reader disagreed" in one_about(corpus, "a001-01")
    corpus.opinions[0]["settled"] = "borderline"
    assert "The second reader disagreed" in one_about(corpus, "a001-01")
    corpus.comments[0]["borderline"] = True
    assert findings(corpus) == []


def test_a_disagreement_settled_by_relabelling_takes_the_second_label(corpus):
    changed = corpus.opinions[0]["first"] | {"disparaging": 1}
    corpus.opinions[0] = corpus.opinions[0] | {"first": changed, "settled": "relabelled"}
    assert findings(corpus) == []


def test_length_that_gives_the_label_away_is_found(corpus):
    for number in range(10, 40):
        for article in ("a001", "a002"):
            long = comment(number, f"Satz {number} {article} " + "lang " * 30, article=article)
            short = comment(
                number + 40, f"Depp {number}{article[-1]}", article=article, label="disparaging"
            )
            corpus.comments = [*corpus.comments, long, short]
    messages = [finding.message for finding in check(corpus.save())]
    assert any(
        message.startswith("The length in words alone tells disparaging") for message in messages
    )


def test_the_command_prints_what_is_wrong_and_fails(corpus):
    corpus.comments[1]["severity"] = None
    result = CliRunner().invoke(main, ["seeds", "check", "--folder", str(corpus.save())])
    assert result.exit_code == 1
    assert "have a severity" in result.output
    assert "a001-02" in result.output


def test_a_line_that_is_not_json_is_named(corpus):
    folder = corpus.save()
    with (folder / "comments.jsonl").open("a", encoding="utf-8") as file:
        file.write("{kaputt\n")
    result = CliRunner().invoke(main, ["seeds", "check", "--folder", str(folder)])
    assert result.exit_code == 1
    assert "comments.jsonl, line 8: not JSON" in result.output


def test_without_its_libraries_the_check_says_what_to_install(corpus, monkeypatch):
    monkeypatch.setitem(sys.modules, "datasketch", None)
    monkeypatch.delitem(sys.modules, "moderation.seeds.check", raising=False)
    result = CliRunner().invoke(main, ["seeds", "check", "--folder", str(corpus.save())])
    assert result.exit_code == 1
    assert "The check needs datasketch" in result.output
