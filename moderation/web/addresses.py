"""Comments' ids as parts of addresses."""

from __future__ import annotations

from flask.blueprints import BlueprintSetupState
from werkzeug.routing import BaseConverter

__all__ = ["COMMENT_ID", "register"]

COMMENT_ID = "id"
"""The name of the converter in rules."""


class _CommentId(BaseConverter):
    """Any id: blogs choose their own, some of them paths of their own pages."""

    regex = ".+?"
    part_isolating = False
    weight = 200


def register(state: BlueprintSetupState) -> None:
    """Make the converter known to the application that carries the blueprint."""
    state.app.url_map.converters[COMMENT_ID] = _CommentId
