"""The lists of the desk, and what has changed in them since a page was loaded."""

from __future__ import annotations

from flask import jsonify, render_template, request
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from moderation.runtime import runtime
from moderation.store import Listing, SortKey
from moderation.web.cards import card, count, decided_in_words
from moderation.web.language import gettext as _
from moderation.web.view import LISTING_HINTS, LISTING_NAMES, ORDER_NAMES, View, chips, view_form

PAGE_LENGTH = 20
"""Comments on one page of a list."""

NEWEST_DECISIONS = 50
"""Decisions of colleagues that a page hears about at once."""


@login_required
def queue() -> str:
    """Show one list as the address narrows and sorts it."""
    form = view_form()
    view = View.of(form)
    desk, rules = runtime().desk, runtime().rules
    wanted = view.filter(rules)
    key, descending = view.order
    after = request.args.get("after")
    # what comes in while the lists are read is a change the page has yet to hear of
    change = desk.newest_change()
    page = desk.listing(
        view.list, wanted, sort=key, descending=descending, limit=PAGE_LENGTH, after=after
    )
    return render_template(
        "web/decided.html" if view.list is Listing.DECIDED else "web/queue.html",
        cards=[card(item, rules) for item in page.items],
        counts=desk.listing_counts(wanted),
        change=change,
        view=view,
        form=form,
        chips=chips(view, form),
        next=page.next,
        after=after,
        back=request.full_path.rstrip("?"),
        listing_names=LISTING_NAMES,
        listing_hints=LISTING_HINTS,
        order_names=ORDER_NAMES,
    )


@login_required
def changes() -> Response:
    """Tell desk.js who is working on what, and if anything changed, counts and new decisions."""
    desk = runtime().desk
    change = desk.newest_change()
    told: dict[str, object] = {
        "change": change,
        "claims": {
            comment_id: _("wird gerade bearbeitet von %(who)s", who=found.moderator)
            for comment_id, found in desk.claims().items()
            if found.moderator != current_user.name
        },
    }
    if change != request.args.get("change", type=int):
        wanted = View.of(view_form()).filter(runtime().rules)
        told["counts"] = {name: count(found) for name, found in desk.listing_counts(wanted).items()}
        told["decided"] = _newest_decisions()
    return jsonify(told)


def _newest_decisions() -> list[dict[str, object]]:
    newest = runtime().desk.listing(
        Listing.DECIDED, sort=SortKey.AGE, descending=True, limit=NEWEST_DECISIONS
    )
    return [
        {"id": item.comment.id, "version": item.version, "text": decided_in_words(item)}
        for item in newest.items
    ]
