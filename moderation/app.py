"""The web application and the command that serves it."""

from __future__ import annotations

import logging
from typing import Any

import click
from flask import Flask, Response, request
from flask_bootstrap import Bootstrap5
from gunicorn.app.base import BaseApplication
from werkzeug.routing import RequestRedirect

from moderation.api import LARGEST_BODY, api, failure_of, respond
from moderation.classifier import Classifier
from moderation.rules import RuleBook, RulesError
from moderation.runtime import Runtime
from moderation.settings import Settings
from moderation.store import Store, StoreUnavailable
from moderation.web import csrf, error_page, init_sessions, web

HEADERS = {
    # everything comes from here; Bootstrap's style sheet carries its icons as data
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
STRICT_TRANSPORT = "max-age=31536000; includeSubDomains"


def create_app(settings: Settings | None = None, *, classifier: Classifier | None = None) -> Flask:
    """Return the application; it answers at once, comments are scored as soon as it can.

    Parameters
    ----------
    settings
        Of this installation; from the environment by default.
    classifier
        A model that is loaded already; by default the one of the settings is loaded in a thread.

    Raises
    ------
    RulesError
        If the rules file is missing or wrong.
    StoreUnavailable
        If the database's URL names something this program cannot work with.
    """
    settings = settings or Settings()
    app = Flask("moderation", static_folder=None, static_url_path="/static")
    app.config.update(
        SECRET_KEY=settings.session_key(),
        SESSION_COOKIE_SECURE=settings.cookies_over_https_only,
        MAX_CONTENT_LENGTH=LARGEST_BODY,
        BOOTSTRAP_SERVE_LOCAL=True,
    )
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    runtime = Runtime(settings)
    runtime.attach(app)
    init_sessions(app)
    csrf.exempt(api)
    app.register_blueprint(api)
    app.register_blueprint(web)
    Bootstrap5(app)
    app.register_error_handler(Exception, _answer_error)
    app.after_request(_protect)
    if classifier is None:
        runtime.load_in_background()
    else:
        runtime.use(classifier)
    return app


def _answer_error(error: Exception) -> Response | RequestRedirect:
    if isinstance(error, RequestRedirect):
        return error
    failure = failure_of(error)
    if _is_for_people():
        status = failure.problem["status"]
        return Response(
            error_page(error, status), status, dict(failure.headers), mimetype="text/html"
        )
    return respond(failure)


def _is_for_people() -> bool:
    """Tell pages from the interface for machines; an unknown address is whose browser asks."""
    if request.blueprint:
        return request.blueprint == web.name
    return request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html"


def _protect(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", STRICT_TRANSPORT)
    if not (request.endpoint or "").endswith(".static"):
        response.headers.setdefault("Cache-Control", "no-store")
    return response


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
        self._settings = settings
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        """Hand the options to gunicorn."""
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Return the application; called once in each worker."""
        return create_app(self._settings)


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
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
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
        "worker_class": "gthread",
        "threads": threads,
        "accesslog": "-",
        # no socket for remote control in the user's home
        "control_socket_disable": True,
    }
    Server(settings, options).run()
