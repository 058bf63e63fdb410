"""Score a JSONL file of comments, line by line the same as ``POST /classify`` would."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice, takewhile
from typing import BinaryIO

from moderation import wire
from moderation.classifier import Classifier
from moderation.comment import Article, Comment, Parent
from moderation.rules import RuleBook

CHUNK = 256
"""Comments scored together; a compromise between speed and memory."""

LONGEST_LINE = 1_048_576
"""Bytes of a line that are read; a longer one is answered with an error, the next is read on."""

Answer = wire.ClassifyAnswer | wire.Problem


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to one line: its number (from 1), how many bytes it had, and what is said."""

    line: int
    size: int
    answer: Answer
    bad: bool


@dataclass(slots=True)
class _Known:
    """What earlier lines told: an article or parent sent once may later be named by its id."""

    articles: dict[str, Article] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)

    def completed(self, comment: Comment) -> Comment | wire.Problem:
        """Return the comment with article and parent filled in, and remember what it tells."""
        article, parent = comment.article, comment.parent
        if article is not None:
            keys = [key for key in (article.id, article.url) if key]
            if not (article.title or article.text):
                article = next((self.articles[key] for key in keys if key in self.articles), None)
                if article is None:
                    return wire.problem(wire.ProblemKind.UNKNOWN_ARTICLE)
            self.articles.update(dict.fromkeys(keys, article))
        if parent is not None and not parent.text:
            text = self.texts.get(parent.id or "")
            if text is None:
                return wire.problem(wire.ProblemKind.UNKNOWN_PARENT)
            parent = Parent(text, parent.id)
        if comment.id:
            self.texts[comment.id] = comment.text
        return replace(comment, article=article, parent=parent)


def classify_lines(
    lines: Iterable[bytes],
    classifier: Classifier,
    rules: RuleBook,
    language: wire.Language = "de",
) -> Iterator[Answered]:
    """Yield one answer a line, in the order of the lines.

    Parameters
    ----------
    lines
        Each a request of DESIGN §4.1 as JSON in UTF-8. ``enqueue`` is read but nothing is stored.
        Article and parent may be named by the id under which an earlier line sent them.
    classifier
        Scores the comments.
    rules
        With the thresholds filled in.
    language
        Of the reasons.
    """
    known = _Known()
    numbered = enumerate(lines, start=1)
    while chunk := list(islice(numbered, CHUNK)):
        read = [(number, raw, _read(raw, known)) for number, raw in chunk]
        comments = [found for _, _, found in read if isinstance(found, Comment)]
        assessments = iter(classifier.assess_many(comments, explain=True))
        for number, raw, found in read:
            if isinstance(found, Comment):
                assessment = next(assessments)
                verdict = rules.judge(found.text, assessment)
                body = wire.answer(found.id, assessment, verdict, rules.ids, language=language)
                yield Answered(number, len(raw), body, bad=False)
            else:
                yield Answered(number, len(raw), found, bad=True)


def _read(raw: bytes, known: _Known) -> Comment | wire.Problem:
    if len(raw) > LONGEST_LINE:
        return wire.problem(
            wire.ProblemKind.TOO_LARGE, f"A line may have at most {LONGEST_LINE} bytes."
        )
    try:
        request = wire.read(wire.parse(raw))
    except (wire.MalformedRequest, wire.InvalidRequest) as error:
        return wire.request_problem(error)
    return known.completed(request.comment())


def lines_of(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a stream; of one longer than :data:`LONGEST_LINE` just enough to tell."""
    while line := stream.readline(LONGEST_LINE + 1):
        whole = len(line) <= LONGEST_LINE or line.endswith(b"\n")
        yield line
        if not whole:
            pieces = iter(lambda: stream.readline(LONGEST_LINE), b"")
            for _ in takewhile(lambda piece: not piece.endswith(b"\n"), pieces):
                pass
