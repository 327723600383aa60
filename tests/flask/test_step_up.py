"""A stronger or more recent login, asked for by a challenge (RFC 9470)."""

import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from policy import Policy, Subject
from policy.audit import records
from policy.flask import Authorizer, requires
from policy.tokens.issue import sign
from tests.issuing import DOCUMENT, ISSUER, PRIVATE, VIEWER, token, write_policy

NOW = 1_800_000_000
PERMISSIONS = {
    **DOCUMENT["permissions"],
    "read:salaries": {"description": "Read salaries", "step_up": {"acr": ["mfa", "urn:example:hardware"]}},
    "export:data": {"description": "Export records", "step_up": {"max_age": 60}},
}
ROLES = {"boss": {"grants": ["read:data", "read:salaries", "export:data"]}}
GRANTED: dict[str, Any] = {"roles": ["boss"], "scope": "read:data read:salaries export:data"}
ASKED = 'Bearer realm="shop", error="insufficient_user_authentication", '
BY_LEVEL, BY_AGE = ASKED + 'acr_values="mfa urn:example:hardware"', ASKED + 'max_age="60"'


@pytest.fixture
def client(app: Flask, tmp_path: Path) -> FlaskClient:
    policy = write_policy(
        tmp_path / "policies", permissions=PERMISSIONS, roles={**DOCUMENT["roles"], **ROLES}, rules=[]
    )
    authz = Authorizer(app, policy=policy, audit=tmp_path / "audit", clock=lambda: float(NOW))
    app.add_url_rule("/data", "data", requires("read:data")(lambda: "data"))
    app.add_url_rule("/salaries", "salaries", requires("read:salaries")(lambda: "salaries"))
    app.add_url_rule("/export", "export", requires("export:data")(lambda: "export"))
    app.add_url_rule("/both", "both", requires("read:salaries", "export:data")(lambda: "both"))
    app.add_url_rule("/either", "either", requires(any_of=("export:data", "read:salaries"))(lambda: "either"))

    @app.get("/gate")
    @requires("read:data")
    def gate() -> str:
        authz.require("read:salaries")
        return "gate"

    authz.seal()
    return app.test_client()


def bearer(**claims: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(iat=NOW - 1000, exp=NOW + 1000, **GRANTED, **claims)}"}


STRONG, RECENT = {"acr": "mfa"}, {"auth_time": NOW - 60}
ROWS: dict[str, tuple[str, dict[str, Any], int, str, str]] = {
    "no level": ("/salaries", {}, 401, BY_LEVEL, "step-up-required"),
    "another level": ("/salaries", {"acr": "pwd"}, 401, BY_LEVEL, "step-up-required"),
    "the level in capitals": ("/salaries", {"acr": "MFA"}, 401, BY_LEVEL, "step-up-required"),
    "both levels in one text": ("/salaries", {"acr": "mfa urn:example:hardware"}, 401, BY_LEVEL, "step-up-required"),
    "one of the levels": ("/salaries", STRONG, 200, "", ""),
    "the other level": ("/salaries", {"acr": "urn:example:hardware"}, 200, "", ""),
    "no time": ("/export", STRONG, 401, BY_AGE, "step-up-required"),
    "too long ago": ("/export", {"auth_time": NOW - 61}, 401, BY_AGE, "step-up-required"),
    "in the future": ("/export", {"auth_time": NOW + 31}, 401, BY_AGE, "step-up-required"),
    "in the future, within the leeway": ("/export", {"auth_time": NOW + 30}, 200, "", ""),
    "recent": ("/export", RECENT, 200, "", ""),
    "recent to a fraction": ("/export", {"auth_time": NOW - 59.5}, 200, "", ""),
    "neither": ("/both", {}, 401, BY_LEVEL, "step-up-required"),
    "the second alone": ("/both", RECENT, 401, BY_LEVEL, "step-up-required"),
    "the first alone": ("/both", STRONG, 401, BY_AGE, "step-up-required"),
    "all": ("/both", {**STRONG, **RECENT}, 200, "", ""),
    "neither of any": ("/either", {}, 401, BY_AGE, "step-up-required"),
    "one of any": ("/either", STRONG, 200, "", ""),
    "at a gate": ("/gate", {}, 401, BY_LEVEL, "step-up-required"),
    "past a gate": ("/gate", STRONG, 200, "", ""),
    "where it is not asked for": ("/data", {}, 200, "", ""),
}
INVALID = 'Bearer realm="shop", error="invalid_token"'
for claim, values in {
    "acr": (1, True, None, ["mfa"], {"mfa": True}),
    "auth_time": (str(NOW), True, None, [NOW], -1, 1e15),
}.items():
    for value in values:
        name = f"{claim} as {json.dumps(value)}"
        ROWS[name] = ("/export", {**STRONG, **RECENT, claim: value}, 401, INVALID, "token-claim-type")


@pytest.mark.parametrize(("path", "claims", "status", "challenge", "reason"), ROWS.values(), ids=ROWS.keys())
def test_what_the_login_has_to_be_is_asked_for(
    client: FlaskClient, path: str, claims: dict[str, Any], status: int, challenge: str, reason: str
) -> None:
    """401 with what will do; a claim that is no level, or no time, makes the token a bad one."""
    answer = client.get(path, headers=bearer_with_null(claims))
    assert (answer.status_code, answer.headers.get("WWW-Authenticate", "")) == (status, challenge)
    assert (answer.json or {}).get("reason", "") == reason if status == 401 else answer.text == path[1:]


def bearer_with_null(claims: dict[str, Any]) -> dict[str, str]:
    """As `bearer`, where `None` is written and not left out."""
    if None not in claims.values():
        return bearer(**claims)
    from_issuing = {"iss": ISSUER, "sub": "alice", "aud": "https://api.example.com", "iat": NOW - 1000}
    given = {**from_issuing, "exp": NOW + 1000, **GRANTED, **claims}
    return {"Authorization": f"Bearer {sign(given, key=PRIVATE, algorithm='ES256', kid='test-key')}"}


def test_more_is_asked_for_only_where_all_else_allows(client: FlaskClient) -> None:
    """Who may not, is not sent to log in again."""
    headers = {"Authorization": f"Bearer {token(iat=NOW, exp=NOW + 9, **VIEWER)}"}
    answer = client.get("/salaries", headers=headers)
    missing = 'Bearer realm="shop", error="insufficient_scope", scope="read:salaries"'
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (403, missing)


def test_what_was_read_of_the_login_is_in_the_record(client: FlaskClient, tmp_path: Path) -> None:
    """So that the decision can be made again from it."""
    client.get("/both", headers=bearer(acr="pwd", auth_time=NOW - 61))
    (record,) = records(tmp_path / "audit")
    assert (record["subject"]["acr"], record["subject"]["auth_time"], record["now"]) == ("pwd", NOW - 61, float(NOW))


def test_a_login_that_will_do_cannot_be_forged_by_hand(tmp_path: Path) -> None:
    """A subject made by code may say anything; what is no time is no recent login, and nothing is raised."""
    rules = Policy.load(write_policy(tmp_path, permissions=PERMISSIONS, roles={**DOCUMENT["roles"], **ROLES}))
    for when in (None, True, False, "0", "99", [99], float("nan"), float("inf"), -float("inf")):
        subject = Subject(id="alice", authority="roles", roles=["boss"], auth_time=when)  # type: ignore[arg-type]
        assert rules.decide(subject, "export:data", now=100.0).reason == "step-up-required"
    subject = Subject(id="alice", authority="roles", roles=["boss"], auth_time=99)
    assert rules.decide(subject, "export:data", now=100.0).allowed
    assert not rules.decide(subject, "export:data", now=float("nan")).allowed
