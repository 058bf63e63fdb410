"""The thread around a comment: the comments it answers, up to the root, and all answers below."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from sqlalchemy import literal, select
from sqlalchemy.orm import Session, aliased

from moderation.store.records import ThreadItem
from moderation.store.tables import CommentRow

DEEPEST = 100
"""Answers to answers that are followed, up and down."""

LONGEST = 200
"""Comments of a thread that are read, beside those on the way to the root."""


def thread(session: Session, comment_id: str) -> tuple[ThreadItem, ...]:
    """Find the thread around a comment, each comment followed by the answers to it, oldest first.

    A parent that is not stored itself is shown with the text it had for the comment below.
    Of a very long thread those nearest to the root are read, and the comment asked about with
    all it answers.
    """
    way_up = _way_up(session, comment_id)
    if not way_up:
        return ()
    comments = {row.id: row for row in (*way_up, *_answers(session, way_up[-1].id))}
    return tuple(_in_order(comments.values(), root=way_up[-1], itself=comment_id))


def _way_up(session: Session, comment_id: str) -> list[CommentRow]:
    """Read a comment and what it answers, the root last."""
    way = (
        select(CommentRow.id, CommentRow.parent_external_id, literal(0).label("height"))
        .where(CommentRow.external_id == comment_id)
        .cte("way", recursive=True)
    )
    way = way.union(
        select(CommentRow.id, CommentRow.parent_external_id, way.c.height + 1)
        .join(way, CommentRow.external_id == way.c.parent_external_id)
        .where(way.c.height < DEEPEST)
    )
    rows = session.scalars(
        select(CommentRow).join(way, way.c.id == CommentRow.id).order_by(way.c.height)
    )
    # Should comments answer each other in a circle, each is met once.
    return list(dict.fromkeys(rows))


def _answers(session: Session, root: int) -> Iterable[CommentRow]:
    below = (
        select(CommentRow.id, CommentRow.external_id, literal(0).label("depth"))
        .where(CommentRow.id == root)
        .cte("below", recursive=True)
    )
    answer = aliased(CommentRow)
    below = below.union(
        select(answer.id, answer.external_id, below.c.depth + 1)
        .join(below, answer.parent_external_id == below.c.external_id)
        .where(below.c.depth < DEEPEST)
    )
    return session.scalars(
        select(CommentRow)
        .join(below, below.c.id == CommentRow.id)
        .order_by(below.c.depth, CommentRow.id)
        .limit(LONGEST)
    )


def _in_order(
    comments: Collection[CommentRow], *, root: CommentRow, itself: str
) -> Iterator[ThreadItem]:
    answers: dict[str | None, list[CommentRow]] = {}
    for row in sorted(comments, key=lambda row: (row.submitted_at, row.id)):
        if row is not root:
            answers.setdefault(row.parent_external_id, []).append(row)
    depth = 0
    in_a_circle = root.parent_external_id in {row.external_id for row in comments}
    if root.parent_text is not None and not in_a_circle:
        yield ThreadItem(root.parent_external_id, None, root.parent_text, 0, False, None, None)
        depth = 1
    waiting = [(root, depth)]
    while waiting:
        row, depth = waiting.pop()
        yield ThreadItem(
            comment_id=row.external_id,
            author=row.author,
            text=row.text,
            depth=depth,
            itself=row.external_id == itself,
            state=row.state,
            submitted_at=row.submitted_at,
        )
        below = answers.pop(row.external_id, [])
        waiting += [(answer, depth + 1) for answer in reversed(below)]
