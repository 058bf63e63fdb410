"""``moderation demo``: articles and comments to try the desk with, on a database still empty."""

from __future__ import annotations

import secrets
from dataclasses import replace
from pathlib import Path

import click
from tqdm import tqdm

from moderation.classifier import Classifier, ModelError
from moderation.comment import Comment
from moderation.desk import Desk, accounts
from moderation.rules import RuleBook, RulesError
from moderation.seeds import SeedsError, Split, read_corpus
from moderation.settings import PROJECT_ROOT, Settings, keep_secret
from moderation.store import Role, Scope, Store, StoreUnavailable

MODERATOR = "demo"
ARTICLES = 4
READERS = (
    "Kabelsalat", "Frau Tönjes", "nordlicht77", "M. Aksoy", "Pixelschubser", "Opa Heinz",
    "jule_k", "Dr. Bitter", "Zugvogel", "Basti aus Linz", "Ruedi", "Nachteule", "H. Petersen",
)  # fmt: skip
"""Invented names for the comments, whose writers have none."""


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


def demo_comments(seeds: Path) -> list[Comment]:
    """Return whole threads from the corpus, under articles that no model has learned from."""
    corpus = read_corpus(seeds)
    unseen = corpus.of(Split.TEST)
    topics: dict[str, str] = {}
    for seed in unseen:
        article = corpus.articles[_article_id(seed.comment)]
        topics.setdefault(article.tags[0], _article_id(seed.comment))
    chosen = list(topics.values())[:ARTICLES]
    return [
        replace(seed.comment, author=READERS[number % len(READERS)])
        for number, seed in enumerate(unseen)
        if _article_id(seed.comment) in chosen
    ]


def _article_id(comment: Comment) -> str:
    return str(comment.article and comment.article.id)


def _fill(store: Store, settings: Settings) -> None:
    classifier = Classifier.load(settings.model_dir)
    rules = RuleBook.load(settings.rules_file).with_thresholds(classifier.manifest.thresholds)
    desk = Desk(store, classifier, rules)
    for comment in tqdm(demo_comments(PROJECT_ROOT / "seeds"), desc="demo", disable=None):
        desk.submit(comment)
    issued = accounts.issue_token(store, MODERATOR, (Scope.CLASSIFY, Scope.SUBMIT))
    password = secrets.token_urlsafe(9)
    for name, secret in (("demo_token", issued.key), ("demo_password", password)):
        # what an earlier database left behind opens nothing any more
        (settings.data_dir / name).unlink(missing_ok=True)
        keep_secret(settings.data_dir / name, secret)
    # the account last: as long as there is none, an interrupted start begins again
    accounts.create_moderator(store, MODERATOR, password, Role.ADMIN)


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
