"""``moderation demo``: two weeks at the desk to try it with, on a database still empty."""

from __future__ import annotations

import math
import secrets
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import numpy as np
from tqdm import tqdm

from moderation.classifier import Classifier, ModelError
from moderation.comment import Action
from moderation.desk import Desk, accounts
from moderation.rules import RuleBook, RulesError
from moderation.seeds import Seed, SeedsError, Split, read_corpus
from moderation.settings import PROJECT_ROOT, Settings, keep_secret
from moderation.store import Role, Scope, State, Store, StoreUnavailable

MODERATOR = "demo"
COLLEAGUES = {"ayse": "Ayşe Yıldız", "jonas": "Jonas Petersen", "kerstin": "Kerstin Adler"}
"""Invented moderators who have decided what was decided before; nobody can log in as them."""

READERS = (
    "Kabelsalat", "Frau Tönjes", "nordlicht77", "M. Aksoy", "Pixelschubser", "Opa Heinz",
    "jule_k", "Dr. Bitter", "Zugvogel", "Basti aus Linz", "Ruedi", "Nachteule", "H. Petersen",
)  # fmt: skip
"""Invented names for the comments, whose writers have none."""

PUBLISHED = tuple(timedelta(days=days) for days in (13.2, 12, 10.3, 9, 7.1, 6, 4.2, 3, 1.9, 0.9))
"""How long ago each article appeared."""

USUAL_DELAY = timedelta(hours=16)
"""Mean time from an article to a comment on it."""

STILL_WAITING = timedelta(hours=26)
"""Comments that came in since then are left for whoever tries the demo."""

USUAL_DECISION = timedelta(minutes=25)
"""Median time from a comment to its decision while somebody is at the desk."""

DAY = range(8, 22)
"""Hours at which somebody is at the desk."""

MISTAKES = 0.05
DOUBTS = 0.06
"""Shares of the comments that colleagues misjudge, and pass on for a second opinion."""

ZONE = ZoneInfo("Europe/Berlin")


@dataclass(frozen=True, slots=True)
class Arrival:
    """A comment of the corpus and when it comes in."""

    at: datetime
    seed: Seed


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a colleague does with a comment, and when."""

    at: datetime
    seed: Seed
    moderator: str
    action: Action
    note: str | None = None


@click.command()
@click.option("--address", default="http://127.0.0.1:8000", help="Shown in what is printed.")
def demo(address: str) -> None:
    """Fill an empty database with demo comments, and print how to log in.

    Does nothing to a database that has moderators already, except to print the demo's login again
    if it was this command that made them.
    """
    settings = Settings()
    try:
        store = Store(settings.database)
        store.migrate()
        if not accounts.moderators(store):
            _fill(store, settings)
        store.close()
    except (ModelError, RulesError, SeedsError, StoreUnavailable) as error:
        raise click.ClickException(str(error)) from None
    click.echo(_greeting(address, settings.data_dir))


def story(seeds: Path, now: datetime) -> list[Arrival | Verdict]:
    """Tell what happened at the desk until now, in order of time.

    Whole threads of the corpus come in under articles that no model has learned from; colleagues
    judge nearly as the corpus does. The same at every call but for the dates.
    """
    chance = np.random.default_rng(20261122)
    arrivals = list(_arrivals(_threads(seeds), now, chance))
    verdicts = [
        verdict
        for arrival in arrivals
        if arrival.at < now - STILL_WAITING
        for verdict in _verdicts(arrival, chance)
        if verdict.at < now
    ]
    return sorted([*arrivals, *verdicts], key=lambda step: step.at)


def _threads(seeds: Path) -> list[list[Seed]]:
    """Return the comments of as many articles as are published, each about something else."""
    corpus = read_corpus(seeds)
    below: dict[str, list[Seed]] = defaultdict(list)
    for number, seed in enumerate(corpus.of(Split.TEST)):
        named = replace(seed.comment, author=READERS[number % len(READERS)])
        below[str(named.article and named.article.id)].append(replace(seed, comment=named))
    topics: dict[str, list[Seed]] = {}
    for article, thread in below.items():
        topics.setdefault(corpus.articles[article].tags[0], thread)
    return list(topics.values())[: len(PUBLISHED)]


def _arrivals(
    threads: Sequence[Sequence[Seed]], now: datetime, chance: np.random.Generator
) -> Iterator[Arrival]:
    for ago, thread in zip(PUBLISHED, threads, strict=False):
        published = now - ago
        delays = chance.exponential(USUAL_DELAY.total_seconds(), len(thread))
        # an answer comes after what it answers, and nothing in the future
        within = np.sort(np.minimum(delays, ago.total_seconds() * chance.random(len(thread))))
        for seconds, seed in zip(within, thread, strict=True):
            yield Arrival(published + timedelta(seconds=float(seconds)), seed)


def _verdicts(arrival: Arrival, chance: np.random.Generator) -> Iterator[Verdict]:
    """Yield what colleagues do: one decides, or has doubts and another decides hours later."""
    first, second = chance.permutation(list(COLLEAGUES))[:2]
    right = Action.REJECT if arrival.seed.violates else Action.APPROVE
    wrong = Action.APPROVE if arrival.seed.violates else Action.REJECT
    action = wrong if chance.random() < MISTAKES else right
    waited = chance.lognormal(math.log(USUAL_DECISION.total_seconds()), 1.1)
    at = _at_the_desk(arrival.at + timedelta(seconds=float(waited)))
    if chance.random() < DOUBTS:
        yield Verdict(at, arrival.seed, str(first), Action.DEFER, "Grenzfall. Wie seht ihr das?")
        if chance.random() < 0.5:
            return
        first, at = second, _at_the_desk(at + timedelta(hours=3))
    yield Verdict(at, arrival.seed, str(first), action)


def _at_the_desk(at: datetime) -> datetime:
    """Return the first moment from then on at which somebody works; mornings begin unpunctually."""
    local = at.astimezone(ZONE)
    if local.hour in DAY:
        return at
    morning = local.replace(hour=DAY.start) + timedelta(days=local.hour >= DAY.stop)
    return morning.astimezone(UTC)


class _Clock:
    """Tells the time of the story."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


def _fill(store: Store, settings: Settings) -> None:
    classifier = Classifier.load(settings.model_dir)
    rules = RuleBook.load(settings.rules_file).with_thresholds(classifier.manifest.thresholds)
    clock = _Clock()
    desk = Desk(store, classifier, rules, clock=clock, sample_share=settings.review_sample_share)
    for step in tqdm(story(PROJECT_ROOT / "seeds", clock()), desc="demo", disable=None):
        clock.now = step.at
        if isinstance(step, Arrival):
            desk.submit(step.seed.comment)
        else:
            _decide(desk, rules, step)
    issued = accounts.issue_token(store, MODERATOR, (Scope.CLASSIFY, Scope.SUBMIT))
    password = secrets.token_urlsafe(9)
    for name, secret in (("demo_token", issued.key), ("demo_password", password)):
        # what an earlier database left behind opens nothing any more
        (settings.data_dir / name).unlink(missing_ok=True)
        keep_secret(settings.data_dir / name, secret)
    # the account last: as long as there is none, an interrupted start begins again
    accounts.create_moderator(store, MODERATOR, password, Role.ADMIN)
    for name, shown in COLLEAGUES.items():
        accounts.create_moderator(store, name, secrets.token_urlsafe(), display_name=shown)


def _decide(desk: Desk, rules: RuleBook, verdict: Verdict) -> None:
    """Decide as a colleague did, if the machine has left them anything to decide."""
    item = desk.comment(verdict.seed.id)
    if item.state not in (State.HELD, State.DEFERRED):
        return
    broken = [label for label, breaks in verdict.seed.labels.items() if breaks]
    rejected_for = (broken or list(item.verdict.flagged))[0]
    desk.decide(
        verdict.seed.id,
        verdict.action,
        verdict.moderator,
        rule=rules.rule_for(rejected_for).id if verdict.action is Action.REJECT else None,
        note=verdict.note,
        version=item.version,
    )


def _greeting(address: str, data_dir: Path) -> str:
    password, token = data_dir / "demo_password", data_dir / "demo_token"
    if not (password.exists() and token.exists()):
        return f"Desk: {address}/ (log in with your own account)"
    return "\n".join(
        (
            f"Desk:       {address}/",
            f"Login:      {MODERATOR}",
            f"Password:   {password.read_text(encoding='utf-8')}",
            f"API token:  {token.read_text(encoding='utf-8')}",
            f"API guide:  {address}/docs",
        )
    )
