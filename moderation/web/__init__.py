"""The moderators' pages: login, queue, comment page and decisions.

Knows the desk and its accounts; knows nothing of the HTTP interface for machines.
"""

from moderation.web.blueprint import web
from moderation.web.errors import error_page
from moderation.web.language import init_language
from moderation.web.session import csrf, init_sessions

__all__ = ["csrf", "error_page", "init_language", "init_sessions", "web"]
