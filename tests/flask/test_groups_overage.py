"""A token that leaves its groups out, where the policy gives roles to groups: refused, told and recorded."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from policy import Policy
from policy.audit import records
from policy.flask import Authorizer, authenticated, current_subject, public, requires
from policy.record import subject_of
from tests.issuing import DOCUMENT, PUBLIC, token

ENTRA = "https://login.microsoftonline.com/8d1f/v2.0"
GROUPS: list[dict[str, Any]] = [
    {"issuer": ENTRA, "group": "contractors", "roles": ["contractor"]},
    {"issuer": ENTRA, "subject": "alice", "roles": ["editor"]},
]
ENDPOINT = {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "http://127.0.0.1:9/x"}}}


def issuer(**changes: Any) -> dict[str, Any]:
    given = {
        "profile": "entra-v2", "audience": "https://api.example.com", "algorithms": ["ES256"],
        "keys": {"jwks": {"keys": [PUBLIC]}}, "authority": {"user": "roles-and-scopes"},
    }  # fmt: skip
    return {**given, **changes}


def write(folder: Path, assignments: list[dict[str, Any]], **changes: Any) -> Path:
    document = {**DOCUMENT, "issuers": {ENTRA: issuer(**changes)}, "assignments": assignments}
    folder.mkdir()
    (folder / "policy.json").write_text(json.dumps(document), encoding="utf-8")
    return folder


def bearer(**claims: Any) -> dict[str, str]:
    usual = {"iss": ENTRA, "tid": "8d1f", "ver": "2.0", "azp": "web", "scp": "data.full"}
    return {"Authorization": f"Bearer {token(typ='JWT', **{**usual, **claims})}"}


@pytest.fixture(name="app")
def _app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Flask:
    app = Flask("shop", static_folder=None)
    authz = Authorizer(app, policy=write(tmp_path / "policies", GROUPS), audit=tmp_path / "audit")

    @app.get("/data")
    @requires("update:data")
    def data() -> str:
        return "data"

    @app.get("/me")
    @authenticated
    def me() -> dict[str, Any]:
        return {"groups": sorted(current_subject.groups), "may": authz.can("update:data")}

    @app.get("/who")
    @public(reason="a greeting", identify=True)
    def who() -> str:
        return current_subject.id

    authz.seal()
    monkeypatch.setattr(socket, "socket", None)  # whatever goes out fails
    return app


@pytest.mark.parametrize("left_out", [ENDPOINT, {"hasgroups": True}, {"hasgroups": False}, {**ENDPOINT, "groups": []}])
def test_a_request_is_refused_that_groups_might_decide(app: Flask, tmp_path: Path, left_out: dict[str, Any]) -> None:
    """403 with a bare challenge, recorded whole; the endpoint that the token names is never asked."""
    answer = app.test_client().get("/data", headers=bearer(**left_out))
    assert answer.status_code == 403
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="shop"'
    (record,) = records(tmp_path / "audit")
    assert answer.get_json() == {
        "type": "about:blank", "title": "Forbidden", "status": 403, "reason": "groups-overage",
        "decision": record["id"], "detail": "the token leaves its groups out, so group assignments cannot be decided",
    }  # fmt: skip
    assert (record["kind"], record["outcome"], record["reason"]) == ("request", "deny", "groups-overage")
    assert record["permissions"] == [
        {"permission": "update:data", "allowed": False, "reason": "groups-overage", "rules": []}
    ]
    assert (record["subject"]["id"], record["subject"]["groups"]) == ("alice", [])
    assert record["subject"]["without_groups"] is True


def test_it_decides_again_the_same_way_from_its_record(app: Flask, tmp_path: Path) -> None:
    """The record says that groups were left out, so it holds under its own policy and under one without groups."""
    app.test_client().get("/data", headers=bearer(hasgroups=True))
    (record,) = records(tmp_path / "audit")
    subject = subject_of(record)
    rules = Policy.load(tmp_path / "policies")
    without = Policy.load(write(tmp_path / "others", GROUPS[1:]))
    assert rules.decide(subject, "update:data", now=record["now"]).reason == "groups-overage"
    assert without.decide(subject, "update:data", now=record["now"]).reason == "allowed"


def test_groups_that_are_there_decide(app: Flask) -> None:
    """The same subject may with groups that give nothing, and may not with the group whose role is denied."""
    client = app.test_client()
    assert client.get("/data", headers=bearer()).status_code == 200
    assert client.get("/data", headers=bearer(groups=["others"])).status_code == 200
    assert client.get("/data", headers=bearer(groups=["contractors"])).get_json()["reason"] == "denied-by-rule"


def test_what_demands_no_permission_is_answered(app: Flask) -> None:
    """Any valid token does there, a probe still says no, and groups are none."""
    client = app.test_client()
    assert client.get("/me", headers=bearer(hasgroups=True)).get_json() == {"groups": [], "may": False}
    assert client.get("/who", headers=bearer(hasgroups=True)).get_data(as_text=True) == "alice"


def test_a_place_of_groups_that_is_no_object_is_a_wrong_type(app: Flask) -> None:
    """It refuses the token, and is neither an overage nor none."""
    answer = app.test_client().get("/data", headers=bearer(_claim_names=["groups"]))
    assert (answer.status_code, answer.get_json()["reason"]) == (401, "token-claim-type")


def test_nothing_else_is_told_first_that_is_wrong_anyway(tmp_path: Path) -> None:
    """An unknown permission, and a kind without authority, are told for what they are; nothing is granted."""
    rules = Policy.load(write(tmp_path / "policies", GROUPS))
    claims = {"sub": "alice", "tid": "8d1f", "azp": "web", "hasgroups": True}
    user, unknown = rules.subject(ENTRA, {**claims, "scp": "data.full"}), rules.subject(ENTRA, claims)
    asked = [(user, "update:data"), (user, "read:dta"), (unknown, "update:data"), (unknown, "read:dta")]
    assert [rules.decide(subject, name, now=0).reason for subject, name in asked] == [
        "groups-overage", "unknown-permission", "no-authority", "unknown-permission",
    ]  # fmt: skip
    assert rules.permissions_of(user) == (frozenset(), frozenset())
