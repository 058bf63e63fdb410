"""What strangers write is never a part of a statement to the database, wherever it gets to."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy import create_engine, inspect

from moderation.comment import Action, Article, Comment, Parent
from moderation.desk import Desk, InvalidCursor, UnknownComment, accounts
from moderation.store import Filter, Listing, SortKey, Store

PASSWORD = "Büroklammer 7"
STATEMENTS = (
    "'; DROP TABLE comments; --",
    "' OR '1'='1",
    '" OR ""="',
    "') UNION SELECT name, password_hash FROM moderators --",
    "1; UPDATE moderators SET role = 'admin'",
    "x' AND (SELECT pg_sleep(30)) IS NOT NULL --",
    "\\'; DELETE FROM decisions; --",
    "$$; DROP TABLE comments; $$",
    "%(id)s :id {id} ? $1 %s",
    "%_%",
    "*",
    "[a-z]",
    "NULL",
    "comments.text",
)


@pytest.fixture
def tables(database_url: str) -> Sequence[str]:
    """What tables there are, before anybody has said anything."""
    engine = create_engine(database_url)
    found = inspect(engine).get_table_names()
    engine.dispose()
    return found


def test_statements_are_kept_as_the_words_they_are_and_found_by_them_alone(
    desk: Desk, store: Store, database_url: str, tables: Sequence[str]
) -> None:
    for text in STATEMENTS:
        desk.submit(
            Comment(
                f"Trottel! {text}",
                id=text,
                author=text,
                article=Article(title=text, text=text, id=text, url=f"https://a.example/{text}"),
                parent=Parent(text, id=f"parent {text}"),
                thread=(text,),
            )
        )
    for text in STATEMENTS:
        item = desk.comment(text)
        assert item.comment.text == f"Trottel! {text}"
        assert item.comment.author == text
        for narrowed in (Filter(author=text), Filter(article=text)):
            page = desk.listing(Listing.FLAGGED, narrowed)
            assert [found.comment.id for found in page.items] == [text]
        assert desk.listing(Listing.FLAGGED, Filter(model=text)).items == ()
        with pytest.raises(UnknownComment):
            desk.comment(f"{text} ")
        with pytest.raises(InvalidCursor):
            desk.listing(Listing.FLAGGED, sort=SortKey.SCORE, after=text)
        desk.decide(text, Action.REJECT, text, rule=text, note=text, message=text, version=1)
        decided = desk.comment(text).in_force
        assert decided is not None
        assert (decided.moderator, decided.rule, decided.note) == (text, text, text)
    engine = create_engine(database_url)
    assert inspect(engine).get_table_names() == tables
    engine.dispose()


def test_statements_open_no_account_and_are_no_token(store: Store) -> None:
    accounts.create_moderator(store, "eva", PASSWORD)
    for text in STATEMENTS:
        assert accounts.verify(store, text, text) is None
        assert accounts.moderator(store, text) is None
        assert accounts.token_holder(store, text) is None
        assert accounts.session_holder(store, "eva", text) is None
        named = accounts.create_moderator(store, text, PASSWORD)
        assert accounts.moderator(store, text) == named
    assert len(accounts.moderators(store)) == 1 + len(STATEMENTS)
