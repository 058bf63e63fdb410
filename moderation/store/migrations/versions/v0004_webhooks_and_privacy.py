"""What became of telling the blog; hashed senders, and texts that were erased."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

EMPTIED = "NEW.note IS NULL AND NEW.message IS NULL"
KEPT = (
    "id",
    "comment_id",
    "revision",
    "action",
    "moderator",
    "at",
    "rule",
    "source",
    "supersedes",
)
NEW = ", ".join(f"NEW.{column}" for column in KEPT)
OLD = ", ".join(f"OLD.{column}" for column in KEPT)

SQLITE_KEEPS_ALL = """
    CREATE TRIGGER decisions_no_update BEFORE UPDATE ON decisions
    BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END
"""
SQLITE_KEEPS_ALL_BUT_WORDS = f"""
    CREATE TRIGGER decisions_no_update BEFORE UPDATE ON decisions
    WHEN NOT ({EMPTIED} AND ({NEW}) IS ({OLD}))
    BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END
"""
POSTGRESQL_KEEPS_ALL = """
    CREATE TRIGGER decisions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON decisions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_decisions()
"""
POSTGRESQL_KEEPS_ALL_BUT_WORDS = (
    """
    CREATE TRIGGER decisions_append_only BEFORE DELETE OR TRUNCATE ON decisions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_decisions()
    """,
    f"""
    CREATE TRIGGER decisions_no_update BEFORE UPDATE ON decisions FOR EACH ROW
    WHEN (NOT ({EMPTIED} AND ({NEW}) IS NOT DISTINCT FROM ({OLD})))
    EXECUTE FUNCTION refuse_to_change_decisions()
    """,
)


def upgrade() -> None:
    op.add_column(
        "events",
        sa.Column("delivery", sa.String(length=32), nullable=False, server_default="pending"),
    )
    op.add_column("events", sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("events", sa.Column("due_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("events", sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("events", sa.Column("failure", sa.Text(), nullable=True))
    # until now there was nobody to tell
    op.execute("UPDATE events SET delivery = 'skipped'")
    for name, columns, which in (
        ("ix_events_pending", ["id"], "delivery = 'pending'"),
        ("ix_events_open", ["comment_id", "id"], "delivery IN ('pending', 'parked')"),
    ):
        op.create_index(
            name,
            "events",
            columns,
            sqlite_where=sa.text(which),
            postgresql_where=sa.text(which),
        )
    op.add_column("comments", sa.Column("email_hash", sa.String(length=64), nullable=True))
    op.add_column("comments", sa.Column("address_hash", sa.String(length=64), nullable=True))
    op.add_column("comments", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER decisions_append_only ON decisions")
        for statement in POSTGRESQL_KEEPS_ALL_BUT_WORDS:
            op.execute(statement)
    else:
        op.execute("DROP TRIGGER decisions_no_update")
        op.execute(SQLITE_KEEPS_ALL_BUT_WORDS)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER decisions_no_update ON decisions")
        op.execute("DROP TRIGGER decisions_append_only ON decisions")
        op.execute(POSTGRESQL_KEEPS_ALL)
    else:
        op.execute("DROP TRIGGER decisions_no_update")
        op.execute(SQLITE_KEEPS_ALL)
    for column in ("erased_at", "address_hash", "email_hash"):
        op.drop_column("comments", column)
    op.drop_index("ix_events_open", table_name="events")
    op.drop_index("ix_events_pending", table_name="events")
    for column in ("failure", "delivered_at", "due_at", "attempts", "delivery"):
        op.drop_column("events", column)
