"""Every row of the table of answers, over real HTTP, byte for byte where it matters."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from flask import Flask
from werkzeug.serving import make_server

from policy import Guard, Policy, Reason, TokenRefused, TokenVerifier
from policy.audit import AuditLog, Tail, records
from policy.errors import AuditUnavailable
from policy.flask import Authorizer, authenticated, public, requires
from policy.reasons import SENTENCES
from policy.tokens.issue import generate_key
from tests.issuing import VIEWER, bearer, token, write_policy


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: str

    @property
    def problem(self) -> dict[str, Any]:
        assert self.headers["Content-Type"] == "application/problem+json"
        found: dict[str, Any] = json.loads(self.body)
        return found


class Service:
    """The application on a real port."""

    def __init__(self, app: Flask) -> None:
        self.server = make_server("127.0.0.1", 0, app, threaded=True)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def get(self, path: str, *authorization: str) -> Answer:
        """A GET with as many Authorization headers as are given."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.server_port, timeout=10)
        connection.putrequest("GET", path)
        for value in authorization:
            connection.putheader("Authorization", value)
        connection.endheaders()
        answer = connection.getresponse()
        found = Answer(answer.status, dict(answer.getheaders()), answer.read().decode())
        connection.close()
        return found

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def application(folder: Path, audit: Any) -> Flask:
    app = Flask("shop", static_folder=None)
    authz = Authorizer(app, policy=write_policy(folder / "policies"), audit=audit)
    app.add_url_rule("/read", "read", requires("read:data")(lambda: "the data"))
    app.add_url_rule("/update", "update", requires("update:data")(lambda: "updated"))
    app.add_url_rule("/delete", "delete", requires("delete:data")(lambda: "deleted"))
    app.add_url_rule("/both", "both", requires("read:data", "create:payment")(lambda: "both"))
    app.add_url_rule("/pay", "pay", requires("create:payment")(lambda: "paid"))
    app.add_url_rule("/me", "me", authenticated(lambda: "you"))
    app.add_url_rule("/health", "health", public(reason="for the load balancer")(lambda: "well"))
    authz.seal()
    return app


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    found = Service(application(tmp_path, tmp_path / "audit"))
    yield found
    found.close()


def header(**claims: Any) -> str:
    return bearer(**claims)["Authorization"]


OTHER_PRIVATE, _ = generate_key("ES256", kid="test-key")
NOW = int(time.time())
PLAIN = 'Bearer realm="shop"'
INVALID = 'Bearer realm="shop", error="invalid_token"'
MALFORMED = 'Bearer realm="shop", error="invalid_request"'
STEP_UP = 'Bearer realm="shop", error="insufficient_user_authentication", acr_values="mfa", max_age="300"'


def scope(names: str) -> str:
    return f'Bearer realm="shop", error="insufficient_scope", scope="{names}"'


ROWS: dict[str, tuple[str, tuple[str, ...], int, str, str]] = {
    "no token": ("/read", (), 401, PLAIN, "token-absent"),
    "another scheme": ("/read", ("Basic YWxpY2U6c2VjcmV0",), 401, PLAIN, "token-absent"),
    "an empty header": ("/read", ("",), 401, PLAIN, "token-absent"),
    "two headers": ("/read", (header(**VIEWER), header(**VIEWER)), 400, MALFORMED, "token-header"),
    "two schemes": ("/read", ("Basic YTpi", header(**VIEWER)), 400, MALFORMED, "token-header"),
    "no token after the scheme": ("/read", ("Bearer",), 400, MALFORMED, "token-header"),
    "more than a token": ("/read", (f"Bearer {token(**VIEWER)} x",), 400, MALFORMED, "token-header"),
    "no token's letters": ("/read", ("Bearer to,ken",), 400, MALFORMED, "token-header"),
    "expired": ("/read", (header(exp=NOW - 31, **VIEWER),), 401, INVALID, "token-expired"),
    "not yet valid": ("/read", (header(nbf=NOW + 3600, **VIEWER),), 401, INVALID, "token-not-yet-valid"),
    "another audience": ("/read", (header(aud="https://other.example", **VIEWER),), 401, INVALID, "token-audience"),
    "another issuer": ("/read", (header(iss="https://evil.example/", **VIEWER),), 401, INVALID, "token-issuer"),
    "another key": ("/read", (header(key=OTHER_PRIVATE, **VIEWER),), 401, INVALID, "token-signature"),
    "no expiry": ("/read", (header(exp=None, **VIEWER),), 401, INVALID, "token-claim-missing"),
    "padding": ("/read", (header(**VIEWER) + "=",), 401, INVALID, "token-encoding"),
    "not a token": ("/read", ("Bearer abc",), 401, INVALID, "token-parts"),
    "roles of the wrong type": ("/read", (header(roles="viewer"),), 401, INVALID, "token-claim-type"),
    "scope missing": ("/read", (header(roles=["viewer"]),), 403, scope("read:data"), "scope-missing"),
    "two scopes missing": (
        "/both",
        (header(roles=["viewer", "payer"]),),
        403,
        scope("read:data create:payment"),
        "scope-missing",
    ),
    "a scope and a role missing": ("/both", (header(roles=["viewer"]),), 403, PLAIN, "scope-missing"),
    "role missing": ("/update", (header(**VIEWER),), 403, PLAIN, "no-role-grants-it"),
    "denied": ("/update", (header(roles=["editor", "contractor"], scope="update:data"),), 403, PLAIN, "denied-by-rule"),
    "two duties": (
        "/pay",
        (header(roles=["payer", "approver"], scope="create:payment"),),
        403,
        PLAIN,
        "separation-of-duty",
    ),
    "step-up": ("/delete", (header(roles=["admin"], scope="delete:data"),), 401, STEP_UP, "step-up-required"),
    "step-up too old": (
        "/delete",
        (header(roles=["admin"], scope="delete:data", acr="mfa", auth_time=NOW - 301),),
        401,
        STEP_UP,
        "step-up-required",
    ),
    "no token for a mere login": ("/me", (), 401, PLAIN, "token-absent"),
}


@pytest.mark.parametrize(("path", "headers", "status", "challenge", "reason"), ROWS.values(), ids=ROWS.keys())
def test_a_refusal_is_answered_as_the_table_says(
    service: Service, tmp_path: Path, path: str, headers: tuple[str, ...], status: int, challenge: str, reason: str
) -> None:
    """Status, challenge, and a body with the reason and the id of its record; nothing may be cached."""
    answer = service.get(path, *headers)
    (record,) = records(tmp_path / "audit")
    detail = "Contractors may not change records" if reason == "denied-by-rule" else SENTENCES[Reason(reason)]
    assert (answer.status, answer.headers["WWW-Authenticate"], answer.headers["Cache-Control"]) == (
        status,
        challenge,
        "no-store",
    )
    assert answer.problem == {
        "type": "about:blank",
        "title": {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden"}[status],
        "status": status,
        "detail": detail,
        "reason": reason,
        "decision": record["id"],
    }
    assert (record["outcome"], record["reason"], record["route"], record["method"]) == ("deny", reason, path, "GET")


ALLOWED: dict[str, tuple[str, tuple[str, ...], str]] = {
    "role and scope": ("/read", (header(**VIEWER),), "the data"),
    "the scheme in small letters": ("/read", (header(**VIEWER).replace("Bearer", "bearer"),), "the data"),
    "the scheme in capitals": ("/read", (header(**VIEWER).replace("Bearer", "BEARER"),), "the data"),
    "a scope bundle": ("/read", (header(roles=["viewer"], scope="data.full"),), "the data"),
    "a machine": ("/read", (header(sub="robot", client_id="robot", scope="read:data"),), "the data"),
    "inherited": ("/read", (header(roles=["admin"], scope="openid read:data"),), "the data"),
    "stepped up": (
        "/delete",
        (header(roles=["admin"], scope="delete:data", acr="mfa", auth_time=NOW - 10),),
        "deleted",
    ),
    "one duty": ("/pay", (header(roles=["payer"], scope="create:payment"),), "paid"),
    "any valid token": ("/me", (header(),), "you"),
}


@pytest.mark.parametrize(("path", "headers", "body"), ALLOWED.values(), ids=ALLOWED.keys())
def test_an_allow_reaches_the_view_and_is_recorded(
    service: Service, tmp_path: Path, path: str, headers: tuple[str, ...], body: str
) -> None:
    """The view's own answer, with nothing added to it."""
    answer = service.get(path, *headers)
    (record,) = records(tmp_path / "audit")
    assert (answer.status, answer.body, "WWW-Authenticate" in answer.headers) == (200, body, False)
    assert (record["outcome"], record["reason"]) == ("allow", "allowed")


def test_a_public_route_reads_no_token_and_records_nothing(service: Service, tmp_path: Path) -> None:
    """Not even a bad token matters there."""
    assert service.get("/health", "Bearer nonsense").body == "well"
    assert service.get("/health").body == "well"
    assert list((tmp_path / "audit").glob("*.jsonl")) == []


def test_a_token_elsewhere_than_in_the_header_is_not_read(service: Service) -> None:
    """Tokens in the address end up in logs, so they do not count (RFC 6750 section 2.3)."""
    assert service.get(f"/read?access_token={token(**VIEWER)}").problem["reason"] == "token-absent"


class Broken:
    """A log that takes nothing."""

    def write(self, line: str, *, refused: bool = False) -> None:
        raise AuditUnavailable("the disk is full")


class Careless:
    """A log of someone's own, with a mistake."""

    def write(self, line: str, *, refused: bool = False) -> None:
        raise KeyError(line)


@pytest.mark.parametrize("audit", [Broken(), Careless()], ids=["full", "careless"])
def test_a_log_that_cannot_be_written_is_a_503(tmp_path: Path, audit: Any) -> None:
    """Neither an allow nor a refusal leaves unrecorded; public routes go on."""
    service = Service(application(tmp_path, audit))
    try:
        for headers in ((header(**VIEWER),), (), (header(),)):
            answer = service.get("/read", *headers)
            assert (answer.status, "WWW-Authenticate" in answer.headers) == (503, False)
            assert answer.problem == {
                "type": "about:blank",
                "title": "Service Unavailable",
                "status": 503,
                "detail": "the decision could not be recorded",
                "reason": "audit-unavailable",
            }
        assert service.get("/health").body == "well"
    finally:
        service.close()


def test_the_guard_without_a_web_framework_decides_and_records(tmp_path: Path) -> None:
    """`guard.check` is the same line from a token to a logged decision."""
    rules = Policy.load(write_policy(tmp_path / "policies"))
    guard = Guard(rules, TokenVerifier(rules), AuditLog(tmp_path / "audit"))
    assert guard.check(token(**VIEWER), "read:data").allowed
    assert guard.check(token(**VIEWER), "update:data").reason == "no-role-grants-it"
    with pytest.raises(TokenRefused) as caught:
        guard.check("abc", "read:data")
    assert caught.value.reason == "token-parts"
    kept = [(record["kind"], record["reason"]) for record in Tail(tmp_path / "audit").last(9, lambda record: True)]
    assert kept == [("check", "allowed"), ("check", "no-role-grants-it"), ("refused", "token-parts")]
