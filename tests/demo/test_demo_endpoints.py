"""What each endpoint of the demo answers to whom."""

from typing import Any

import pytest
from flask import Flask

from demo_app.issuer import claims_of, signed
from policy import PolicyError
from tests.demo.conftest import Caller

TITLE = {"title": "A title"}
PAYMENT = {"payee": "The printer", "cents": 1}

#: request, body, who may and is answered what, who may not and why
ENDPOINTS = [
    ("GET /api/data", None, "vera", 200, "pia", "no-role-grants-it"),
    ("GET /api/data/1", None, "vera", 200, "pia", "no-role-grants-it"),
    ("POST /api/data", TITLE, "edna", 201, "vera", "no-role-grants-it"),
    ("PUT /api/data/1", TITLE, "edna", 200, "carl", "denied-by-rule"),
    ("DELETE /api/data/1", None, "ada", 204, "edna", "no-role-grants-it"),
    ("GET /api/report", None, "vera", 200, "april", "no-role-grants-it"),
    ("POST /api/payments", PAYMENT, "pia", 201, "sam", "separation-of-duty"),
    ("POST /api/payments/1/approval", None, "april", 200, "sam", "separation-of-duty"),
    ("GET /api/payments/1", None, "april", 200, "vera", "no-role-grants-it"),
]


@pytest.fixture
def payment(caller: Caller) -> None:
    """A payment that waits for approval."""
    assert caller.ask("POST /api/payments", caller.login("pia"), PAYMENT).status_code == 201


@pytest.mark.parametrize(("asks", "body", "may", "status", "may_not", "reason"), ENDPOINTS)
@pytest.mark.usefixtures("payment")
def test_each_endpoint_knows_its_callers(
    caller: Caller, asks: str, body: object, may: str, status: int, may_not: str, reason: str
) -> None:
    """Every endpoint is 401 without a token, 403 with its reason for the wrong user, and works for the right one."""
    assert caller.ask(asks, body=body).status_code == 401
    refused = caller.ask(asks, caller.login(may_not, otp=caller.vault.code), body)
    assert (refused.status_code, refused.json["reason"]) == (403, reason)
    assert caller.ask(asks, caller.login(may, otp=caller.vault.code), body).status_code == status


def test_a_record_lives_from_creation_to_removal(caller: Caller) -> None:
    """A record is found where its creation says, belongs to its creator, is changed, removed, and then gone."""
    edna, ada = caller.login("edna"), caller.login("ada", otp=caller.vault.code)
    made = caller.ask("POST /api/data", edna, TITLE)
    where = made.headers["Location"]
    assert caller.ask(f"GET {where}", edna).json == made.json == {"id": 4, "owner": "edna", **TITLE}
    assert caller.ask(f"PUT {where}", edna, {"title": "Another"}).json == {**made.json, "title": "Another"}
    assert caller.ask(f"DELETE {where}", ada).data == b""
    for method in ("GET", "PUT", "DELETE"):
        gone = caller.ask(f"{method} {where}", ada, TITLE)
        assert (gone.status_code, gone.json["detail"]) == (404, "there is no such record")


@pytest.mark.usefixtures("payment")
def test_a_payment_is_approved_once(caller: Caller) -> None:
    """An approval names its approver, and a second one finds nothing that waits."""
    april = caller.login("april")
    approved = caller.ask("POST /api/payments/1/approval", april).json
    assert approved == {"id": 1, **PAYMENT, "submitted_by": "pia", "approved_by": "april"}
    assert caller.ask("POST /api/payments/1/approval", april).status_code == 404


def test_the_report_counts_records_by_owner(caller: Caller) -> None:
    """The report says how many records each owner has."""
    expected = [{"owner": "ada", "records": 1}, {"owner": "edna", "records": 2}]
    assert caller.ask("GET /api/report", caller.login("vera")).json == expected


def test_removal_asks_for_a_second_factor(caller: Caller) -> None:
    """An admin who logged in with a password alone is told which login would do."""
    refused = caller.ask("DELETE /api/data/1", caller.login("ada"))
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == (
        'Bearer realm="demo_app", error="insufficient_user_authentication", acr_values="mfa", max_age="300"'
    )


def test_a_second_factor_of_long_ago_does_not_do(app: Flask, caller: Caller) -> None:
    """A login with a second factor is too old for a removal after five minutes."""
    claims = claims_of("ada", client="console", scopes=["delete:data"], roles=["admin"], acr="mfa")
    old = signed({**claims, "auth_time": claims["iat"] - 301}, caller.vault)
    assert caller.ask("DELETE /api/data/1", old).json["reason"] == "step-up-required"


def test_a_deny_rule_says_its_message(caller: Caller) -> None:
    """A contractor who is an editor too is told what the deny rule says, and may still add records."""
    carl = caller.login("carl")
    assert caller.ask("PUT /api/data/1", carl, TITLE).json["detail"] == "Contractors may not change records"
    assert caller.ask("POST /api/data", carl, TITLE).status_code == 201


def test_me_says_what_one_may_do(caller: Caller) -> None:
    """`/api/me` needs a valid token and nothing else, and tells step-up apart from what may be done at once."""
    assert caller.ask("GET /api/me").status_code == 401
    editing = ["create:data", "read:data", "read:report", "update:data"]
    at_once = {"subject": "ada", "kind": "user", "may": editing, "may_after_step_up": ["delete:data"]}
    assert caller.ask("GET /api/me", caller.login("ada")).json == at_once
    stepped_up = caller.ask("GET /api/me", caller.login("ada", otp=caller.vault.code)).json
    assert stepped_up == {**at_once, "may": sorted([*editing, "delete:data"]), "may_after_step_up": []}
    assert caller.ask("GET /api/me", caller.login("sam")).json["may"] == []


def test_health_is_public(caller: Caller) -> None:
    """`/health` answers anybody, even with a token that is no good."""
    assert caller.ask("GET /health", "nonsense").json == {
        "status": "ok",
        "policy": "current",
        "drift": False,
    }


@pytest.mark.parametrize(
    ("asks", "body"),
    [
        ("POST /api/data", {"title": ""}),
        ("POST /api/data", {"title": 1}),
        ("POST /api/data", ["title"]),
        ("POST /api/data", {"title": "\ud800"}),
        ("PUT /api/data/1", {"titel": "A title"}),
        ("PUT /api/data/99999999999999999999", TITLE),
        ("POST /api/payments", {**PAYMENT, "cents": -1}),
        ("POST /api/payments", {**PAYMENT, "cents": True}),
        ("POST /api/payments", {**PAYMENT, "cents": 2**63}),
    ],
)
def test_a_body_that_makes_no_sense_is_a_400(caller: Caller, asks: str, body: object) -> None:
    """What is absent, of another type or beyond the database is the caller's mistake, said as a problem document."""
    token = caller.login("pia" if "payments" in asks else "edna")
    answer: Any = caller.ask(asks, token, body)
    assert (answer.status_code, answer.content_type) == (400, "application/problem+json")


def test_an_unmarked_route_breaks_the_seal(app: Flask, caller: Caller) -> None:
    """A view that says nothing of who may call it fails the seal, and is not answered if it came after."""
    app.add_url_rule("/late", view_func=lambda: "never seen")
    assert caller.ask("GET /late", caller.login("ada")).status_code == 503
    with pytest.raises(PolicyError, match="GET /late"):
        app.extensions["policy"].seal()
