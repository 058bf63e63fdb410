"""The migrations make the tables the program describes, and take them away again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, exc, inspect, text

from moderation.store import (
    Filter,
    Listing,
    Page,
    QueueItem,
    Reader,
    SortKey,
    Store,
    StoreOutdated,
    StoreUnavailable,
)
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


BEFORE_LISTS = """
INSERT INTO articles (id, external_id, title, text, created_at, updated_at)
    VALUES (7, 'a7', 'Akku', '', '2026-11-01 08:00:00', '2026-11-01 08:00:00');
INSERT INTO comments
    (id, external_id, article_id, thread, author, text, state, version, revision, submitted_at)
    VALUES
    (1, 'offen', 7, '[]', 'Ida', 'Über den Akku', 'held', 1, 1, '2026-11-01 08:00:00'),
    (2, 'abgelehnt', NULL, '[]', 'Ida', 'Du Trottel', 'rejected', 4, 1, '2026-11-01 09:00:00'),
    (3, 'frei', NULL, '[]', NULL, 'Danke', 'approved', 1, 1, '2026-11-01 10:00:00'),
    (4, 'geändert', NULL, '[]', NULL, 'Neu', 'held', 3, 2, '2026-11-01 11:00:00');
INSERT INTO decisions (comment_id, revision, action, moderator, at, source, supersedes)
    VALUES
    (2, 1, 'reject', 'eva', '2026-11-02 08:00:00', 'individual', NULL),
    (2, 1, 'approve', 'max', '2026-11-02 09:00:00', 'individual', 1),
    (2, 1, 'undo', 'max', '2026-11-02 10:00:00', 'individual', 2),
    (4, 1, 'approve', 'eva', '2026-11-02 11:00:00', 'individual', NULL);
"""


ASSESSMENT = """
INSERT INTO assessments
    (comment_id, revision, model_version, model_sha256, labels, outcome, flagged, reasons, rules,
     created_at)
    VALUES
    ({comment}, {revision}, '2026.11.1', 'x',
     '{{"spam": {{"score": {score}, "spans": [], "evidence": null}}, "off_topic": null}}',
     '{outcome}', '{flagged}', '[]', '{{"spam": {{"rule": "werbung", "threshold": 0.5}}}}',
     '2026-11-01 12:00:00')
"""


def fill(database_url: str) -> None:
    """Store comments as the program of before there were lists did."""
    held = {"score": 0.6, "outcome": "hold", "flagged": '["spam"]'}
    fine = {"score": 0.1, "outcome": "approve", "flagged": "[]"}
    run(
        database_url,
        BEFORE_LISTS,
        ASSESSMENT.format(comment=1, revision=1, **held),
        ASSESSMENT.format(comment=2, revision=1, **held),
        ASSESSMENT.format(comment=3, revision=1, **fine),
        ASSESSMENT.format(comment=4, revision=1, **fine),
        ASSESSMENT.format(comment=4, revision=2, **held),
    )


def test_what_was_stored_before_there_were_lists_is_listed_and_found(
    empty_database_url: str,
) -> None:
    store = Store(empty_database_url)
    store.migrate("0001")
    fill(empty_database_url)

    store.migrate()
    store.check()
    with store.reading() as reader:
        lists = {
            listing: [(item.comment.id, item.in_force and item.in_force.id) for item in page.items]
            for listing in Listing
            if (page := read(reader, listing, Filter()))
        }
        (found,) = read(reader, Listing.FLAGGED, Filter(words="ueber", article="a7")).items
    assert lists == {
        Listing.FLAGGED: [("offen", None), ("geändert", None)],
        Listing.UNCERTAIN: [("offen", None), ("geändert", None)],
        Listing.DEFERRED: [],
        Listing.SAMPLE: [],
        Listing.DECIDED: [("abgelehnt", 1)],
    }
    assert found.comment.id == "offen"
    store.close()


def test_going_back_and_forth_keeps_comments_and_decisions(empty_database_url: str) -> None:
    store = Store(empty_database_url)
    store.migrate("0001")
    fill(empty_database_url)
    store.migrate()
    run(empty_database_url, "UPDATE comments SET state = 'deferred' WHERE id = 1")
    store.migrate("0001")

    assert store.revision() == "0001"
    store.migrate()
    with store.reading() as reader:
        assert len(reader.decisions("abgelehnt")) == 3
        assert len(read(reader, Listing.FLAGGED, Filter()).items) == 2
    with pytest.raises(exc.DBAPIError, match="decisions are append-only"):
        run(empty_database_url, "DELETE FROM decisions")
    store.close()


STAFF = """
INSERT INTO moderators (id, name, display_name, role, password_hash, disabled, created_at)
    VALUES (7, 'eva', 'Eva Muster', 'admin', 'x', FALSE, '2026-11-01 08:00:00')
"""
SECOND_FACTOR = """
INSERT INTO second_factors (moderator_id, secret, begun_at, confirmed_at, last_step)
    VALUES (7, 'sealed', '2026-11-02 08:00:00', '2026-11-02 08:01:00', 59844649);
INSERT INTO recovery_codes (moderator_id, sha256) VALUES (7, 'one'), (7, 'two')
"""


def test_going_back_before_second_factors_keeps_accounts_and_opens_them(
    empty_database_url: str,
) -> None:
    store = Store(empty_database_url)
    store.migrate("0004")
    run(empty_database_url, STAFF)
    store.migrate()
    run(empty_database_url, SECOND_FACTOR)
    with store.reading() as reader:
        found = reader.second_factors.of("eva")
        assert found is not None
        assert (found.last_step, found.recovery_codes) == (59844649, 2)
        (eva,) = reader.moderators()
        assert eva.second_factor_since == found.confirmed_at

    store.migrate("0004")
    assert {"second_factors", "recovery_codes"}.isdisjoint(tables(empty_database_url))
    store.migrate()
    with store.reading() as reader:
        assert reader.second_factors.of("eva") is None
        assert [one.name for one in reader.moderators()] == ["eva"]
    store.close()


def run(database_url: str, *scripts: str) -> None:
    engine = create_engine(database_url)
    try:
        with engine.begin() as connection:
            for statement in filter(str.strip, ";".join(scripts).split(";")):
                connection.exec_driver_sql(statement)
    finally:
        engine.dispose()


def read(reader: Reader, listing: Listing, narrowed: Filter) -> Page[QueueItem]:
    return reader.lists.page(listing, narrowed, sort=SortKey.AGE, descending=False, limit=9)
