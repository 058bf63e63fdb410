"""The blueprint that carries every page."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, url_for

from moderation.web import cards, dashboard, profile, queue, session, thresholds

web = Blueprint(
    "web",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/static/desk",
)


def start() -> Response:
    """Lead from the bare address to the queue."""
    return redirect(url_for("web.queue"))  # type: ignore[return-value]


web.add_url_rule("/", view_func=start)
web.add_url_rule("/login", view_func=session.login, methods=["GET", "POST"])
web.add_url_rule("/logout", view_func=session.logout, methods=["POST"])
web.add_url_rule("/queue", view_func=queue.queue)
web.add_url_rule("/queue/<comment_id>", view_func=queue.comment)
web.add_url_rule("/queue/<comment_id>/decision", view_func=queue.decide, methods=["POST"])
web.add_url_rule("/decided", view_func=queue.decided)
web.add_url_rule("/dashboard", view_func=dashboard.dashboard)
web.add_url_rule("/thresholds", view_func=thresholds.thresholds)
web.add_url_rule("/thresholds", view_func=thresholds.apply_threshold, methods=["POST"])
web.add_url_rule("/profile", view_func=profile.profile)
web.add_url_rule("/profile/language", view_func=profile.set_language, methods=["POST"])
web.add_url_rule("/profile/password", view_func=profile.set_password, methods=["POST"])

web.add_app_template_filter(cards.german_time)
web.add_app_template_filter(cards.percent)
web.add_app_template_filter(cards.excerpt)
