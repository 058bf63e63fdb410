"""The web application: its parts, its headers, its errors."""

from __future__ import annotations

from flask import Flask, Response, request
from flask_bootstrap import Bootstrap5
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import RequestRedirect

from moderation.api import LARGEST_BODY, TOKEN_ENDPOINTS, api, failure_of, respond
from moderation.classifier import Classifier
from moderation.runtime import Runtime, runtime
from moderation.settings import Settings
from moderation.telemetry import watch_requests
from moderation.web import csrf, error_page, init_language, init_sessions, web

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


def create_app(
    settings: Settings | None = None,
    *,
    classifier: Classifier | None = None,
    watch_model: bool = False,
) -> Flask:
    """Return the application; it answers at once, comments are scored as soon as it can.

    Parameters
    ----------
    settings
        Of this installation; from the environment by default.
    classifier
        A model that is loaded already; by default the one of the settings is loaded in a thread.
    watch_model
        Load the model of the settings again whenever its folder changes.

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
        MAX_CONTENT_LENGTH=LARGEST_BODY,
        MAX_FORM_MEMORY_SIZE=LARGEST_BODY,
        BOOTSTRAP_SERVE_LOCAL=True,
    )
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    own = Runtime(settings)
    own.attach(app)
    watch_requests(app, own.metrics)
    app.before_request(_limit)
    init_sessions(app, over_https=settings.cookies_over_https_only)
    init_language(app)
    csrf.exempt(api)
    app.register_blueprint(api)
    app.register_blueprint(web)
    Bootstrap5(app)
    app.register_error_handler(Exception, _answer_error)
    app.after_request(_protect)
    if settings.trusted_proxies:
        number = settings.trusted_proxies
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=number, x_proto=number, x_host=number
        )
    if classifier is None:
        own.load_in_background(watch=watch_model)
    else:
        own.use(classifier)
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


def _limit() -> None:
    """Count a request against its address, unless a token stands for it."""
    if not _is_static() and request.endpoint not in TOKEN_ENDPOINTS:
        runtime().limits.count_request(request.remote_addr)


def _is_static() -> bool:
    return (request.endpoint or "").endswith("static")


def _protect(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", STRICT_TRANSPORT)
    if not _is_static():
        response.headers.setdefault("Cache-Control", "no-store")
    return response
