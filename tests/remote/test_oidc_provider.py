"""The metadata, keys, tokens and rotation of a real, certified OpenID provider. Needs Node.js and npm."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.remote.certified import Certified, service


@pytest.fixture
def app(certified: Certified, tmp_path: Path) -> Flask:
    return service(certified, tmp_path)


def ask(app: Flask, path: str, token: str) -> tuple[int, Any]:
    answer = app.test_client().get(path, headers={"Authorization": f"Bearer {token}"})
    return answer.status_code, answer.json if answer.is_json else answer.json or answer.text


def verdict(app: Flask, path: str, token: str) -> tuple[int, str]:
    answer = app.test_client().get(path, headers={"Authorization": f"Bearer {token}"})
    return answer.status_code, (answer.json or {}).get("reason", "") if answer.status_code != 200 else answer.text


def test_a_machine_may_what_its_scope_covers(certified: Certified, app: Flask) -> None:
    """Client credentials: the subject is the client."""
    token = certified.machine_token("read:data")
    assert ask(app, "/me", token) == (200, ["machine", "worker"])
    assert verdict(app, "/read", token) == (200, "the data")
    assert verdict(app, "/update", token) == (403, "scope-missing")


def test_a_user_may_what_role_and_scope_both_cover(certified: Certified, app: Flask) -> None:
    """Authorization code: the provider's own pages, the role of its own claim."""
    token = certified.user_tokens("alice", "openid read:data update:data")["access_token"]
    assert ask(app, "/me", token) == (200, ["user", "alice"])
    assert verdict(app, "/read", token) == (200, "the data")
    assert verdict(app, "/update", token) == (403, "no-role-grants-it")


def test_its_id_token_is_no_access_token(certified: Certified, app: Flask) -> None:
    """Signed by the same key, for the same person."""
    assert verdict(app, "/read", certified.user_tokens("alice")["id_token"]) == (401, "token-type")


def test_its_rotated_key_is_taken_at_once(certified: Certified, app: Flask) -> None:
    """Tokens of the former key, which it still publishes, stay good."""
    before = certified.machine_token()
    assert verdict(app, "/read", before) == (200, "the data")
    certified.post("/rotate", now="please")
    assert verdict(app, "/read", certified.machine_token()) == (200, "the data")
    assert verdict(app, "/read", before) == (200, "the data")
