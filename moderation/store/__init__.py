"""What is kept: tables, migrations, and the questions and changes the desk needs.

It knows nothing of HTTP or of what moderators may do; SQLAlchemy stays inside this folder.
"""

from moderation.store.blog import Seen, Uncarried
from moderation.store.changes import Writer
from moderation.store.database import Store
from moderation.store.errors import StoreOutdated, StoreUnavailable, UnsupportedDatabase
from moderation.store.figures import Judged, PastDecision
from moderation.store.queries import Reader
from moderation.store.records import (
    Agreement,
    ApiToken,
    AppliedRule,
    AuthorRecord,
    Claim,
    Day,
    EventKind,
    Filter,
    Judgement,
    Listing,
    LockedComment,
    Moderator,
    NewDecision,
    NewEvent,
    Page,
    PastText,
    QueueItem,
    Role,
    Scope,
    Settled,
    SortKey,
    State,
    Statistics,
    Tally,
    ThreadItem,
    ThresholdChange,
    ThresholdEffect,
    ThresholdEffects,
    ThresholdImpact,
)

__all__ = [
    "Agreement",
    "ApiToken",
    "AppliedRule",
    "AuthorRecord",
    "Claim",
    "Day",
    "EventKind",
    "Filter",
    "Judged",
    "Judgement",
    "Listing",
    "LockedComment",
    "Moderator",
    "NewDecision",
    "NewEvent",
    "Page",
    "PastDecision",
    "PastText",
    "QueueItem",
    "Reader",
    "Role",
    "Scope",
    "Seen",
    "Settled",
    "SortKey",
    "State",
    "Statistics",
    "Store",
    "StoreOutdated",
    "StoreUnavailable",
    "Tally",
    "ThreadItem",
    "ThresholdChange",
    "ThresholdEffect",
    "ThresholdEffects",
    "ThresholdImpact",
    "Uncarried",
    "UnsupportedDatabase",
    "Writer",
]
