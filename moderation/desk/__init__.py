"""The moderation desk: what can be done with a comment, from its submission to its decision.

It knows comments, rules, moderators and the store; it knows nothing of HTTP or of pages.
"""

from moderation.desk.errors import (
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
from moderation.desk.service import Assessor, Desk, Judge, Submission
from moderation.store import DecidedItem, Page, QueueItem, State

__all__ = [
    "Assessor",
    "CommentRetracted",
    "DecidedItem",
    "Desk",
    "DeskError",
    "InvalidCursor",
    "InvalidInput",
    "Judge",
    "NothingToUndo",
    "Page",
    "QueueItem",
    "StaleVersion",
    "State",
    "Submission",
    "UnknownArticle",
    "UnknownComment",
    "UnknownParent",
]
