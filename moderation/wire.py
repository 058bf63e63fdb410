"""What goes over the wire: the request and answer of DESIGN §4.1, shared by HTTP and files.

A request body is described once, as :class:`ClassifyRequest`; its validation, its error messages
and its OpenAPI schema come from there. Nothing here knows of Flask.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from ipaddress import ip_address
from typing import Annotated, Any, Literal, NotRequired

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import from_json
from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from moderation.comment import (
    Article,
    Assessment,
    Comment,
    Label,
    LabelAssessment,
    Outcome,
    Parent,
    Verdict,
)

Language = Literal["de", "en"]

LONGEST_TEXT = 65_536
"""Characters of a comment or an article; a whole request over HTTP may have 64 KiB anyway."""

LONGEST_THREAD = 50
"""Other comments of the thread that may be sent along."""

_ID_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_.:@~+=-]*$"
_SHOWABLE_NAME = re.compile(r"[A-Za-z0-9_.-]{1,40}")
_INVISIBLE = {"Cc", "Cf", "Zs", "Zl", "Zp"}


# ---------------------------------------------------------------------------- the request


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("Leave out the character NUL (\\u0000); it cannot be stored.")
    return text


def _visible(text: str) -> str:
    if all(unicodedata.category(character) in _INVISIBLE for character in text):
        raise ValueError("There must be something to read, not only white space.")
    return text


def _ip_address(written: str) -> str:
    try:
        ip_address(written.strip())
    except ValueError:
        raise ValueError("This must be an IPv4 or IPv6 address.") from None
    return written


Text = Annotated[str, Field(max_length=LONGEST_TEXT), AfterValidator(_without_nul)]
Id = Annotated[str, Field(min_length=1, max_length=200, pattern=_ID_PATTERN)]
Line = Annotated[str, Field(max_length=1000), AfterValidator(_without_nul)]
VisibleText = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST_TEXT),
    AfterValidator(_without_nul),
    AfterValidator(_visible),
]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ArticleRequest(_Body):
    """The article a comment stands under, sent whole or, once known, by `id` or `url` alone."""

    id: Id | None = Field(default=None, description="the blog's own id", examples=["123"])
    url: Annotated[str, Field(max_length=2000, pattern=r"^https?://[^\s\x00-\x1f]+$")] | None = (
        Field(default=None, examples=["https://blog.example/schnellstes-notebook"])
    )
    title: Line | None = Field(default=None, examples=["Test: Das schnellste Notebook des Jahres"])
    text: Text | None = Field(
        default=None,
        description="plain text; the lead alone is better than nothing",
        examples=["Das neue Notebook rechnet schnell, wird aber heiß. Der Akku hält acht Stunden."],
    )

    @model_validator(mode="after")
    def _names_something(self) -> ArticleRequest:
        if not (self.id or self.url or self.title or self.text):
            raise ValueError("Give at least one of id, url, title and text, or leave article out.")
        return self


class ParentRequest(_Body):
    """The comment that this one answers, sent whole or, once stored, by `id` alone."""

    id: Id | None = Field(default=None, examples=["4700"])
    text: Text | None = Field(default=None, examples=["Wie lange hält der Akku beim Streamen?"])

    @model_validator(mode="after")
    def _names_something(self) -> ParentRequest:
        if not (self.id or self.text):
            raise ValueError("Give id, text or both, or leave parent out.")
        return self


class ClassifyRequest(_Body):
    """A comment to score, with as much of its context as the blog has."""

    id: Id | None = Field(
        default=None,
        description=(
            "The blog's own id. With one, the call may be repeated: the same id and text gives "
            "the stored answer, a changed text is an edit and scored again. Without one, a comment "
            "that is enqueued is given an id."
        ),
        examples=["4711"],
    )
    text: VisibleText = Field(
        description="The comment as plain text. Offsets in the answer point into exactly this.",
        examples=["Wer so einen Unsinn schreibt, ist einfach zu dumm zum Testen."],
    )
    author: Annotated[str, Field(max_length=200), AfterValidator(_without_nul)] | None = Field(
        default=None, description="the name shown beside the comment", examples=["Max"]
    )
    article: ArticleRequest | None = Field(
        default=None,
        description="Without an article `off_topic` is not assessed and its answer is `null`.",
    )
    parent: ParentRequest | None = None
    thread: Annotated[list[Text], Field(max_length=LONGEST_THREAD)] = Field(
        default=[],
        description=(
            f"Up to {LONGEST_THREAD} texts of other comments of the same thread, oldest first, "
            "without this comment and its parent. They show where the conversation has moved."
        ),
        examples=[["Ich komme auf sechs Stunden.", "Bei mir sind es sieben."]],
    )
    email: Annotated[str, Field(max_length=320)] | None = Field(
        default=None,
        description=(
            "The author's e-mail address. Not needed; at most a keyed hash of it is kept, by which "
            "their comments are found if they ask for them."
        ),
        examples=["max@blog.example"],
    )
    address: Annotated[str, Field(max_length=64), AfterValidator(_ip_address)] | None = Field(
        default=None,
        description="The author's IP address. Not needed; at most a keyed hash of it is kept.",
        examples=["192.0.2.7"],
    )
    enqueue: bool = Field(
        default=True,
        description=(
            "`true` stores the comment and, if it is held, puts it into the moderators' queue "
            "(scope `submit`); `false` scores it and stores nothing (scope `classify`)."
        ),
    )

    store: bool = Field(
        default=True,
        description=(
            "`false` scores without a trace: nothing is stored, nothing is put into the queue, "
            "whatever `enqueue` says (scope `classify`)."
        ),
    )

    @property
    def is_kept(self) -> bool:
        """Whether the comment is to be stored."""
        return self.enqueue and self.store

    def comment(self) -> Comment:
        """Return the comment in the domain's own terms, without e-mail and IP address.

        Examples
        --------
        >>> ClassifyRequest(text="Danke!", parent=ParentRequest(id="4700")).comment().parent
        Parent(text='', id='4700')
        """
        return Comment(
            text=self.text,
            id=self.id,
            author=self.author or None,
            article=_article(self.article),
            parent=Parent(self.parent.text or "", self.parent.id) if self.parent else None,
            thread=tuple(self.thread),
        )


def _article(sent: ArticleRequest | None) -> Article | None:
    if sent is None:
        return None
    return Article(title=sent.title or "", text=sent.text or "", id=sent.id, url=sent.url)


# ---------------------------------------------------------------------------- its errors


class MalformedRequest(Exception):  # noqa: N818 - a state of the request, not of the code
    """The bytes are not JSON in UTF-8; the message says where they stop being so."""


class FieldError(TypedDict):
    """What is wrong with one field of a request."""

    field: Annotated[str, Field(description="JSON Pointer into the request")]
    detail: str


class InvalidRequest(Exception):  # noqa: N818 - a state of the request, not of the code
    """The JSON does not describe a comment; ``errors`` has one entry for each field at fault."""

    def __init__(self, errors: tuple[FieldError, ...]) -> None:
        super().__init__(f"{len(errors)} field(s) of the request are wrong.")
        self.errors = errors


def parse(raw: bytes) -> object:
    """Return the value of one JSON text.

    Raises
    ------
    MalformedRequest
        If it is not JSON in UTF-8. The message names a line and column, never the content.

    Examples
    --------
    >>> parse(b'{"text": "Danke!"}')
    {'text': 'Danke!'}
    >>> parse(b'{"text": ')
    Traceback (most recent call last):
    moderation.wire.MalformedRequest: This is not JSON in UTF-8: EOF while parsing a value at line 1 column 9.
    """  # noqa: E501
    try:
        return from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        raise MalformedRequest(f"This is not JSON in UTF-8: {error}.") from None


def read(value: object) -> ClassifyRequest:
    r"""Return the request that a JSON value describes.

    Raises
    ------
    InvalidRequest
        If fields are missing, unknown or wrong.

    Examples
    --------
    >>> read({"text": "Danke!"}).enqueue
    True
    >>> try:
    ...     read({"text": " ", "parent": {"id": 7}})
    ... except InvalidRequest as error:
    ...     print(*(f"{found['field']}: {found['detail']}" for found in error.errors), sep="\n")
    /text: There must be something to read, not only white space.
    /parent/id: This must be a string.
    """
    try:
        return ClassifyRequest.model_validate(value)
    except ValidationError as error:
        raise InvalidRequest(field_errors(error)) from None


def field_errors(error: ValidationError) -> tuple[FieldError, ...]:
    """Return what pydantic found, in our words; what was sent is not repeated."""
    return tuple(
        FieldError(
            field="".join(f"/{_shown(part)}" for part in found["loc"]),
            detail=_sentence(found["type"], found.get("ctx", {}), found["msg"]),
        )
        for found in error.errors(include_input=False, include_url=False)
    )


def _shown(part: int | str) -> str:
    # an unknown field's name is the sender's text, perhaps a comment gone astray
    name = str(part)
    return name if _SHOWABLE_NAME.fullmatch(name) else "(unprintable name)"


_SENTENCES = {
    "missing": "This field is required.",
    "extra_forbidden": "This field is not known; leave it out.",
    "string_type": "This must be a string.",
    "bool_type": "This must be true or false.",
    "list_type": "This must be a list.",
    "model_type": "This must be an object.",
    "model_attributes_type": "This must be an object.",
    "string_too_short": "This must not be empty.",
    "string_too_long": "This may have at most {max_length} characters.",
    "too_long": "This may have at most {max_length} items.",
    "string_unicode": "This must be valid Unicode.",
}
_PATTERN_SENTENCES = {
    _ID_PATTERN: (
        "An id starts with a letter or digit; letters, digits and _ . : @ ~ + = - may follow."
    ),
}


def _sentence(kind: str, context: Mapping[str, Any], message: str) -> str:
    if kind == "value_error":
        return str(context["error"])
    if kind == "string_pattern_mismatch":
        return _PATTERN_SENTENCES.get(
            context["pattern"], "This must be an address that starts with http:// or https://."
        )
    return _SENTENCES.get(kind, f"{message}.").format_map(context)


# ---------------------------------------------------------------------------- the answer


class SpanAnswer(TypedDict):
    """A passage that raises the score; offsets are Unicode code points, the end exclusive."""

    start: Annotated[int, Field(ge=0, examples=[34])]
    end: Annotated[int, Field(ge=1, examples=[52])]
    weight: Annotated[
        float, Field(gt=0, le=1, description="share of all that speaks for the label")
    ]


class EvidenceAnswer(TypedDict):
    """The passage of the context that the comment most likely belongs to."""

    source: Literal["article", "parent", "thread"]
    text: str
    similarity: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="how likely it does; by a model without encoder, how alike their words are",
        ),
    ]


class LabelAnswer(TypedDict):
    """How likely the comment breaks one rule."""

    score: Annotated[float, Field(ge=0, le=1, description="calibrated probability, 6 decimals")]
    flagged: Annotated[bool, Field(description="whether the score reaches the rule's threshold")]
    rule: Annotated[str, Field(description="id of the rule in the rules file")]
    spans: NotRequired[
        Annotated[list[SpanAnswer], Field(description="if it is flagged and passages stand out")]
    ]
    evidence: NotRequired[EvidenceAnswer]


class LabelsAnswer(TypedDict):
    """One entry for each label; `null` was not assessed."""

    disparaging: LabelAnswer | None
    off_topic: LabelAnswer | None
    spam: LabelAnswer | None


class ModelAnswer(TypedDict):
    """Which model judged."""

    version: str
    sha256: Annotated[str, Field(description="of its manifest")]


class ClassifyAnswer(TypedDict):
    """The verdict on a comment with its reasons. The verdict recommends; people decide."""

    id: Annotated[
        str | None,
        Field(description="the comment's id; `null` if none was sent and nothing was stored"),
    ]
    verdict: Annotated[Outcome, Field(description="what the rules recommend")]
    labels: LabelsAnswer
    reasons: Annotated[
        list[str],
        Field(description="one sentence for each flagged label, the clearest violation first"),
    ]
    model: ModelAnswer
    queue_url: NotRequired[
        Annotated[str, Field(description="the stored comment's page at the moderators' desk")]
    ]


def answer(
    comment_id: str | None,
    assessment: Assessment,
    verdict: Verdict,
    rules: Mapping[Label, str],
    *,
    language: Language = "de",
    queue_url: str | None = None,
) -> ClassifyAnswer:
    """Return the answer of DESIGN §4.1, ready for JSON.

    Parameters
    ----------
    comment_id
        The comment's id, if it has one.
    assessment, verdict
        What the classifier said and what the rules made of it.
    rules
        The id of the rule behind each label.
    language
        Of the reasons.
    queue_url
        Where the stored comment is shown; left out of the answer if it was not stored.
    """
    found = assessment.labels
    body = ClassifyAnswer(
        id=comment_id,
        verdict=verdict.outcome,
        labels=LabelsAnswer(
            disparaging=_label_answer(Label.DISPARAGING, found, verdict, rules),
            off_topic=_label_answer(Label.OFF_TOPIC, found, verdict, rules),
            spam=_label_answer(Label.SPAM, found, verdict, rules),
        ),
        reasons=[reason.en if language == "en" else reason.de for reason in verdict.reasons],
        model=ModelAnswer(version=assessment.model.version, sha256=assessment.model.sha256),
    )
    if queue_url is not None:
        body["queue_url"] = queue_url
    return body


def _label_answer(
    label: Label,
    assessed: Mapping[Label, LabelAssessment | None],
    verdict: Verdict,
    rules: Mapping[Label, str],
) -> LabelAnswer | None:
    found = assessed.get(label)
    if found is None:
        return None
    body = LabelAnswer(score=found.score, flagged=label in verdict.flagged, rule=rules[label])
    if found.spans and body["flagged"]:
        body["spans"] = [
            SpanAnswer(start=span.start, end=span.end, weight=span.weight) for span in found.spans
        ]
    if found.evidence:
        body["evidence"] = EvidenceAnswer(
            source=found.evidence.source.value,
            text=found.evidence.text,
            similarity=found.evidence.similarity,
        )
    return body


# ---------------------------------------------------------------------------- problems


@dataclass(frozen=True, slots=True)
class _Kind:
    slug: str
    status: int
    title: str
    meaning: str


class ProblemKind(Enum):
    """Everything that can be the matter with a request, each with its own ``type`` and status."""

    MALFORMED = _Kind("malformed", 400, "The body cannot be read", "The body is not JSON in UTF-8.")
    UNAUTHENTICATED = _Kind(
        "unauthenticated",
        401,
        "A valid token is needed",
        "The header Authorization: Bearer … is missing or its token is not valid.",
    )
    FORBIDDEN = _Kind(
        "forbidden", 403, "The token may not do this", "The token lacks the scope for the call."
    )
    NOT_FOUND = _Kind("not-found", 404, "There is nothing here", "No such address.")
    METHOD_NOT_ALLOWED = _Kind(
        "method-not-allowed", 405, "Another method is needed", "The header Allow names it."
    )
    RETRACTED = _Kind(
        "retracted", 409, "The comment was withdrawn", "Its author withdrew it; it cannot change."
    )
    TOO_LARGE = _Kind(
        "too-large", 413, "The body is too large", "The body exceeds the limit of its address."
    )
    MEDIA_TYPE = _Kind(
        "media-type", 415, "The body must be JSON", "Send Content-Type: application/json."
    )
    INVALID = _Kind(
        "invalid",
        422,
        "The request is not a comment",
        "Fields are missing, unknown or wrong; errors has one entry for each.",
    )
    UNKNOWN_ARTICLE = _Kind(
        "unknown-article",
        422,
        "The article is not known",
        "The article was named by id or url alone but never sent; send its title and text.",
    )
    UNKNOWN_PARENT = _Kind(
        "unknown-parent",
        422,
        "The parent is not known",
        "The parent was named by id alone but never stored; send its text.",
    )
    TOO_MANY = _Kind(
        "too-many",
        429,
        "Too many requests",
        "Repeat the request after the seconds in Retry-After.",
    )
    INTERNAL = _Kind(
        "internal", 500, "Something went wrong here", "An error of ours; the log has the details."
    )
    NOT_READY = _Kind("not-ready", 503, "The service is not ready", "Model or database is missing.")
    MODEL_LOADING = _Kind(
        "model-loading",
        503,
        "The model is loading",
        "Repeat the request after the seconds in Retry-After.",
    )
    MODEL_REFUSED = _Kind(
        "model-refused",
        503,
        "The model cannot be used",
        "The model is missing, damaged or made for another version; the log says what to do.",
    )
    DATABASE = _Kind(
        "database",
        503,
        "The database cannot be used",
        "It cannot be reached or written. What was answered with 200 before is kept.",
    )

    @property
    def slug(self) -> str:
        """The last part of ``type``, an anchor on the page ``/docs``."""
        return self.value.slug

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.value.status

    @property
    def title(self) -> str:
        """The same short sentence every time."""
        return self.value.title

    @property
    def meaning(self) -> str:
        """What it means, for the documentation."""
        return self.value.meaning

    @property
    def uri(self) -> str:
        """The ``type`` of RFC 9457."""
        return f"/docs#problem-{self.slug}"


class Problem(TypedDict):
    """An error as RFC 9457 describes it. It never repeats the text of a comment."""

    type: Annotated[str, Field(description="where its meaning is explained")]
    title: str
    status: int
    detail: str
    errors: NotRequired[
        Annotated[list[FieldError], Field(description="at 422: one entry for each field")]
    ]


def problem(
    kind: ProblemKind, detail: str | None = None, errors: tuple[FieldError, ...] = ()
) -> Problem:
    """Return the body of an error, ready for JSON.

    Examples
    --------
    >>> problem(ProblemKind.NOT_FOUND)["detail"]
    'No such address.'
    """
    body = Problem(
        type=kind.uri, title=kind.title, status=kind.status, detail=detail or kind.meaning
    )
    if errors:
        body["errors"] = list(errors)
    return body


def request_problem(error: MalformedRequest | InvalidRequest) -> Problem:
    """Return the body of the error for what cannot be read as a request."""
    if isinstance(error, MalformedRequest):
        return problem(ProblemKind.MALFORMED, str(error))
    count = len(error.errors)
    return problem(
        ProblemKind.INVALID,
        f"{count} fields of the request are wrong; see errors."
        if count > 1
        else "1 field of the request is wrong; see errors.",
        error.errors,
    )
