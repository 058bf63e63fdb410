"""``moderation rescore``: every comment once, compared with before, whatever happens on the way."""

import csv
import json
import multiprocessing
import random
import re
import signal
import sqlite3
import time
from contextlib import closing, suppress
from dataclasses import replace

import psutil
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from moderation.archive.comparison import Basis, Change
from moderation.archive.reading import Source
from moderation.archive.record import ArchiveError
from moderation.archive.rescore import Destination, Judges, rescore
from moderation.archive.scoring import Crew, score
from moderation.archive.workfile import WorkFile
from moderation.cli import main
from moderation.comment import Article, Comment, Label, Parent
from moderation.desk import Desk

ALONE = Crew(jobs=1, chunk=16)


@pytest.fixture
def run(tmp_path, judges):
    """Score an archive; gives how it ended and the written records."""

    def run(source, output="out.jsonl", *, crew=ALONE, by=judges, **options):
        to = Destination(tmp_path / output, tmp_path / "report.html", **options)
        finished = rescore(Source(str(source)), to, by, crew)
        if output.endswith(".jsonl"):
            return finished, [json.loads(line) for line in to.output.read_text().splitlines()]
        return finished, to.output

    return run


@pytest.fixture
def lines(tmp_path):
    """Write an archive of JSON lines."""

    def lines(*records):
        path = tmp_path / "in.jsonl"
        path.write_text("".join(json.dumps(each) + "\n" for each in records))
        return path

    return lines


@pytest.fixture(scope="session")
def expected(tmp_path_factory, archive, judges):
    """What one process writes when nothing interrupts it: results and report."""
    folder = tmp_path_factory.mktemp("expected")
    to = Destination(folder / "out.jsonl", folder / "report.html")
    rescore(Source(str(archive)), to, judges, ALONE)
    return to.output.read_bytes(), to.report.read_bytes()


def test_every_comment_is_scored_once_as_the_classifier_scores_it(run, archive, classifier):
    finished, records = run(archive)
    told = [json.loads(line) for line in archive.read_text().splitlines()]
    assert [each["id"] for each in records] == [each["id"] for each in told]
    assert sum(finished.changes.values()) == len(told)
    first = records[0]
    parent = first.get("parent")
    alone = Comment(
        text=first["text"],
        article=Article(**first["article"]),
        parent=Parent(parent["text"], parent["id"]) if parent else None,
        thread=tuple(first.get("thread", ())),
    )
    labels = classifier.assess(alone).labels
    assert first["scores"] == {label: found.score for label, found in labels.items()}


def test_parents_and_threads_are_found_wherever_they_stand(run, lines):
    source = lines(
        {"id": "3", "text": "Drei", "parent": {"id": "2"}},
        {"id": "2", "text": "Zwei", "parent": {"id": "1"}},
        {"id": "4", "text": "Vier", "parent": {"id": "3"}},
        {"id": "1", "text": "Eins"},
    )
    finished, records = run(source)
    assert records[0]["parent"] == {"id": "2", "text": "Zwei"}
    assert records[0]["thread"] == ["Eins"]
    assert records[2]["thread"] == ["Eins", "Zwei"]
    assert finished.problems == 0


def test_an_article_told_once_counts_for_all_its_comments(run, lines):
    article = {"id": "a", "title": "Akku", "text": "Er hält zwei Tage."}
    source = lines(
        {"id": "1", "text": "Bei mir nicht.", "article": {"id": "a"}},
        {"id": "2", "text": "Bei mir nicht.", "article": article},
    )
    _, (first, second) = run(source)
    assert first["article"] == article
    assert second["article"] == {"id": "a", "title": "Akku"}
    assert first["scores"] == second["scores"]


def test_what_is_missing_or_double_is_named_and_the_rest_goes_on(run, lines, tmp_path):
    source = lines(
        {"id": "1", "text": "Eins"},
        {"id": "1", "text": "Noch einmal eins"},
        {"id": "2", "text": "Zwei", "parent": {"id": "weg"}},
        {"id": "3", "text": "Drei", "parent": {"id": "3"}},
        {"id": "4", "text": "Vier", "article": {"id": "nie"}},
        {"text": ""},
        {"id": "5", "text": "Kreis", "parent": {"id": "6"}},
        {"id": "6", "text": "Kreis", "parent": {"id": "5"}},
    )
    finished, records = run(source)
    assert [each["id"] for each in records] == ["1", "2", "3", "4", "5", "6"]
    assert records[3]["scores"]["off_topic"] is None
    listed = (tmp_path / "out.jsonl.problems.jsonl").read_text().splitlines()
    problems = {each["place"]: each["problem"] for each in map(json.loads, listed)}
    assert finished.problems == len(listed) == 5
    assert problems["line 2"] == "The id 1 was used before (line 1); this one is left out."
    assert problems["line 3"] == "Its parent weg is not in the archive; it is judged without it."
    assert "Its parent 3" in problems["line 4"]
    assert problems["article nie"].startswith("Neither its title nor its text")
    assert problems["line 6"].startswith("/text")


@pytest.mark.parametrize(
    ("before", "basis", "change"),
    [
        ({"status": "approved"}, Basis.AUTO, Change.UNCHANGED),
        ({"status": "rejected"}, Basis.AUTO, Change.NEWLY_FINE),
        ({"status": "spam"}, Basis.AUTO, Change.NEWLY_FINE),
        ({"status": "pending"}, Basis.AUTO, Change.UNCOMPARED),
        ({}, Basis.AUTO, Change.UNCOMPARED),
        ({"scores": {"spam": 1.0}}, Basis.AUTO, Change.NEWLY_FINE),
        ({"scores": {"spam": 0.0}, "status": "rejected"}, Basis.AUTO, Change.UNCHANGED),
        ({"scores": {"spam": 0.0}, "status": "rejected"}, Basis.STATUS, Change.NEWLY_FINE),
        ({"status": "rejected"}, Basis.SCORES, Change.UNCOMPARED),
        ({"scores": {"spam": 0.0}, "verdict": "hold"}, Basis.AUTO, Change.NEWLY_FINE),
    ],
)
def test_the_verdict_is_compared_with_what_was_before(
    run, lines, judges, lenient, *, before, basis, change
):
    by = Judges(judges.model_dir, judges.classifier, lenient, basis)
    _, [record] = run(lines({"text": "Danke für den Test!"} | before), by=by)
    assert record["verdict"] == "approve"
    assert record["change"] == change


@pytest.fixture
def lenient(rules):
    """Rules that hold only what is beyond doubt, so that the tests know the verdict."""
    return rules.model_copy(
        update={"rules": tuple(r.model_copy(update={"hold_at": 0.999}) for r in rules.rules)}
    )


@pytest.fixture
def strict(rules):
    """Rules that hold everything."""
    return rules.model_copy(
        update={"rules": tuple(r.model_copy(update={"hold_at": 0.0}) for r in rules.rules)}
    )


def test_only_what_changed_is_written_when_asked_for(run, archive, judges, strict):
    by = Judges(judges.model_dir, judges.classifier, strict, Basis.STATUS)
    finished, records = run(archive, by=by, only_changed=True)
    assert len(records) == finished.changes[Change.NEWLY_VIOLATING] > 0
    assert {each["change"] for each in records} == {"newly_violating"}
    assert all("title" in each["article"] for each in records)


def test_results_can_be_read_again_and_then_nothing_has_changed(run, archive, tmp_path):
    run(archive, "first.jsonl")
    finished, _ = run(tmp_path / "first.jsonl", "second.jsonl")
    assert finished.changes[Change.UNCHANGED] == 90
    assert finished.problems == 0


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_tables_say_the_same_as_json_lines_and_can_be_read_again(run, archive, tmp_path, ending):
    _, records = run(archive)
    _, path = run(archive, f"out.{ending}")
    if ending == "csv":
        with path.open(newline="") as stream:
            rows = list(csv.DictReader(stream))
    else:
        rows = pq.read_table(path).to_pylist()
    for row, record in zip(rows, records, strict=True):
        assert (row["id"], row["text"], row["change"]) == tuple(
            record[name] for name in ("id", "text", "change")
        )
        for label in Label:
            assert float(row[f"score_{label}"]) == record["scores"][label]
    finished, _ = run(path, "again.jsonl")
    assert finished.changes[Change.UNCHANGED] == 90


def test_our_own_store_is_scored_and_left_as_it_is(tmp_path, database_url, store, judges):
    Desk(store, judges.classifier, judges.rules).submit(Comment("Guter Test, danke!", "17"))
    to = Destination(tmp_path / "out.jsonl", tmp_path / "report.html")
    finished = rescore(Source("store", database=database_url), to, judges, ALONE)
    assert finished.changes[Change.UNCHANGED] == 1
    with store.reading() as reader:
        assert reader.comment("17").version == 1


def test_processes_and_a_dask_cluster_give_the_same_bytes(run, archive, expected, tmp_path):
    distributed = pytest.importorskip("distributed")
    run(archive, crew=Crew(jobs=2, chunk=30))
    assert (tmp_path / "out.jsonl").read_bytes() == expected[0]
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
    )
    with cluster:
        run(archive, crew=Crew(scheduler=cluster.scheduler_address, chunk=30))
    assert (tmp_path / "out.jsonl").read_bytes() == expected[0]
    assert (tmp_path / "report.html").read_bytes() == expected[1]


def test_a_run_killed_at_random_moments_ends_with_the_same_bytes(archive, judges, tmp_path):
    few = tmp_path / "few.jsonl"
    few.write_text("".join(archive.read_text().splitlines(keepends=True)[:24]))
    to = Destination(tmp_path / "out.jsonl", tmp_path / "report.html")
    rescore(Source(str(few)), to, judges, ALONE)
    expected = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    chance = random.Random(20261122)
    # processes of their own, made ready once so that the kills hit the work
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(["moderation.archive.rescore"])
    arguments = (Source(str(few)), to, judges, Crew(jobs=1, chunk=2))

    def started():
        process = server.Process(target=rescore, args=arguments)
        process.start()
        return process

    started().join()
    began = time.monotonic()
    started().join()
    longest = time.monotonic() - began
    killed = went_on = 0
    while killed < 10:
        to.output.unlink(missing_ok=True)
        process = started()
        process.join(timeout=chance.uniform(0, longest / 2))
        process.kill()
        process.join()
        killed += process.exitcode == -signal.SIGKILL
        went_on += to.work.exists()
    assert went_on
    last = started()
    last.join()
    assert last.exitcode == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == expected


def test_a_killed_run_with_processes_goes_on_with_one(archive, judges, expected, tmp_path):
    to = Destination(tmp_path / "out.jsonl", tmp_path / "report.html")
    server = multiprocessing.get_context("forkserver")
    crew = Crew(jobs=2, chunk=4)
    process = server.Process(target=rescore, args=(Source(str(archive)), to, judges, crew))
    process.start()
    while process.is_alive() and not _scored(to.work / "archive.db"):
        time.sleep(0.02)
    workers = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert len(workers) >= 2
    assert psutil.wait_procs(workers, timeout=10)[1] == []
    rescore(Source(str(archive)), to, judges, ALONE)
    assert (to.output.read_bytes(), to.report.read_bytes()) == expected


def _scored(database):
    if not database.exists():
        return 0
    with closing(sqlite3.connect(database)) as connection, suppress(sqlite3.OperationalError):
        return connection.execute("SELECT count(*) FROM results").fetchone()[0]
    return 0


def test_what_was_scored_before_is_not_scored_again(archive, judges, tmp_path, expected):
    output = tmp_path / "out.jsonl"
    with pytest.raises(ArchiveError, match="cannot be written"):
        rescore(Source(str(archive)), Destination(output, tmp_path / "no" / "r"), judges, ALONE)
    nobody = Judges(tmp_path / "no model", judges.classifier, judges.rules)
    to = Destination(output, tmp_path / "report.html")
    rescore(Source(str(archive)), to, nobody, ALONE)
    assert to.output.read_bytes() == expected[0]
    assert not to.work.exists()


def test_a_model_that_was_replaced_on_the_way_is_noticed(archive, judges, tmp_path):
    other = replace(judges.classifier.version, sha256="0" * 64)
    with pytest.raises(ArchiveError, match="is not the same for all workers"):
        score(judges.model_dir, other, [(1, Comment("Danke!"))])


def test_an_unfinished_run_about_something_else_is_not_mixed_in(
    run, archive, judges, *, strict, tmp_path, expected
):
    source = Source(str(archive))
    other = Judges(judges.model_dir, judges.classifier, strict)
    with WorkFile(tmp_path / "out.jsonl.rescore", source.identity() | other.identity()) as work:
        work.read(source.read())
        with pytest.raises(ArchiveError, match="Another process is at work"):
            run(archive)
    with pytest.raises(ArchiveError, match="start anew with --restart"):
        run(archive)
    to = Destination(tmp_path / "out.jsonl", tmp_path / "report.html")
    rescore(source, to, judges, ALONE, restart=True)
    assert to.output.read_bytes() == expected[0]


def test_the_report_is_one_page_in_german_without_scripts_and_from_nowhere_else(expected, rules):
    page = expected[1].decode()
    assert '<html lang="de">' in page
    for nothing in ("<script", "<link", "src=", "@import", "url("):
        assert nothing not in page
    for heading in ("Nach Regel", "Nach Jahr", "veränderten Artikel", "Stichproben", "ohne Datum"):
        assert heading in page
    assert page.count("<svg") == len(Label)
    assert "bisher: " in page
    assert "heute: " in page
    for label in Label:
        assert rules.rule_for(label).name.de in page


def test_the_report_shows_at_most_fifty_samples_of_a_kind_and_escapes_them(
    run, lines, judges, strict, tmp_path
):
    evil = "<script>alert(1)</script> Du Idiot!"
    source = lines(*({"id": f"{n}", "text": evil, "status": "approved"} for n in range(60)))
    run(source, by=Judges(judges.model_dir, judges.classifier, strict))
    page = (tmp_path / "report.html").read_text()
    assert page.count('class="card sample"') == 50
    assert "50 von 60" in page
    assert "<script" not in page
    assert re.search("&lt;script&gt;", page)


@pytest.fixture
def command(tmp_path, model_dir, monkeypatch):
    """Give the command; returns its result."""
    monkeypatch.setenv("MODERATION_MODEL_DIR", str(model_dir))

    def command(source, *options, output="out.jsonl"):
        arguments = ["rescore", str(source), "-o", str(tmp_path / output), "--jobs", "1", *options]
        return CliRunner().invoke(main, arguments)

    return command


def test_the_command_counts_what_changed_and_complains_of_problems(command, lines, tmp_path):
    result = command(lines({"id": "1", "text": "Danke!"}))
    assert result.exit_code == 0
    assert re.search(r"uncompared +1\n", result.stdout)
    assert (tmp_path / "report.html").exists()
    result = command(lines({"id": "1", "text": "Danke!"}, {"text": " "}))
    assert result.exit_code == 1
    assert "1 places of the archive were a problem" in result.stderr


def test_the_command_judges_our_own_store_by_the_thresholds_that_admins_set(
    command, tmp_path, *, database_url, store, judges, monkeypatch
):
    monkeypatch.setenv("MODERATION_DATABASE_URL", database_url)
    desk = Desk(store, judges.classifier, judges.rules)
    desk.submit(Comment("Guter Test, danke!", "17"))
    desk.apply_threshold(Label.DISPARAGING, 0.0, "ada")
    assert command("store").exit_code == 0
    assert json.loads((tmp_path / "out.jsonl").read_text())["verdict"] == "hold"
    desk.apply_threshold(Label.DISPARAGING, None, "ada")
    assert command("store", output="again.jsonl").exit_code == 0
    assert json.loads((tmp_path / "again.jsonl").read_text())["verdict"] == "approve"


def test_a_refused_archive_leaves_nothing_behind(command, tmp_path):
    source = tmp_path / "in.xml"
    source.write_text("<!DOCTYPE rss>\n<rss></rss>")
    result = command(source)
    assert result.exit_code == 1
    assert "has a DOCTYPE" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in.xml"]


def test_columns_are_mapped_on_the_command_line(command, tmp_path):
    source = tmp_path / "in.csv"
    source.write_text("Nr;Inhalt\n7;Danke!\n")
    result = command(source, "--column", "text=Inhalt", "--column", "id=Nr")
    assert result.exit_code == 0
    assert json.loads((tmp_path / "out.jsonl").read_text())["id"] == "7"


@pytest.mark.parametrize(
    ("source", "output", "options", "said"),
    [
        ("nein.jsonl", "out.jsonl", (), "cannot be read"),
        ("archive", "out.txt", (), "names no format"),
        ("archive", "no/such/folder/out.jsonl", (), "cannot be made"),
        ("archive", "out.jsonl", ("--column", "text"), "is not OURS=THEIRS"),
        ("archive", "out.jsonl", ("--backend", "dask"), "go together"),
        ("archive", "out.jsonl", ("--backend", "dask", "--scheduler", "x://y"), "No Dask sched"),
        ("archive", "out.jsonl", ("--format", "wordpress"), "XML is broken"),
    ],
)
def test_what_cannot_be_done_is_one_clear_sentence(
    command, archive, tmp_path, *, source, output, options, said
):
    result = command(archive if source == "archive" else source, *options, output=output)
    assert result.exit_code != 0
    listed = tmp_path / "out.jsonl.problems.jsonl"
    assert said in result.stderr + (listed.read_text() if listed.exists() else "")
