"""What the blog's own program has of the comments, on each kind of database."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import update

from moderation.comment import Action, DecisionSource
from moderation.store import NewDecision, Seen, Store, Writer
from moderation.store.tables import CommentRow

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def decide(writer: Writer, action: Action, source: DecisionSource) -> int:
    locked = writer.lock("4711")
    assert locked is not None
    [decision] = writer.append_decisions(
        [
            NewDecision(
                locked=locked, action=action, moderator=None, at=NOW, source=source, supersedes=None
            )
        ]
    )
    return decision.id


def note(writer: Writer, seen: Seen) -> None:
    locked = writer.lock("4711")
    assert locked is not None
    writer.blog.note(locked.row, seen)


def test_how_far_a_blog_was_read_is_kept_and_only_one_is_followed(store: Store) -> None:
    with store.writing() as writer:
        assert writer.blog.followed() is None
        writer.blog.follow("https://a.example", {"date": None, "ids": [1]}, at=NOW)
        writer.blog.follow("https://a.example", {"date": "2026", "ids": []}, at=NOW)
    with store.reading() as reader:
        assert reader.blog.followed() == ("https://a.example", {"date": "2026", "ids": []})
    with store.writing() as writer:
        writer.blog.follow("https://b.example", {"date": "2027", "ids": []}, at=NOW)
    with store.reading() as reader:
        assert reader.blog.followed() == ("https://b.example", {"date": "2027", "ids": []})


def test_what_was_seen_of_a_comment_replaces_what_was_seen_before(decided: Store) -> None:
    with decided.writing() as writer:
        assert writer.blog.seen(["4711"]) == {}
        note(writer, Seen("pending"))
        note(writer, Seen("spam", settled=1))
    with decided.reading() as reader:
        assert reader.blog.seen(["4711", "1"]) == {"4711": Seen("spam", settled=1)}
        assert reader.blog.texts(["4711", "1"]) == {"4711": "Du Trottel!"}


def test_a_decision_is_uncarried_until_it_is_settled(decided: Store) -> None:
    with decided.writing() as writer:
        assert writer.blog.uncarried(limit=5) == ()  # the blog does not have this comment
        note(writer, Seen("pending"))
        [uncarried] = writer.blog.uncarried(limit=5)
        assert (uncarried.comment_id, uncarried.text) == ("4711", "Du Trottel!")
        assert uncarried.seen == Seen("pending")
        assert writer.blog.uncarried(limit=5, after=uncarried.decision) == ()
        note(writer, Seen("trash", settled=uncarried.decision))
        assert writer.blog.uncarried(limit=5) == ()
        newest = decide(writer, Action.APPROVE, DecisionSource.INDIVIDUAL)
        assert [each.decision for each in writer.blog.uncarried(limit=5)] == [newest]


def test_what_came_from_the_blog_is_not_carried_back(decided: Store) -> None:
    with decided.writing() as writer:
        note(writer, Seen("pending"))
        decide(writer, Action.APPROVE, DecisionSource.IMPORT)
        assert writer.blog.uncarried(limit=5) == ()


def test_a_comment_erased_here_has_no_text_and_nothing_to_carry(decided: Store) -> None:
    with decided.writing() as writer:
        note(writer, Seen("pending"))
        writer._session.execute(update(CommentRow).values(text="", erased_at=NOW))
        assert writer.blog.texts(["4711"]) == {"4711": None}
        assert writer.blog.uncarried(limit=5) == ()
