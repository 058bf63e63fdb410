"""The application from outside: headers on every answer."""

from __future__ import annotations

import pytest

from moderation.app import create_app
from moderation.rules import RulesError


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/healthz", "/login", "/nothing"])
def test_every_answer_forbids_what_it_does_not_need(settings, classifier, path):
    app = create_app(settings, classifier=classifier)
    headers = app.test_client().get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"
    assert "Strict-Transport-Security" not in headers
    secure = app.test_client().get(path, base_url="https://desk.example").headers
    assert "max-age" in secure["Strict-Transport-Security"]
    app.extensions["moderation"].store.close()


def test_without_rules_there_is_no_application(settings, tmp_path):
    lost = settings.model_copy(update={"rules_file": tmp_path / "nowhere.toml"})
    with pytest.raises(RulesError, match="MODERATION_RULES_FILE"):
        create_app(lost)
