"""Runs the migrations on the connection that `Store.migrate` opened."""

from alembic import context

from moderation.store.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    # SQLite can take back a half-done migration too, once transactions begin as ours do.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
