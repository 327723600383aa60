"""What the tokens of real providers come to: the whole subject, or why the token is refused."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from policy import Guard, Policy, TokenVerifier
from policy.cli.subjects import as_dict
from policy.document import Source, read
from policy.errors import TokenRefused
from policy.subject import Subject
from tests.tokens.makers import NOW, SECRET, VARIABLE, jwk, private_key, signed

Json = dict[str, Any]
Payloads = Callable[[str], Json]

TABLE: Json = json.loads(Path(__file__).with_name("providers.json").read_text("utf-8"))
CASES: list[Json] = TABLE["cases"]
COMMON: Json = {section: TABLE[section] for section in ("permissions", "roles", "scopes")}
TIMES = ("iat", "nbf", "exp", "auth_time")


@pytest.fixture(name="payloads", scope="session")
def _payloads(shared: Path) -> Payloads:
    """Reads one of the shared tokens; where there is none the test is skipped."""

    def load(name: str) -> Json:
        path = shared / "tokens" / f"{name}.json"
        if not path.is_file():
            pytest.skip(f"there is no {path}")
        found: Json = json.loads(path.read_text("utf-8"))
        return found

    return load


def policy_of(issuers: Mapping[str, Json], kid: str | None = None, **sections: Any) -> Policy:
    """The common policy with these issuers, whose tokens a test can sign."""
    keys = {"jwks": {"keys": [jwk("RSA", kid=kid)]}}
    secret = {"env": VARIABLE}
    known = {
        name: {"keys": secret if "HS256" in issuer.get("algorithms", ()) else keys, **issuer}
        for name, issuer in issuers.items()
    }
    text = json.dumps({**COMMON, **sections, "issuers": known})
    return Policy(read([Source("policy.json", text.encode())]))


def guard_of(rules: Policy) -> Guard:
    """A guard that keeps no log, at the time of the tests."""
    with patch.dict(os.environ, {VARIABLE: SECRET}):
        return Guard(rules, TokenVerifier(rules), None, clock=lambda: NOW)


def rebased(payload: Json, changes: Json) -> Json:
    """The payload as if it had been issued just now; a claim changed to null is taken away."""
    whole = {name: value for name, value in {**payload, **changes}.items() if value is not None}
    shift = int(NOW) - 10 - (whole["iat"] if "iat" in whole else whole.get("exp", 0) - 3600)
    return {name: value + shift if name in TIMES else value for name, value in whole.items()}


def token_of(header: Json, payload: Json) -> str:
    """The token signed with the test's own key, its header otherwise as it was."""
    secret = header["alg"] == "HS256"
    return signed(header, payload, key=SECRET if secret else private_key("RSA", 0), algorithm=header["alg"])


def told(subject: Subject) -> Json:
    """Everything about the subject that a case says."""
    left_out = ("issuer", "unasserted")
    return {
        **{name: value for name, value in as_dict(subject).items() if name not in left_out},
        "groups": sorted(subject.groups),
    }


def outcome(guard: Guard, token: str) -> Json:
    """The subject, or the reason and the detail of the refusal."""
    try:
        return {"subject": told(guard.identify(token))}
    except TokenRefused as refusal:
        return {"refused": [refusal.reason.value, refusal.detail]}


@pytest.mark.parametrize("case", CASES, ids=[f"{case['token']}: {case['shows']}" for case in CASES])
def test_a_providers_token_comes_to_exactly_this(case: Json, payloads: Payloads) -> None:
    """By its profile the token is refused for this reason, or makes this subject, who gets these answers."""
    given = payloads(case["token"])
    assignments = [{"issuer": case["issuer"], **each} for each in case.get("assignments", ())]
    sections = {"assignments": assignments} if assignments else {}
    guard = guard_of(policy_of({case["issuer"]: case["policy"]}, given["header"].get("kid"), **sections))
    token = token_of(given["header"], rebased(given["payload"], case.get("but", {})))
    assert outcome(guard, token) == {key: case[key] for key in ("subject", "refused") if key in case}
    answers = [
        [permission, tenant, guard.check(token, permission, tenant=tenant).reason.value]
        for permission, tenant, _ in case.get("asked", ())
    ]
    assert answers == case.get("asked", [])


def test_every_shared_token_has_a_case(shared: Path) -> None:
    """No token of the folder is left out."""
    there = {path.stem for path in (shared / "tokens").glob("*.json")}
    if not there:
        pytest.skip("there are no shared tokens")
    assert there == {case["token"] for case in CASES}
