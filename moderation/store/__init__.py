"""What is kept: tables, migrations, and the questions and changes the desk needs.

It knows nothing of HTTP or of what moderators may do; SQLAlchemy stays inside this folder.
"""

from moderation.store.changes import Writer
from moderation.store.database import Store
from moderation.store.errors import StoreOutdated, StoreUnavailable, UnsupportedDatabase
from moderation.store.queries import Reader
from moderation.store.records import (
    ApiToken,
    AppliedRule,
    DecidedItem,
    EventKind,
    Judgement,
    LockedComment,
    Moderator,
    Page,
    PastText,
    QueueItem,
    Role,
    Scope,
    State,
)

__all__ = [
    "ApiToken",
    "AppliedRule",
    "DecidedItem",
    "EventKind",
    "Judgement",
    "LockedComment",
    "Moderator",
    "Page",
    "PastText",
    "QueueItem",
    "Reader",
    "Role",
    "Scope",
    "State",
    "Store",
    "StoreOutdated",
    "StoreUnavailable",
    "UnsupportedDatabase",
    "Writer",
]
