"""``rescore --apply`` and ``moderation undo``: what changes, what stays, and the way back."""

import multiprocessing
import random
import re
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from moderation.archive.applying import apply_changes, changed, undo_changes
from moderation.archive.changelog import ChangeLog, StatusChange, latest_log
from moderation.archive.record import Applied, ArchiveError, Status
from moderation.archive.statuses import StoredStatuses
from moderation.cli import main
from moderation.comment import Action, Comment, DecisionSource
from moderation.desk import Desk
from moderation.store import State, Store

FINE = "Der Akku hält bei mir zwei Tage, danke für den Test."
INSULT = "Du bist so ein dämlicher Vollidiot, halt einfach die Klappe."
ABOUT = {"source": "store", "database": "sqlite:///moderation.db"}


@pytest.fixture
def desk(store, classifier, rules):
    """A desk over an empty database, the one that the commands use too."""
    return Desk(store, classifier, rules)


@pytest.fixture
def command(installed):
    """Run a command over that database; gives its exit status and what it printed."""

    def command(*words):
        result = CliRunner().invoke(main, [str(word) for word in words])
        return result.exit_code, result.output

    return command


@pytest.fixture
def imported(desk):
    """An insult that was published, something harmless in the trash, and one of each as it was."""
    told = {
        "published insult": (INSULT, Action.APPROVE),
        "rejected insult": (INSULT + " Echt.", Action.REJECT),
        "published thanks": (FINE, Action.APPROVE),
        "rejected thanks": (FINE + " Danke!", Action.REJECT),
    }
    for comment_id, (text, action) in told.items():
        desk.submit(Comment(text, id=comment_id))
        desk.decide(comment_id, action, None, version=1, source=DecisionSource.IMPORT)
    return desk


@pytest.fixture
def rescore(command, tmp_path):
    """Score the store again, compared with what became of the comments."""

    def rescore(*options):
        words = ("store", "-o", tmp_path / "out.jsonl", "--jobs", 1, "--compare", "status")
        return command("rescore", *words, *options)

    return rescore


def states(desk):
    ids = ("published insult", "rejected insult", "published thanks", "rejected thanks")
    return [desk.comment(each).state for each in ids]


BEFORE = [State.APPROVED, State.REJECTED, State.APPROVED, State.REJECTED]
AFTER = [State.DEFERRED, State.REJECTED, State.APPROVED, State.DEFERRED]


def test_nothing_changes_until_yes_is_said_to_what_was_printed(imported, rescore, tmp_path):
    assert rescore()[0] == 0
    assert states(imported) == BEFORE
    status, said = rescore("--apply")
    assert status == 0
    assert re.search(r"newly violating +1  approved → pending \(published insult\)", said)
    assert re.search(r"newly fine +1  rejected → pending \(rejected thanks\)", said)
    assert "Nothing has been changed yet." in said
    assert states(imported) == BEFORE
    assert not list(tmp_path.glob("*.applied-*"))
    status, said = rescore("--apply", "--yes")
    assert status == 0
    assert "2 changed" in said
    assert states(imported) == AFTER


def test_a_change_is_a_decision_of_the_system_and_says_why(imported, rescore, classifier):
    rescore("--apply", "--yes")
    newest = imported.comment("published insult").decisions[-1]
    assert newest.action is Action.DEFER
    assert newest.source is DecisionSource.SYSTEM
    assert newest.moderator is None
    assert newest.note == f"Neu bewertet mit Modell {classifier.version.version}."


def test_an_applied_run_is_undone_from_its_own_log(imported, rescore, command, tmp_path):
    _, said = rescore("--apply", "--yes")
    log = Path(re.search(r"moderation undo (.+)", said)[1])
    assert INSULT not in log.read_text()
    assert "Add --yes" in command("undo", log)[1]
    assert states(imported) == AFTER
    for _ in range(2):  # safe to repeat
        status, said = command("undo", log, "--yes")
        assert (status, said.splitlines()[-1]) == (0, "2 comments have their former status.")
        assert states(imported) == BEFORE
    assert rescore("--apply", "--yes")[0] == 0
    assert states(imported) == AFTER
    assert len(list(tmp_path.glob("out.jsonl.applied-*.jsonl"))) == 2


def test_what_people_have_decided_stays(imported, rescore):
    item = imported.comment("published insult")
    imported.decide(item.comment.id, Action.APPROVE, "anne", version=item.version)
    status, said = rescore("--apply", "--yes")
    assert status == 0
    assert "1 more were decided by people here and stay as they are." in said
    assert states(imported) == [State.APPROVED, State.REJECTED, State.APPROVED, State.DEFERRED]


def test_undo_leaves_alone_what_people_have_decided_since(imported, rescore, command, tmp_path):
    rescore("--apply", "--yes")
    item = imported.comment("published insult")
    imported.decide(item.comment.id, Action.DEFER, "anne", version=item.version)
    status, said = command("undo", tmp_path / "out.jsonl.applied-1.jsonl", "--yes")
    assert status == 1
    assert "published insult: left alone, for somebody has changed it meanwhile" in said
    assert "1 comments have their former status." in said
    assert states(imported) == [State.DEFERRED, State.REJECTED, State.APPROVED, State.REJECTED]
    assert imported.comment("published insult").in_force.moderator == "anne"


def test_what_was_withdrawn_is_gone(imported):
    imported.retract("published insult")
    statuses = StoredStatuses(imported, "Neu bewertet.")
    change = StatusChange("published insult", Status.APPROVED, Status.PENDING)
    assert statuses.change(change) is statuses.take_back(change) is Applied.GONE
    assert statuses.change(replace(change, comment_id="nie")) is Applied.GONE


def test_a_file_is_never_changed(command, archive, tmp_path):
    before = archive.read_bytes()
    output = tmp_path / "out.jsonl"
    status, said = command("rescore", archive, "-o", output, "--apply", "--yes")
    assert status == 1
    assert "is a file: it is only read" in said
    assert not output.exists()
    assert archive.read_bytes() == before
    assert command("rescore", archive, "-o", output, "--yes")[0] == 2


def _apply(url, path, changes, judges):
    store = Store(url)
    statuses = StoredStatuses(Desk(store, *judges), "Neu bewertet.")
    with ChangeLog(path, ABOUT) as log:
        for _ in apply_changes(changes, statuses, log):
            pass
    store.close()


def test_killed_at_any_moment_it_goes_on_and_changes_everything_once(
    desk, database_url, tmp_path, classifier, rules
):
    changes = []
    for number in range(40):
        submitted = desk.submit(Comment(f"{FINE} Zum {number}. Mal.", id=str(number)))
        assert submitted.state is State.APPROVED
        changes.append(StatusChange(str(number), Status.APPROVED, Status.PENDING))
    path = tmp_path / "log.jsonl"
    what = (database_url, path, changes, (classifier, rules))
    chance = random.Random(6)
    for kills in range(1, 6):
        process = multiprocessing.get_context("fork").Process(target=_apply, args=what)
        process.start()
        while process.is_alive() and (
            not path.exists() or path.read_bytes().count(b"before") < 7 * kills
        ):
            time.sleep(0.002)
        time.sleep(chance.random() * 0.02)
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
    _apply(*what)
    for number in range(40):
        item = desk.comment(str(number))
        assert item.state is State.DEFERRED
        assert len(item.decisions) == 1
    with ChangeLog(path) as log:
        assert log.complete
        assert changed(log) == changes
        undone = list(undo_changes(log, StoredStatuses(desk, "Neu bewertet.")))
    assert undone == [(change, Applied.CHANGED) for change in reversed(changes)]
    assert desk.comment("7").state is State.APPROVED


def test_half_a_line_is_forgotten_and_the_change_made(tmp_path):
    path = tmp_path / "log.jsonl"
    change = StatusChange("17", Status.APPROVED, Status.PENDING)
    with ChangeLog(path, ABOUT) as log:
        log.intend(change)
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"id": "17", "resu')
    with ChangeLog(path) as log:
        assert (log.about, log.changes, log.results) == (ABOUT, {"17": change}, {})
        log.settle("17", Applied.CHANGED)
    assert path.read_bytes() == whole + b'{"id": "17", "result": "changed"}\n'


def test_only_an_unfinished_log_is_continued(tmp_path):
    output = tmp_path / "out.jsonl"
    first = latest_log(output)
    with ChangeLog(first, ABOUT) as log:
        assert first.name == "out.jsonl.applied-1.jsonl"
        with pytest.raises(ArchiveError, match="Another process is at work"):
            latest_log(output)
    assert latest_log(output) == first
    with ChangeLog(first) as log:
        log.close_run()
    assert latest_log(output).name == "out.jsonl.applied-2.jsonl"


@pytest.mark.parametrize(
    "content", ["", "[]\n", "{}\n", "so nicht\n", '{"about": {}}\n{"id": 1}\n']
)
def test_another_file_is_no_log(command, tmp_path, content):
    path = tmp_path / "other.jsonl"
    path.write_text(content)
    status, said = command("undo", path, "--yes")
    assert status == 1
    assert "other.jsonl is not the log of an applied run." in said
    assert path.read_text() == content


def test_undo_wants_the_database_that_the_log_is_about(imported, rescore, command, monkeypatch):
    _, said = rescore("--apply", "--yes")
    log = re.search(r"moderation undo (.+)", said)[1]
    monkeypatch.setenv("MODERATION_DATABASE_URL", "sqlite:///another.db")
    status, said = command("undo", log, "--yes")
    assert status == 1
    assert "The log is about the database " in said
    assert states(imported) == AFTER


def test_without_a_log_there_is_nothing_to_undo(command, tmp_path):
    status, said = command("undo", tmp_path / "none.jsonl")
    assert status == 1
    assert "none.jsonl cannot be used: No such file or directory." in said
