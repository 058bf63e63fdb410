"""What stands beside a comment: its thread, its author's record, similar comments."""

from __future__ import annotations

import pytest

from moderation.comment import Action, Comment, Parent
from moderation.desk import Desk, State, UnknownComment


def answer(desk: Desk, comment_id: str, to: str | None, text: str = "Danke!") -> None:
    parent = None if to is None else Parent(f"Text von {to}", id=to)
    desk.submit(Comment(text, id=comment_id, author="Ida", parent=parent))


def outline(desk: Desk, comment_id: str) -> list[tuple[str | None, int]]:
    return [(item.comment_id, item.depth) for item in desk.thread(comment_id)]


def test_a_thread_is_told_from_its_root_in_the_order_one_reads_it(desk: Desk) -> None:
    for comment_id, to in [
        ("1", None),
        ("2", "1"),
        ("3", "1"),
        ("4", "2"),
        ("5", "4"),
        ("9", None),
    ]:
        answer(desk, comment_id, to)

    assert outline(desk, "2") == [("1", 0), ("2", 1), ("4", 2), ("5", 3), ("3", 1)]
    assert outline(desk, "9") == [("9", 0)]
    assert [item.comment_id for item in desk.thread("4") if item.itself] == ["4"]
    first = desk.thread("4")[0]
    assert (first.author, first.text, first.state) == ("Ida", "Danke!", State.APPROVED)
    assert first.submitted_at == desk.comment("1").submitted_at


def test_a_parent_that_is_not_stored_is_the_root_by_its_text(desk: Desk) -> None:
    answer(desk, "2", "fremd")
    root, itself = desk.thread("2")
    assert (root.comment_id, root.text, root.state) == ("fremd", "Text von fremd", None)
    assert (itself.comment_id, itself.depth) == ("2", 1)


def test_comments_that_answer_each_other_in_a_circle_are_each_told_once(desk: Desk) -> None:
    for comment_id, to in [("1", "3"), ("2", "1"), ("3", "2")]:
        answer(desk, comment_id, to)
    told = [comment_id for comment_id, _ in outline(desk, "2")]
    assert set(told) == {"1", "2", "3"}
    assert told.count("2") == 1


def test_a_very_long_or_deep_thread_is_cut_but_never_the_comment_itself(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("moderation.store.threads.LONGEST", 5)
    monkeypatch.setattr("moderation.store.threads.DEEPEST", 4)
    answer(desk, "wurzel", None)
    for number in range(8):
        answer(desk, str(number), "wurzel")
    told = [comment_id for comment_id, _ in outline(desk, "7")]
    assert told == ["wurzel", "0", "1", "2", "3", "7"]

    for number in range(8, 16):
        answer(desk, str(number), str(number - 1))
    assert outline(desk, "15")[0] == ("10", 0)
    assert outline(desk, "15")[-1] == ("15", 5)


def test_an_author_is_known_by_what_people_decided_about_the_others(desk: Desk) -> None:
    for number in range(9):
        desk.submit(Comment("Du Trottel!", id=str(number), author="Ida"))
    desk.submit(Comment("Du Trottel!", id="fremd", author="ida"))
    for number in range(6):
        desk.decide(str(number), Action.APPROVE, "eva", version=1)
    desk.decide("6", Action.REJECT, "eva", version=1)
    desk.decide("7", Action.DEFER, "eva", version=1)
    desk.decide("fremd", Action.REJECT, "eva", version=1)

    record = desk.author_record("Ida", besides="5")
    assert (record.approved, record.rejected, record.deferred) == (5, 1, 1)
    assert [item.comment.id for item in record.newest] == ["6", "4", "3", "2", "1"]
    assert record.newest[0].in_force is not None
    assert desk.author_record("Ida", besides="8").newest[0].comment.id == "6"
    for nobody in ("Niemand", "a\0b"):
        assert desk.author_record(nobody, besides="8") == desk.author_record("", besides="8")


def test_the_most_similar_decided_comments_come_first(desk: Desk) -> None:
    texts = {
        "gleich": "Trottel, kauft lieber Schuhe bei Schuhparadies",
        "nah": "Trottel! Schuhe kauft man bei schuhparadies.example",
        "fern": "Das Schuhparadies ist weit, Trottel, und der Akku leer",
        "anders": "Der Trottel hat keine Ahnung",
        "offen": "Trottel, kauft lieber Schuhe bei Schuhparadies",
    }
    for comment_id, text in texts.items():
        desk.submit(Comment(text, id=comment_id))
        if comment_id != "offen":
            desk.decide(comment_id, Action.REJECT, "eva", version=1)

    similar = desk.similar_decided("offen")
    assert [found.item.comment.id for found in similar] == ["gleich", "nah", "fern"]
    assert similar[0].similarity == pytest.approx(1)
    assert similar[0].similarity > similar[1].similarity > similar[2].similarity > 0
    assert similar[0].item.in_force is not None
    assert "gleich" not in {found.item.comment.id for found in desk.similar_decided("gleich")}


def test_a_comment_without_words_is_similar_to_none(desk: Desk) -> None:
    desk.submit(Comment("🙂" * 50, id="1"))
    assert desk.similar_decided("1") == ()


def test_what_is_not_there_has_no_surroundings(desk: Desk) -> None:
    for comment_id in ("nie da", "a\0b"):
        for ask in (desk.thread, desk.similar_decided):
            with pytest.raises(UnknownComment):
                ask(comment_id)
