"""The demo in a folder of its own, with the policy as it is shipped."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from demo_app import create_app
from demo_app.vault import Vault

SHIPPED = Path(__file__).parents[2] / "policies"


class Caller:
    """Logs in and asks, as a user or as nobody."""

    def __init__(self, client: FlaskClient, vault: Vault) -> None:
        self.client, self.vault = client, vault

    def token(self, **form: str) -> Any:
        """What the token endpoint answers to a form."""
        return self.client.post("/token", data=form)

    def login(self, username: str, **more: str) -> str:
        """A user's token."""
        form = {"grant_type": "password", "username": username, "password": self.vault.password, **more}
        token: str = self.token(**form).json["access_token"]
        return token

    def ask(self, asks: str, token: str = "", body: object = None) -> Any:
        """The answer to a request such as `GET /api/data`."""
        method, _, path = asks.partition(" ")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        given: dict[str, Any] = {"json": body} if body else {}
        return self.client.open(path, method=method, headers=headers, **given)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with the shipped policy in it, and no keys yet."""
    shutil.copytree(SHIPPED, tmp_path / "policies")
    return tmp_path


@pytest.fixture
def app(root: Path) -> Flask:
    """The demo, started for the first time."""
    return create_app(root)


@pytest.fixture
def caller(app: Flask) -> Caller:
    """Somebody with a client and the password."""
    return Caller(app.test_client(), app.extensions["vault"])
