"""An application factory for tests of the Flask extension."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from policy.flask import Authorizer
from tests.issuing import write_policy

Protect = Callable[..., Authorizer]


@pytest.fixture
def app() -> Flask:
    """An application without routes, not in testing mode: exceptions become answers as in production."""
    return Flask("shop", static_folder=None)


@pytest.fixture
def protect(tmp_path: Path) -> Protect:
    """Give an application an authorizer over the usual policy and a folder for its log."""

    def protect(app: Flask, **options: Any) -> Authorizer:
        given: dict[str, Any] = {"policy": write_policy(tmp_path / "policies"), "audit": tmp_path / "audit", **options}
        return Authorizer(app, **given)

    return protect
