"""The tables. Rows never leave this folder; ``records`` and the domain types do."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Double,
    Enum,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from moderation.comment import Action, DecisionSource, Label, Outcome
from moderation.store.records import Delivery, EventKind, Listing, Role, State

ID_LENGTH = 255
URL_LENGTH = 2048
NAME_LENGTH = 64
STATUS_LENGTH = 32
LANGUAGE_LENGTH = 8


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time: only with a time zone going in, always in UTC coming out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn into UTC; SQLite has no time zones, so it gets the naive UTC time."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored time needs a time zone; use datetime.now(UTC)")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give back in UTC whatever time zone the database session has."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _closed_set(kind: type[StrEnum]) -> Enum:
    """Store an enum by value in a plain column, so that a new member needs no migration."""
    return Enum(
        kind,
        native_enum=False,
        length=32,
        values_callable=lambda members: [member.value for member in members],
    )


BigId = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    """Shared naming and types, so that every constraint has a name migrations can use."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it as a class attribute
        datetime: UtcDateTime(),
        dict[str, Any]: JSON(),
        float: Double(),
        list[Any]: JSON(),
        Action: _closed_set(Action),
        DecisionSource: _closed_set(DecisionSource),
        Delivery: _closed_set(Delivery),
        EventKind: _closed_set(EventKind),
        Label: _closed_set(Label),
        Listing: _closed_set(Listing),
        Outcome: _closed_set(Outcome),
        Role: _closed_set(Role),
        State: _closed_set(State),
    }


class ArticleRow(Base):
    """An article, known by the blog's id, by its URL, or else by what it says (``digest``)."""

    __tablename__ = "articles"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    external_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), unique=True)
    url: Mapped[str | None] = mapped_column(String(URL_LENGTH), unique=True)
    digest: Mapped[str | None] = mapped_column(String(64), unique=True)
    title: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class CommentRow(Base):
    """A comment as it stands now.

    ``state`` repeats what follows from the newest assessment and the decisions; it changes only in
    the transaction that changes those. ``revision`` counts the texts, ``version`` every change.
    """

    __tablename__ = "comments"
    __table_args__ = (
        Index(None, "state", "id"),
        Index(None, "article_id", "id"),
        Index(None, "parent_external_id"),
        Index(None, "submitted_at"),
        # Names may be longer than a tree's entry in PostgreSQL; they are only compared as a whole.
        Index(None, "author", postgresql_using="hash"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    external_id: Mapped[str] = mapped_column(String(ID_LENGTH), unique=True)
    article_id: Mapped[int | None] = mapped_column(ForeignKey("articles.id"))
    # Parent and thread are copies: the store may not know them, and they are what the comment
    # was read against, whatever becomes of them later.
    parent_external_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    parent_text: Mapped[str | None] = mapped_column(Text)
    thread: Mapped[list[Any]]
    author: Mapped[str | None] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    state: Mapped[State]
    version: Mapped[int]
    revision: Mapped[int]
    submitted_at: Mapped[datetime]
    edited_at: Mapped[datetime | None]
    retracted_at: Mapped[datetime | None]
    # Hashed with this installation's key; what was hashed is kept nowhere.
    email_hash: Mapped[str | None] = mapped_column(String(64))
    address_hash: Mapped[str | None] = mapped_column(String(64))
    # When its text, its author and all words about it were erased.
    erased_at: Mapped[datetime | None]


class PastTextRow(Base):
    """A text a comment had before an edit: what earlier decisions were about."""

    __tablename__ = "past_texts"

    comment_id: Mapped[int] = mapped_column(ForeignKey("comments.id"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    text: Mapped[str] = mapped_column(Text)
    replaced_at: Mapped[datetime]


class AssessmentRow(Base):
    """What one model said of one text of a comment, and the verdict it led to."""

    __tablename__ = "assessments"
    __table_args__ = (
        UniqueConstraint("comment_id", "revision", "model_sha256"),
        Index(None, "comment_id", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    comment_id: Mapped[int] = mapped_column(ForeignKey("comments.id"))
    revision: Mapped[int]
    model_version: Mapped[str] = mapped_column(String(64))
    model_sha256: Mapped[str] = mapped_column(String(64))
    labels: Mapped[dict[str, Any]]
    outcome: Mapped[Outcome]
    flagged: Mapped[list[Any]]
    reasons: Mapped[list[Any]]
    rules: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class DecisionRow(Base):
    """One decision; the database itself refuses to change or delete it (see the migrations).

    It only allows to empty note and message, when a comment and all words about it are erased.
    The moderator is kept by name, not by key: an import names people without an account here.
    """

    __tablename__ = "decisions"
    __table_args__ = (
        Index(None, "comment_id", "id"),
        Index(None, "at"),
        Index(None, "supersedes"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    comment_id: Mapped[int] = mapped_column(ForeignKey("comments.id"))
    revision: Mapped[int]
    action: Mapped[Action]
    moderator: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime]
    rule: Mapped[str | None] = mapped_column(Text)
    note: Mapped[str | None] = mapped_column(Text)
    message: Mapped[str | None] = mapped_column(Text)
    source: Mapped[DecisionSource]
    supersedes: Mapped[int | None] = mapped_column(ForeignKey("decisions.id"))


class ListEntryRow(Base):
    """A comment's place in one of the moderators' lists: one row for the comment as a whole.

    And one for each label that was scored, so that a list of any kind, narrowed to a rule or not,
    is a range of one index in each of its orders. Repeats what follows from the newest
    assessment and the decisions, and changes only in the transaction that changes those. A
    comment in no list has no rows.
    """

    __tablename__ = "list_entries"
    __table_args__ = (
        Index(None, "listing", "label", "flagged", "listed_at", "comment_id"),
        Index(None, "listing", "label", "flagged", "score", "comment_id"),
        Index(None, "listing", "label", "flagged", "uncertainty", "comment_id"),
        Index(None, "listing", "label", "flagged", "article_key", "listed_at", "comment_id"),
        {"sqlite_with_rowid": False},
    )

    comment_id: Mapped[int] = mapped_column(ForeignKey("comments.id"), primary_key=True)
    listing: Mapped[Listing] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(String(32), primary_key=True)
    flagged: Mapped[bool]
    listed_at: Mapped[datetime]
    score: Mapped[float]
    uncertainty: Mapped[float]
    # Number of the article's row, 0 without one: databases disagree on where NULL is sorted.
    article_key: Mapped[int] = mapped_column(BigId)
    model_version: Mapped[str] = mapped_column(String(64))
    decision_id: Mapped[int | None] = mapped_column(ForeignKey("decisions.id"))


class ClaimRow(Base):
    """Who has a comment open, and until when others are told."""

    __tablename__ = "claims"

    comment_id: Mapped[int] = mapped_column(ForeignKey("comments.id"), primary_key=True)
    moderator: Mapped[str] = mapped_column(Text)
    until: Mapped[datetime]


class ThresholdChangeRow(Base):
    """A change of the score from which a rule holds comments; the newest of a label counts."""

    __tablename__ = "threshold_changes"
    __table_args__ = (Index(None, "label", "id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    label: Mapped[Label]
    before: Mapped[float | None]
    after: Mapped[float | None]
    moderator: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class ModeratorRow(Base):
    """A person who works at the desk; never deleted, because decisions name them."""

    __tablename__ = "moderators"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH), unique=True)
    display_name: Mapped[str] = mapped_column(Text)
    role: Mapped[Role]
    password_hash: Mapped[str] = mapped_column(Text)
    disabled: Mapped[bool]
    created_at: Mapped[datetime]
    language: Mapped[str | None] = mapped_column(String(LANGUAGE_LENGTH))


class SecondFactorRow(Base):
    """What a moderator's authenticator app shares with us, from its setup until it is taken off.

    ``secret`` is encrypted; it counts once ``confirmed_at`` is set, and is gone when the factor is
    taken off. ``last_step`` numbers the 30 seconds of the last code, so that none is used twice.
    """

    __tablename__ = "second_factors"

    moderator_id: Mapped[int] = mapped_column(
        ForeignKey("moderators.id"), primary_key=True, autoincrement=False
    )
    secret: Mapped[str | None] = mapped_column(Text)
    begun_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int | None] = mapped_column(BigInteger)
    removed_at: Mapped[datetime | None]
    removed_by: Mapped[str | None] = mapped_column(Text)


class RecoveryCodeRow(Base):
    """A code that stands in for a lost app once, by its SHA-256; gone when it is used."""

    __tablename__ = "recovery_codes"

    moderator_id: Mapped[int] = mapped_column(
        ForeignKey("moderators.id"), primary_key=True, autoincrement=False
    )
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)


class ApiTokenRow(Base):
    """A key for machines, by the SHA-256 of the key."""

    __tablename__ = "api_tokens"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[Any]]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class EventRow(Base):
    """Something the blog should hear of, written with the change itself; never a comment's text."""

    __tablename__ = "events"
    __table_args__ = (
        Index(None, "comment_id", "id"),
        # The few that have not left yet, among all there ever were.
        Index(
            "ix_events_pending",
            "id",
            sqlite_where=text("delivery = 'pending'"),
            postgresql_where=text("delivery = 'pending'"),
        ),
        Index(
            "ix_events_open",
            "comment_id",
            "id",
            sqlite_where=text("delivery IN ('pending', 'parked')"),
            postgresql_where=text("delivery IN ('pending', 'parked')"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    comment_id: Mapped[int] = mapped_column(ForeignKey("comments.id"))
    kind: Mapped[EventKind]
    payload: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    delivery: Mapped[Delivery] = mapped_column(server_default=Delivery.PENDING.value)
    attempts: Mapped[int] = mapped_column(server_default="0")
    # Not before this time; while it is being sent, when it may be sent again.
    due_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    failure: Mapped[str | None] = mapped_column(Text)


class BlogRow(Base):
    """The blog that this store follows, and how far its comments were read."""

    __tablename__ = "blogs"

    url: Mapped[str] = mapped_column(String(URL_LENGTH), primary_key=True)
    position: Mapped[dict[str, Any]]
    read_at: Mapped[datetime]


class BlogCommentRow(Base):
    """What the blog had of a comment when it was last looked at.

    ``status`` is its word, ``settled`` the newest decision made here that it has, or that gave
    way to what people had decided there.
    """

    __tablename__ = "blog_comments"

    comment_id: Mapped[int] = mapped_column(
        ForeignKey("comments.id"), primary_key=True, autoincrement=False
    )
    status: Mapped[str | None] = mapped_column(String(STATUS_LENGTH))
    settled: Mapped[int | None] = mapped_column(ForeignKey("decisions.id"))
