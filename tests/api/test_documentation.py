"""The OpenAPI document is valid, complete and true; ``/docs`` shows all of it."""

from __future__ import annotations

import re

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from moderation.wire import ProblemKind, read


@pytest.fixture
def document(client):
    return client.get("/openapi.json").json


def conforms(value, name, document):
    """Assert that a value is what the document says of a schema."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    Draft202012Validator(schema).validate(value)


def test_the_document_is_valid(document):
    validate(document)


def test_every_route_for_machines_is_described(app, document):
    routes = {
        (rule.rule, method.lower())
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("api.") and not rule.endpoint.endswith("static")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    described = {
        (path, method) for path, methods in document["paths"].items() for method in methods
    }
    assert routes - described == {("/docs", "get")}
    assert described <= routes


def test_its_examples_are_true(document):
    for path in ("/classify", "/classify/batch"):
        operation = document["paths"][path]["post"]
        sent = operation["requestBody"]["content"]["application/json"]["example"]
        answered = operation["responses"]["200"]["content"]["application/json"]["example"]
        for request in sent if isinstance(sent, list) else [sent]:
            read(request)
            conforms(request, "ClassifyRequest", document)
        for answer in answered if isinstance(answered, list) else [answered]:
            conforms(answer, "ClassifyAnswer" if "verdict" in answer else "Problem", document)


def test_real_answers_and_errors_are_as_described(post, document, insult, article):
    conforms(post({"text": insult, "article": article}).json, "ClassifyAnswer", document)
    conforms(post({"text": insult, "enqueue": False}).json, "ClassifyAnswer", document)
    for body in ({"text": " "}, {"text": "a", "x": 1}, b"{"):
        conforms(post(body).json, "Problem", document)


def test_every_problem_of_classifying_is_among_its_statuses(document):
    statuses = document["paths"]["/classify"]["post"]["responses"].keys()
    elsewhere = {ProblemKind.NOT_FOUND, ProblemKind.METHOD_NOT_ALLOWED}
    assert {str(kind.status) for kind in ProblemKind if kind not in elsewhere} < set(statuses)


def test_the_page_shows_every_call_every_field_and_every_problem(client, document):
    page = client.get("/docs").text
    for path in document["paths"]:
        assert path in page
    for schema in ("ClassifyRequest", "ClassifyAnswer"):
        for field in document["components"]["schemas"][schema]["properties"]:
            assert f"<code>{field}</code>" in page
    for kind in ProblemKind:
        assert f'id="problem-{kind.slug}"' in page


def test_the_page_needs_nothing_from_elsewhere(client):
    response = client.get("/docs")
    loaded = re.findall(r'(?:src|href)="([^"#]+)"', response.text)
    assert loaded
    for address in loaded:
        with client.get(address) as found:
            assert found.status_code == 200
    assert "style=" not in response.text
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
