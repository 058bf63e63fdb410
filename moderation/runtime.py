"""What one server process holds: the store at once, the desk as soon as the model is loaded."""

from __future__ import annotations

import logging
import threading
import time
from enum import StrEnum
from pathlib import Path
from typing import cast

from flask import Flask, current_app

from moderation.classifier import Classifier, ModelError
from moderation.comment import Assessment, Comment
from moderation.desk import Assessor, Desk
from moderation.desk.privacy import Pseudonyms
from moderation.desk.second_factor import SecondFactors
from moderation.limits import RateLimits
from moderation.rules import RuleBook, RulesError
from moderation.settings import Settings
from moderation.store import Store
from moderation.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

MODEL_IS_LOOKED_AT_EVERY = 2.0
"""Seconds."""

_EXTENSION = "moderation"


class ModelState(StrEnum):
    """How far the model is."""

    LOADING = "loading"
    LOADED = "loaded"
    REFUSED = "refused"


class ModelNotReady(Exception):  # noqa: N818 - a state of the process, not a mistake in the code
    """The model is still loading or was refused; ``state`` says which."""

    def __init__(self, state: ModelState) -> None:
        super().__init__(f"The model is {state}.")
        self.state = state


class _AbsentModel:
    """Stands in for the classifier until it is loaded: people can work, nothing can be scored."""

    def __init__(self, of: Runtime) -> None:
        self._runtime = of

    def assess(self, comment: Comment, explain: bool = True) -> Assessment:
        state = self._runtime.model_state
        # the model may have come since this desk was taken; asking again finds it
        raise ModelNotReady(ModelState.LOADING if state is ModelState.LOADED else state)


class Runtime:
    """Store, rules and desk of one process; the model is loaded beside the first requests.

    Parameters
    ----------
    settings
        Where database, model and rules are.

    Raises
    ------
    RulesError
        If the rules file is missing or wrong.
    StoreUnavailable
        If the database's URL names something this program cannot work with.
    """

    def __init__(self, settings: Settings) -> None:
        self.metrics = Metrics()
        self.limits = RateLimits(
            comments_per_minute=settings.comments_per_minute,
            requests_per_minute=settings.requests_per_minute,
        )
        self.store = Store(settings.database)
        self.second_factors = SecondFactors(self.store, settings.sealing_key())
        self.pseudonyms = Pseudonyms(settings.privacy_key) if settings.privacy_key else None
        self._book = RuleBook.load(settings.rules_file)
        self.rules = self._book
        self._sample_share = settings.review_sample_share
        self.desk = self._desk(_AbsentModel(self))
        self.model_state = ModelState.LOADING
        self._model_dir = settings.model_dir
        self._settled = threading.Event()

    def load_in_background(self, *, watch: bool = False) -> None:
        """Load the model in a thread of its own and return at once.

        With ``watch`` it is loaded again whenever its folder changes: a new model takes over
        between two requests; one that is refused is logged and leaves the one in use.
        """
        work = self._keep_loading if watch else self.load
        threading.Thread(target=work, name="load-model", daemon=True).start()

    def load(self) -> None:
        """Load the model; a refusal is logged with what to do, and remembered."""
        try:
            # where a link leads now, not where it may lead in the middle of loading
            self.use(Classifier.load(self._model_dir.resolve()))
        except (ModelError, RulesError) as error:
            log.error("The model is refused: %s", error)  # noqa: TRY400 - the sentence is enough
            self._settle(ModelState.REFUSED)
        except Exception:
            log.exception("The model is refused: loading it failed unexpectedly.")
            self._settle(ModelState.REFUSED)

    def _keep_loading(self) -> None:
        seen = _files(self._model_dir)
        self.load()
        while True:
            time.sleep(MODEL_IS_LOOKED_AT_EVERY)
            found = _files(self._model_dir)
            if found != seen:
                seen = found
                log.info("The folder of the model has changed.")
                self.load()

    def use(self, classifier: Classifier) -> None:
        """Score with a model that is loaded already.

        Raises
        ------
        RulesError
            If the rules ask for a threshold the model does not have.
        """
        self.rules = self._book.with_thresholds(classifier.manifest.thresholds)
        self.desk = self._desk(classifier)
        self.metrics.model_in_use(classifier.version.version, classifier.version.sha256)
        self._settle(ModelState.LOADED)

    def _desk(self, classifier: Assessor) -> Desk:
        return Desk(self.store, classifier, self.rules, sample_share=self._sample_share)

    def wait(self, seconds: float) -> ModelState:
        """Wait until the model is loaded or refused, at most so long, and return its state."""
        self._settled.wait(seconds)
        return self.model_state

    def require_model(self) -> None:
        """Let the call pass if comments can be scored.

        Raises
        ------
        ModelNotReady
            While the model is loading, and if it was refused.
        """
        state = self.model_state
        if state is not ModelState.LOADED:
            raise ModelNotReady(state)

    def _settle(self, state: ModelState) -> None:
        if state is ModelState.REFUSED and self.model_state is ModelState.LOADED:
            return  # the model before goes on working
        self.model_state = state
        self._settled.set()

    def attach(self, app: Flask) -> None:
        """Make this the runtime of an application, found again by :func:`runtime`."""
        app.extensions[_EXTENSION] = self


def _files(folder: Path) -> list[tuple[str, int, int]]:
    """Return what tells whether a model's folder has changed; nothing if it cannot be read."""
    try:
        return [
            (str(path), stat.st_mtime_ns, stat.st_size)
            for path in sorted(folder.resolve().iterdir())
            for stat in (path.stat(),)
        ]
    except OSError:
        return []


def runtime() -> Runtime:
    """Return the runtime of the application that handles the current request."""
    return cast(Runtime, current_app.extensions[_EXTENSION])
