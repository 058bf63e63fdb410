"""``moderation serve``: gunicorn with this application, and what keeps slow callers from it."""

from __future__ import annotations

import importlib
import logging
import os
import shutil
import socket
import tempfile
import time
from typing import Any

import click
from gunicorn import util
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger
from gunicorn.http import get_parser
from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine, ParseException
from gunicorn.workers.gthread import TConn, ThreadWorker

from moderation.rules import RuleBook, RulesError
from moderation.settings import Settings
from moderation.store import Store, StoreUnavailable
from moderation.telemetry import log_as_json

DEPARTURE = 30.0
"""Seconds within which one part of an answer must have been taken."""

KEPT_OPEN = 75
"""Seconds an idle connection is kept; more than the 60 of nginx, so that it is nginx who closes."""

LARGEST_LINE = 8190
"""Bytes of a request's first line and of each of its headers."""

_UNREADABLE = {
    LimitRequestLine: (414, "URI Too Long"),
    LimitRequestHeaders: (431, "Request Header Fields Too Large"),
}


class _Log(Logger):
    """gunicorn's own messages, written as all others are."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class _Patience:
    """A socket to read from until a moment; after that, as if the sender had hung up."""

    def __init__(self, connected: socket.socket, seconds: float) -> None:
        self._socket = connected
        self._seconds = seconds
        self._until = 0.0
        self.over = False

    def renew(self) -> None:
        """Be patient for another request."""
        self._until = time.monotonic() + self._seconds

    def recv(self, size: int) -> bytes:
        """Return what has arrived, or nothing once patience has run out."""
        self._socket.settimeout(max(0.001, self._until - time.monotonic()))
        try:
            return self._socket.recv(size)
        except TimeoutError:
            self.over = True
            return b""
        finally:
            self._socket.settimeout(DEPARTURE)


class Worker(ThreadWorker):
    """A worker of gunicorn whose threads nobody can occupy by sending or taking slowly."""

    app: Server

    def handle(self, conn: TConn) -> Any:
        """Read one request from a connection and answer it, in a thread."""
        if conn.parser is None:
            patience: Any = _Patience(conn.sock, self.app.settings.request_seconds)
            conn.parser = get_parser(conn.cfg, patience, conn.client)
        patience = conn.parser.unreader.sock  # type: ignore[union-attr]
        patience.renew()
        result = super().handle(conn)
        return False if patience.over else result

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        """Refuse what is not HTTP; neither log nor answer repeat it, it may hold a comment."""
        if isinstance(exc, ParseException):
            status, reason = _UNREADABLE.get(type(exc), (400, "Bad Request"))
            self.log.warning("A request that is not HTTP was refused: %s.", type(exc).__name__)
        else:
            status, reason = 500, "Internal Server Error"
            self.log.error("A request could not be handled.", exc_info=exc)
        util.write_error(client, status, reason, f"{reason}.")


class Server(BaseApplication):
    """gunicorn with this application, configured from Python; each worker makes its own.

    Parameters
    ----------
    settings
        Of this installation.
    options
        Settings of gunicorn by name.
    """

    def __init__(self, settings: Settings, options: dict[str, Any]) -> None:
        self.settings = settings
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        """Hand the options to gunicorn."""
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Return the application; called once in each worker."""
        from moderation.app import create_app

        return create_app(self.settings, watch_model=True)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@click.option(
    "--workers",
    default=2,
    show_default=True,
    type=click.IntRange(1),
    help="Processes; they share one copy of the model's weights.",
)
@click.option(
    "--threads",
    default=4,
    show_default=True,
    type=click.IntRange(1),
    help="Requests that each process works on at the same time.",
)
def serve(host: str, port: int, workers: int, threads: int) -> None:
    """Serve the interface for machines and the moderators' desk over HTTP.

    The database is created or brought up to date first. The server answers /healthz at once and
    comments as soon as its model is loaded; /readyz says when. SIGTERM lets running requests end.
    The log goes to standard error, one JSON object a line.
    """
    log_as_json()
    settings = Settings()
    try:
        RuleBook.load(settings.rules_file)
        store = Store(settings.database)
        store.migrate()
        store.close()
        settings.session_key()
    except (RulesError, StoreUnavailable) as error:
        raise click.ClickException(str(error)) from None
    options = {
        "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        "workers": workers,
        "worker_class": Worker,
        "threads": threads,
        "keepalive": KEPT_OPEN,
        "limit_request_line": LARGEST_LINE,
        "limit_request_field_size": LARGEST_LINE,
        "limit_request_fields": 64,
        "logger_class": _Log,
        "worker_exit": _leave,
        # no socket for remote control in the user's home
        "control_socket_disable": True,
    }
    Server(settings, options | _shared_numbers()).run()


def _leave(_server: object, worker: Any) -> None:
    """End a worker that has answered everything, without taking its interpreter apart.

    That takes seconds on a busy machine, and onnxruntime aborts in it if a model is being loaded.
    One that could not start keeps its own exit status.
    """
    if worker.booted:
        logging.shutdown()
        os._exit(0)


def _shared_numbers() -> dict[str, Any]:
    """Make the folder through which workers share their metrics, and what keeps it tidy.

    Must come before anything imports prometheus_client, which looks for the folder only then.
    """
    folder = os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="moderation-metrics-")
    # imported once here, it is shared by all workers, and they start at once
    importlib.import_module("moderation.app")
    from moderation.telemetry.metrics import worker_ended

    return {
        "child_exit": lambda _server, worker: worker_ended(worker.pid),
        "on_exit": lambda _server: shutil.rmtree(folder, ignore_errors=True),
    }
