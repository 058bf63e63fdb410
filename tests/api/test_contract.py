"""Whatever schemathesis makes of the OpenAPI document, the service answers as the document says."""

from __future__ import annotations

from contextlib import suppress

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as examples
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from moderation.app import create_app
from moderation.desk.accounts import issue_token
from moderation.store import Scope

EXAMPLES = 60
"""Of each kind, valid and invalid, for each operation; benchmarks/fuzz.py tries many more."""

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_operation_keeps_to_its_document(settings, classifier, mode):
    unlimited = settings.model_copy(
        update={"requests_per_minute": 10**9, "comments_per_minute": 10**9}
    )
    app = create_app(unlimited, classifier=classifier)
    store = app.extensions["moderation"].store
    key = issue_token(store, "schemathesis", list(Scope)).key
    operations = schemathesis.openapi.from_wsgi("/openapi.json", app).get_all_operations()
    examined = {each.ok().path: examine(each.ok(), mode, key) for each in operations}
    store.close()
    assert {"/classify", "/classify/batch", "/metrics", "/healthz", "/readyz"} <= examined.keys()
    assert examined["/classify"] >= EXAMPLES
    assert examined["/classify/batch"] >= EXAMPLES


def examine(operation: schemathesis.APIOperation, mode: GenerationMode, key: str) -> int:
    """Send requests of one kind to an operation and return how many there were."""
    sent = 0

    @examples(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: schemathesis.Case) -> None:
        nonlocal sent
        sent += 1
        case.call_and_validate(headers={"Authorization": f"Bearer {key}"}, checks=CHECKS)

    with suppress(Unsatisfiable):  # what takes nothing has no wrong input
        send()
    return sent
