"""The blueprint that carries every route for machines."""

from __future__ import annotations

from flask import Blueprint

from moderation.api import classify, documentation, health, metrics

TOKEN_ENDPOINTS = frozenset({"api.classify", "api.classify_batch", "api.metrics"})
"""Where a token is asked for; who has a valid one is limited by it, not by address."""

api = Blueprint(
    "api",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/static/docs",
)

api.add_url_rule("/classify", view_func=classify.classify, methods=["POST"])
api.add_url_rule("/classify/batch", view_func=classify.classify_batch, methods=["POST"])
api.add_url_rule("/openapi.json", view_func=documentation.openapi_json)
api.add_url_rule("/docs", view_func=documentation.docs)
api.add_url_rule("/healthz", view_func=health.healthz)
api.add_url_rule("/readyz", view_func=health.readyz)
api.add_url_rule("/metrics", view_func=metrics.metrics)

api.add_app_template_filter(documentation.prose)
