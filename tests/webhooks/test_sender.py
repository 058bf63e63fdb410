"""Every event reaches the blog, those of a comment in order, however badly it answers."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from moderation.store import Delivery


def refuse(*comments):
    """Answer 400 to whatever is about these comments."""
    return lambda message: (400 if message["data"]["comment"] in comments else 204, {})


def states(store):
    with store.reading() as reader:
        entries = reader.outbox.entries(list(Delivery), limit=100)
    return {(entry.comment_id, entry.delivery, entry.attempts) for entry in entries}


def test_what_happened_is_told_in_order_and_once(sender_for, happened, blog, store):
    happened(("1", 1), ("2", 1), ("1", 2))
    assert sender_for().run_once() == (3, 0)
    assert sender_for().run_once() == (0, 0)
    assert blog.told == [("1", 1), ("2", 1), ("1", 2)]
    assert blog.accepted[0] == {
        "type": "comment.decided",
        "timestamp": "2026-11-22T07:00:00+00:00",
        "data": {"comment": "1", "state": "held", "version": 1},
    }
    with store.reading() as reader:
        backlog = reader.outbox.backlog()
    assert (backlog.pending, backlog.parked, backlog.oldest) == (0, 0, None)


def test_a_comment_waits_for_its_earlier_event_and_the_others_do_not(sender_for, happened, blog):
    happened(("1", 1), ("1", 2), ("2", 1), ("2", 2))
    blog.answer = refuse("1")
    assert sender_for().run_once() == (2, 1)
    assert blog.told == [("2", 1), ("2", 2)]


def test_a_failed_event_comes_again_later_and_later(sender_for, happened, blog, store, clock):
    happened(("1", 1))
    blog.answer = refuse("1")
    sender = sender_for(attempts=9, back_off=4)
    waits = []
    for _ in range(4):
        assert sender.run_once() == (0, 1)
        with store.reading() as reader:
            (entry,) = reader.outbox.entries([Delivery.PENDING], limit=1)
        assert entry.failure == "The answer was 400."
        waits.append((entry.due_at - clock.now).total_seconds())
        clock.forward(waits[-1] - 0.1)
        assert sender.run_once() == (0, 0)
        clock.forward(0.2)
    for longest, wait in zip((4, 8, 16, 32), waits, strict=True):
        assert longest / 2 <= wait <= longest


def test_the_wait_never_exceeds_an_hour(sender_for, happened, blog, store, clock):
    happened(("1", 1))
    blog.answer = refuse("1")
    sender = sender_for(attempts=99, back_off=3000)
    for _ in range(3):
        assert sender.run_once() == (0, 1)
        clock.forward(3601)
    assert sender.run_once() == (0, 1)


def test_a_receiver_may_say_when_it_wants_to_be_asked_again(
    sender_for, happened, blog, store, clock
):
    happened(("1", 1))
    blog.answer = lambda _: (503, {"Retry-After": "120"})
    sender_for().run_once()
    with store.reading() as reader:
        (entry,) = reader.outbox.entries([Delivery.PENDING], limit=1)
    assert entry.due_at == clock.now + timedelta(seconds=120)


def test_what_failed_too_often_is_parked_and_replayed_in_order(
    sender_for, happened, blog, store, clock
):
    happened(("1", 1), ("1", 2))
    blog.answer = refuse("1")
    sender = sender_for(attempts=3)
    for _ in range(5):
        sender.run_once()
        clock.forward(3600)
    assert len(blog.asked) == 3
    assert states(store) == {("1", Delivery.PARKED, 3), ("1", Delivery.PENDING, 0)}

    blog.answer = lambda _: (200, {})
    assert sender.run_once() == (0, 0)
    with store.writing() as writer:
        assert writer.outbox.replay_parked() == 1
    assert sender.run_once() == (2, 0)
    assert blog.told == [("1", 1), ("1", 2)]
    assert blog.asked[0] == blog.asked[3]


def test_what_is_skipped_lets_the_next_pass(sender_for, happened, blog, store):
    happened(("1", 1), ("1", 2))
    with store.reading() as reader:
        first = reader.outbox.entries([Delivery.PENDING], limit=9)[-1].id
    with store.writing() as writer:
        assert writer.outbox.skip([first, 999]) == 1
    assert sender_for().run_once() == (1, 0)
    assert blog.told == [("1", 2)]
    with store.writing() as writer:
        assert writer.outbox.skip([first + 1]) == 0  # it is delivered already
        assert writer.outbox.replay([first]) == 1
    assert sender_for().run_once() == (1, 0)


def test_a_receiver_that_is_down_is_asked_once_and_left_alone(sender_for, happened, blog, store):
    happened(*[(str(number), 1) for number in range(5)])
    blog.answer = lambda _: (502, {})
    assert sender_for().run_once() == (0, 1)
    assert len(blog.asked) == 1
    assert ("4", Delivery.PENDING, 0) in states(store)


def test_what_a_dead_sender_had_taken_is_sent_when_its_time_is_over(
    sender_for, happened, blog, store, clock
):
    happened(("1", 1), ("1", 2))
    with store.writing() as writer:
        assert writer.outbox.take(at=clock.now, until=clock.now + timedelta(seconds=15)) is not None
    assert sender_for().run_once() == (0, 0)
    clock.forward(15)
    assert sender_for().run_once() == (2, 0)
    assert blog.told == [("1", 1), ("1", 2)]


def test_who_was_given_up_does_not_change_what_the_next_one_made_of_it(
    sender_for, happened, store, clock
):
    happened(("1", 1))
    with store.writing() as writer:
        taken = writer.outbox.take(at=clock.now, until=clock.now)
    with store.writing() as writer:
        assert writer.outbox.take(at=clock.now, until=clock.now + timedelta(seconds=9)) is not None
        writer.outbox.failed(taken, "too late", due_at=None)
    assert states(store) == {("1", Delivery.PENDING, 2)}


def test_several_senders_tell_everything_once_and_in_order(sender_for, happened, blog):
    changes = [(str(number), version) for version in (1, 2, 3) for number in range(8)]
    happened(*changes)
    sender = sender_for(seconds=60)
    end = time.monotonic() + 60

    def work(_: int) -> int:
        done = 0
        while len(blog.accepted) < len(changes) and time.monotonic() < end:
            attempt = sender.send_next()
            if attempt is None:
                time.sleep(0.01)  # the others have what is due
            else:
                done += attempt.delivered
        return done

    with ThreadPoolExecutor(3) as threads:
        assert sum(threads.map(work, range(3))) == len(changes)
    assert sorted(blog.told) == sorted(changes)
    for number in range(8):
        assert [version for comment, version in blog.told if comment == str(number)] == [1, 2, 3]


def test_it_runs_until_it_is_told_to_stop_and_finishes_what_it_has_begun(
    sender_for, happened, blog
):
    happened(("1", 1))
    sender = sender_for(seconds=60)
    stop = threading.Event()
    blog.answer = lambda _: (stop.set(), (204, {}))[1]
    runner = threading.Thread(target=sender.run, args=[stop])
    runner.start()
    runner.join(60)
    assert not runner.is_alive()
    assert blog.told == [("1", 1)]
