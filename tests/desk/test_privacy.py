"""What people may ask for: their data as a whole, and that nothing of it is left."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from moderation.comment import Action, Article, Comment, Parent
from moderation.desk import CommentErased
from moderation.desk.privacy import Asked, Pseudonyms, erase, expire, export
from moderation.store import Listing, Person, State

CANARY = "Kanarienvogel"
NAME = f"{CANARY} Eva"
EMAIL = "kanarienvogel@blog.example"
PSEUDONYMS = Pseudonyms("ein Schlüssel dieser Installation")
EVA = Person(author=NAME)
ARTICLE = Article(title="Notebook", text="Der Akku hält lange.", id="7")
INSULT = f"Du Trottel, {CANARY}!"


def submitted(desk, comment_id, words, **fields):
    fields = {"author": NAME, "article": ARTICLE} | fields
    return desk.submit(Comment(words, id=comment_id, **fields))


@pytest.fixture
def written(desk):
    """Everything that Eva's words and words about her can get into."""
    by_email = PSEUDONYMS.email(EMAIL)
    submitted(desk, "1", f"Mein {CANARY} hat keinen Akku.", email_hash=by_email)
    submitted(desk, "1", f"Mein {CANARY} hat einen Akku.")
    submitted(desk, "2", INSULT, address_hash=PSEUDONYMS.address("192.0.2.7"))
    submitted(desk, "3", f"Noch ein Trottel: {CANARY}", article=None)
    desk.decide(
        "2", Action.REJECT, "max", note=f"{CANARY}!", message=f"Lassen Sie «{CANARY}».", version=1
    )
    # others, who have copies of her words
    submitted(desk, "4", "Das stimmt, Trottel.", author="Max", parent=Parent(INSULT, "2"))
    submitted(desk, "5", "Der Akku!", author="Max", thread=("Danke!", INSULT))
    return desk


def test_nothing_of_a_person_is_left_anywhere_but_counts_and_decisions(
    written, store, everything_kept
):
    before, decisions = written.counts(), written.comment("2").decisions
    assert CANARY.lower() in everything_kept()
    assert erase(store, EVA) == 3
    assert CANARY.lower() not in everything_kept()
    assert PSEUDONYMS.email(EMAIL) not in everything_kept()

    after = written.counts()
    assert after[State.APPROVED] == before[State.APPROVED]
    assert after[State.REJECTED] == before[State.REJECTED] == 1
    assert after[State.RETRACTED] == 1  # what was waiting
    assert sum(after.values()) == sum(before.values())
    item = written.comment("2")
    assert item.comment.text == ""
    assert item.comment.author is None
    assert item.assessment.labels.keys() == written.comment("5").assessment.labels.keys()
    (decision,) = item.decisions
    assert (decision.action, decision.moderator, decision.at) == (
        decisions[0].action,
        decisions[0].moderator,
        decisions[0].at,
    )
    assert decision.note is decision.message is None


def test_what_others_wrote_stays(written, store):
    erase(store, EVA)
    answer, other = written.comment("4"), written.comment("5")
    assert answer.comment.text == "Das stimmt, Trottel."
    assert answer.comment.parent == Parent("", "2")
    assert answer.state is State.HELD
    assert other.comment.thread == ("Danke!",)


def test_erased_comments_are_in_no_list_and_found_by_no_word(written, store):
    erase(store, EVA)
    for listing in Listing:
        ids = {item.comment.id for item in written.listing(listing).items}
        assert not ids & {"1", "2", "3"}


def test_the_blog_hears_that_what_was_waiting_is_withdrawn(written, store):
    erase(store, EVA)
    with store.reading() as reader:
        newest = reader.outbox.entries(["pending"], limit=1)[0]
    assert (newest.comment_id, newest.kind.value) == ("3", "comment.retracted")


def test_an_erased_comment_is_neither_decided_nor_filled_again(written, store):
    erase(store, EVA)
    version = written.comment("2").version
    with pytest.raises(CommentErased, match="nothing is left to do"):
        written.undo("2", "max", version=version)
    with pytest.raises(CommentErased):
        written.decide("1", Action.REJECT, "max", version=written.comment("1").version)
    with pytest.raises(CommentErased):
        submitted(written, "1", f"Mein {CANARY} hat einen Akku.")
    written.retract("1")
    assert written.comment("1").state is State.APPROVED


def test_erasing_is_safe_to_repeat(written, store):
    assert erase(store, EVA) == 3
    assert erase(store, EVA) == 0
    assert erase(store, Person()) == 0


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        (Asked(author=NAME), ["1", "2", "3"]),
        (Asked(author=NAME.upper()), []),
        (Asked(email=f" {EMAIL.upper()}"), ["1"]),
        (Asked(author="Max", email=EMAIL), []),
        (Asked(address="192.0.2.7"), ["2"]),
        (Asked(), []),
    ],
)
def test_the_export_holds_everything_about_whom_was_asked(written, store, asked, ids):
    found = export(store, asked.person(PSEUDONYMS))
    assert [comment["id"] for comment in found["comments"]] == ids


def test_an_export_can_be_written_as_json_and_tells_all_of_a_comment(written, store):
    found = json.loads(json.dumps(export(store, EVA)))["comments"]
    assert found[0]["past_texts"][0]["text"] == f"Mein {CANARY} hat keinen Akku."
    assert found[0]["email_hash"] == PSEUDONYMS.email(EMAIL)
    assert found[1]["text"] == INSULT
    assert found[1]["article"] == {"id": "7", "url": None, "title": "Notebook"}
    assert found[1]["decisions"][0]["note"] == f"{CANARY}!"
    assert found[1]["judged"]["scores"]["disparaging"] > 0.9
    assert found[2]["state"] == "held"
    assert "max" not in json.dumps(found)  # moderators are other people


def test_texts_expire_by_status_and_time(written, store, clock):
    days = timedelta(days=30)
    periods = {State.REJECTED: days}
    clock.now += days - timedelta(seconds=60)
    assert expire(store, periods, clock=clock) == {State.REJECTED: 0}
    clock.now += timedelta(seconds=60)
    assert expire(store, periods, clock=clock) == {State.REJECTED: 1}
    assert expire(store, periods, clock=clock) == {State.REJECTED: 0}
    assert written.comment("2").comment.text == ""
    assert written.comment("2").state is State.REJECTED
    assert written.comment("1").comment.text != ""


def test_a_comment_decided_lately_has_not_expired_however_old_it_is(written, store, clock):
    clock.now += timedelta(days=40)
    written.undo("2", "max", version=2)
    written.decide("2", Action.REJECT, "eva", version=3)
    clock.now += timedelta(days=29)
    assert expire(store, {State.REJECTED: timedelta(days=30)}, clock=clock)[State.REJECTED] == 0
    clock.now += timedelta(days=2)
    assert expire(store, {State.REJECTED: timedelta(days=30)}, clock=clock)[State.REJECTED] == 1


def test_an_edit_keeps_what_is_known_of_the_sender(written, store):
    assert written.comment("1").comment.email_hash == PSEUDONYMS.email(EMAIL)
