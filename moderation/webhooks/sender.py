"""`Sender`: brings events from the outbox to the blog, again and again if need be."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from moderation.settings import Settings
from moderation.store import Outgoing, Store, StoreUnavailable
from moderation.webhooks.receiver import Message, Receiver, Undelivered
from moderation.webhooks.signature import Key, UnusableKey

log = logging.getLogger(__name__)

LONGEST_WAIT = 3600.0
"""Seconds between two attempts at most."""

LONGEST_PAUSE = 60.0
"""Seconds that a receiver which does not answer is left alone before the next message."""

LOOKS_EVERY = 1.0
"""Seconds after which an empty outbox is looked at again."""

HELD_FOR = 3
"""A message is given up as lost with its sender after so many times the receiver's limit."""


class WebhooksUnset(Exception):  # noqa: N818 - a state of the settings, not a mistake in the code
    """The settings do not say where to send webhooks, or not how; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """How an attempt went; ``unavailable`` says that others would fare no better right now."""

    delivered: bool
    unavailable: bool = False


class Sender:
    """Sends what is in the outbox.

    Several may run at once, in several processes. Every event is told at least once; events of
    one comment in their order, the next one only after the one before has been accepted.

    Parameters
    ----------
    store
        Whose outbox it is.
    receiver
        Where the blog listens.
    attempts
        After so many that failed an event is parked.
    back_off
        Seconds before the second attempt; doubled before each further one, up to an hour, and
        shortened by lot to no less than half, so that many do not come at once.
    """

    def __init__(
        self,
        store: Store,
        receiver: Receiver,
        *,
        attempts: int,
        back_off: float,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self.receiver = receiver
        self._attempts = attempts
        self._back_off = back_off
        self._clock = clock

    def send_next(self) -> Attempt | None:
        """Send the oldest event that is due; ``None`` if there is none.

        Raises
        ------
        StoreUnavailable
            If the database cannot be used. What was being sent will be sent again.
        """
        now = self._clock()
        until = now + timedelta(seconds=HELD_FOR * self.receiver.seconds)
        with self._store.writing() as writer:
            taken = writer.outbox.take(at=now, until=until)
        if taken is None:
            return None
        fields = {"event": taken.id, "kind": taken.kind.value, "attempt": taken.attempts}
        try:
            message = Message(taken.id, taken.kind.value, taken.at, taken.payload)
            self.receiver.deliver(message, at=now)
        except Undelivered as failure:
            parked = self._postpone(taken, failure)
            sentence = (
                "The blog was not told, and the event is parked: %s"
                if parked
                else ("The blog was not told: %s")
            )
            log.warning(sentence, failure, extra={"fields": fields})
            return Attempt(delivered=False, unavailable=failure.unavailable)
        with self._store.writing() as writer:
            writer.outbox.delivered(taken.id, at=self._clock())
        log.info("The blog was told.", extra={"fields": fields})
        return Attempt(delivered=True)

    def _postpone(self, taken: Outgoing, failure: Undelivered) -> bool:
        """Say when to try again, and whether the event is parked instead."""
        parked = taken.attempts >= self._attempts
        wait = max(self._wait(taken.attempts, LONGEST_WAIT), min(failure.wait or 0, LONGEST_WAIT))
        due_at = None if parked else self._clock() + timedelta(seconds=wait)
        with self._store.writing() as writer:
            writer.outbox.failed(taken, str(failure), due_at=due_at)
        return parked

    def _wait(self, failures: int, longest: float) -> float:
        # far beyond any limit, but no number too large to be one
        doubled = min(self._back_off * 2.0 ** min(failures - 1, 64), longest)
        return doubled * random.uniform(0.5, 1)  # noqa: S311 - a lot, not a secret

    def run_once(self) -> tuple[int, int]:
        """Send what is due now, and stop early if the receiver does not answer.

        Returns
        -------
        delivered, failed : int
            Numbers of attempts.

        Raises
        ------
        StoreUnavailable
            If the database cannot be used.
        """
        delivered = failed = 0
        while (attempt := self.send_next()) is not None:
            delivered += attempt.delivered
            failed += not attempt.delivered
            if attempt.unavailable:
                break
        return delivered, failed

    def run(self, stop: threading.Event) -> None:
        """Send what comes into the outbox until told to stop; the current message is finished."""
        failures = 0
        while not stop.is_set():
            try:
                attempt = self.send_next()
            except StoreUnavailable as error:
                log.warning("The outbox cannot be read: %s", error)
                failures += 1
                stop.wait(self._wait(failures, LONGEST_PAUSE))
                continue
            if attempt is None:
                stop.wait(LOOKS_EVERY)
            elif attempt.unavailable:
                failures += 1
                stop.wait(self._wait(failures, LONGEST_PAUSE))
            else:
                failures = 0


def sender(store: Store, settings: Settings) -> Sender:
    """Make the sender that the settings describe.

    Raises
    ------
    WebhooksUnset
        If they do not describe one.
    """
    if settings.webhook_url is None or not settings.webhook_keys:
        raise WebhooksUnset(
            "Nobody is to be told. Set MODERATION_WEBHOOK_URL, and MODERATION_WEBHOOK_KEYS to what "
            "`moderation webhooks key` prints."
        )
    try:
        keys = [Key.read(key.get_secret_value()) for key in settings.webhook_keys]
    except UnusableKey as error:
        raise WebhooksUnset(f"MODERATION_WEBHOOK_KEYS is wrong: {error}") from None
    receiver = Receiver(
        settings.webhook_url, keys, settings.webhook_networks, seconds=settings.webhook_seconds
    )
    return Sender(
        store, receiver, attempts=settings.webhook_attempts, back_off=settings.webhook_back_off
    )
