"""Proof of possession in an application: challenges, addresses behind proxies, and one memory for all workers."""

import json
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Request
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from policy import Guard, Policy, PolicyError, TokenRefused, TokenVerifier
from policy.audit import records
from policy.flask import Authorizer, authenticated, current_subject, public, requires
from policy.flask.signals import token_refused
from policy.tokens import SeenInFile, SeenInMemory
from policy.tokens.dpop import PROOF_ALGORITHMS
from tests import proofs
from tests.issuing import DOCUMENT, ISSUER, VIEWER, token, write_policy
from tests.proofs import thumbprint

ALGS = f'algs="{" ".join(PROOF_ALGORITHMS)}"'
PLAIN = 'DPoP realm="shop", ' + ALGS
BEARER = 'Bearer realm="shop"'
RAW = sha256(b"a certificate").digest()
HASH = urlsafe_b64encode(RAW).rstrip(b"=").decode()
PARTNER = "https://partner.example/"


def error(name: str, scheme: str = "DPoP") -> str:
    return f'{scheme} realm="shop", error="{name}"' + (f", {ALGS}" if scheme == "DPoP" else "")


def issuers(*proof: str, partner: bool = False) -> dict[str, Any]:
    """The usual issuer, demanding a proof, and perhaps a second one that demands none."""
    usual = {**DOCUMENT["issuers"][ISSUER], "proof": list(proof)}
    if not partner:
        return {ISSUER: usual}
    every = {"asserts": {"roles": ["*"], "scopes": ["*"]}}
    other = {name: value for name, value in usual.items() if name != "proof"}
    return {ISSUER: {**usual, **every, "id_prefix": ""}, PARTNER: {**other, **every, "id_prefix": "partner|"}}


Make = Callable[..., FlaskClient]


@pytest.fixture
def shop(app: Flask, tmp_path: Path) -> Make:
    """The application over a policy whose issuer demands a proof."""

    def shop(*proof: str, partner: bool = False, **options: Any) -> FlaskClient:
        policy = write_policy(tmp_path / "policies", issuers=issuers(*(proof or ("dpop",)), partner=partner))
        authz = Authorizer(app, **{"policy": policy, "audit": tmp_path / "audit", **options})
        app.add_url_rule("/data/<path:name>", "read", requires("read:data")(lambda name: name))
        app.add_url_rule("/delete", "delete", requires("delete:data")(lambda: "deleted"), methods=["DELETE"])
        app.add_url_rule("/me", "me", authenticated(lambda: current_subject.id))
        view = public(reason="anybody is greeted", identify=True)(lambda: current_subject.id if current_subject else "")
        app.add_url_rule("/hello", "hello", view)
        app.add_url_rule("/gate", "gate", authenticated(lambda: _gate(authz)))
        authz.seal()
        return app.test_client()

    return shop


def _gate(authz: Authorizer) -> str:
    authz.require("update:data")
    return "open"


def bound(**changes: Any) -> str:
    return token(**{**VIEWER, "cnf": {"jkt": thumbprint()}, **changes})


_ids = iter(range(1_000_000))


def proof(text: str, url: str = "http://localhost/data/1", **changes: Any) -> str:
    """A proof made now, with an id of its own."""
    return proofs.proof(text, **{"htu": url, "iat": int(time.time()), "jti": f"id-{next(_ids)}", **changes})


def headers(text: str, scheme: str = "DPoP", **changes: Any) -> dict[str, str]:
    return {"Authorization": f"{scheme} {text}", "DPoP": proof(text, **changes)}


def answer(response: TestResponse) -> tuple[int, list[str], str]:
    """Status, challenges and reason; for an allow the body."""
    reason = response.json["reason"] if response.is_json and response.json else response.text
    return response.status_code, response.headers.getlist("WWW-Authenticate"), reason


@pytest.mark.parametrize("scheme", ["DPoP", "dpop", "DPOP"])
def test_a_bound_token_with_its_proof_reaches_the_view(shop: Make, scheme: str) -> None:
    """By its own scheme, in any case."""
    text = bound()
    assert answer(shop().get("/data/1", headers=headers(text, scheme))) == (200, [], "1")


REFUSED: dict[str, tuple[Callable[[], dict[str, str]], int, str, str]] = {
    "nothing": (dict, 401, PLAIN, "token-absent"),
    "another scheme": (lambda: {"Authorization": "Basic YTpi"}, 401, PLAIN, "token-absent"),
    "a proof alone": (lambda: {"DPoP": proof(bound())}, 401, PLAIN, "token-absent"),
    "no token": (lambda: {"Authorization": "DPoP"}, 400, error("invalid_request"), "token-header"),
    "two schemes": (
        lambda: {"Authorization": f"DPoP {bound()}, Bearer {bound()}"},
        400,
        error("invalid_request"),
        "token-header",
    ),
    "no proof": (lambda: {"Authorization": f"DPoP {bound()}"}, 401, error("invalid_dpop_proof"), "token-proof"),
    "two proofs": (
        lambda: {"Authorization": f"DPoP {(text := bound())}", "DPoP": f"{proof(text)},{proof(text)}"},
        401,
        error("invalid_dpop_proof"),
        "token-proof",
    ),
    "another method": (lambda: headers(bound(), htm="POST"), 401, error("invalid_dpop_proof"), "token-proof"),
    "another address": (
        lambda: headers(bound(), url="http://localhost/data/2"),
        401,
        error("invalid_dpop_proof"),
        "token-proof",
    ),
    "another host": (
        lambda: headers(bound(), url="http://evil.example/data/1"),
        401,
        error("invalid_dpop_proof"),
        "token-proof",
    ),
    "another key": (lambda: headers(bound(), which=1), 401, error("invalid_token"), "token-confirmation"),
    "by bearer": (lambda: headers(bound(), "Bearer"), 401, error("invalid_token"), "token-confirmation"),
    "not bound": (lambda: headers(token(**VIEWER)), 401, error("invalid_token"), "token-unbound"),
    "a plain token": (
        lambda: {"Authorization": f"Bearer {token(**VIEWER)}"},
        401,
        error("invalid_token"),
        "token-unbound",
    ),
    "expired": (lambda: headers(bound(exp=1)), 401, error("invalid_token"), "token-expired"),
    "a wrong hash": (
        lambda: headers(bound(cnf={"jkt": "x"})),
        401,
        error("invalid_token"),
        "token-claim-type",
    ),
    "a role missing": (lambda: headers(bound(roles=[])), 403, PLAIN, "no-role-grants-it"),
    "a scope missing": (
        lambda: headers(bound(scope="")),
        403,
        f'DPoP realm="shop", error="insufficient_scope", scope="read:data", {ALGS}',
        "scope-missing",
    ),
}


@pytest.mark.parametrize(("given", "status", "challenge", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_a_refusal_names_the_scheme_its_algorithms_and_the_error(
    shop: Make, tmp_path: Path, given: Callable[[], dict[str, str]], status: int, challenge: str, reason: str
) -> None:
    """RFC 9449 section 7.1; each is in the log, and no token or proof is."""
    sent = given()
    assert answer(shop().get("/data/1", headers=sent)) == (status, [challenge], reason)
    (record,) = records(tmp_path / "audit")
    assert (record["outcome"], record["reason"], record["route"]) == ("deny", reason, "/data/<path:name>")
    signatures = [part for text in sent.values() for part in text.replace(",", ".").split(".") if len(part) == 86]
    assert not [part for part in signatures if part in json.dumps(record)]


def test_with_issuers_of_both_kinds_the_scheme_that_was_used_is_told(shop: Make) -> None:
    """RFC 9449 section 7.2: both challenges each time, the error in one of them, or in both where it can't be told."""
    client = shop(partner=True)
    plain = {"iss": PARTNER, **VIEWER}
    assert answer(client.get("/data/1")) == (401, [BEARER, PLAIN], "token-absent")
    assert answer(client.get("/data/1", headers={"Authorization": "Bearer x"})) == (
        401,
        [error("invalid_token", "Bearer"), PLAIN],
        "token-parts",
    )
    by_dpop = client.get("/data/1", headers={"Authorization": f"DPoP {bound()}"})
    assert answer(by_dpop) == (401, [BEARER, error("invalid_dpop_proof")], "token-proof")
    both = client.get("/data/1", headers={"Authorization": "Bearer x, DPoP y"})
    malformed = [error("invalid_request", "Bearer"), error("invalid_request")]
    assert answer(both) == (400, malformed, "token-header")
    assert answer(client.get("/data/1", headers={"Authorization": f"Bearer {token(**plain)}"})) == (200, [], "1")
    assert answer(client.get("/data/1", headers=headers(bound()))) == (200, [], "1")
    assert answer(client.get("/data/1", headers=headers(token(**plain)))) == (
        401,
        [BEARER, error("invalid_token")],
        "token-unbound",
    )


def test_without_an_issuer_that_demands_it_scheme_dpop_is_no_token(shop: Make) -> None:
    """As any other scheme."""
    assert answer(shop("certificate", certificate_hash_header="X-Hash").get("/data/1", headers=headers(bound()))) == (
        401,
        [BEARER],
        "token-absent",
    )


def test_step_up_is_asked_for_by_the_scheme_of_the_token(shop: Make) -> None:
    """RFC 9470 section 3 with RFC 9449; a login that will do is taken."""
    client, admin = shop(partner=True), {"roles": ["admin"], "scope": "delete:data"}
    asked = (
        'DPoP realm="shop", error="insufficient_user_authentication", acr_values="mfa", max_age="300", ' + ALGS
    )  # fmt: skip
    text, where = bound(**admin), {"url": "http://localhost/delete", "htm": "DELETE"}
    assert answer(client.delete("/delete", headers=headers(text, **where))) == (
        401,
        [BEARER, asked],
        "step-up-required",
    )
    strong = bound(**admin, acr="mfa", auth_time=int(time.time()))
    assert answer(client.delete("/delete", headers=headers(strong, **where))) == (200, [], "deleted")


def test_a_gate_challenges_by_the_scheme_of_the_token(shop: Make) -> None:
    """Also inside a view."""
    refused = shop(partner=True).get("/gate", headers=headers(bound(), url="http://localhost/gate"))
    assert answer(refused) == (403, [BEARER, PLAIN], "no-role-grants-it")


def test_who_is_greeted_proves_it_too(shop: Make) -> None:
    """On a public route that looks at a token."""
    client, url = shop(), "http://localhost/hello"
    assert answer(client.get("/hello")) == (200, [], "")
    assert answer(client.get("/hello", headers=headers(bound(), url=url))) == (200, [], "alice")
    assert answer(client.get("/hello", headers={"Authorization": f"Bearer {bound()}"}))[2] == "token-confirmation"


def test_head_and_get_are_two_methods(shop: Make) -> None:
    """A proof is for the method that the client sends, even if the same view answers."""
    client, text = shop(), bound()
    assert client.head("/data/1", headers=headers(text)).status_code == 401
    assert client.head("/data/1", headers=headers(text, htm="HEAD")).status_code == 200


PLACES = {
    "with a query": ("/data/1?x=1", {}, "http://localhost/data/1", 200),
    "with its query in the proof": ("/data/1?x=1", {}, "http://localhost/data/1?x=2", 200),
    "percent-encoded": ("/data/a%20%C3%A9", {}, "http://localhost/data/a%20%c3%a9", 200),
    "an encoded slash": ("/data/a%2Fb", {}, "http://localhost/data/a%2Fb", 200),
    "encoded twice": ("/data/a%252Fb", {}, "http://localhost/data/a%252Fb", 200),
    "decoded once too often": ("/data/a%252Fb", {}, "http://localhost/data/a%2Fb", 401),
    "another port": ("/data/1", {"Host": "localhost:8080"}, "http://localhost:8080/data/1", 200),
    "the scheme's own port": ("/data/1", {"Host": "localhost:80"}, "http://localhost/data/1", 200),
    "another scheme": ("/data/1", {}, "https://localhost/data/1", 401),
    "headers of a proxy": ("/data/1", {"X-Forwarded-Proto": "https"}, "https://localhost/data/1", 401),
    "a host in a header": ("/data/1", {"X-Forwarded-Host": "evil.example"}, "http://evil.example/data/1", 401),
    "two hosts": ("/data/1", {"Host": "localhost, evil.example"}, "http://evil.example/data/1", 401),
    "a strange host": ("/data/1", {"Host": "local host"}, "http://localhost/data/1", 401),
}


@pytest.mark.parametrize(("path", "more", "url", "status"), PLACES.values(), ids=PLACES.keys())
def test_a_proof_is_for_the_address_of_the_request(
    shop: Make, path: str, more: dict[str, str], url: str, status: int
) -> None:
    """As the server sees it; what a proxy says in headers is not looked at."""
    assert shop().get(path, headers={**headers(bound(), url=url), **more}).status_code == status


@pytest.mark.parametrize(
    "public_url", ["https://api.example.com", "https://API.example.com:443/", "https://api.example.com/v1"]
)
def test_behind_a_proxy_the_address_is_the_public_one(shop: Make, public_url: str) -> None:
    """Whatever the Host header says; a path before the application's own may belong to it."""
    client, text = shop(public_url=public_url), bound()
    before = "/v1" if public_url.endswith("/v1") else ""
    good, inner = f"https://api.example.com{before}/data/1", "http://localhost/data/1"
    assert client.get("/data/1", headers=headers(text, url=good)).status_code == 200
    assert client.get("/data/1", headers={**headers(text, url=good), "Host": "10.0.0.7:8000"}).status_code == 200
    assert client.get("/data/1", headers=headers(text, url=inner)).status_code == 401


def test_an_application_below_a_path_is_addressed_with_it(shop: Make) -> None:
    """`SCRIPT_NAME` is part of the address (PEP 3333)."""
    client, text = shop(), bound()
    at = {"SCRIPT_NAME": "/shop"}
    url = "http://localhost/shop/data/1"
    assert client.get("/data/1", headers=headers(text, url=url), environ_overrides=at).status_code == 200
    assert client.get("/data/1", headers=headers(text), environ_overrides=at).status_code == 401


def test_a_host_that_the_application_does_not_trust_is_no_address(app: Flask, shop: Make) -> None:
    """Neither the proof nor anything else makes it one; which Flask says so first depends on its version."""

    app.request_class = type("Strict", (Request,), {"trusted_hosts": ["api.example.com"]})
    client, text, url = shop(), bound(), "http://evil.example/data/1"
    assert client.get("/data/1", headers={**headers(text, url=url), "Host": "evil.example"}).status_code in (400, 401)
    good = headers(text, url="http://api.example.com/data/1")
    assert client.get("/data/1", headers={**good, "Host": "api.example.com"}).status_code == 200


def test_the_guard_without_a_web_framework_is_told_how_a_token_came(tmp_path: Path) -> None:
    """`guard.check` decides and records as for a request."""
    rules = Policy.load(write_policy(tmp_path / "policies", issuers=issuers("dpop")))
    guard, text = Guard(rules, TokenVerifier(rules), tmp_path / "audit"), bound()
    how = proofs.presented(proof(text, proofs.URL))
    assert guard.check(text, "read:data", presented=how).allowed
    for again in (how, None):
        with pytest.raises(TokenRefused):
            guard.check(text, "read:data", presented=again)
    kept = [(record["kind"], record["reason"]) for record in records(tmp_path / "audit")]
    assert kept == [("check", "allowed"), ("refused", "token-proof-replayed"), ("refused", "token-confirmation")]


@pytest.mark.parametrize(
    "url", ["api.example.com", "ftp://api.example.com", "https://a.example?x", "https://a@b.example", "https://"]
)
def test_a_public_address_that_is_none_stops_the_start(shop: Make, url: str) -> None:
    """It is said with an example."""
    with pytest.raises(PolicyError) as caught:
        shop(public_url=url)
    said = f'`public_url` is how addresses begin, such as "https://api.example.com", not `{url}`'
    assert str(caught.value) == said


def test_a_proof_is_good_for_one_request(shop: Make, tmp_path: Path) -> None:
    """The second one is refused, and the log says which id came again."""
    client, text = shop(), bound()
    sent = headers(text, jti="again")
    assert answer(client.get("/data/1", headers=sent))[0] == 200
    assert answer(client.get("/data/1", headers=sent)) == (401, [error("invalid_dpop_proof")], "token-proof-replayed")
    found = [record["detail"] for record in records(tmp_path / "audit") if record["kind"] == "refused"]
    assert found == ['expected a new `jti`, seen "again" again']


WORKER = """
import json, sys
from flask import Flask
from policy.flask import Authorizer, requires
folder, headers = sys.argv[1], json.loads(sys.argv[2])
app = Flask("shop", static_folder=None)
authz = Authorizer(app, policy=folder + "/policies", audit=folder + "/audit")
app.add_url_rule("/data/<path:name>", "read", requires("read:data")(lambda name: name))
authz.seal()
answer = app.test_client().get("/data/1", headers=headers)
print(answer.status_code, (answer.json or {}).get("reason", "") if answer.is_json else "")
"""


def test_a_proof_that_one_worker_has_seen_is_refused_by_another(tmp_path: Path) -> None:
    """Two processes on one machine, each with an application of its own over the same folders."""
    write_policy(tmp_path / "policies", issuers=issuers("dpop"))
    sent = json.dumps(headers(bound()))
    command = [sys.executable, "-c", WORKER, str(tmp_path), sent]
    said = [subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout for _ in range(2)]
    assert said == ["200 \n", "401 token-proof-replayed\n"]


@pytest.mark.parametrize("given", ["audit", "state"])
def test_proofs_are_noted_in_the_state_folder(shop: Make, tmp_path: Path, given: str) -> None:
    """Where there is one: from the first proof on."""
    folder = tmp_path / "audit" / "policies" if given == "audit" else tmp_path / "state"
    client = shop(**({} if given == "audit" else {"state": folder, "audit": None}))
    assert not (folder / "proofs.sqlite").exists()
    assert client.get("/data/1", headers=headers(bound())).status_code == 200
    assert (folder / "proofs.sqlite").exists()


def test_without_a_folder_proofs_are_noted_in_memory(shop: Make, app: Flask) -> None:
    """By each process for itself."""
    client, sent = shop(audit="stdout"), headers(bound())
    assert isinstance(app.extensions["policy"].guard.verifier.seen, SeenInMemory)
    assert [client.get("/data/1", headers=sent).status_code for _ in range(2)] == [200, 401]


def test_a_policy_that_is_handed_over_has_the_folder_too(app: Flask, tmp_path: Path) -> None:
    """A `Policy` object has no folder of its own, the log has."""
    rules = Policy.load(write_policy(tmp_path / "policies", issuers=issuers("dpop")))
    Authorizer(app, policy=rules, audit=tmp_path / "audit")
    seen = app.extensions["policy"].guard.verifier.seen
    assert isinstance(seen, SeenInFile)
    assert seen.path == tmp_path / "audit" / "policies" / "proofs.sqlite"


def test_a_memory_that_fails_is_a_503_of_its_own(shop: Make, tmp_path: Path) -> None:
    """Never an allow: nobody knows whether the proof is new. Public routes go on."""
    client = shop()
    (tmp_path / "audit" / "policies").mkdir(parents=True, exist_ok=True)
    (tmp_path / "audit" / "policies" / "proofs.sqlite").mkdir()
    refused = client.get("/data/1", headers=headers(bound()))
    assert answer(refused) == (503, [], "proofs-unavailable")
    assert refused.json is not None
    assert refused.json["detail"] == "it cannot be known now whether the token's proof was used before"
    assert client.get("/hello").status_code == 200
    (record,) = records(tmp_path / "audit")
    assert (record["kind"], record["reason"], record["id"]) == ("fault", "proofs-unavailable", refused.json["decision"])
    assert record["detail"].endswith("does not take proofs: unable to open database file")


def test_a_reloaded_policy_makes_no_proof_good_again(shop: Make, app: Flask, tmp_path: Path) -> None:
    """In memory as in a file."""
    client, sent = shop(audit=None, reload=3600), headers(bound())
    assert client.get("/data/1", headers=sent).status_code == 200
    write_policy(tmp_path / "policies", issuers=issuers("dpop"), roles={**DOCUMENT["roles"], "guest": {}})
    live = app.extensions["policy"].live
    before = live.guard.rules.digest
    for _ in range(2):
        live.look()
    assert live.guard.rules.digest != before
    assert answer(client.get("/data/1", headers=sent))[2] == "token-proof-replayed"


def test_a_refused_proof_is_signalled(shop: Make, app: Flask) -> None:
    """With what was expected and seen."""
    told: list[tuple[str, str]] = []

    def tell(_: Flask, refusal: Any) -> None:
        told.append((refusal.reason, refusal.detail))

    with token_refused.connected_to(tell, app):
        shop().get("/data/1", headers=headers(bound(), htm="PUT"))
    assert told == [("token-proof", 'expected `htm` to be "GET", seen "PUT"')]


CERTIFIED = {
    "in hexadecimal": ({"X-Client-Cert-Hash": RAW.hex()}, 200),
    "in base64url": ({"X-Client-Cert-Hash": HASH}, 200),
    "in a header in small letters": ({"x-client-cert-hash": HASH}, 200),
    "not at all": ({}, 401),
    "as nothing": ({"X-Client-Cert-Hash": ""}, 401),
    "of another": ({"X-Client-Cert-Hash": "A" * 43}, 401),
    "twice": ({"X-Client-Cert-Hash": f"{HASH},{HASH}"}, 401),
    "padded": ({"X-Client-Cert-Hash": HASH + "="}, 401),
    "in another header": ({"X-Client-Cert": HASH}, 401),
}


@pytest.mark.parametrize(("more", "status"), CERTIFIED.values(), ids=CERTIFIED.keys())
def test_the_hash_of_the_certificate_comes_from_the_front_end(shop: Make, more: dict[str, str], status: int) -> None:
    """From the header that is named, once, and well-formed (RFC 8705 section 3)."""
    client = shop("certificate", certificate_hash_header="X-Client-Cert-Hash")
    sent = {"Authorization": f"Bearer {token(**VIEWER, cnf={'x5t#S256': HASH})}", **more}
    found = client.get("/data/1", headers=sent)
    assert found.status_code == status
    if status == 401:
        assert answer(found) == (401, [error("invalid_token", "Bearer")], "token-confirmation")


def test_two_headers_with_the_hash_are_none(shop: Make) -> None:
    """Whoever put the second one there, the front end did not always overwrite it."""
    client = shop("certificate", certificate_hash_header="X-Client-Cert-Hash")
    bearer = f"Bearer {token(**VIEWER, cnf={'x5t#S256': HASH})}"
    twice = [("Authorization", bearer), ("X-Client-Cert-Hash", HASH), ("X-Client-Cert-Hash", HASH)]
    assert client.get("/data/1", headers=twice).status_code == 401


NO_HEADER = (
    f'issuers["{ISSUER}"].proof: `certificate` needs the hash of the caller\'s certificate, and no header is named '
    'that has it; add certificate_hash_header="X-Client-Cert-Hash", one that your front end always sets'
)


@pytest.mark.parametrize("proof", [("certificate",), ("dpop", "certificate")])
def test_certificates_without_a_header_stop_the_start(shop: Make, proof: tuple[str, ...]) -> None:
    """And what to add is said."""
    with pytest.raises(PolicyError) as caught:
        shop(*proof)
    assert str(caught.value) == NO_HEADER


def test_certificates_without_a_header_are_no_reload(shop: Make, app: Flask, tmp_path: Path) -> None:
    """The last good policy stays."""
    client = shop(reload=3600)
    write_policy(tmp_path / "policies", issuers=issuers("certificate"))
    for _ in range(2):
        app.extensions["policy"].live.look()
    health = app.extensions["policy"].live.health()
    assert (health["standing"], health["problems"]) == ("last-good", [NO_HEADER])
    assert client.get("/data/1", headers=headers(bound())).status_code == 200


@pytest.mark.parametrize("name", ["X Client", "X_Client", "X-Client:", "é"])
def test_a_header_that_cannot_be_one_stops_the_start(shop: Make, name: str) -> None:
    """An underscore may come from anybody: servers take it for a hyphen."""
    with pytest.raises(PolicyError) as caught:
        shop("certificate", certificate_hash_header=name)
    said = f"`certificate_hash_header` is the name of a header: letters, digits and `-`, not `{name}`"
    assert str(caught.value) == said


def test_the_options_are_keys_of_the_configuration_too(app: Flask, tmp_path: Path) -> None:
    """An argument wins, as for all of them."""
    app.config.update(
        POLICY_PUBLIC_URL="https://api.example.com",
        POLICY_CERTIFICATE_HASH_HEADER="X-Hash",
        POLICY_RESOURCE_METADATA="https://api.example.com",
    )
    policy = write_policy(tmp_path / "policies", issuers=issuers("certificate", "dpop"))
    Authorizer(app, policy=policy, audit=None, public_url="https://other.example")
    given = app.extensions["policy"]._given
    assert (given.public_url, given.certificate_hash_header) == ("https://other.example", "X-Hash")
    assert given.resource.address == "https://api.example.com/.well-known/oauth-protected-resource"


def test_plain_tokens_are_asked_for_nothing_more(app: Flask, tmp_path: Path) -> None:
    """Where no issuer demands a proof, how a token was presented is not even put together."""
    authz = Authorizer(app, policy=write_policy(tmp_path / "policies"), audit=None)
    app.add_url_rule("/data", "read", requires("read:data")(lambda: "data"))
    authz.seal()
    sent = {"Authorization": f"Bearer {token(**VIEWER)}", "DPoP": "nonsense"}
    assert answer(app.test_client().get("/data", headers=sent)) == (200, [], "data")
    assert not app.extensions["policy"].guard.verifier.demands_proof
