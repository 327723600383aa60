"""The fixture of the plugin by hand: the suite runs without the plugin, so that the library is not read too early."""

from pathlib import Path

import pytest
from flask import Flask

from policy.testing.plugin import policy_issuer
from tests.testing.applications import application, plain, write

__all__ = ["policy_issuer"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path / "policies", plain())


@pytest.fixture
def app(path: Path) -> Flask:
    return application(path, reload=3600)
