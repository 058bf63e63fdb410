"""The moderation desk: what can be done with a comment, from its submission to its decision.

It knows comments, rules, moderators and the store; it knows nothing of HTTP or of pages.
"""

from moderation.desk.base import Assessor, Judge
from moderation.desk.context import SimilarItem
from moderation.desk.deciding import LARGEST_BULK, BulkResult
from moderation.desk.errors import (
    CommentErased,
    CommentRetracted,
    DeskError,
    InvalidCursor,
    InvalidInput,
    NothingToUndo,
    StaleVersion,
    UnknownArticle,
    UnknownComment,
    UnknownParent,
)
from moderation.desk.lists import LARGEST_COUNT
from moderation.desk.service import Desk
from moderation.desk.submitting import Submission
from moderation.desk.thresholds import rules_in_force
from moderation.store import Page, QueueItem, State

__all__ = [
    "LARGEST_BULK",
    "LARGEST_COUNT",
    "Assessor",
    "BulkResult",
    "CommentErased",
    "CommentRetracted",
    "Desk",
    "DeskError",
    "InvalidCursor",
    "InvalidInput",
    "Judge",
    "NothingToUndo",
    "Page",
    "QueueItem",
    "SimilarItem",
    "StaleVersion",
    "State",
    "Submission",
    "UnknownArticle",
    "UnknownComment",
    "UnknownParent",
    "rules_in_force",
]
