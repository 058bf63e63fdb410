"""How many comments a second `moderation serve` scores, how long callers wait, and for how long.

    python benchmarks/load.py                  # 1, 8 and 32 clients, 10 seconds each
    python benchmarks/load.py --soak 10        # then ten minutes at half load, with memory

The server runs in processes of its own on the loopback interface, with an empty Flask route beside
the application on the same workers: what that route takes is what gunicorn, Flask and the client
take. Clients are threads of one process, each with a connection it keeps open, and they take their
share of the same cores; all loops are bounded in time.
"""

from __future__ import annotations

import http.client
import os
import platform
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles

import click
import psutil

from moderation.desk import accounts
from moderation.seeds import Split, read_corpus
from moderation.settings import PROJECT_ROOT, Settings
from moderation.store import Scope, Store
from moderation.wire import ClassifyRequest

LONGEST_SOAK = 60
"""Minutes."""

WARM_UP = 20.0
"""Seconds."""


@dataclass
class Sample:
    """What the clients of one run saw; durations in seconds."""

    durations: list[float] = field(default_factory=list)
    errors: int = 0


@dataclass(frozen=True)
class Target:
    """One kind of request: its name in the table, method, path, bodies and headers."""

    name: str
    method: str
    path: str
    bodies: tuple[bytes, ...]
    headers: dict[str, str]


@click.command()
@click.option("--seconds", default=10.0, show_default=True, type=click.FloatRange(1, 120))
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 16))
@click.option("--clients", default="1,8,32", show_default=True, help="How many at once, by commas.")
@click.option(
    "--soak", default=0, show_default=True, type=click.IntRange(0, LONGEST_SOAK), help="Minutes."
)
@click.option("--model", type=click.Path(path_type=Path), help="Folder of the model.")
def main(seconds: float, workers: int, clients: str, soak: int, model: Path | None) -> None:
    """Measure `/classify` under load and print a table."""
    with tempfile.TemporaryDirectory() as folder, served(Path(folder), workers, model) as server:
        key = server.key
        targets = (
            Target("empty route", "GET", "/empty", (b"",), {}),
            scoring("score only", key, enqueue=False),
            scoring("score and store", key, enqueue=True),
        )
        print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, "
              f"{workers} workers, Python {platform.python_version()}")  # fmt: skip
        print("| request | clients | requests/s | p50 ms | p95 ms | p99 ms | errors |")
        print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
        best = 0.0
        # Articles are read once by every worker, when their first comment comes; not measured here.
        run(server.port, targets[1], 2 * workers, WARM_UP)
        for target in targets:
            for number in map(int, clients.split(",")):
                rate = show(target.name, number, run(server.port, target, number, seconds), seconds)
                best = max(best, rate) if target.name == "score only" else best
        if soak:
            soaked(server, targets[1], best / 2, soak * 60)


def scoring(name: str, key: str, *, enqueue: bool) -> Target:
    """Real comments with their articles, as the blog sends them."""
    corpus = read_corpus(PROJECT_ROOT / "seeds")
    bodies = tuple(
        ClassifyRequest(
            text=seed.comment.text,
            article={"title": seed.comment.article.title, "text": seed.comment.article.text},
            enqueue=enqueue,
        )
        .model_dump_json(exclude_none=True)
        .encode()
        for seed in corpus.of(Split.TEST)
        if seed.comment.article
    )
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    return Target(name, "POST", "/classify", bodies, headers)


def run(port: int, target: Target, clients: int, seconds: float) -> Sample:
    """Let some clients ask as fast as they get answers."""
    end = time.monotonic() + seconds
    with ThreadPoolExecutor(clients) as threads:
        work = [threads.submit(ask, port, target, end, number) for number in range(clients)]
        samples = [done.result() for done in work]
    return Sample(
        sorted(duration for sample in samples for duration in sample.durations),
        sum(sample.errors for sample in samples),
    )


def ask(port: int, target: Target, end: float, seed: int, pause: float = 0.0) -> Sample:
    """Ask until a moment, with a pause between the beginnings of two requests."""
    chance = random.Random(seed)
    sample = Sample()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    while (start := time.monotonic()) < end:
        try:
            connection.request(
                target.method, target.path, chance.choice(target.bodies), target.headers
            )
            answer = connection.getresponse()
            answer.read()
            sample.errors += answer.status != 200
        except OSError:
            sample.errors += 1
            connection.close()
        sample.durations.append(time.monotonic() - start)
        time.sleep(max(0.0, start + pause - time.monotonic()))
    connection.close()
    return sample


def show(name: str, clients: int, sample: Sample, seconds: float) -> float:
    """Print one row and return the requests a second."""
    rate = len(sample.durations) / seconds
    cuts = quantiles(sample.durations, n=100, method="inclusive")
    print(
        f"| {name} | {clients} | {rate:.0f} | {cuts[49] * 1000:.1f} | {cuts[94] * 1000:.1f} "
        f"| {cuts[98] * 1000:.1f} | {sample.errors} |",
        flush=True,
    )
    return rate


@dataclass(frozen=True)
class Server:
    """A running service."""

    process: psutil.Process
    port: int
    key: str

    def memory(self) -> float:
        """Return the memory of all its processes in MiB, shared pages counted once."""
        family = [self.process, *self.process.children(recursive=True)]
        return sum(one.memory_full_info().pss for one in family) / 2**20


@contextmanager
def served(folder: Path, workers: int, model: Path | None) -> Iterator[Server]:
    """Run the service with an empty route beside it."""
    settings = Settings(data_dir=folder)
    store = Store(settings.database)
    store.migrate()
    key = accounts.issue_token(store, "load", [Scope.CLASSIFY, Scope.SUBMIT]).key
    store.close()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "MODERATION_DATA_DIR": str(folder),
        "MODERATION_COMMENTS_PER_MINUTE": "1000000000",
        "MODERATION_REQUESTS_PER_MINUTE": "1000000000",
    }
    if model is not None:
        environment["MODERATION_MODEL_DIR"] = str(model)
    command = [sys.executable, __file__, "--serve", str(port), str(workers)]
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        wait_for(port, "/readyz")
        yield Server(psutil.Process(process.pid), port, key)
    finally:
        process.terminate()
        process.wait(60)


def serve(port: str, workers: str) -> None:
    """Be the server: the application with one route more."""
    # metrics as `moderation serve` keeps them; it names the folder, but too late for this import
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.gettempdir()
    from moderation import app as application
    from moderation.server import serve as command

    create_app = application.create_app

    def with_empty_route(*arguments: object, **options: object) -> object:
        app = create_app(*arguments, **options)  # type: ignore[arg-type]
        app.add_url_rule("/empty", view_func=lambda: "")
        return app

    application.create_app = with_empty_route  # type: ignore[assignment]
    command.main(["--port", port, "--workers", workers])


def wait_for(port: int, path: str) -> None:
    """Wait until the service is ready."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.2)
    raise SystemExit("The service did not become ready.")


def soaked(server: Server, target: Target, rate: float, seconds: float) -> None:
    """Ask at a steady rate for a long time and print what memory does."""
    clients = 4
    start = time.monotonic()
    memory = [server.memory()]
    with ThreadPoolExecutor(clients) as threads:
        work = [
            threads.submit(ask, server.port, target, start + seconds, number, clients / rate)
            for number in range(clients)
        ]
        time.sleep(seconds / 2)
        memory.append(server.memory())
        samples = [done.result() for done in work]
    memory.append(server.memory())
    print()
    print(f"{seconds / 60:.0f} minutes at {rate:.0f} requests/s, half of the best:")
    print("| request | clients | requests/s | p50 ms | p95 ms | p99 ms | errors |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    durations = [duration for sample in samples for duration in sample.durations]
    errors = sum(sample.errors for sample in samples)
    show(target.name, clients, Sample(durations, errors), seconds)
    print("memory MiB at start, middle, end: " + ", ".join(f"{one:.0f}" for one in memory))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(*sys.argv[2:4])
    else:
        main()
