"""The programs in docs/webhooks.md tell a genuine message from others."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable

import pytest

from moderation.settings import PROJECT_ROOT
from moderation.webhooks import Key

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
Check = Callable[[dict[str, str], bytes], bool]


def program(language: str) -> str:
    page = (PROJECT_ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8")
    found = re.search(rf"```{language}\n(.*?)```", page, re.DOTALL)
    assert found
    return found[1]


def in_python(headers: dict[str, str], body: bytes) -> bool:
    names: dict[str, Callable[..., bool]] = {}
    exec(program("python"), names)
    return names["is_genuine"](headers, body, KEY)


def in_php(headers: dict[str, str], body: bytes) -> bool:
    php = shutil.which("php")
    if php is None:
        pytest.skip("php is not installed")
    call = "echo json_encode(is_genuine($given[0], $given[1], $given[2]));"
    read = "$given = json_decode(stream_get_contents(STDIN), true);"
    done = subprocess.run(
        [php, "-r", f"{program('php')}\n{read}\n{call}"],
        input=json.dumps([headers, body.decode(), KEY]),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout == "true"


@pytest.mark.parametrize("is_genuine", [in_python, in_php])
def test_the_documented_check_takes_what_is_genuine_and_nothing_else(is_genuine: Check) -> None:
    now, body = int(time.time()), '{"type":"comment.decided","note":"Größe"}'.encode()
    headers = {
        "webhook-id": "evt_7",
        "webhook-timestamp": str(now),
        "webhook-signature": f"v1,AAAA {Key.read(KEY).signature('evt_7', now, body)}",
    }
    assert is_genuine(headers, body)
    assert not is_genuine(headers, body + b" ")
    assert not is_genuine(headers | {"webhook-id": "evt_8"}, body)
    assert not is_genuine(headers | {"webhook-timestamp": str(now + 1)}, body)
    old = Key.read(KEY).signature("evt_7", now - 999, body)
    stale = {"webhook-timestamp": str(now - 999), "webhook-signature": old}
    assert not is_genuine(headers | stale, body)
