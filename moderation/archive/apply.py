"""What ``moderation rescore --apply`` says and does, and where the statuses are changed."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from moderation.archive.applying import (
    Plan,
    Statuses,
    apply_changes,
    planned,
    wanted,
)
from moderation.archive.changelog import ChangeLog, latest_log
from moderation.archive.reading import Source
from moderation.archive.reading.source import OUR_STORE, SITE
from moderation.archive.record import Applied, ArchiveError
from moderation.archive.rescore import Judges
from moderation.archive.statuses import SiteStatuses, StoredStatuses
from moderation.archive.wordpress import Site
from moderation.archive.workfile import WorkFile
from moderation.classifier import Classifier
from moderation.desk import Desk
from moderation.rules import RuleBook
from moderation.settings import Settings
from moderation.store import Store

SAID = {
    Applied.CHANGED: "changed",
    Applied.ALREADY: "had that status already",
    Applied.MEANWHILE: "left alone, for somebody has changed it meanwhile",
    Applied.GONE: "not there any more",
    Applied.REFUSED: "refused by the blog",
}
"""What became of a change, in words."""


@dataclass(frozen=True, slots=True)
class Application:
    """What ``--apply`` does at the end of a run: says what would change, and with yes changes it.

    Raises
    ------
    ArchiveError
        On making one for a file.
    """

    source: Source
    judges: Judges
    settings: Settings
    output: Path
    yes: bool

    def __post_init__(self) -> None:
        """Refuse files."""
        if self.source.kind not in (OUR_STORE, SITE):
            raise ArchiveError(
                f"--apply changes comments where they live, and {self.source.name} is a file: it is"
                " only read, and -o writes the results. Give --apply with store or with the"
                " address of a WordPress."
            )

    def __call__(self, work: WorkFile) -> bool:
        """Return whether the run is finished, so that its working copy can go."""
        plan = planned(work.results(only_changed=True))
        _tell(plan)
        if not plan.total:
            return True
        if not self.yes:
            click.echo("Nothing has been changed yet. Add --yes to the same command to change it.")
            return False
        about = _about(self.source, self.settings)
        with ChangeLog(latest_log(self.output), about) as log:
            if log.about != about:
                raise ArchiveError(
                    f"{log.path} belongs to an unfinished run on {log.about['source']}. Finish that"
                    " one first, or name another output with -o."
                )
            changes = filter(None, map(wanted, work.results(only_changed=True)))
            judges = (self.judges.classifier, self.judges.rules)
            with opened_statuses(about, self.settings, *judges) as statuses:
                made = Counter(
                    tqdm(
                        apply_changes(changes, statuses, log),
                        total=plan.total,
                        unit=" comments",
                        desc="apply",
                        disable=None,
                    )
                )
        for result, count in made.items():
            click.echo(f"{count} {SAID[result]}")
        click.echo(f"To take it back: moderation undo {log.path}")
        if made[Applied.REFUSED]:
            sys.exit(1)
        return True


def _tell(plan: Plan) -> None:
    for (kind, before, after), count in plan.counts.items():
        examples = plan.examples[kind, before, after]
        more = ", …" if count > len(examples) else ""
        click.echo(
            f"{kind.value.replace('_', ' '):<16} {count:>10}  {before} → {after}"
            f" ({', '.join(examples)}{more})"
        )
    if not plan.total:
        click.echo("There is nothing to change.")
    if plan.decided_here:
        click.echo(f"{plan.decided_here} more were decided by people here and stay as they are.")


def _about(source: Source, settings: Settings) -> dict[str, Any]:
    if source.kind == OUR_STORE:
        store = Store(settings.database)
        store.close()
        return {"source": OUR_STORE, "database": store.url}
    return {"source": source.name, "user": source.user}


@contextmanager
def opened_statuses(
    about: Mapping[str, Any], settings: Settings, classifier: Classifier, rules: RuleBook
) -> Iterator[Statuses]:
    """Open what a log is about, to change statuses there.

    Raises
    ------
    ArchiveError, StoreUnavailable
        If it cannot be used, or the settings name another database.
    """
    if about["source"] != OUR_STORE:
        with Site.from_settings(about["source"], about["user"], settings) as site:
            yield SiteStatuses(site)
        return
    store = Store(settings.database)
    try:
        if store.url != about["database"]:
            raise ArchiveError(
                f"The log is about the database {about['database']}, the settings name {store.url}."
                " Set MODERATION_DATABASE_URL to the former."
            )
        store.check()
        desk = Desk(store, classifier, rules)
        yield StoredStatuses(desk, f"Neu bewertet mit Modell {classifier.version.version}.")
    finally:
        store.close()
