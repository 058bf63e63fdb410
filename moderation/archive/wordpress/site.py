"""`Site`: one WordPress, its comments in the order of their dates, and what becomes of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Self

from moderation.archive.record import Applied, Found, Problem, Status
from moderation.archive.wordpress.articles import Articles
from moderation.archive.wordpress.connection import AGENT, Connection, Pace
from moderation.archive.wordpress.errors import Refused, SiteError
from moderation.archive.wordpress.position import Position
from moderation.archive.wordpress.resources import (
    FIELDS,
    RemoteComment,
    known_date,
    read_comment,
)
from moderation.comment import Article
from moderation.settings import Settings

_COMMENTS = "/wp/v2/comments"
_PAGE = 100

_WORDS: Mapping[Status, str] = MappingProxyType(
    {
        Status.APPROVED: "approved",
        Status.PENDING: "hold",
        Status.REJECTED: "trash",
        Status.SPAM: "spam",
    }
)
_NO_ADDRESS = "0.0.0.0"  # noqa: S104 - nobody listens there; it is how an address says "none"


@dataclass(frozen=True, slots=True)
class CommentPage:
    """Comments that follow each other, what could not be read, and the position behind them.

    ``total`` is how many the blog counted from the first of them on.
    """

    comments: tuple[RemoteComment, ...]
    problems: tuple[Problem, ...]
    position: Position
    total: int


class Site:
    """One WordPress, as a user sees it who may moderate comments.

    It connects when it is first asked something. Close it, or use it in a ``with`` block.

    Parameters
    ----------
    url
        Of the blog.
    user
        The login of a WordPress user.
    password
        An application password of that user.
    pace
        How hard the blog is asked.

    Raises
    ------
    SiteError
        If the address cannot be one.
    """

    def __init__(self, url: str, user: str, password: str, pace: Pace | None = None) -> None:
        self._connection = Connection(url, user, password, pace or Pace())
        self._articles = Articles(self._connection)
        self.url = self._connection.url

    @classmethod
    def from_settings(
        cls, url: str, user: str, settings: Settings, pace: Pace | None = None
    ) -> Self:
        """Make one with the password from the settings.

        Raises
        ------
        SiteError
            If there is none, or the address cannot be one.
        """
        password = settings.wordpress_password
        if password is None:
            raise SiteError(
                "The password for WordPress is missing. Make an application password there (Users →"
                " Profile) and put it into the environment as MODERATION_WORDPRESS_PASSWORD."
            )
        return cls(url, user, password.get_secret_value(), pace)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def comments(self) -> Iterator[Found]:
        """Yield all comments, of every status, oldest first, with their articles.

        Raises
        ------
        SiteError
            If the blog cannot be used.
        """
        for page in self.pages():
            yield from page.problems
            articles = self.articles(page.comments)
            for comment in page.comments:
                yield from comment.found(articles.get(comment.post))

    def pages(self, position: Position | None = None) -> Iterator[CommentPage]:
        """Yield the comments behind a position, oldest first, by the hundred.

        Raises
        ------
        SiteError
            If the blog cannot be used.
        """
        position = position or Position()
        while True:
            asked: dict[str, str | int] = {
                "status": "any",
                "type": "comment",
                "context": "edit",
                "orderby": "date",
                "order": "asc",
                "per_page": _PAGE,
                "_fields": FIELDS,
            }
            answer = self._connection.get(_COMMENTS, asked | position.parameters())
            told = answer.content
            if told == []:
                if answer.total:
                    raise SiteError(
                        f"{self.url} keeps {answer.total} comments from {self._connection.user},"
                        " who needs the right to edit them, as editors have."
                    )
                return
            reached = position.after(_ids_and_dates(told))
            if reached == position:  # nothing new, and so it would go on for ever
                raise SiteError(
                    f"{self.url} does not list its comments the way WordPress does; perhaps a"
                    " plugin or a cache changes its REST interface."
                )
            position = reached
            read = [read_comment(each) for each in told]
            yield CommentPage(
                comments=tuple(each for each in read if isinstance(each, RemoteComment)),
                problems=tuple(each for each in read if isinstance(each, Problem)),
                position=position,
                total=answer.total or len(read),
            )

    def articles(self, comments: Iterable[RemoteComment]) -> Mapping[int, Article]:
        """Return the comments' articles by their numbers. Errors are those of `comments`."""
        return self._articles.of(comments)

    def comment(self, comment_id: str) -> RemoteComment | None:
        """Return one comment as it is now; ``None`` if the blog has none of that id.

        Raises
        ------
        SiteError
            If the blog cannot be used, or does not tell.
        """
        if not (comment_id.isascii() and comment_id.isdecimal()):
            return None
        try:
            asked: dict[str, str | int] = {"context": "edit", "_fields": FIELDS}
            told = self._connection.get(f"{_COMMENTS}/{comment_id}", asked).content
        except Refused as error:
            if error.status == 404:
                return None
            raise
        comment = read_comment(told)
        if isinstance(comment, Problem):
            raise SiteError(str(comment))
        return comment

    def change(self, comment_id: str, *, before: Status, after: Status) -> Applied:
        """Give a comment another status if it still has the one it is known by.

        Raises
        ------
        Refused
            If the blog refuses this change.
        SiteError
            If the blog cannot be used.
        """
        comment = self.comment(comment_id)
        if comment is None:
            return Applied.GONE
        now = comment.known_status
        if now is after:
            return Applied.ALREADY
        if now is not before:
            return Applied.MEANWHILE
        self.set_status(comment, after)
        return Applied.CHANGED

    def set_status(self, comment: RemoteComment, status: Status) -> None:
        """Give a comment another status and leave everything else as it is.

        Errors are those of `change`.
        """
        if status is Status.REJECTED:
            self._throw_away(comment)
            return
        # WordPress would put our own address and name in place of what is not sent back to it. It
        # takes no empty ones, so a comment without an address gets the one that means none, and
        # for one without a program we call ourselves nothing, too.
        body = {
            "status": _WORDS[status],
            "author_ip": comment.author_ip or _NO_ADDRESS,
            "author_user_agent": comment.author_user_agent,
        }
        agent = AGENT if comment.author_user_agent else ""
        told = self._connection.post(f"{_COMMENTS}/{comment.id}", body, agent=agent).content
        self._check(comment, told, status)

    def _throw_away(self, comment: RemoteComment) -> None:
        # As a status, trash would delete for good where a blog has no trash.
        try:
            told = self._connection.delete(f"{_COMMENTS}/{comment.id}").content
        except Refused as error:
            if error.status == 410:  # it is there already: an answer was lost on its way
                return
            if error.status == 501:
                sentence = (
                    f"{self.url} has no trash and would delete comment {comment.id} for good."
                )
                raise Refused(sentence, error.status, error.code) from None
            raise
        self._check(comment, told, Status.REJECTED)

    def _check(self, comment: RemoteComment, told: Any, status: Status) -> None:
        changed = read_comment(told)
        if isinstance(changed, Problem) or changed.known_status is not status:
            sentence = f"{self.url} left comment {comment.id} as it was; perhaps a plugin decides."
            raise Refused(sentence, 200, "")


def _ids_and_dates(told: Any) -> Iterator[tuple[int, str | None]]:
    for each in told if isinstance(told, list) else ():
        if isinstance(each, dict) and isinstance(number := each.get("id"), int):
            yield number, known_date(each.get("date"))
