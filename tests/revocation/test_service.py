"""Revoked tokens at every entrance of an application: views, gates, public routes, guards, and the inspection."""

import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from flask import Flask

from policy import Guard, Policy, PolicyError, TokenRefused, TokenVerifier
from policy.audit import records
from policy.errors import RevocationUnavailable
from policy.flask import Authorizer, current_subject, public, requires
from policy.reasons import Reason
from policy.revocation import open_store
from policy.revoked import Revocation
from policy.tokens.issue import generate_key, sign
from tests.issuing import DOCUMENT, ISSUER, PRIVATE, VIEWER, token, write_policy

PARTNER = "https://partner.example/"
PARTNER_PRIVATE, PARTNER_PUBLIC = generate_key("ES256", kid="test-key")


class Service:
    """An application with an SQLite store, and its documents beside the policy."""

    def __init__(self, root: Path, **sections: Any) -> None:
        self.root, self.folder = root, write_policy(root / "policies", **sections)
        self.store = open_store(root / "revocations.sqlite3")
        self.store.create()
        self.app = Flask("shop", static_folder=None)
        self.authz = Authorizer(
            self.app, policy=self.folder, audit=root / "audit", revocations=root / "revocations.sqlite3", reload=3600
        )
        self.app.add_url_rule("/read", "read", requires("read:data")(lambda: "the data"))
        view = public(reason="a greeting", identify=True)(lambda: f"hello {current_subject.id}")
        self.app.add_url_rule("/hello", "hello", view)
        self.authz.seal()
        self.live = self.app.extensions["policy"].live

    def ask(self, text: str, path: str = "/read") -> tuple[int, str]:
        answer = self.app.test_client().get(path, headers={"Authorization": f"Bearer {text}"})
        return answer.status_code, answer.text if answer.status_code == 200 else json.loads(answer.data)["reason"]

    def revoke(self, what: Any, value: str, **more: Any) -> None:
        self.store.add(Revocation(issuer=ISSUER, what=what, value=value, **more))

    def records(self) -> list[dict[str, Any]]:
        return list(records(self.root / "audit"))


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path)


REVOKED = (401, "token-revoked")


def test_cve_2020_10594_a_revoked_jti_is_refused_everywhere(service: Service) -> None:
    """At a view, on a public route that identifies, by the guard and by the inspection; also once it was good."""
    text = token(jti="7f3a", **VIEWER)
    assert service.ask(text) == (200, "the data")
    service.revoke("token", "jti:7f3a")
    assert [service.ask(text, path) for path in ("/read", "/hello")] == [REVOKED, REVOKED]
    guard: Guard = service.live.guard
    with pytest.raises(TokenRefused) as caught:
        guard.check(text, "read:data")
    assert str(caught.value) == "token-revoked: the token has been revoked (the token `jti:7f3a` is revoked)"
    found = guard.verifier.inspect(text, now=time.time()).refusal
    assert found is not None
    assert (found.name, found.reason, found.detail) == (
        "revocation", Reason.TOKEN_REVOKED, "the token `jti:7f3a` is revoked",
    )  # fmt: skip
    assert service.ask(token(jti="7f3b", **VIEWER)) == (200, "the data")


def test_a_refusal_says_by_what_in_the_log_and_not_to_the_caller(service: Service) -> None:
    """The caller learns that the token is no good any more."""
    service.revoke("subject", "alice")
    text = token(**VIEWER)
    answer = service.app.test_client().get("/read", headers={"Authorization": f"Bearer {text}"})
    (record,) = service.records()
    assert (record["outcome"], record["reason"], record["detail"]) == (
        "deny", "token-revoked", "the subject `alice` is revoked",
    )  # fmt: skip
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="shop", error="invalid_token"'
    assert json.loads(answer.data) == {
        "type": "about:blank", "title": "Unauthorized", "status": 401, "detail": "the token has been revoked",
        "reason": "token-revoked", "decision": record["id"],
    }  # fmt: skip


def test_what_was_issued_up_to_a_time_is_refused(service: Service) -> None:
    """Tokens of the same second too; later ones are good."""
    now = int(time.time())
    service.revoke("subject", "alice", issued_before=now - 100)
    asked = [service.ask(token(iat=now + shift, **VIEWER)) for shift in (-101, -100, -99.9, 0)]
    assert asked == [REVOKED, REVOKED, (200, "the data"), (200, "the data")]


def test_a_client_is_revoked(service: Service) -> None:
    """By the claim that the issuer's document names."""
    service.revoke("client", "old-app")
    assert service.ask(token(client_id="old-app", **VIEWER)) == REVOKED
    assert service.ask(token(client_id="new-app", **VIEWER)) == (200, "the data")


def test_a_tenant_is_revoked_by_claim_and_by_bound_role(tmp_path: Path) -> None:
    """A token that acts in the tenant by a role only is refused as well."""
    issuer = {
        **DOCUMENT["issuers"][ISSUER],
        "claims": {
            "tenant": {"path": ["org"], "format": "string"},
            "roles": [{"path": ["roles"], "format": "list"}, {"path": ["in"], "format": "object-tenants"}],
        },
    }
    service = Service(tmp_path, issuers={ISSUER: issuer})
    service.revoke("tenant", "north", issued_before=time.time() + 10)
    assert service.ask(token(org="north", **VIEWER)) == REVOKED
    assert service.ask(token(**{"org": "south", "in": {"viewer": {"north": "x"}}, **VIEWER})) == REVOKED
    assert service.ask(token(org="south", **VIEWER)) == (200, "the data")


def spellings(text: str) -> list[str]:
    header, payload, signature = text.split(".")
    raw = urlsafe_b64decode(signature + "==")
    half = len(raw) // 2
    r, s = int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big")
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    r, s = decode_dss_signature(encode_dss_signature(r, order - s))
    other = urlsafe_b64encode(r.to_bytes(half, "big") + s.to_bytes(half, "big")).rstrip(b"=").decode()
    return [f"{header}.{payload}.{other}", text + "=", f" {text}", f"{header}.{payload}.{signature}=="]


def test_a_token_that_differs_only_in_its_spelling_is_the_same_token(service: Service) -> None:
    """Also with the other signature that ECDSA makes of the first, which verifies; without a `jti`, too."""
    text = token(**VIEWER)
    other = spellings(text)[0]
    assert service.ask(other) == (200, "the data")
    service.revoke("token", service.records()[0]["token"])
    assert [service.ask(each) for each in (text, other)] == [REVOKED, REVOKED]
    assert {status for status, _ in map(service.ask, spellings(text)[1:])} <= {400, 401}


def two_issuers() -> dict[str, Any]:
    own = {**DOCUMENT["issuers"][ISSUER], "id_prefix": "", "asserts": {"roles": ["*"], "scopes": ["*"]}}
    theirs = {**own, "keys": {"jwks": {"keys": [PARTNER_PUBLIC]}}, "id_prefix": "partner|"}
    return {ISSUER: own, PARTNER: theirs}


def test_an_issuer_is_not_revoked_by_anothers_entries(tmp_path: Path) -> None:
    """The same `jti` and `sub` of another issuer are another token's."""
    service = Service(tmp_path, issuers=two_issuers())
    now = int(time.time())
    claims = {"iss": PARTNER, "sub": "alice", "aud": "https://api.example.com", "iat": now, "exp": now + 60}
    theirs = sign({**claims, "jti": "7f", **VIEWER}, key=PARTNER_PRIVATE, algorithm="ES256", kid="test-key")
    ours = token(jti="7f", **VIEWER)
    service.store.add(Revocation(issuer=PARTNER, what="token", value="jti:7f"))
    service.store.add(Revocation(issuer=PARTNER, what="subject", value="alice"))
    service.store.add(Revocation(issuer=PARTNER, what="issuer", issued_before=now + 1000))
    assert (service.ask(ours), service.ask(theirs)) == ((200, "the data"), REVOKED)


@pytest.mark.parametrize("jti", [7, 7.5, True, ["7"], {"7": 7}, "", None])
def test_a_jti_of_another_type_is_no_name(service: Service, jti: Any) -> None:
    """Such a token is known by what was signed."""
    text = token(jti=jti, **VIEWER)
    service.ask(text)
    named = service.records()[-1]["token"]
    assert named.startswith("sha256:")
    service.revoke("token", named)
    assert service.ask(text) == REVOKED


def test_a_store_that_cannot_be_asked_is_a_503_with_its_own_reason(service: Service) -> None:
    """Never an allow, also for a token that was good a moment ago; recorded; and it heals."""
    text = token(**VIEWER)
    assert service.ask(text) == (200, "the data")
    (service.root / "revocations.sqlite3").rename(service.root / "away")
    assert service.ask(text) == (503, "revocation-unavailable")
    with pytest.raises(RevocationUnavailable) as caught:
        service.live.guard.check(text, "read:data")
    record = service.records()[-1]
    assert (record["kind"], record["outcome"], record["reason"], record["detail"]) == (
        "fault", "deny", "revocation-unavailable", str(caught.value),
    )  # fmt: skip
    (service.root / "away").rename(service.root / "revocations.sqlite3")
    assert service.ask(text) == (200, "the data")


def test_a_refused_token_is_not_looked_up(service: Service) -> None:
    """What is not verified names nothing; the store's state is not told to everybody."""
    (service.root / "revocations.sqlite3").unlink()
    assert service.ask(token(aud="another", **VIEWER)) == (401, "token-audience")
    assert service.ask(sign({"iss": ISSUER}, key=PRIVATE, algorithm="ES256", kid="x")) == (401, "token-key")


def test_a_document_in_the_policys_folder_counts_beside_the_store(service: Service) -> None:
    """Taken without a reload of the policy, which may be broken meanwhile."""
    text = token(**VIEWER)
    (service.folder / "policy.json").write_text("{", encoding="utf-8")
    entry = {"issuer": ISSUER, "subject": "alice"}
    (service.folder / "revocations.json").write_text(json.dumps({"revocations": [entry]}), encoding="utf-8")
    assert service.authz.health()["revocations"] == {"standing": "current", "problems": []}
    assert service.ask(text) == REVOKED


def test_a_broken_edit_of_the_document_is_told_by_health_and_in_every_record(service: Service) -> None:
    """While what was revoked stays so."""
    (service.folder / "revocations.json").write_text("[", encoding="utf-8")
    path = service.folder / "revocations.json"
    assert service.authz.health()["revocations"] == {
        "standing": "last-good",
        "problems": [f"{path}, line 1: not JSON: a value is expected at column 2"],
    }
    assert service.ask(token(**VIEWER)) == (200, "the data")
    path.write_text('{"revocations": []}', encoding="utf-8")
    service.authz.health()
    assert service.ask(token(**VIEWER)) == (200, "the data")
    assert [record.get("revocations") for record in service.records()] == ["last-good", None]


def test_a_start_without_its_store_is_an_error_that_says_how_to_make_one(tmp_path: Path) -> None:
    """It is never made by the way: an empty one would forget."""
    with pytest.raises(PolicyError) as caught:
        Authorizer(
            Flask("shop"), policy=write_policy(tmp_path / "policies"), audit=None, revocations=tmp_path / "none.sqlite3"
        )
    assert str(caught.value) == (
        f"the revocations in `{tmp_path}/none.sqlite3` cannot be read: there is no such file; "
        "make it with `policy token revoke --create`"
    )


def test_a_start_with_a_broken_document_is_an_error(tmp_path: Path) -> None:
    """Nobody knows what was revoked."""
    folder = write_policy(tmp_path / "policies")
    (folder / "revocations.json").write_text("{}", encoding="utf-8")
    with pytest.raises(PolicyError, match="`revocations` is missing"):
        Authorizer(Flask("again"), policy=folder, audit=tmp_path / "audit")


def test_a_start_after_a_broken_edit_goes_on_with_what_was_revoked(tmp_path: Path) -> None:
    """So that a worker which starts again does not stop the service; it says so."""
    service = Service(tmp_path)
    path = service.folder / "revocations.json"
    entry = {"issuer": ISSUER, "subject": "alice"}
    path.write_text(json.dumps({"revocations": [entry]}), encoding="utf-8")
    service.authz.health()
    path.write_text("{", encoding="utf-8")
    again = Service(tmp_path)
    path.write_text("{", encoding="utf-8")
    assert again.ask(token(**VIEWER)) == REVOKED
    assert again.authz.health()["revocations"]["standing"] == "last-good"
    assert again.ask(token(sub="bob", **VIEWER)) == (200, "the data")
    path.write_text('{"revocations": []}', encoding="utf-8")
    assert again.authz.health()["revocations"] == {"standing": "current", "problems": []}
    assert again.ask(token(**VIEWER)) == (200, "the data")


def test_an_object_of_ones_own_is_asked(tmp_path: Path) -> None:
    """Whatever has `find` and `problems`."""

    class Own:
        problems = ()

        def find(self, facts: Any) -> str | None:
            return "because" if facts.subject == "alice" else None

    rules = Policy.load(write_policy(tmp_path / "policies"))
    by = TokenVerifier(rules, revocations=Own())
    with pytest.raises(TokenRefused, match="because"):
        by.verify(token(), now=time.time())
    assert by.verify(token(sub="bob"), now=time.time()).token_id
