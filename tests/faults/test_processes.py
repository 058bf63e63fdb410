"""Processes that are killed or stopped in the middle of submissions; see docs/reliability.md."""

from __future__ import annotations

import json
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException

import psutil
import pytest

from moderation.desk import accounts
from moderation.store import Scope, Store

CLIENTS = 4
TEXT = "Du bist doch ein dummer Idiot!"


@pytest.fixture
def key(settings) -> str:
    store = Store(settings.database)
    key = accounts.issue_token(store, "blog", [Scope.SUBMIT]).key
    store.close()
    return key


class Blog:
    """Submits comments one after the other and repeats each until it is answered."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.accepted: list[str] = []
        self.failures = 0
        self.stopped = threading.Event()

    def work(self, number: int, address) -> None:
        """Submit comments until told to stop; ``address`` gives the service to send to."""
        sent = 0
        while not self.stopped.is_set():
            comment_id = f"{number}-{sent}"
            try:
                status, answer = address().classify(self.key, id=comment_id, text=TEXT)
            except (OSError, HTTPException):
                self.failures += 1
                time.sleep(0.05)
                continue
            if status == 503:  # a worker that is still loading its model
                time.sleep(0.05)
                continue
            assert status == 200
            assert answer["id"] == comment_id
            self.accepted.append(comment_id)
            sent += 1

    def wait_for(self, more: int) -> None:
        """Wait until so many more comments are accepted."""
        goal, end = len(self.accepted) + more, time.monotonic() + 180
        while len(self.accepted) < goal:
            assert time.monotonic() < end, "no comment is accepted any more"
            time.sleep(0.01)


KEPT = """
    SELECT external_id,
           (SELECT count(*) FROM assessments WHERE comment_id = comments.id),
           (SELECT count(*) FROM events WHERE comment_id = comments.id)
    FROM comments
"""
"""Counts the assessments and events of each stored comment."""


def test_no_accepted_comment_is_lost_or_doubled_when_processes_are_killed(
    serve, settings, key, sql
):
    blog = Blog(key)
    services = []
    with ThreadPoolExecutor(CLIENTS) as threads, serve(settings) as first:
        services.append(first)
        first.wait_for("/readyz")
        work = [threads.submit(blog.work, n, lambda: services[-1]) for n in range(CLIENTS)]
        try:
            blog.wait_for(10)
            worker = psutil.Process(first.process.pid).children()[0]
            worker.send_signal(signal.SIGKILL)
            blog.wait_for(10)

            orphans = psutil.Process(first.process.pid).children()
            first.process.kill()
            first.process.wait()
            _, left = psutil.wait_procs(orphans, timeout=120)
            assert not left, "workers outlive their master"
            with serve(settings, port=first.port) as second:
                services.append(second)
                second.wait_for("/readyz")
                blog.wait_for(10)
                blog.stopped.set()
                for done in work:
                    done.result(180)
                assert second.stop() == 0
        finally:
            blog.stopped.set()
    found = {name: counts for name, *counts in sql(KEPT)}
    assert blog.failures > 0
    assert len(blog.accepted) == len(set(blog.accepted))
    assert set(blog.accepted) <= set(found)
    # at most the one comment each client was about to send is stored without having been answered
    assert len(found) - len(blog.accepted) <= CLIENTS
    assert all(counts == [1, 1] for counts in found.values())


def test_a_request_under_way_is_answered_before_the_service_stops(serve, settings, key, sql):
    comments = [{"id": str(number), "text": f"{TEXT} {number}"} for number in range(20)]
    with serve(settings, "--workers", "1") as service, ThreadPoolExecutor(1) as threads:
        service.wait_for("/readyz")
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        answer = threads.submit(
            service.call, "POST", "/classify/batch", json.dumps(comments), **headers
        )
        end = time.monotonic() + 120
        while not sql(KEPT):
            assert time.monotonic() < end
            time.sleep(0.005)
        assert service.stop() == 0
        status, _, answered = answer.result(60)
    assert status == 200
    assert [one["id"] for one in answered] == [comment["id"] for comment in comments]
    assert len(sql(KEPT)) == 20
