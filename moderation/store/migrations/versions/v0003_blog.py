"""What the blog's own program has: how far it was read, what was carried back to it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "blogs",
        sa.Column("url", sa.String(length=2048), nullable=False),
        sa.Column("position", sa.JSON(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("url", name=op.f("pk_blogs")),
    )
    op.create_table(
        "blog_comments",
        sa.Column("comment_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("status", sa.String(length=32), nullable=True),
        sa.Column("settled", BIG_ID, nullable=True),
        sa.ForeignKeyConstraint(
            ["comment_id"], ["comments.id"], name=op.f("fk_blog_comments_comment_id")
        ),
        sa.ForeignKeyConstraint(
            ["settled"], ["decisions.id"], name=op.f("fk_blog_comments_settled")
        ),
        sa.PrimaryKeyConstraint("comment_id", name=op.f("pk_blog_comments")),
    )


def downgrade() -> None:
    op.drop_table("blog_comments")
    op.drop_table("blogs")
