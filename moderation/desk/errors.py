"""What the desk refuses, each with one sentence that says what to do. No comment's text in any."""

# ruff: noqa: N818 - they name what is the matter with a request; none is an error of the program
from __future__ import annotations

from datetime import datetime

from moderation.comment import Action


class DeskError(Exception):
    """Something the desk refuses to do; nothing was changed."""


class InvalidInput(DeskError):
    """A value that cannot be kept as it is; ``field`` names it."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


class InvalidCursor(DeskError):
    """The cursor of a list was not made by the desk."""

    def __init__(self) -> None:
        super().__init__("This list has no such place; start again at its beginning.")


class UnknownArticle(DeskError):
    """An article was named by id or URL only, and the store does not know it."""

    def __init__(self) -> None:
        super().__init__("The article is not known here; send its title and text once.")


class UnknownParent(DeskError):
    """A parent was named by id only, and the store does not know it."""

    def __init__(self) -> None:
        super().__init__("The parent comment is not known here; send its text.")


class NoPrivacyKey(DeskError):
    """Somebody is looked for by an address, of which nothing is kept without a key."""

    def __init__(self) -> None:
        super().__init__(
            "Without a key nobody is found by e-mail or IP address; set MODERATION_PRIVACY_KEY to "
            "the one that was set when the comments came in, or ask by name alone."
        )


class UnknownComment(DeskError):
    """There is no comment of that id."""

    def __init__(self, comment_id: str) -> None:
        super().__init__("There is no comment with this id; check the id.")
        self.comment_id = comment_id


class CommentRetracted(DeskError):
    """The author has withdrawn the comment, so nothing is left to decide or edit."""

    def __init__(self, comment_id: str, at: datetime) -> None:
        super().__init__(
            f"The author withdrew this comment on {_shown(at)}; there is nothing left to do."
        )
        self.comment_id = comment_id
        self.at = at


class CommentErased(CommentRetracted):
    """The comment's text was erased, for its author or since its time was over."""

    def __init__(self, comment_id: str, at: datetime) -> None:
        DeskError.__init__(
            self, f"The text of this comment was erased on {_shown(at)}; nothing is left to do."
        )
        self.comment_id = comment_id
        self.at = at


class NothingToUndo(DeskError):
    """No decision about the comment's present text is in force."""

    def __init__(self, comment_id: str) -> None:
        super().__init__("No decision about this comment is in force, so none can be undone.")
        self.comment_id = comment_id


class StaleVersion(DeskError):
    """The comment has changed since the page was loaded.

    Parameters
    ----------
    comment_id
        Which comment.
    action
        What was done to it meanwhile; ``None`` if its author edited it.
    decided_by
        Who did it; ``None`` for an edit, or if it was nobody by name.
    at
        When, in UTC.
    """

    def __init__(
        self, comment_id: str, *, action: Action | None, decided_by: str | None, at: datetime
    ) -> None:
        what = {
            Action.APPROVE: "approved",
            Action.REJECT: "rejected",
            Action.DEFER: "deferred",
            Action.UNDO: "put back",
            None: "edited",
        }[action]
        who = decided_by or ("its author" if action is None else "another process")
        super().__init__(
            f"This comment was already {what} by {who} on {_shown(at)}; "
            "look at it again before you decide."
        )
        self.comment_id = comment_id
        self.action = action
        self.decided_by = decided_by
        self.at = at


def _shown(at: datetime) -> str:
    return f"{at:%Y-%m-%d at %H:%M} UTC"
