"""What a person may ask of who keeps their comments: to see all of it, and to have it erased."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any

from moderation.desk.base import utc_now
from moderation.desk.errors import InvalidInput, NoPrivacyKey
from moderation.desk.intake import check_words
from moderation.desk.lists import stored
from moderation.store import EventKind, NewEvent, Person, QueueItem, Reader, State, Store

CHUNK = 100
"""Comments that are erased in one transaction, so that nobody waits long for a lock."""

WAITING = (State.HELD, State.DEFERRED)


class Pseudonyms:
    """Keyed hashes that stand for who sent a comment; nobody without the key can try out others.

    Parameters
    ----------
    key
        This blog's own; with another one nobody is found.

    Examples
    --------
    >>> one = Pseudonyms("geheim")
    >>> one.email(" Eva@Blog.example") == one.email("eva@blog.example")
    True
    >>> one.address("2001:DB8::1") == one.address("2001:db8:0::1")
    True
    >>> one.email("eva@blog.example") == Pseudonyms("anders").email("eva@blog.example")
    False
    """

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def email(self, written: str) -> str:
        """Hash an e-mail address, however its letters and blanks are set."""
        return self._hash("email", written.strip().casefold())

    def address(self, written: str) -> str:
        """Hash an IP address.

        Raises
        ------
        InvalidInput
            If it is none.
        """
        try:
            return self._hash("address", ip_address(written.strip()).compressed)
        except ValueError:
            raise InvalidInput("address", "This must be an IPv4 or IPv6 address.") from None

    def _hash(self, kind: str, value: str) -> str:
        said = f"{kind}\0{value}".encode(errors="surrogatepass")
        return hmac.digest(self._key, said, hashlib.sha256).hex()


def export(store: Store, person: Person) -> dict[str, Any]:
    """Collect everything that is kept about a person, ready for JSON.

    Names of moderators are left out: they are other people's data. So are the comments that were
    answered.
    """
    _check(person)
    with store.reading() as reader:
        ids = reader.personal.comments_of(person)
        comments = [_exported(reader, comment_id) for comment_id in ids]
    return {"comments": comments}


def _exported(reader: Reader, comment_id: str) -> dict[str, Any]:
    item = stored(reader, comment_id)
    article = item.article
    return {
        "id": comment_id,
        "author": item.comment.author,
        "text": item.comment.text,
        "past_texts": [
            {"text": past.text, "replaced_at": past.replaced_at.isoformat()}
            for past in reader.past_texts(comment_id)
        ],
        "email_hash": item.comment.email_hash,
        "address_hash": item.comment.address_hash,
        "article": article and {"id": article.id, "url": article.url, "title": article.title},
        "answers": item.parent and item.parent.id,
        "submitted_at": item.submitted_at.isoformat(),
        "edited_at": _time(item.edited_at),
        "retracted_at": _time(item.retracted_at),
        "erased_at": _time(item.erased_at),
        "state": item.state.value,
        "judged": _judged(item),
        "decisions": [
            {
                "action": decision.action.value,
                "at": decision.at.isoformat(),
                "rule": decision.rule,
                "note": decision.note,
                "message": decision.message,
                "source": decision.source.value,
            }
            for decision in reader.decisions(comment_id)
        ],
    }


def _judged(item: QueueItem) -> dict[str, Any]:
    return {
        "verdict": item.verdict.outcome.value,
        "scores": {
            label.value: found and found.score for label, found in item.assessment.labels.items()
        },
        "reasons": [reason.de for reason in item.verdict.reasons],
        "model": item.assessment.model.version,
    }


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def erase(store: Store, person: Person, *, clock: Callable[[], datetime] = utc_now) -> int:
    """Erase all words of a person and about them, and tell how many comments that were.

    Decisions, scores and counts stay. What was still waiting for people counts as withdrawn, and
    the blog is told. Safe to repeat: should it fail half-way, call it again.
    """
    _check(person)
    with store.reading() as reader:
        ids = reader.personal.comments_of(person)
    for start in range(0, len(ids), CHUNK):
        _erase(store, ids[start : start + CHUNK], clock())
    if ids:
        store.scrub()
    return len(ids)


def expire(
    store: Store,
    periods: Mapping[State, timedelta],
    *,
    clock: Callable[[], datetime] = utc_now,
) -> Mapping[State, int]:
    """Erase the words of comments that have stood where they stand for too long.

    Parameters
    ----------
    periods
        For how long they are kept, by state; what is not named is kept for ever.

    Returns
    -------
    mapping
        How many were erased, for each state named.
    """
    done = dict.fromkeys(periods, 0)
    for state, period in periods.items():
        before = clock() - period
        while ids := _expired(store, state, before):
            _erase(store, ids, clock())
            done[state] += len(ids)
    if any(done.values()):
        store.scrub()
    return done


def _expired(store: Store, state: State, before: datetime) -> Sequence[str]:
    with store.reading() as reader:
        return reader.personal.expired([state], before, limit=CHUNK)


def _erase(store: Store, ids: Sequence[str], at: datetime) -> None:
    with store.writing() as writer:
        locked = list(writer.lock_all(ids).values())
        withdrawn = [comment for comment in locked if comment.state in WAITING]
        writer.personal.erase(locked, at=at)
        if withdrawn:
            writer.record_events(
                [
                    NewEvent(
                        comment.row,
                        EventKind.RETRACTED,
                        {
                            "comment": comment.comment_id,
                            "state": State.RETRACTED.value,
                            "version": comment.version + 1,
                        },
                        at,
                    )
                    for comment in withdrawn
                ]
            )


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks, as they say it themselves: by name, e-mail address or IP address."""

    author: str | None = None
    email: str | None = None
    address: str | None = None

    def person(self, pseudonyms: Pseudonyms | None) -> Person:
        """Hash what is kept as a hash only.

        Raises
        ------
        InvalidInput
            If the IP address is none.
        NoPrivacyKey
            If they ask by an e-mail or IP address and there is no key.
        """
        if pseudonyms is None:
            if self.email is not None or self.address is not None:
                raise NoPrivacyKey
            return Person(author=self.author)
        return Person(
            author=self.author,
            email_hash=None if self.email is None else pseudonyms.email(self.email),
            address_hash=None if self.address is None else pseudonyms.address(self.address),
        )


def _check(person: Person) -> None:
    check_words("author", person.author)
