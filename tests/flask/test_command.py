"""`flask policy` answers for the application that Flask has loaded, sealed or not."""

import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from policy.flask import authenticated, public, requires
from tests.flask.conftest import Protect
from tests.issuing import DOCUMENT, ISSUER, write_policy

VIEW: Any = len


def run(app: Flask, *args: str) -> tuple[int, str]:
    found = app.test_cli_runner().invoke(args=["policy", *args])
    return found.exit_code, found.output


def test_routes_are_listed_as_by_the_program(app: Flask, protect: Protect) -> None:
    """The same columns, the same last line, and status 0 where all is well."""
    protect(app)
    app.add_url_rule("/x", "x", requires("read:data")(VIEW))
    app.add_url_rule("/me", "me", authenticated(VIEW))
    assert run(app, "routes") == (
        0,
        "METHOD  RULE  DEMANDS                ROLES                  SCOPES                PLACE\n"
        "GET     /me   authenticated          any                    any\n"
        'GET     /x    requires("read:data")  admin, editor, viewer  data.full, read:data\n'
        "\n"
        "shop: sound; 2 routes: 1 protected, 1 authenticated\n",
    )


def test_an_unsealed_application_is_listed_with_its_problems(app: Flask, protect: Protect) -> None:
    """Nothing is raised; the status is 1, also as JSON."""
    protect(app)
    app.add_url_rule("/x", "x", VIEW)
    status, text = run(app, "routes", "--json")
    found = json.loads(text)
    assert (status, found["sound"], found["routes"][0]["access"]) == (1, False, "undeclared")


def test_check_looks_at_policy_keys_and_routes(app: Flask, protect: Protect) -> None:
    """A sound application is one line."""
    protect(app)
    app.add_url_rule("/x", "x", public(reason="x")(VIEW))
    assert run(app, "check") == (0, "shop: sound; 1 route: 1 public\n")
    assert json.loads(run(app, "check", "--json")[1]) == {"sound": True, "problems": [], "warnings": [], "notes": []}


def test_check_tells_everything_at_once(app: Flask, protect: Protect, tmp_path: Path) -> None:
    """Warnings do not fail, problems do."""
    issuers = {ISSUER: {**DOCUMENT["issuers"][ISSUER], "authority": {"user": "scopes"}}}
    roles = {"viewer": {"grants": ["read:data"]}}
    policy = write_policy(tmp_path / "other", issuers=issuers, roles=roles, rules=[], constraints=[])
    authz = protect(app, policy=policy)
    app.add_url_rule("/x", "x", VIEW)
    authz.declare("nowhere", authenticated)
    status, text = run(app, "check")
    assert status == 1
    *warnings, route, declared, last = text.splitlines()
    assert warnings
    assert all(warning.startswith("warning: ") for warning in warnings)
    assert (route, declared, last) == (
        'GET /x: nothing says who may call view `len`; add `authz.declare("x", requires("..."))`',
        "`authz.declare` names `nowhere`, which matches no endpoint",
        "shop: 2 problems; 1 route: 1 undeclared",
    )
    assert json.loads(run(app, "check", "--json")[1])["problems"] == [route, declared]


def test_a_folder_that_is_refused_since_is_a_problem(app: Flask, protect: Protect, tmp_path: Path) -> None:
    """What decides is not what stands on disk."""
    protect(app)
    (tmp_path / "policies" / "policy.json").write_text("{")
    live = app.extensions["policy"].live
    live.look()
    live.look()
    status, text = run(app, "check")
    assert (status, text.splitlines()[-1]) == (1, "shop: 1 problem; 0 routes")
    assert "policy.json" in text


def test_can_decides_by_the_application_s_policy(app: Flask, protect: Protect) -> None:
    """The same answers as `policy can`, and the same status."""
    protect(app)
    status, text = run(app, "can", "--roles", "editor,viewer", "--scopes", "data.full openid", "update:data")
    assert (status, text.splitlines()[0]) == (0, "allowed update:data")
    status, text = run(app, "can", "--authority", "roles", "--roles", "viewer", "update:data")
    assert (status, text.splitlines()[0]) == (1, "denied update:data: no-role-grants-it")
    status, text = run(app, "can", "--authority", "roles", "--roles", "viewer", "--list")
    assert (status, text) == (0, "granted  read:data  Read records\n")
    status, text = run(
        app, "can", "--kind", "machine", "--client", "someone", "--scopes", "read:data", "--json", "read:data"
    )
    assert (status, json.loads(text)["allowed"]) == (0, True)


@pytest.mark.parametrize(
    ("args", "fault"),
    [
        ((), "give either a PERMISSION or --list"),
        (("--list", "read:data"), "give either a PERMISSION or --list"),
        (("--issuer", ISSUER, "--authority", "roles", "read:data"), "give either --issuer or --authority"),
        (("--authority", "roles", "read:dta"), "unknown permission `read:dta`; did you mean `read:data`?"),
        (("--issuer", "nobody", "read:data"), "the policy has no issuer `nobody`"),
    ],
)
def test_what_cannot_be_asked_is_status_2(app: Flask, protect: Protect, args: tuple[str, ...], fault: str) -> None:
    """As Flask says it of its own commands."""
    protect(app)
    status, text = run(app, "can", *args)
    assert (status, text.splitlines()[-1]) == (2, f"Error: {fault}")
