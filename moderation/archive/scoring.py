"""Comments in, scores out, by one process, several, or a cluster; always the same scores."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from joblib import Parallel, delayed, parallel_config

from moderation.archive.comparison import Scores
from moderation.archive.record import ArchiveError
from moderation.classifier import Classifier
from moderation.comment import Comment, ModelVersion

_WATCH = 1.0
"""Seconds between a worker process's looks for whoever started it."""

Chunk = list[tuple[int, Comment]]
Scored = list[tuple[int, Scores]]


@dataclass(frozen=True, slots=True)
class Crew:
    """Who scores: so many processes here (-1: one a core), or the cluster of a Dask scheduler.

    ``chunk`` is how many comments travel to a worker together, and are lost to a kill.
    """

    jobs: int = -1
    scheduler: str | None = None
    chunk: int = 256


def score(model_dir: Path, model: ModelVersion, chunk: Chunk, master: int | None = None) -> Scored:
    """Score a chunk; this is what runs in a worker.

    Parameters
    ----------
    model_dir, model
        Where the model is, and which it has to be.
    chunk
        Numbered comments.
    master
        The process that a worker process belongs to and ends with, even if it is killed.

    Raises
    ------
    ArchiveError
        If the worker finds another model in ``model_dir``.
    """
    if master is not None and master != os.getpid():
        _end_with(master)
    classifier = _loaded(model_dir)
    if classifier.version != model:
        raise ArchiveError(
            f"The model in {model_dir} is not the same for all workers, or was replaced while they"
            " ran. Give all of them the same files."
        )
    assessed = classifier.assess_many(comment for _, comment in chunk)
    return [
        (
            number,
            {
                label: None if found is None else found.score
                for label, found in assessment.labels.items()
            },
        )
        for (number, _), assessment in zip(chunk, assessed, strict=True)
    ]


@cache
def _end_with(master: int) -> None:
    """End this process when its parent has ended; left alone it would wait for work for ever."""

    def watch() -> None:
        while os.getppid() == master:
            time.sleep(_WATCH)
        os._exit(1)

    threading.Thread(target=watch, name="end-with-master", daemon=True).start()


@lru_cache(maxsize=1)
def _loaded(model_dir: Path) -> Classifier:
    return Classifier.load(model_dir)


def scores_of(
    chunks: Iterable[Chunk], model_dir: Path, model: ModelVersion, crew: Crew
) -> Iterator[Scored]:
    """Yield the scores of chunks in their order; only a few chunks are in memory at a time.

    Raises
    ------
    ArchiveError
        If the cluster cannot be reached, or its workers have another model.
    """
    master = None
    with ExitStack() as stack:
        if crew.scheduler is None:
            stack.enter_context(parallel_config("loky", n_jobs=crew.jobs))
            master = os.getpid()
        else:
            stack.enter_context(_cluster(crew.scheduler))
            stack.enter_context(parallel_config("dask", n_jobs=-1))
        parallel = Parallel(return_as="generator", pre_dispatch="2*n_jobs", batch_size=1)
        yield from parallel(delayed(score)(model_dir, model, chunk, master) for chunk in chunks)


def _cluster(scheduler: str) -> AbstractContextManager[object]:
    try:
        from distributed import Client
    except ModuleNotFoundError:
        raise ArchiveError(
            "A cluster needs Dask. Run `pip install 'moderation[cluster]'`."
        ) from None
    try:
        connect: Callable[..., AbstractContextManager[object]] = Client
        return connect(scheduler, timeout=10)
    except (OSError, ValueError) as error:
        raise ArchiveError(
            f"No Dask scheduler answers at {scheduler} ({type(error).__name__}). Start one with"
            " `dask scheduler`, or correct --scheduler."
        ) from None
