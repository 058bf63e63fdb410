"""A file of comments and the service give the same answers, whatever is scored beside what."""

import json

import pytest
from click.testing import CliRunner

from moderation.app import create_app
from moderation.cli import main
from moderation.desk.accounts import issue_token
from moderation.seeds import read_corpus
from moderation.settings import PROJECT_ROOT
from moderation.store import Scope

COMMENTS = 1_000


@pytest.fixture
def client(settings, store, classifier):
    key = issue_token(store, "test", [Scope.CLASSIFY]).key
    app = create_app(settings, classifier=classifier)
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {key}"
    yield client
    app.extensions["moderation"].store.close()


def requests():
    """The first comments of our own corpus, with all their context, as requests."""
    for seed in read_corpus(PROJECT_ROOT / "seeds").seeds[:COMMENTS]:
        comment = seed.comment
        request = {
            "id": seed.id,
            "text": comment.text,
            "article": {"title": comment.article.title, "text": comment.article.text},
            "thread": list(comment.thread),
            "enqueue": False,
        }
        if comment.parent:
            request["parent"] = {"id": comment.parent.id, "text": comment.parent.text}
        yield request


@pytest.mark.slow
def test_a_thousand_comments_score_the_same_in_a_file_and_one_by_one(client, tmp_path):
    asked = list(requests())
    lines = "".join(json.dumps(request, ensure_ascii=False) + "\n" for request in asked)
    (tmp_path / "in.jsonl").write_text(lines, encoding="utf-8")
    result = CliRunner().invoke(
        main, ["classify", str(tmp_path / "in.jsonl"), "-o", str(tmp_path / "out.jsonl")]
    )
    assert result.exit_code == 0, result.output
    answers = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(answers) == COMMENTS
    for request, line in zip(asked, answers, strict=True):
        response = client.post("/classify", json=request)
        assert response.status_code == 200, response.text
        assert response.json == json.loads(line)
