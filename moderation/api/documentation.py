"""``/openapi.json`` for programs and ``/docs``, the same document as a page for people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import Any

from flask import Response, jsonify, render_template, request
from markupsafe import Markup, escape

from moderation.api.openapi import EXAMPLE_PROBLEM, Json, document
from moderation.wire import ProblemKind


@cache
def _document() -> Json:
    return document(version("moderation"))


def openapi_json() -> Response:
    """Answer the OpenAPI document."""
    return jsonify(_document())


def docs() -> str:
    """Show the OpenAPI document as a page that needs neither script nor network."""
    described = _document()
    schemas = described["components"]["schemas"]
    return render_template(
        "api/docs.html",
        document=described,
        operations=[
            (method.upper(), path, operation)
            for path, methods in described["paths"].items()
            for method, operation in methods.items()
        ],
        request_fields=list(fields("ClassifyRequest", schemas)),
        answer_fields=list(fields("ClassifyAnswer", schemas)),
        problems=list(ProblemKind),
        example_problem=EXAMPLE_PROBLEM,
        pretty=_pretty,
        base=request.host_url.rstrip("/"),
    )


def _pretty(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


def prose(text: str) -> Markup:
    """Return a description as HTML: what stands between backticks is code.

    Examples
    --------
    >>> prose("`null` if a < b")
    Markup('<code>null</code> if a &lt; b')
    """
    parts = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else escape(part)
        for number, part in enumerate(parts)
    )


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field of a schema as a row of a table; ``path`` is dotted, lists are marked ``[]``."""

    path: str
    type: str
    required: bool
    description: str


def fields(name: str, schemas: Json) -> Iterator[FieldRow]:
    """Yield the fields of a schema, each followed by the fields within it.

    What is within a schema is listed at its first use; later uses name that one.

    Examples
    --------
    >>> schemas = {
    ...     "Comment": {"properties": {"parent": {"$ref": "#/components/schemas/Parent"}}},
    ...     "Parent": {"properties": {"id": {"type": "string"}}, "required": ["id"]},
    ... }
    >>> [(row.path, row.type, row.required) for row in fields("Comment", schemas)]
    [('parent', 'object', False), ('parent.id', 'string', True)]
    """
    yield from _fields(name, schemas, prefix="", seen={})


def _fields(name: str, schemas: Json, *, prefix: str, seen: dict[str, str]) -> Iterator[FieldRow]:
    schema = schemas[name]
    for key, found in schema.get("properties", {}).items():
        shape = _Shape.of(found, schemas)
        inner = schemas.get(shape.ref, {})
        path = prefix + key
        description = found.get("description") or inner.get("description", "")
        if shape.ref in seen:
            description = f"the same fields as `{seen[shape.ref]}`"
        required = key in schema.get("required", ())
        yield FieldRow(path, shape.type, required=required, description=description)
        if "properties" in inner and shape.ref not in seen:
            seen[shape.ref] = path
            yield from _fields(shape.ref, schemas, prefix=f"{path}{shape.suffix}.", seen=seen)


@dataclass(frozen=True, slots=True)
class _Shape:
    type: str
    ref: str = ""
    suffix: str = ""

    @classmethod
    def of(cls, schema: Json, schemas: Json) -> _Shape:
        if "$ref" in schema:
            ref = schema["$ref"].rsplit("/", 1)[-1]
            target = schemas[ref]
            return cls(cls.of(target, schemas).type if "enum" in target else "object", ref)
        if "anyOf" in schema:
            shapes = [cls.of(option, schemas) for option in schema["anyOf"]]
            ref = next((shape.ref for shape in shapes if shape.ref), "")
            return cls(" or ".join(shape.type for shape in shapes), ref)
        if "enum" in schema:
            return cls(" · ".join(f"“{value}”" for value in schema["enum"]))
        if schema.get("type") == "array":
            item = cls.of(schema["items"], schemas)
            return cls(f"list of {item.type}s", item.ref, "[]")
        return cls(schema.get("type", "any"))
