"""Tokens for tests: accepted by every check of the application, and bad in any way that a test asks for."""

import time
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from policy import Guard, Policy, TokenRefused, TokenVerifier
from policy.audit import records
from policy.flask.signals import decision_made, token_refused
from policy.testing import CannotSay, PolicyIssuer
from tests.issuing import ISSUER
from tests.testing.applications import DONE, NOWHERE, READ, application, lent, plain, told, write


def test_a_client_sends_a_token_that_the_application_accepts(app: Flask, policy_issuer: PolicyIssuer) -> None:
    """By every check that it makes; what the token lacks is refused as ever."""
    assert lent(app, policy_issuer) == DONE
    assert lent(app, policy_issuer, roles=[]) == (403, "no-role-grants-it")
    assert lent(app, policy_issuer, scopes=[]) == (403, "scope-missing")
    assert lent(app, policy_issuer, kind="machine", roles=[]) == DONE


def test_without_a_client_of_ours_nobody_is_asked_for_less(app: Flask, policy_issuer: PolicyIssuer) -> None:
    """A request without a token is refused while keys are lent."""
    policy_issuer.client(app)
    assert told(app.test_client().get("/read")) == (401, "token-absent")


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"expires_in": -60}, "token-expired"),
        ({"claims": {"exp": "soon"}}, "token-claim-type"),
        ({"claims": {"aud": "https://other.example.com"}}, "token-audience"),
        ({"claims": {"iss": "https://other.example.com"}}, "token-issuer"),
        ({"claims": {"scope": 7}}, "token-claim-type"),
        ({"claims": {"nbf": 32503680000}}, "token-not-yet-valid"),
        ({"without": ["exp"]}, "token-claim-missing"),
        ({"typ": "other"}, "token-type"),
    ],
)
def test_bad_tokens_are_refused_for_what_is_bad(
    app: Flask, policy_issuer: PolicyIssuer, asked: Any, reason: str
) -> None:
    """A test can ask for any of them, and no check is missing."""
    assert lent(app, policy_issuer, **asked) == (401, reason)


def test_a_type_can_be_left_out(app: Flask, policy_issuer: PolicyIssuer) -> None:
    """`None` is no `typ` at all, which this profile accepts."""
    assert lent(app, policy_issuer, typ=None) == DONE


def test_a_step_up_is_asked_and_met(app: Flask, policy_issuer: PolicyIssuer) -> None:
    """By what the token says of the login."""
    asked: Any = {"roles": ["editor"], "scopes": ["delete:data"]}
    assert told(policy_issuer.client(app, **asked).get("/delete")) == (401, "step-up-required")
    strong = policy_issuer.client(app, **asked, acr="mfa", auth_time=time.time() - 10)
    assert told(strong.get("/delete")) == (200, "delete: done")


def test_headers_of_a_request_win_over_those_of_the_client(app: Flask, policy_issuer: PolicyIssuer) -> None:
    """And headers can be had alone."""
    client = policy_issuer.client(app)
    assert told(client.get("/read")) == (403, "no-role-grants-it")
    assert told(client.get("/read", headers=policy_issuer.headers(app, **READ))) == DONE


@pytest.mark.parametrize(
    "algorithms", [["RS256"], ["PS384"], ["ES256"], ["ES384"], ["ES512"], ["EdDSA"], ["HS256"], ["HS384", "HS512"]]
)
def test_every_algorithm_can_be_signed_with(
    tmp_path: Path, policy_issuer: PolicyIssuer, monkeypatch: pytest.MonkeyPatch, algorithms: list[str]
) -> None:
    """The first that the issuer accepts; the application's own keys are where they always are."""
    monkeypatch.setenv("OWN_SECRET", "o" * 64)
    keys = {"env": "OWN_SECRET"} if algorithms[0].startswith("HS") else NOWHERE
    app = application(write(tmp_path / "policies", plain(algorithms=algorithms, keys=keys)))
    assert lent(app, policy_issuer) == DONE


def two_issuers(tmp_path: Path) -> Flask:
    both = {
        "https://home.example/": {**plain()[ISSUER], "asserts": {"roles": ["*"], "scopes": ["*"]}, "id_prefix": ""},
        "https://partner.example/": {
            **plain()[ISSUER], "keys": NOWHERE, "asserts": {"scopes": ["*"]}, "id_prefix": "partner|",
        },
    }  # fmt: skip
    return application(write(tmp_path / "policies", both))


def test_of_several_issuers_one_has_to_be_named(tmp_path: Path, policy_issuer: PolicyIssuer) -> None:
    """Each stays what it is: its prefix, what it may assert, and a key of its own."""
    app = two_issuers(tmp_path)
    with pytest.raises(CannotSay) as caught:
        policy_issuer.client(app)
    assert str(caught.value) == (
        'say which issuer signs: add issuer="..."; the policy has `https://home.example/`, `https://partner.example/`'
    )
    with pytest.raises(CannotSay, match=r"no issuer `https://home.example`; did you mean `https://home.example/`\?$"):
        policy_issuer.client(app, issuer="https://home.example")
    partner = policy_issuer.client(app, issuer="https://partner.example/", **READ).get("/me").get_json()
    assert (partner["id"], partner["roles"], partner["unasserted"]) == ("partner|alice", [], [["role", "viewer"]])
    assert lent(app, policy_issuer, issuer="https://home.example/") == DONE


def test_the_key_of_one_issuer_signs_for_no_other(tmp_path: Path, policy_issuer: PolicyIssuer) -> None:
    """A partner who names the other issuer is refused, as in reality."""
    app = two_issuers(tmp_path)
    forged: Any = {"issuer": "https://partner.example/", "claims": {"iss": "https://home.example/"}}
    assert lent(app, policy_issuer, **forged) == (401, "token-signature")


def test_a_policy_without_issuers_has_nobody_to_sign(tmp_path: Path, policy_issuer: PolicyIssuer) -> None:
    """The application answers no token at all."""
    with pytest.raises(CannotSay, match=r"^the policy has no issuer, so nobody can sign for it$"):
        policy_issuer.client(application(write(tmp_path / "policies", {})))


def test_an_application_without_an_authorizer_is_told(policy_issuer: PolicyIssuer) -> None:
    """With what to do."""
    with pytest.raises(CannotSay, match=r"^the application `bare` has no authorizer: give it one with init_app first$"):
        policy_issuer.client(Flask("bare"))


def test_a_guard_and_a_verifier_are_had_without_a_framework(
    path: Path, tmp_path: Path, policy_issuer: PolicyIssuer
) -> None:
    """The guard keeps its log and its clock; the one that is given goes on with its own keys."""
    rules = Policy.load(path)
    guard = Guard(rules, TokenVerifier(rules), tmp_path / "audit", clock=lambda: 2_000_000_000.0)
    token = policy_issuer.token(guard, **READ)
    assert policy_issuer.guard(guard).check(token, "read:data").allowed
    with pytest.raises(TokenRefused, match="token-key"):
        guard.check(token, "read:data")
    assert sorted(each["outcome"] for each in records(tmp_path / "audit")) == ["allow", "deny"]
    verified = policy_issuer.verifier(rules).verify(policy_issuer.token(rules, sub="bob"), now=time.time())
    assert verified.subject_by(rules).id == "bob"


def test_signals_tell_of_the_last_decision(app: Flask, policy_issuer: PolicyIssuer) -> None:
    """As anywhere: a test has to do nothing but listen."""
    seen: list[str] = []

    def decided(sender: Flask, kind: str, admission: Any) -> None:
        seen.append(f"{admission.subject.id}: {admission.outcome.reason}")

    def refused(sender: Flask, refusal: TokenRefused) -> None:
        seen.append(refusal.detail)

    with decision_made.connected_to(decided, app), token_refused.connected_to(refused, app):
        lent(app, policy_issuer, roles=[])
        lent(app, policy_issuer, without=["exp"])
    assert seen == ["alice: no-role-grants-it", "expected `exp` to be a number of seconds, seen none"]


def test_an_issuer_that_demands_a_proof_gets_no_client(tmp_path: Path, policy_issuer: PolicyIssuer) -> None:
    """A header that is made once proves nothing; the token itself can be had, and is refused without its proof."""
    app = application(write(tmp_path / "policies", plain(proof=["dpop"])))
    with pytest.raises(CannotSay) as caught:
        policy_issuer.client(app)
    assert str(caught.value) == (
        f"`{ISSUER}` binds its tokens to a key, and a header of its own proves that with each request: sign with "
        '`token(..., claims={"cnf": ...})`, and make the proof yourself'
    )
    bound = policy_issuer.headers(app, claims={"cnf": {"jkt": "a" * 43}}, **READ)
    assert told(app.test_client().get("/read", headers=bound))[0] == 401
