"""Several things at the same moment, and processes that die in the middle of one."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from moderation.comment import Action, Article, Comment
from moderation.desk import CommentRetracted, Desk, StaleVersion, State, Submission
from moderation.store import Listing, Store

AtOnce = Callable[[Sequence[Callable[[], Any]]], list[Any]]

SUBMIT_FOR_EVER = """
import runpy, sys
from itertools import count
from moderation.comment import Article, Comment
from moderation.store import Store
desk = runpy.run_path(sys.argv[1])["desk_on"](Store(sys.argv[2]))
for number in count():
    comment = Comment("Du Trottel!", id=str(number), article=Article("Der Akku", id="7"))
    print(desk.submit(comment).comment.id, flush=True)
"""


def test_one_comment_submitted_many_times_at_once_is_stored_once(
    desk: Desk, at_once: AtOnce
) -> None:
    comment = Comment("Du Trottel!", id="4711", article=Article("Der Akku", id="7"))
    answers = at_once([lambda: desk.submit(comment)] * 16)

    assert all(isinstance(answer, Submission) for answer in answers)
    assert all(answer == answers[0] for answer in answers)
    item = desk.comment("4711")
    assert (item.version, item.past_texts) == (1, ())
    assert sum(desk.counts().values()) == 1


def test_many_comments_below_one_new_article_at_once_store_it_once(
    desk: Desk, at_once: AtOnce
) -> None:
    articles = [
        Article("Der Akku", id="7"),
        Article("Der Akku", id="7", url="https://b/7"),
        Article("Der Akku", url="https://b/7"),
    ]
    numbers = count()
    answers = at_once(
        [
            lambda article=article: desk.submit(
                Comment("Danke!", id=str(next(numbers)), article=article)
            )
            for article in articles * 5
        ]
    )

    assert [type(answer) for answer in answers] == [Submission] * 15
    assert desk.assess(Comment("Danke!", article=Article(id="7"))).comment.article is not None
    assert sum(desk.counts().values()) == 15


def test_of_several_moderators_who_decide_at_once_one_wins_and_the_others_hear_who(
    desk: Desk, at_once: AtOnce
) -> None:
    desk.submit(Comment("Du Trottel!", id="4711"))
    outcomes = at_once(
        [
            lambda name=name: desk.decide("4711", Action.REJECT, name, version=1)
            for name in ("eva", "max", "ida", "jo", "kim", "lea", "mia", "noa")
        ]
    )

    (decision,) = desk.comment("4711").decisions
    assert outcomes.count(decision) == 1
    losers = [outcome for outcome in outcomes if outcome != decision]
    assert all(isinstance(loser, StaleVersion) for loser in losers)
    assert {loser.decided_by for loser in losers} == {decision.moderator}


def test_edits_decisions_and_a_withdrawal_at_once_leave_a_state_that_follows_from_them(
    desk: Desk, at_once: AtOnce
) -> None:
    for number in range(6):
        comment_id = str(number)
        desk.submit(Comment("Du Trottel!", id=comment_id))
        outcomes = at_once(
            [
                lambda: desk.submit(Comment("Ihr Trottel!", id=comment_id)),  # noqa: B023
                lambda: desk.decide(comment_id, Action.APPROVE, "eva", version=1),  # noqa: B023
                lambda: desk.submit(Comment("Alles Trottel!", id=comment_id)),  # noqa: B023
                lambda: desk.decide(comment_id, Action.REJECT, "max", version=2),  # noqa: B023
                lambda: desk.retract(comment_id),  # noqa: B023
            ]
        )
        refused = (StaleVersion, CommentRetracted)
        assert not [
            outcome
            for outcome in outcomes
            if isinstance(outcome, Exception) and not isinstance(outcome, refused)
        ]
        done = sum(not isinstance(outcome, Exception) for outcome in outcomes)
        item = desk.comment(comment_id)
        assert item.version == 1 + done
        assert len(item.decisions) + len(item.past_texts) + 1 == done
        assert item.state is State.RETRACTED


def test_several_processes_share_one_database(database_url: str, desk: Desk) -> None:
    processes = [_submit_for_ever(database_url) for _ in range(3)]
    for process in processes:
        _acknowledged(process, 15)
        process.terminate()
        process.communicate()

    items = desk.listing(Listing.FLAGGED, limit=500).items
    ids = [item.comment.id for item in items]
    assert len(ids) == len(set(ids)) >= 15
    assert all(item.version == 1 for item in items)


def test_every_acknowledged_comment_survives_a_kill(database_url: str, store: Store) -> None:
    process = _submit_for_ever(database_url)
    acknowledged = _acknowledged(process, 25)
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate()
    acknowledged += rest.split()

    store.check()
    with store.reading() as reader:
        stored = reader.in_state(State.HELD, limit=500).items
    ids = {item.comment.id for item in stored}
    assert set(acknowledged) <= ids
    # At most the one that was being stored may be there without having been acknowledged.
    assert len(ids) - len(acknowledged) <= 1
    assert all(item.article == Article("Der Akku", id="7") for item in stored)


def _submit_for_ever(database_url: str) -> subprocess.Popen[str]:
    conftest = Path(__file__).with_name("conftest.py")
    return subprocess.Popen(
        [sys.executable, "-c", SUBMIT_FOR_EVER, str(conftest), database_url],
        stdout=subprocess.PIPE,
        text=True,
    )


def _acknowledged(process: subprocess.Popen[str], number: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline().strip() for _ in range(number)]
