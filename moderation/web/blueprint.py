"""The blueprint that carries every page."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, url_for
from flask_wtf.csrf import CSRFError

from moderation.web import (
    addresses,
    bulk,
    cards,
    comment_page,
    dashboard,
    deciding,
    lists,
    login,
    moderators,
    profile,
    ranges,
    resume,
    second_factor,
    thresholds,
)

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


web.record(addresses.register)
web.add_url_rule("/", view_func=start)
web.add_url_rule("/login", view_func=login.login, methods=["GET", "POST"])
web.add_url_rule("/login/code", view_func=login.login_code, methods=["GET", "POST"])
web.add_url_rule("/logout", view_func=login.logout, methods=["POST"])
web.add_url_rule("/queue", view_func=lists.queue)
web.add_url_rule("/changes", view_func=lists.changes)
for rest, view, methods in (
    ("", comment_page.comment, ["GET"]),
    ("/decision", deciding.decide, ["POST"]),
    ("/claim", deciding.claim, ["POST", "DELETE"]),
):
    rule = f"/queue/<{addresses.COMMENT_ID}:comment_id>{rest}"
    # ids may hold slashes, even side by side
    web.add_url_rule(rule, view_func=view, methods=methods, merge_slashes=False)
web.add_url_rule("/bulk", view_func=bulk.decide_many, methods=["POST"])
web.add_url_rule("/bulk/undo", view_func=bulk.undo_many, methods=["POST"])
web.add_url_rule("/range", view_func=ranges.score_range)
web.add_url_rule("/dashboard", view_func=dashboard.dashboard)
web.add_url_rule("/thresholds", view_func=thresholds.thresholds)
web.add_url_rule("/thresholds", view_func=thresholds.apply_threshold, methods=["POST"])
web.add_url_rule("/profile", view_func=profile.profile)
web.add_url_rule("/profile/language", view_func=profile.set_language, methods=["POST"])
web.add_url_rule("/profile/password", view_func=profile.set_password, methods=["POST"])
for action, view in (
    ("begin", second_factor.begin_second_factor),
    ("confirm", second_factor.confirm_second_factor),
    ("recovery-codes", second_factor.renew_recovery_codes),
    ("remove", second_factor.remove_second_factor),
):
    web.add_url_rule(f"/profile/second-factor/{action}", view_func=view, methods=["POST"])
web.add_url_rule("/profile/second-factor", view_func=second_factor.second_factor)
web.add_url_rule("/moderators", view_func=moderators.moderators)
web.add_url_rule(
    "/moderators/second-factor",
    view_func=moderators.reset_second_factor,
    methods=["GET", "POST"],
)

web.register_error_handler(CSRFError, resume.without_valid_token)
web.app_context_processor(cards.vocabulary)
web.add_app_template_filter(cards.count, "count_of")
web.add_app_template_filter(cards.decided_in_words)
web.add_app_template_filter(cards.excerpt)
web.add_app_template_filter(second_factor.fours)
web.add_app_template_filter(cards.rule_name)
web.add_app_template_filter(cards.web_address)
