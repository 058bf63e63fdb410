"""Sender and receiver are real processes and are killed in the middle: nothing is lost."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).with_name("moderation")
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
COMMENTS, VERSIONS = 30, 4


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.slow
def test_every_event_arrives_in_order_though_both_sides_die(
    database_url, store, happened_in, free_port, tmp_path
):
    happened_in(
        store,
        *[(str(comment), version) for version in range(VERSIONS) for comment in range(COMMENTS)],
    )
    kept = tmp_path / "kept"
    kept.touch()

    def arrived() -> int:
        return len(kept.read_text().splitlines())

    def receiving() -> subprocess.Popen[bytes]:
        script = Path(__file__).with_name("receiving.py")
        return subprocess.Popen([sys.executable, script, str(free_port), KEY, kept])

    def sending() -> subprocess.Popen[bytes]:
        own = {
            "MODERATION_DATABASE_URL": database_url,
            "MODERATION_WEBHOOK_URL": f"http://127.0.0.1:{free_port}/",
            "MODERATION_WEBHOOK_KEYS": KEY,
            "MODERATION_WEBHOOK_NETWORKS": "127.0.0.0/8",
            "MODERATION_WEBHOOK_SECONDS": "1",
            "MODERATION_WEBHOOK_BACK_OFF": "0.1",
        }
        with (tmp_path / "sender.log").open("ab") as log:
            return subprocess.Popen([COMMAND, "webhooks", "run"], env=os.environ | own, stderr=log)

    blog, sender = receiving(), sending()
    try:
        for goal in (30, 70):
            wait_for(lambda goal=goal: arrived() >= goal)
            sender.kill()
            sender.wait()
            sender = sending()
            wait_for(lambda goal=goal: arrived() >= goal + 5)
            blog.kill()
            blog.wait()
            blog = receiving()

        def left() -> int:
            with store.reading() as reader:
                return reader.outbox.backlog().pending

        wait_for(lambda: left() == 0)
        sender.terminate()
        assert sender.wait(10) == 0
    finally:
        for process in (blog, sender):
            process.kill()
            process.wait()

    lines = [line.split() for line in kept.read_text().splitlines()]
    assert len({event for event, _, _ in lines}) == COMMENTS * VERSIONS
    for comment in range(COMMENTS):
        versions = [int(version) for _, about, version in lines if about == str(comment)]
        assert versions == sorted(versions)
        assert set(versions) == set(range(VERSIONS))
    # at most what was under way when somebody died came twice
    assert len(lines) <= COMMENTS * VERSIONS + 8
