"""Lists, search, claims, messages to authors, and thresholds that admins changed."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.orm import Session

from moderation.comment import ModelVersion, Outcome
from moderation.store import search
from moderation.store.entries import Placed, entries
from moderation.store.records import State
from moderation.store.shapes import judgement_from_json
from moderation.store.tables import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SHORT = sa.String(length=64)
TIME = UtcDateTime()
WORD = sa.String(length=32)
CHUNK = 500
# A decision's number and time.
Numbered = tuple[int, datetime]

LIST = ["listing", "label", "flagged"]
LIST_ORDERS = [
    ["listed_at", "comment_id"],
    ["score", "comment_id"],
    ["uncertainty", "comment_id"],
    ["article_key", "listed_at", "comment_id"],
]
WORDS = {
    "sqlite": [
        """
        CREATE VIRTUAL TABLE comment_words
        USING fts5(words, detail=none, tokenize='ascii', prefix='2 3')
        """
    ],
    "postgresql": [
        """
        CREATE TABLE comment_words (
            comment_id BIGINT PRIMARY KEY REFERENCES comments (id),
            words TSVECTOR NOT NULL
        )
        """,
        "CREATE INDEX ix_comment_words_words ON comment_words USING gin (words)",
    ],
}


def upgrade() -> None:
    op.create_table(
        "claims",
        sa.Column("comment_id", BIG_ID, nullable=False),
        sa.Column("moderator", sa.Text(), nullable=False),
        sa.Column("until", TIME, nullable=False),
        sa.ForeignKeyConstraint(["comment_id"], ["comments.id"], name=op.f("fk_claims_comment_id")),
        sa.PrimaryKeyConstraint("comment_id", name=op.f("pk_claims")),
    )
    op.create_table(
        "threshold_changes",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("label", WORD, nullable=False),
        sa.Column("before", sa.Double(), nullable=True),
        sa.Column("after", sa.Double(), nullable=True),
        sa.Column("moderator", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_threshold_changes")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_threshold_changes_label_id"), "threshold_changes", ["label", "id"], unique=False
    )
    op.create_table(
        "list_entries",
        sa.Column("comment_id", BIG_ID, nullable=False),
        sa.Column("listing", WORD, nullable=False),
        sa.Column("label", WORD, nullable=False),
        sa.Column("flagged", sa.Boolean(), nullable=False),
        sa.Column("listed_at", TIME, nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("uncertainty", sa.Double(), nullable=False),
        sa.Column("article_key", BIG_ID, nullable=False),
        sa.Column("model_version", SHORT, nullable=False),
        sa.Column("decision_id", BIG_ID, nullable=True),
        sa.ForeignKeyConstraint(
            ["comment_id"], ["comments.id"], name=op.f("fk_list_entries_comment_id")
        ),
        sa.ForeignKeyConstraint(
            ["decision_id"], ["decisions.id"], name=op.f("fk_list_entries_decision_id")
        ),
        sa.PrimaryKeyConstraint("comment_id", "listing", "label", name=op.f("pk_list_entries")),
        sqlite_with_rowid=False,
    )
    op.add_column("decisions", sa.Column("message", sa.Text(), nullable=True))
    op.add_column("moderators", sa.Column("language", sa.String(length=8), nullable=True))
    op.create_index(op.f("ix_decisions_at"), "decisions", ["at"], unique=False)
    op.create_index(op.f("ix_decisions_supersedes"), "decisions", ["supersedes"], unique=False)
    op.create_index(op.f("ix_comments_submitted_at"), "comments", ["submitted_at"], unique=False)
    op.create_index(
        op.f("ix_comments_author"), "comments", ["author"], unique=False, postgresql_using="hash"
    )
    connection = op.get_bind()
    for statement in WORDS[connection.dialect.name]:
        op.execute(statement)
    with Session(connection) as session:
        fill(session)
    # An index is made faster of what is there than one entry at a time.
    for order in LIST_ORDERS:
        op.create_index(
            op.f("_".join(["ix_list_entries", *LIST, *order])), "list_entries", [*LIST, *order]
        )


def downgrade() -> None:
    op.drop_table("comment_words")
    op.drop_index(op.f("ix_comments_author"), table_name="comments")
    op.drop_index(op.f("ix_comments_submitted_at"), table_name="comments")
    op.drop_index(op.f("ix_decisions_supersedes"), table_name="decisions")
    op.drop_index(op.f("ix_decisions_at"), table_name="decisions")
    op.drop_column("moderators", "language")
    op.drop_column("decisions", "message")
    op.drop_table("list_entries")
    op.drop_table("threshold_changes")
    op.drop_table("claims")
    # The program of before has no second opinions: such comments wait again.
    op.execute("UPDATE comments SET state = 'held' WHERE state = 'deferred'")


comments = sa.table(
    "comments",
    *(sa.column(name) for name in ("id", "article_id", "text", "state", "revision")),
    sa.column("submitted_at", TIME),
)
assessments = sa.table(
    "assessments",
    *(sa.column(name) for name in ("id", "comment_id", "model_version", "model_sha256", "outcome")),
    *(sa.column(name, sa.JSON()) for name in ("labels", "flagged", "reasons", "rules")),
)
decisions = sa.table(
    "decisions",
    *(sa.column(name) for name in ("id", "comment_id", "revision", "action")),
    sa.column("at", TIME),
)
list_entries = sa.table(
    "list_entries",
    *(sa.column(name) for name in ("comment_id", "listing", "label", "flagged", "score")),
    *(sa.column(name) for name in ("uncertainty", "article_key", "model_version", "decision_id")),
    sa.column("listed_at", TIME),
)


def fill(session: Session) -> None:
    """List the comments that are there, and make them found."""
    for chunk in chunks(session):
        search.index(session, [(row.id, row.text) for row in chunk])
        in_force = standing(session, chunk)
        rows = [
            entry | {"listing": entry["listing"].value}
            for row in chunk
            for entry in entries(placed(row, in_force.get(row.id)))
        ]
        if rows:
            session.execute(sa.insert(list_entries), rows)


def chunks(session: Session) -> Iterator[list[sa.Row[Any]]]:
    other = assessments.alias()
    newest = sa.select(sa.func.max(other.c.id)).where(other.c.comment_id == comments.c.id)
    after = 0
    while chunk := session.execute(
        sa.select(comments, *(each for each in assessments.c if each.name != "id"))
        .select_from(comments)
        .join(assessments, assessments.c.id == newest.correlate(comments).scalar_subquery())
        .where(comments.c.id > after)
        .order_by(comments.c.id)
        .limit(CHUNK)
    ).all():
        yield list(chunk)
        after = chunk[-1].id


def standing(session: Session, chunk: list[sa.Row[Any]]) -> dict[int, Numbered]:
    """Find the decisions in force about the texts these comments have now."""
    in_force: dict[int, list[Numbered]] = defaultdict(list)
    for decision in session.execute(
        sa.select(decisions)
        .join(comments, comments.c.id == decisions.c.comment_id)
        .where(
            decisions.c.comment_id.between(chunk[0].id, chunk[-1].id),
            decisions.c.revision == comments.c.revision,
        )
        .order_by(decisions.c.id)
    ):
        if decision.action == "undo":
            in_force[decision.comment_id].pop()
        else:
            in_force[decision.comment_id].append((decision.id, decision.at))
    return {row: found[-1] for row, found in in_force.items() if found}


def placed(row: sa.Row[Any], decision: Numbered | None) -> Placed:
    return Placed(
        row=row.id,
        state=State(row.state),
        submitted_at=row.submitted_at,
        article_row=row.article_id,
        judgement=judgement_from_json(
            model=ModelVersion(row.model_version, row.model_sha256),
            labels=row.labels,
            outcome=Outcome(row.outcome),
            flagged=row.flagged,
            reasons=row.reasons,
            rules=row.rules,
        ),
        decision=decision and decision[0],
        decided_at=decision and decision[1],
        # Spot checks begin with the comments that come from now on.
        sampled=False,
    )
