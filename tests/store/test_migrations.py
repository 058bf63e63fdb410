"""The migrations make the tables the program describes, and take them away again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text

from moderation.store import Store, StoreOutdated, StoreUnavailable
from moderation.store.database import newest_revision
from moderation.store.tables import Base


def tables(database_url: str) -> set[str]:
    engine = create_engine(database_url)
    found = set(inspect(engine).get_table_names())
    engine.dispose()
    return {name for name in found if is_described(name)}


def is_described(name: str | None, *_: object) -> bool:
    """Whether it is not the search index, which each database makes of tables of its own kind."""
    return name is None or not name.startswith("comment_words")


def test_the_migrated_tables_are_those_the_program_describes(database_url: str) -> None:
    engine = create_engine(database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "compare_server_default": True,
                "include_name": is_described,
            },
        )
        differences = compare_metadata(context, Base.metadata)
    engine.dispose()

    assert differences == []


def test_an_empty_database_is_brought_up_and_down_and_up_again(empty_database_url: str) -> None:
    store = Store(empty_database_url)
    assert store.revision() is None
    store.migrate()
    assert store.revision() == newest_revision()
    assert tables(empty_database_url) == {"alembic_version", *Base.metadata.tables}

    store.migrate("base")
    assert store.revision() is None
    assert tables(empty_database_url) == {"alembic_version"}

    store.migrate()
    store.check()
    store.close()


def test_migrating_twice_changes_nothing(store: Store) -> None:
    store.migrate()
    store.check()


def test_several_processes_may_migrate_at_once(empty_database_url: str) -> None:
    stores = [Store(empty_database_url, lock_timeout=30) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(Store.migrate, stores))

    for store in stores:
        store.check()
        store.close()


def test_a_migration_that_fails_leaves_nothing_behind(empty_database_url: str) -> None:
    engine = create_engine(empty_database_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE past_texts (other INTEGER)"))
    engine.dispose()
    store = Store(empty_database_url)
    with pytest.raises(Exception, match="past_texts"):
        store.migrate()

    assert store.revision() is None
    assert tables(empty_database_url) == {"past_texts"}
    store.close()


def test_a_database_without_tables_says_what_to_do(empty_database_url: str) -> None:
    store = Store(empty_database_url)
    with pytest.raises(StoreOutdated, match="Run `moderation db migrate`"):
        store.check()
    with (
        pytest.raises(StoreUnavailable, match="Run `moderation db migrate`"),
        store.reading() as reader,
    ):
        reader.counts()
    store.close()


def test_a_database_of_a_newer_program_is_left_alone(store: Store, database_url: str) -> None:
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()

    with pytest.raises(StoreOutdated, match="newer version of this program"):
        store.check()


def test_folders_above_a_new_database_are_made(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/a/b/moderation.db")
    store.migrate()
    store.check()
    store.close()
