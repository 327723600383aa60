"""The demo's issuer and its keys."""

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask

from demo_app import create_app
from demo_app.accounts import CONSOLE_SCOPES
from demo_app.tour.client import Client
from demo_app.vault import open_vault
from policy import Policy
from policy.tokens import TokenVerifier
from tests.demo.conftest import SHIPPED, Caller

MACHINE = {"grant_type": "client_credentials", "client_id": "nightly-report"}
USER = {"grant_type": "password", "username": "vera"}


def test_a_login_answers_as_oauth_does(caller: Caller) -> None:
    """A login gives a bearer token, its lifetime and its scopes, not to be stored."""
    answer = caller.token(**USER, password=caller.vault.password)
    assert answer.json["access_token"].count(".") == 2
    rest = {name: value for name, value in answer.json.items() if name != "access_token"}
    assert rest == {"token_type": "Bearer", "expires_in": 3600, "scope": " ".join(CONSOLE_SCOPES)}
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_client_gets_no_more_than_it_asks_for(caller: Caller) -> None:
    """Fewer scopes can be asked for, and then fewer things can be done."""
    answer = caller.token(**USER, password=caller.vault.password, scope="reports")
    assert answer.json["scope"] == "reports"
    refused = caller.ask("POST /api/data", caller.login("edna", scope="reports"), {"title": "A title"})
    assert refused.headers["WWW-Authenticate"] == (
        'Bearer realm="demo_app", error="insufficient_scope", scope="create:data"'
    )


def test_a_machine_reads_the_report_by_its_scope_alone(caller: Caller) -> None:
    """A machine has no roles: the bundle `reports` covers both permissions of the report, and nothing else."""
    token = caller.token(**MACHINE, client_secret=caller.vault.password).json["access_token"]
    assert caller.ask("GET /api/report", token).status_code == 200
    assert caller.ask("POST /api/data", token, {"title": "A title"}).json["reason"] == "scope-missing"


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "invalid_request"),
        ({"grant_type": "password", "username": "vera"}, 400, "invalid_request"),
        ({"grant_type": "authorization_code"}, 400, "unsupported_grant_type"),
        ({**USER, "password": "wrong"}, 400, "invalid_grant"),
        ({**USER, "username": "nobody", "password": "PASSWORD"}, 400, "invalid_grant"),
        ({**USER, "password": "PASSWORD", "otp": "wrong"}, 400, "invalid_grant"),
        ({**USER, "password": "PASSWORD", "scope": "read:data admin"}, 400, "invalid_scope"),
        ({**USER, "password": ["PASSWORD", "PASSWORD"]}, 400, "invalid_request"),
        ({**MACHINE, "client_secret": "wrong"}, 401, "invalid_client"),
        ({**MACHINE, "client_id": "vera", "client_secret": "PASSWORD"}, 401, "invalid_client"),
        ({**MACHINE, "client_secret": "PASSWORD", "scope": "create:data"}, 400, "invalid_scope"),
    ],
)
def test_a_refused_login_names_the_error_of_oauth(
    caller: Caller, form: dict[str, object], status: int, error: str
) -> None:
    """Errors are those of RFC 6749 section 5.2, and are not to be stored either."""
    filled = json.loads(json.dumps(form).replace("PASSWORD", caller.vault.password))
    answer = caller.token(**filled)
    assert (answer.status_code, answer.json["error"]) == (status, error)
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_tutorials_token_gets_its_role_from_the_policy(caller: Caller) -> None:
    """A token with the five required claims and no roles may do what the policy assigns to its subject, as itself."""
    client = Client(0, caller.vault)
    known, unknown = client.tutorial("42"), client.tutorial("43")
    assert caller.ask("GET /api/data", known).status_code == 200
    assert caller.ask("POST /api/data", known, {"title": "A title"}).json["reason"] == "no-role-grants-it"
    assert caller.ask("GET /api/data", unknown).json["reason"] == "no-role-grants-it"
    assert caller.ask("GET /api/me", known).json["subject"] == "tutorial|42"


def test_public_keys_are_published_and_nothing_else(caller: Caller) -> None:
    """The JWK Set is public and has no private member."""
    (key,) = caller.ask("GET /.well-known/jwks.json").json["keys"]
    assert set(key) == {"kty", "crv", "x", "y", "kid", "alg", "use"}


def test_secrets_are_the_owners_alone(app: Flask, root: Path) -> None:
    """Whatever the demo makes at its start is under `var/`, readable by its owner only; the policy is not touched."""
    made = sorted((root / "var" / "demo").iterdir())
    assert [file.name for file in made if file.suffix != ".sqlite3"] == [
        "issuer.jwks.json", "tutorial.secret", "vault.json",
    ]  # fmt: skip
    assert stat.S_IMODE((root / "var" / "demo").stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in made if file.suffix != ".sqlite3"} == {0o600}
    assert sorted(file.name for file in (root / "policies").iterdir()) == sorted(
        file.name for file in SHIPPED.iterdir()
    )


def test_workers_that_start_together_share_one_vault(tmp_path: Path) -> None:
    """However many first starts there are at a time, they end up with the same keys, and leave no draft behind."""
    folder = tmp_path / "var" / "demo"
    with ThreadPoolExecutor(8) as workers:
        vaults = list(workers.map(open_vault, [folder] * 8))
    assert all(vault == vaults[0] for vault in vaults)
    assert not list(folder.glob(".*"))


def test_a_second_start_keeps_keys_and_records(caller: Caller, root: Path) -> None:
    """Tokens and records of before a restart are good after it."""
    edna = caller.login("edna")
    caller.ask("POST /api/data", edna, {"title": "Kept"})
    again = create_app(root)
    assert again.extensions["vault"] == caller.vault
    assert Caller(again.test_client(), caller.vault).ask("GET /api/data/4", edna).json["title"] == "Kept"


def test_the_policy_loads_before_there_are_keys(root: Path) -> None:
    """A bare clone has a sound policy without warnings; only its keys are not there yet."""
    rules = Policy.load(root / "policies")
    assert rules.document.warnings == ()
    wrong, unseen = TokenVerifier.problems(rules)
    assert {problem.path.rpartition(".keys")[0] for problem in (*wrong, *unseen)} == {
        'issuers["https://id.records.example/"]', 'issuers["https://tutorial.example/"]',
    }  # fmt: skip
