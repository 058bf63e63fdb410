"""What one server process holds: the store at once, the desk as soon as the model is loaded."""

from __future__ import annotations

import logging
import threading
from enum import StrEnum
from typing import cast

from flask import Flask, current_app

from moderation.classifier import Classifier, ModelError
from moderation.comment import Assessment, Comment
from moderation.desk import Assessor, Desk
from moderation.limits import RateLimits
from moderation.rules import RuleBook, RulesError
from moderation.settings import Settings
from moderation.store import Store
from moderation.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

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
        raise ModelNotReady(self._runtime.model_state)


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
        self.rules = RuleBook.load(settings.rules_file)
        self._sample_share = settings.review_sample_share
        self.desk = self._desk(_AbsentModel(self))
        self.model_state = ModelState.LOADING
        self._model_dir = settings.model_dir
        self._settled = threading.Event()

    def load_in_background(self) -> None:
        """Load the model in a thread of its own and return at once."""
        threading.Thread(target=self.load, name="load-model", daemon=True).start()

    def load(self) -> None:
        """Load the model; a refusal is logged with what to do, and remembered."""
        try:
            self.use(Classifier.load(self._model_dir))
        except (ModelError, RulesError) as error:
            log.error("The model is refused: %s", error)  # noqa: TRY400 - the sentence is enough
            self._settle(ModelState.REFUSED)
        except Exception:
            log.exception("The model is refused: loading it failed unexpectedly.")
            self._settle(ModelState.REFUSED)

    def use(self, classifier: Classifier) -> None:
        """Score with a model that is loaded already.

        Raises
        ------
        RulesError
            If the rules ask for a threshold the model does not have.
        """
        self.rules = self.rules.with_thresholds(classifier.manifest.thresholds)
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
        if self.model_state is not ModelState.LOADED:
            raise ModelNotReady(self.model_state)

    def _settle(self, state: ModelState) -> None:
        self.model_state = state
        self._settled.set()

    def attach(self, app: Flask) -> None:
        """Make this the runtime of an application, found again by :func:`runtime`."""
        app.extensions[_EXTENSION] = self


def runtime() -> Runtime:
    """Return the runtime of the application that handles the current request."""
    return cast(Runtime, current_app.extensions[_EXTENSION])
