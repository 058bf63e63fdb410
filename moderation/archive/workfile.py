"""The working copy of an archive on disk: what was read, what was scored, what is left to do.

One SQLite file takes what memory should not: comments find their parents wherever these stand,
every article is kept once, and each chunk of scores is there as a whole or not at all, so that a
run can be killed at any moment and go on.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Self

from moderation.archive.comparison import Change, Scores, Standing
from moderation.archive.record import ArchivedComment, ArchiveError, Found, Problem, Status
from moderation.comment import Article, Comment, Label, Outcome, Parent
from moderation.wire import LONGEST_THREAD

_SCHEMA = """
CREATE TABLE run (identity TEXT NOT NULL, complete INTEGER NOT NULL);
CREATE TABLE articles (number INTEGER PRIMARY KEY, id TEXT, url TEXT, title TEXT, text TEXT);
CREATE TABLE article_names (name TEXT PRIMARY KEY, article INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE comments (
    number INTEGER PRIMARY KEY, place TEXT NOT NULL, id TEXT UNIQUE, text TEXT NOT NULL,
    author TEXT, article INTEGER NOT NULL, parent_id TEXT, parent_text TEXT, thread TEXT,
    status TEXT, date TEXT, verdict TEXT, scores TEXT, decided INTEGER NOT NULL
);
CREATE TABLE problems (place TEXT NOT NULL, sentence TEXT NOT NULL);
CREATE TABLE results (
    number INTEGER PRIMARY KEY, article INTEGER NOT NULL, year TEXT, outcome TEXT NOT NULL,
    labels TEXT NOT NULL, labels_before TEXT NOT NULL, change TEXT NOT NULL,
    disparaging REAL, off_topic REAL, spam REAL,
    disparaging_before REAL, off_topic_before REAL, spam_before REAL
);
"""
_INDICES = """
CREATE INDEX comments_by_article ON comments (article, number);
CREATE INDEX comments_by_parent ON comments (parent_id) WHERE parent_id IS NOT NULL;
"""
_NO_ARTICLE = 0
_TOGETHER = 5000
_PARENTS = 2048
_COMMENTS = """
SELECT comments.*, articles.id AS article_id, articles.url AS article_url,
       articles.title AS article_title, articles.text AS article_text
FROM comments LEFT JOIN articles ON articles.number = comments.article
"""
# S608 is about what users send; these are put together from constants
_PENDING = f"""
{_COMMENTS} WHERE (comments.article, comments.number) > (?, ?)
AND NOT EXISTS (SELECT 1 FROM results WHERE results.number = comments.number)
ORDER BY comments.article, comments.number LIMIT ?
"""  # noqa: S608
_BY_NUMBER = f"""
{_COMMENTS} WHERE comments.number IN (SELECT value FROM json_each(?)) ORDER BY comments.number
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Entry:
    """A comment of the archive with its context filled in; ``number`` is its place in the order."""

    number: int
    article: int
    archived: ArchivedComment


@dataclass(frozen=True, slots=True)
class Result:
    """What today's model and rules say of a comment, and what changed by that."""

    entry: Entry
    scores: Scores
    now: Standing
    before: Standing
    change: Change


class WorkFile:
    """The working copy in one folder; one process at a time may have it open.

    Leaving its ``with`` block leaves everything as it is for the next run.

    Parameters
    ----------
    folder
        Where it is kept; made if it is not there.
    identity
        What the run is about. A folder that is about something else is refused.

    Raises
    ------
    ArchiveError
        If the folder belongs to another run, or another process is at work there.
    """

    def __init__(self, folder: Path, identity: dict[str, object]) -> None:
        self.folder = folder
        self._done = folder.with_name(f"{folder.name}.done")
        self._identity = json.dumps(identity, sort_keys=True, default=str)
        try:
            folder.mkdir(exist_ok=True)
            self._lock = os.open(folder, os.O_RDONLY)
        except OSError as error:
            raise ArchiveError(f"{folder} cannot be made: {error.strerror}.") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise ArchiveError(f"Another process is at work in {folder}; wait for it.") from None
        shutil.rmtree(self._done, ignore_errors=True)
        # joblib asks for chunks from threads of its own while results are kept in ours
        self._turn = threading.RLock()
        self._db = sqlite3.connect(
            folder / "archive.db", isolation_level=None, check_same_thread=False
        )
        self._db.row_factory = sqlite3.Row
        self._db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")
        # Those who answer each other are neighbours; once read in, no comment changes.
        self._parent = lru_cache(_PARENTS)(self._find_parent)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()
        os.close(self._lock)

    def remove(self) -> None:
        """Remove it all; nothing is left to go on with."""
        # Renamed first, so that a kill while it is being removed leaves no half of it.
        self.folder.rename(self._done)
        shutil.rmtree(self._done)

    # ------------------------------------------------------------------------ reading it in

    def has_read(self) -> bool:
        """Whether the whole archive was read in by an earlier run about the same thing.

        Raises
        ------
        ArchiveError
            If what is here is about something else.
        """
        if not self._db.execute("SELECT 1 FROM sqlite_master WHERE name = 'run'").fetchone():
            return False
        run = self._db.execute("SELECT * FROM run").fetchone()
        if run is None or not run["complete"]:
            return False
        if run["identity"] != self._identity:
            raise ArchiveError(
                f"{self.folder} holds an unfinished run with another archive, model, rules or"
                " options. Finish that one, or start anew with --restart."
            )
        return True

    def read(self, archive: Iterable[Found]) -> None:
        """Take in an archive, forgetting what was here.

        Of comments with the same id the first counts. What is missing, such as parents that never
        came, is noted as a problem.
        """
        tables = self._db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for table in tables:
            self._db.execute(f"DROP TABLE {table['name']}")
        self._db.executescript(_SCHEMA)
        self._db.execute("INSERT INTO run VALUES (?, 0)", (self._identity,))
        articles = _Articles(self._db)
        self._db.execute("BEGIN")
        for count, found in enumerate(archive, start=1):
            if isinstance(found, Problem):
                self.note(found)
            else:
                self._take_in(found, articles.number(found.comment.article))
            if count % _TOGETHER == 0:
                self._db.execute("COMMIT")
                self._db.execute("BEGIN")
        self._db.execute("COMMIT")
        self._db.executescript(_INDICES)
        self._parent.cache_clear()
        with self._transaction():
            self._note_missing()
            self._db.execute("UPDATE run SET complete = 1")

    def _take_in(self, found: ArchivedComment, article: int) -> None:
        comment, parent = found.comment, found.comment.parent
        taken_in = self._db.execute(
            "INSERT OR IGNORE INTO comments (place, id, text, author, article, parent_id,"
            " parent_text, thread, status, date, verdict, scores, decided)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                found.place,
                comment.id,
                comment.text,
                comment.author,
                article,
                parent and parent.id,
                parent and (parent.text or None),
                json.dumps(comment.thread) if comment.thread else None,
                found.status,
                found.date and found.date.isoformat(),
                found.verdict,
                None if found.scores is None else json.dumps(found.scores),
                found.decided,
            ),
        )
        if not taken_in.rowcount:
            first = self._db.execute(
                "SELECT place FROM comments WHERE id = ?", (comment.id,)
            ).fetchone()
            self.note(
                Problem(
                    found.place,
                    f"The id {comment.id} was used before ({first['place']}); this one is left"
                    " out.",
                )
            )

    def _note_missing(self) -> None:
        self._db.execute(
            "INSERT INTO problems SELECT place, 'Its parent ' || parent_id || ' is not in the"
            " archive; it is judged without it.' FROM comments WHERE parent_id IS NOT NULL"
            " AND parent_text IS NULL AND (parent_id = id OR NOT EXISTS"
            " (SELECT 1 FROM comments AS others WHERE others.id = comments.parent_id))"
            " ORDER BY number"
        )
        self._db.execute(
            "INSERT INTO problems SELECT 'article ' || coalesce(articles.id, url), 'Neither its"
            " title nor its text is in the archive; whether its ' || count(*) || ' comments are"
            " about it is not judged.' FROM articles JOIN comments ON article = articles.number"
            " WHERE trim(title) = '' AND trim(articles.text) = '' GROUP BY articles.number"
        )

    def note(self, problem: Problem) -> None:
        """Remember something that could not be used as it was."""
        self._db.execute("INSERT INTO problems VALUES (?, ?)", (problem.place, problem.sentence))

    def problems(self) -> Iterator[Problem]:
        """Yield what could not be used as it was."""
        for row in self._db.execute("SELECT * FROM problems ORDER BY rowid"):
            yield Problem(row["place"], row["sentence"])

    def count_problems(self) -> int:
        """Count what could not be used as it was."""
        return self._one("SELECT count(*) FROM problems")

    # ------------------------------------------------------------------------ scoring it

    def count(self) -> int:
        """Count the comments."""
        return self._one("SELECT count(*) FROM comments")

    def count_scored(self) -> int:
        """Count the comments that have their scores."""
        return self._one("SELECT count(*) FROM results")

    def _one(self, question: str) -> int:
        return int(self._db.execute(question).fetchone()[0])

    def pending(self, size: int) -> Iterator[list[Entry]]:
        """Yield the comments without scores in lists of a size, those of one article together."""
        article, number = -1, -1
        while True:
            with self._turn:
                rows = self._db.execute(_PENDING, (article, number, size)).fetchall()
                entries = self._entries(rows)
            if not entries:
                return
            article, number = entries[-1].article, entries[-1].number
            yield entries

    def keep(self, results: Iterable[Result]) -> None:
        """Keep the results of a chunk, all of them or none."""
        with self._turn, self._transaction():
            self._db.executemany(
                "INSERT INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (_result_row(result) for result in results),
            )

    def entries(self, numbers: Iterable[int]) -> list[Entry]:
        """Return the comments with these numbers, in the order of the archive."""
        wanted = json.dumps(list(numbers))
        return self._entries(self._db.execute(_BY_NUMBER, (wanted,)).fetchall())

    def results(self, *, only_changed: bool = False) -> Iterator[Result]:
        """Yield the results in the order of the archive."""
        wanted = (Change.NEWLY_VIOLATING, Change.NEWLY_FINE) if only_changed else tuple(Change)
        after = -1
        while True:
            rows = self._db.execute(
                "SELECT * FROM results WHERE number > ? AND change IN"
                " (SELECT value FROM json_each(?)) ORDER BY number LIMIT ?",
                (after, json.dumps(wanted), 500),
            ).fetchall()
            if not rows:
                return
            after = rows[-1]["number"]
            entries = self.entries(row["number"] for row in rows)
            yield from (_result(row, entry) for row, entry in zip(rows, entries, strict=True))

    def changes(self) -> dict[Change, int]:
        """Count the comments by kind of change."""
        found = self._db.execute("SELECT change, count(*) AS n FROM results GROUP BY change")
        return dict.fromkeys(Change, 0) | {Change(row["change"]): row["n"] for row in found}

    def ask(self, question: str, values: tuple[object, ...] = ()) -> list[sqlite3.Row]:
        """Ask something about the tables; for the report."""
        return self._db.execute(question, values).fetchall()

    def _transaction(self) -> sqlite3.Connection:
        self._db.execute("BEGIN")
        return self._db  # commits at the end of its block, or takes everything back

    def _entries(self, rows: list[sqlite3.Row]) -> list[Entry]:
        # The same object for all comments of an article: it travels to the workers once a chunk.
        articles: dict[int, Article | None] = {_NO_ARTICLE: None}
        entries = []
        for row in rows:
            number = row["article"]
            if number not in articles:
                articles[number] = _article(row)
            entries.append(Entry(row["number"], number, self._archived(row, articles[number])))
        return entries

    def _archived(self, row: sqlite3.Row, article: Article | None) -> ArchivedComment:
        parent, thread = self._context(row)
        scores = row["scores"] and json.loads(row["scores"])
        return ArchivedComment(
            comment=Comment(
                text=row["text"],
                id=row["id"],
                author=row["author"],
                article=article,
                parent=parent,
                thread=thread,
            ),
            place=row["place"],
            status=row["status"] and Status(row["status"]),
            date=row["date"] and datetime.fromisoformat(row["date"]),
            scores=scores and {Label(label): score for label, score in scores.items()},
            verdict=row["verdict"] and Outcome(row["verdict"]),
            decided=bool(row["decided"]),
        )

    def _context(self, row: sqlite3.Row) -> tuple[Parent | None, tuple[str, ...]]:
        """Return the parent and the thread above it, from the archive where it was not sent."""
        thread = tuple(json.loads(row["thread"])) if row["thread"] else ()
        if row["parent_id"] is None:
            return row["parent_text"] and Parent(row["parent_text"]), thread
        above = self._above(row)
        text = row["parent_text"] or (above[0] if above else "")
        return Parent(text, row["parent_id"]), thread or tuple(reversed(above[1:]))

    def _above(self, row: sqlite3.Row) -> list[str]:
        """Return the texts of the comments above, the parent's first."""
        seen = {row["id"]}
        texts: list[str] = []
        wanted = row["parent_id"]
        while wanted and wanted not in seen and len(texts) <= LONGEST_THREAD:
            seen.add(wanted)
            parent = self._parent(wanted)
            if parent is None:
                break
            text, wanted = parent
            texts.append(text)
        return texts

    def _find_parent(self, comment_id: str) -> tuple[str, str | None] | None:
        """Return a comment's text, and the id of the one it answers."""
        found = self._db.execute(
            "SELECT text, parent_id FROM comments WHERE id = ?", (comment_id,)
        ).fetchone()
        return found and (found["text"], found["parent_id"])


class _Articles:
    """Keeps every article once, whether it is sent whole or named by its id or address."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._latest: Article | None = None
        self._latest_number = _NO_ARTICLE

    def number(self, article: Article | None) -> int:
        if article is None:
            return _NO_ARTICLE
        if article != self._latest:
            self._latest, self._latest_number = article, self._kept(article)
        return self._latest_number

    def _kept(self, article: Article) -> int:
        names = _names(article)
        for name in names:
            known = self._db.execute(
                "SELECT article FROM article_names WHERE name = ?", (name,)
            ).fetchone()
            if known:
                number = int(known["article"])
                self._complete(number, article)
                break
        else:
            number = self._insert(article)
        self._db.executemany(
            "INSERT OR IGNORE INTO article_names VALUES (?, ?)", ((name, number) for name in names)
        )
        return number

    def _insert(self, article: Article) -> int:
        inserted = self._db.execute(
            "INSERT INTO articles (id, url, title, text) VALUES (?, ?, ?, ?)",
            (article.id, article.url, article.title, article.text),
        )
        return int(inserted.lastrowid or _NO_ARTICLE)

    def _complete(self, number: int, article: Article) -> None:
        # what came first stays; what was missing is filled in
        self._db.execute(
            "UPDATE articles SET id = coalesce(id, ?), url = coalesce(url, ?),"
            " title = CASE title WHEN '' THEN ? ELSE title END,"
            " text = CASE text WHEN '' THEN ? ELSE text END WHERE number = ?",
            (article.id, article.url, article.title, article.text, number),
        )


def _names(article: Article) -> list[str]:
    names = [f"id {article.id}"] if article.id else []
    if article.url:
        names.append(f"url {article.url}")
    if not names:
        words = f"{article.title}\0{article.text}"
        names.append(f"words {hashlib.sha256(words.encode()).hexdigest()}")
    return names


def _article(row: sqlite3.Row) -> Article:
    return Article(
        title=row["article_title"],
        text=row["article_text"],
        id=row["article_id"],
        url=row["article_url"],
    )


def _result_row(result: Result) -> tuple[object, ...]:
    archived = result.entry.archived
    earlier = archived.scores or {}
    return (
        result.entry.number,
        result.entry.article,
        archived.date and str(archived.date.year),
        result.now.outcome,
        " ".join(result.now.labels),
        " ".join(result.before.labels),
        result.change,
        *(result.scores.get(label) for label in Label),
        *(earlier.get(label) for label in Label),
    )


def _result(row: sqlite3.Row, entry: Entry) -> Result:
    outcome = Outcome(row["outcome"])
    change = Change(row["change"])
    violating = outcome is not Outcome.APPROVE
    before = {
        Change.UNCOMPARED: None,
        Change.UNCHANGED: violating,
    }.get(change, not violating)
    return Result(
        entry=entry,
        scores={label: row[label.value] for label in Label},
        now=Standing(violating, _labels(row["labels"]), outcome),
        before=Standing(before, _labels(row["labels_before"])),
        change=change,
    )


def _labels(words: str) -> tuple[Label, ...]:
    return tuple(Label(word) for word in words.split())
