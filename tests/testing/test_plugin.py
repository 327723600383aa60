"""The plugin as a user of pytest meets it, and what the library does not import without it."""

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

from policy.tokens.issue import generate_key
from tests.testing.applications import plain, write

APPLICATION = """
from flask import Flask

from policy.flask import Authorizer, current_subject, requires


def create_app():
    app = Flask("shop", static_folder=None)
    authz = Authorizer(app, policy="policies", audit="audit")

    @app.get("/api/data")
    @requires("read:data")
    def read_data():
        return {"reader": current_subject.id}

    authz.seal()
    return app
"""
TESTS = """
import pytest

from app import create_app


@pytest.fixture(scope="session")
def app():
    return create_app()


def test_an_editor_reads(app, policy_issuer):
    client = policy_issuer.client(app, sub="bob", roles=["editor"], scopes=["read:data"])
    assert client.get("/api/data").get_json() == {"reader": "bob"}


def test_nobody_else_reads(app, policy_issuer):
    assert app.test_client().get("/api/data").status_code == 401
    assert policy_issuer.client(app).get("/api/data").status_code == 403
    assert policy_issuer.client(app, expires_in=-60).get("/api/data").status_code == 401


def test_that_fails(app, policy_issuer):
    policy_issuer.client(app)
    raise AssertionError("on purpose")


def test_the_keys_were_given_back(app):
    assert app.extensions["policy"].lent.applied("own guard") == "own guard"
"""


SETTINGS = """
[pytest]
filterwarnings =
    error
    ignore:assertions not in test modules
"""


def test_a_users_project_signs_tokens_for_its_own_application(tmp_path: Path) -> None:
    """With nothing but the package installed: no import, no conftest, no setting; one application for all tests."""
    assert entry_points(group="pytest11", name="claims_policy"), "installed before it had a plugin: install it again"
    _, public = generate_key("RS256", kid="production")
    write(tmp_path / "policies", plain(algorithms=["RS256"], keys={"jwks": {"keys": [public]}}))
    (tmp_path / "app.py").write_text(APPLICATION, encoding="utf-8")
    (tmp_path / "test_app.py").write_text(TESTS, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text(SETTINGS, encoding="utf-8")
    words = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "--tb=line"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    outcomes = [line.split(" ")[0:2] for line in done.stdout.splitlines() if line.startswith("test_app.py::")]
    assert outcomes == [
        ["test_app.py::test_an_editor_reads", "PASSED"],
        ["test_app.py::test_nobody_else_reads", "PASSED"],
        ["test_app.py::test_that_fails", "FAILED"],
        ["test_app.py::test_the_keys_were_given_back", "PASSED"],
    ], done.stdout + done.stderr


def imported(module: str) -> set[str]:
    """Which of these are imported with a module, in a process of its own."""
    program = f"import sys, {module}; print(*{{'pytest', '_pytest', 'flask', 'policy.testing'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    return set(done.stdout.split())


def test_the_library_imports_no_part_of_its_tests() -> None:
    """Neither pytest nor the package for tests; and that one needs neither pytest nor Flask."""
    assert imported("policy, policy.cli") == set()
    assert imported("policy.flask") == {"flask"}
    assert imported("policy.testing") == {"policy.testing"}
