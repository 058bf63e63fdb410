"""``moderation import``: an archive becomes stored comments with decisions, once."""

import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from moderation.archive.importing import import_archive
from moderation.archive.reading import Source
from moderation.archive.rescore import Judges
from moderation.archive.scoring import Crew
from moderation.cli import main
from moderation.comment import Action, DecisionSource, Label, Parent
from moderation.desk import Desk
from moderation.store import State, Store

ARTICLE = {"id": "a", "url": "https://blog.example/a", "title": "Akku", "text": "Er hält lange."}
DATE = datetime(2019, 12, 24, 18, 30, tzinfo=UTC)
LINES = (
    {"id": "1", "text": "Danke!", "article": {"id": "a"}, "status": "approved", "date": str(DATE)},
    {"id": "2", "text": "Gern!", "article": ARTICLE, "parent": {"id": "3"}, "status": "rejected"},
    {"id": "3", "text": "Schöner Test.", "article": {"id": "a"}, "status": "spam"},
    {"id": "4", "text": "Hält bei mir auch lange.", "article": {"id": "a"}, "status": "pending"},
    {"id": "5", "text": "Danke für den Test!", "article": {"id": "a"}},
)


@pytest.fixture
def run(tmp_path, store, judges):
    """Import lines; gives what was added and what was a problem."""

    def run(*lines, judges=judges):
        path = tmp_path / "in.jsonl"
        path.write_text("".join(json.dumps(each) + "\n" for each in lines))
        problems = []
        crew = Crew(jobs=1, chunk=2)
        done = import_archive(Source(str(path)), store, judges, crew, tell=problems.append)
        return done, [str(problem) for problem in problems]

    return run


@pytest.fixture
def desk(store, classifier, rules):
    """The desk over the same store."""
    return Desk(store, classifier, rules)


def test_articles_threads_and_comments_come_with_what_became_of_them(run, desk, rules, judges):
    lenient = rules.model_copy(
        update={"rules": tuple(r.model_copy(update={"hold_at": 0.999}) for r in rules.rules)}
    )
    done, problems = run(*LINES, judges=Judges(judges.model_dir, judges.classifier, lenient))
    assert (done.comments, done.decisions, done.known, problems) == (5, 3, 0, [])
    stored = {each["id"]: desk.comment(each["id"]) for each in LINES}
    assert [each.state for each in stored.values()] == [
        State.APPROVED,
        State.REJECTED,
        State.REJECTED,
        State.HELD,
        State.APPROVED,
    ]
    assert stored["1"].article.text == ARTICLE["text"]
    assert stored["1"].submitted_at == DATE
    assert stored["2"].parent == Parent("Schöner Test.", "3")
    [decision] = stored["3"].decisions
    assert (decision.action, decision.source) == (Action.REJECT, DecisionSource.IMPORT)
    assert decision.rule == "werbung"
    assert decision.moderator is None
    assert stored["2"].decisions[0].rule is None
    assert stored["5"].decisions == ()


def test_a_second_import_adds_only_what_is_new(run, desk):
    run(*LINES[:3])
    before = desk.comment("1")
    done, _ = run(*LINES)
    assert (done.comments, done.decisions, done.known) == (2, 0, 3)
    assert desk.comment("1") == before
    done, _ = run(*LINES)
    assert (done.comments, done.decisions, done.known) == (0, 0, 5)


def test_a_comment_gets_its_first_decision_when_the_archive_has_one_by_now(run, desk):
    run(LINES[3])
    done, _ = run(LINES[3] | {"status": "approved"})
    assert (done.comments, done.decisions) == (0, 1)
    assert desk.comment("4").state is State.APPROVED
    done, _ = run(LINES[3] | {"status": "rejected"})
    assert done.decisions == 0
    assert desk.comment("4").state is State.APPROVED


def test_what_people_decided_here_is_not_overruled(run, desk):
    run(LINES[3])
    desk.decide("4", Action.REJECT, "anna", version=desk.comment("4").version)
    run(LINES[3] | {"status": "approved"})
    assert desk.comment("4").state is State.REJECTED


def test_an_imported_decision_can_be_undone_at_the_desk(run, desk):
    run(*LINES)
    desk.undo("1", "anna", version=desk.comment("1").version)
    assert desk.comment("1").decisions[-1].action is Action.UNDO


def test_scores_are_those_of_the_desk_and_held_comments_say_why(run, desk):
    run(*LINES)
    insult = {"id": "6", "text": "Du bist doch ein dummer Idiot!", "article": ARTICLE}
    run(insult, {"id": "7", "text": "Du bist doch ein dummer Idiot!", "status": "approved"})
    held = desk.comment("6")
    assert held.state is State.HELD
    assert held.assessment == desk.assess(held.comment).assessment
    assert held.verdict.reasons


def test_what_cannot_be_kept_is_named_and_the_rest_goes_on(run):
    done, problems = run({"text": "Ohne Nummer"}, {"id": "9" * 300, "text": "a"}, *LINES)
    assert done.comments == 5
    assert problems[0].startswith("line 2: /id")
    assert problems[1].startswith("line 1: The comment has no id")


def test_values_the_store_does_not_take_are_named(tmp_path, store, judges):
    path = tmp_path / "in.csv"
    path.write_text(f"id,text\n{'9' * 300},Danke!\n8,Danke!\n")
    problems = []
    done = import_archive(Source(str(path)), store, judges, Crew(jobs=1), tell=problems.append)
    assert done.comments == 1
    assert [str(problem) for problem in problems] == ["line 2: id: An id has 1 to 255 characters."]


def test_the_command_judges_by_the_thresholds_that_admins_set(
    tmp_path, database_url, desk, monkeypatch
):
    monkeypatch.setenv("MODERATION_DATABASE_URL", database_url)
    source = tmp_path / "in.jsonl"
    for number, threshold in (("1", 0.0), ("2", 1.0), ("3", None)):
        desk.apply_threshold(Label.DISPARAGING, threshold, "ada")
        source.write_text(json.dumps({"id": number, "text": "Danke für den Test!"}))
        assert CliRunner().invoke(main, ["import", str(source), "--jobs", "1"]).exit_code == 0
    assert desk.comment("1").state is State.HELD
    assert desk.comment("2").state is State.APPROVED
    assert desk.comment("3").state is State.APPROVED


def test_the_command_imports_and_says_how_much(tmp_path, empty_database_url, monkeypatch):
    monkeypatch.setenv("MODERATION_DATABASE_URL", empty_database_url)
    source, listed = tmp_path / "in.jsonl", tmp_path / "problems.jsonl"
    source.write_text("".join(json.dumps(each) + "\n" for each in (*LINES, {"text": ""})))
    arguments = ["import", str(source), "--jobs", "1", "--problems", str(listed)]
    unmigrated = CliRunner().invoke(main, arguments)
    assert "moderation db migrate" in unmigrated.stderr
    store = Store(empty_database_url)
    store.migrate()
    store.close()
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1
    assert "5 comments and 3 decisions added, 0 comments were there before." in result.stdout
    assert "line 6: /text" in result.stderr
    assert json.loads(listed.read_text())["place"] == "line 6"
