"""First tables, with decisions that only ever grow."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ID = sa.String(length=255)
SHORT = sa.String(length=64)
TIME = sa.DateTime(timezone=True)
WORD = sa.String(length=32)

SQLITE_KEEPS_DECISIONS = [
    f"""
    CREATE TRIGGER decisions_no_{change.lower()} BEFORE {change} ON decisions
    BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END
    """
    for change in ("UPDATE", "DELETE")
]
POSTGRESQL_KEEPS_DECISIONS = [
    """
    CREATE FUNCTION refuse_to_change_decisions() RETURNS trigger LANGUAGE plpgsql
    AS 'BEGIN RAISE EXCEPTION ''decisions are append-only''; END'
    """,
    """
    CREATE TRIGGER decisions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON decisions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_decisions()
    """,
]


def upgrade() -> None:
    op.create_table(
        "api_tokens",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("name", SHORT, nullable=False),
        sa.Column("sha256", SHORT, nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=True),
        sa.Column("last_used_at", TIME, nullable=True),
        sa.Column("revoked_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("sha256", name=op.f("uq_api_tokens_sha256")),
    )
    op.create_table(
        "articles",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("external_id", ID, nullable=True),
        sa.Column("url", sa.String(length=2048), nullable=True),
        sa.Column("digest", SHORT, nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_articles")),
        sa.UniqueConstraint("digest", name=op.f("uq_articles_digest")),
        sa.UniqueConstraint("external_id", name=op.f("uq_articles_external_id")),
        sa.UniqueConstraint("url", name=op.f("uq_articles_url")),
    )
    op.create_table(
        "moderators",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("name", SHORT, nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("role", WORD, nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_moderators")),
        sa.UniqueConstraint("name", name=op.f("uq_moderators_name")),
    )
    op.create_table(
        "comments",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("external_id", ID, nullable=False),
        sa.Column("article_id", BIG_ID, nullable=True),
        sa.Column("parent_external_id", ID, nullable=True),
        sa.Column("parent_text", sa.Text(), nullable=True),
        sa.Column("thread", sa.JSON(), nullable=False),
        sa.Column("author", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("submitted_at", TIME, nullable=False),
        sa.Column("edited_at", TIME, nullable=True),
        sa.Column("retracted_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["article_id"], ["articles.id"], name=op.f("fk_comments_article_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comments")),
        sa.UniqueConstraint("external_id", name=op.f("uq_comments_external_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_comments_article_id_id"), "comments", ["article_id", "id"], unique=False
    )
    op.create_index(
        op.f("ix_comments_parent_external_id"), "comments", ["parent_external_id"], unique=False
    )
    op.create_index(op.f("ix_comments_state_id"), "comments", ["state", "id"], unique=False)
    op.create_table(
        "assessments",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("comment_id", BIG_ID, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("model_version", SHORT, nullable=False),
        sa.Column("model_sha256", SHORT, nullable=False),
        sa.Column("labels", sa.JSON(), nullable=False),
        sa.Column("outcome", WORD, nullable=False),
        sa.Column("flagged", sa.JSON(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["comment_id"], ["comments.id"], name=op.f("fk_assessments_comment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assessments")),
        sa.UniqueConstraint(
            "comment_id",
            "revision",
            "model_sha256",
            name=op.f("uq_assessments_comment_id_revision_model_sha256"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_assessments_comment_id_id"), "assessments", ["comment_id", "id"], unique=False
    )
    op.create_table(
        "decisions",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("comment_id", BIG_ID, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("action", WORD, nullable=False),
        sa.Column("moderator", sa.Text(), nullable=True),
        sa.Column("at", TIME, nullable=False),
        sa.Column("rule", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("source", WORD, nullable=False),
        sa.Column("supersedes", BIG_ID, nullable=True),
        sa.ForeignKeyConstraint(
            ["comment_id"], ["comments.id"], name=op.f("fk_decisions_comment_id")
        ),
        sa.ForeignKeyConstraint(
            ["supersedes"], ["decisions.id"], name=op.f("fk_decisions_supersedes")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_decisions_comment_id_id"), "decisions", ["comment_id", "id"], unique=False
    )
    op.create_table(
        "events",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("comment_id", BIG_ID, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["comment_id"], ["comments.id"], name=op.f("fk_events_comment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_events_comment_id_id"), "events", ["comment_id", "id"], unique=False)
    op.create_table(
        "past_texts",
        sa.Column("comment_id", BIG_ID, nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("replaced_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["comment_id"], ["comments.id"], name=op.f("fk_past_texts_comment_id")
        ),
        sa.PrimaryKeyConstraint("comment_id", "revision", name=op.f("pk_past_texts")),
    )
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    for statement in POSTGRESQL_KEEPS_DECISIONS if on_postgresql else SQLITE_KEEPS_DECISIONS:
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("past_texts")
    op.drop_index(op.f("ix_events_comment_id_id"), table_name="events")
    op.drop_table("events")
    op.drop_index(op.f("ix_decisions_comment_id_id"), table_name="decisions")
    op.drop_table("decisions")
    op.drop_index(op.f("ix_assessments_comment_id_id"), table_name="assessments")
    op.drop_table("assessments")
    op.drop_index(op.f("ix_comments_state_id"), table_name="comments")
    op.drop_index(op.f("ix_comments_parent_external_id"), table_name="comments")
    op.drop_index(op.f("ix_comments_article_id_id"), table_name="comments")
    op.drop_table("comments")
    op.drop_table("moderators")
    op.drop_table("articles")
    op.drop_table("api_tokens")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_to_change_decisions()")
