"""One test for each advisory against a library of this kind that tokens alone can show."""

import json
import math
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt import get_algorithm_by_name

from policy import Guard, Policy
from policy.errors import PolicyError, TokenRefused
from policy.model import ClaimTest, KeySource
from policy.reasons import Reason
from policy.tokens import TokenVerifier
from policy.tokens.issue import sign
from tests.issuing import ISSUER, PRIVATE, write_policy
from tests.tokens.makers import (
    NAME,
    NOW,
    SECRET,
    VARIABLE,
    base64url,
    claims,
    issuer,
    jwk,
    jwks,
    pem,
    public_text,
    refused,
    signed,
    verifier,
)

PEM = public_text("RSA", Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
DER = public_text("RSA", Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
SSH = public_text("RSA", Encoding.OpenSSH, PublicFormat.OpenSSH)
ECDSA_SSH = public_text("P-256", Encoding.OpenSSH, PublicFormat.OpenSSH)
JWK = json.dumps(jwk("RSA")).encode()
JWK_SET = json.dumps({"keys": [jwk("RSA")]}).encode()
RSA_ISSUER = issuer(algorithms=("RS256",), keys=jwks(jwk("RSA", kid="a")))


@pytest.mark.parametrize(
    "public", [PEM, DER, SSH, ECDSA_SSH, JWK, JWK_SET], ids=["pem", "der", "ssh", "ecdsa", "jwk", "set"]
)
def test_cve_2017_11424_cve_2022_29217_cve_2024_33663_cve_2024_37568_cve_2026_48526(public: bytes) -> None:
    """A public key is no secret: a token signed with it is refused, and so is an issuer whose secret it is."""
    token = signed(key=public)
    detail = 'expected `alg` to be "RS256", seen "HS256"'
    assert refused(token, by=verifier(RSA_ISSUER)) == (Reason.TOKEN_ALGORITHM, detail)
    if b"\x00" not in public:
        with pytest.raises(PolicyError, match="it is a key of another kind"):
            verifier(secret=public.decode())


def test_a_public_key_in_a_file_is_no_secret(tmp_path: Path) -> None:
    """The same holds of a secret's file, whatever the encoding of the key and the space before it."""
    for public in (PEM, b"\n  " + PEM, DER, SSH, JWK, b" " + JWK_SET):
        path = tmp_path / "secret"
        path.write_bytes(public)
        with pytest.raises(PolicyError, match="it is a key of another kind"):
            verifier(issuer(keys=KeySource(file=str(path))))


def test_cve_2026_48523() -> None:
    """The issuer's list of algorithms decides, not what the key object could do."""
    token = sign(claims(), key=pem("RSA"), algorithm="PS512", kid="a")
    detail = 'expected `alg` to be "RS256", seen "PS512"'
    assert refused(token, by=verifier(RSA_ISSUER)) == (Reason.TOKEN_ALGORITHM, detail)


@pytest.mark.parametrize("part", range(3))
def test_cve_2026_48525_cve_2025_61920_huge_parts(part: int) -> None:
    """A part of a million characters is refused by its length alone."""
    parts = signed().split(".")
    parts[part] = "A" * 1_000_000
    assert refused(".".join(parts))[0] == Reason.TOKEN_TOO_LARGE


def test_cve_2026_48525_cve_2025_61920_detached_payload() -> None:
    """A payload left out (RFC 7515 appendix F), or left unencoded (RFC 7797), is refused."""
    assert refused(signed(payload=b"")) == (Reason.TOKEN_JSON, "the payload: it is empty")
    assert refused(signed({"alg": "HS256", "b64": False, "crit": ["b64"]}))[0] == Reason.TOKEN_CRITICAL


def test_cve_2026_32597_cve_2025_59420() -> None:
    """An extension that is marked critical and not understood refuses the token."""
    header = {"alg": "HS256", "crit": ["http://example.invalid/x"], "http://example.invalid/x": True}
    detail = 'expected no `crit` in the header, seen ["http://example.invalid/x"]'
    assert refused(signed(header)) == (Reason.TOKEN_CRITICAL, detail)


@pytest.mark.parametrize("iss", [NAME[:-4], "id", NAME + "evil", [NAME], "https://id.example.com/../"])
def test_cve_2024_53861(iss: Any) -> None:
    """A prefix, a part or an extension of an issuer's name is another name."""
    assert refused(signed(payload=claims(iss=iss)))[0] == Reason.TOKEN_ISSUER


def test_cve_2025_45768() -> None:
    """A short key is an error of configuration."""
    with pytest.raises(PolicyError, match="`HS256` needs a secret of at least 32 bytes, this one has 31"):
        verifier(secret=SECRET[:31])
    with pytest.raises(PolicyError, match="an RSA key needs at least 2048 bits, this one has 1024"):
        verifier(issuer(algorithms=("RS256",), keys=jwks(jwk("RSA-1024"))))


@pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE"])
@pytest.mark.parametrize("signature", ["", "AAAA", signed().rsplit(".", 1)[1]])
def test_cve_2026_28802(name: str, signature: str) -> None:
    """`none` is nobody's algorithm, in any case, with or without a signature."""
    token = f"{base64url(json.dumps({'alg': name}).encode())}.{signed().split('.')[1]}.{signature}"
    for by, expected in ((verifier(), "HS256"), (verifier(RSA_ISSUER), "RS256")):
        detail = f'expected `alg` to be "{expected}", seen "{name}"'
        assert refused(token, by=by) == (Reason.TOKEN_ALGORITHM, detail)


@pytest.mark.parametrize(
    "member",
    [
        {"jwk": jwk("RSA", 1)},
        {"jku": "https://evil.example/keys"},
        {"x5u": "https://evil.example/cert"},
        {"x5c": [b64encode(b"certificate").decode()]},
    ],
)
def test_cve_2026_27962(member: dict[str, Any]) -> None:
    """A key that the token brings is not used, and bringing one is refused."""
    key = get_algorithm_by_name("RS256").prepare_key(pem("RSA", 1))
    token = signed({"alg": "RS256", **member}, key=key, algorithm="RS256")
    detail = f"expected no `{next(iter(member))}` in the header"
    assert refused(token, by=verifier(RSA_ISSUER)) == (Reason.TOKEN_KEY_IN_HEADER, detail)


def test_cve_2026_28498() -> None:
    """An ID token is no access token, even for the right audience."""
    by = verifier(issuer(rejected=(ClaimTest(path=("at_hash",), exists=True),)))
    detail = "an access token of this issuer never has `at_hash`"
    assert refused(signed(payload=claims(at_hash="x")), by=by) == (Reason.TOKEN_NOT_ACCESS, detail)


@pytest.mark.parametrize("alg", ["dir", "RSA1_5", "RSA-OAEP", "PBES2-HS256+A128KW"])
def test_cve_2026_28490_cve_2024_33664_cve_2024_28102_cve_2026_27932(alg: str) -> None:
    """An encrypted token is refused by its five parts, before a key is derived or anything is inflated."""
    header = {"alg": alg, "enc": "A128GCM", "zip": "DEF", "p2c": 10**9, "p2s": "AAAA"}
    token = ".".join((base64url(json.dumps(header).encode()), "AA", "AA", "AA", "AA"))
    assert refused(token) == (Reason.TOKEN_PARTS, "expected 3 parts, seen 5, as an encrypted token has")
    detail = f'expected `alg` to be "HS256", seen "{alg}"'
    assert refused(signed(header)) == (Reason.TOKEN_ALGORITHM, detail)


def test_cve_2026_49852(tmp_path: Path) -> None:
    """An empty or absent secret stops the start."""
    (tmp_path / "empty").write_bytes(b"\n")
    for source in (KeySource(env=VARIABLE), KeySource(file=str(tmp_path / "empty"))):
        with pytest.raises(PolicyError, match="the secret is empty"):
            verifier(issuer(keys=source), secret="")
    with pytest.raises(PolicyError, match="need a secret named by `env` or `file`"):
        verifier(issuer(keys=KeySource()))


def test_ghsa_5jhw_7jv7_qcqq() -> None:
    """A token with `=` after it is not a second name of the same token."""
    assert refused(signed() + "=") == (Reason.TOKEN_ENCODING, "the signature has characters outside base64url")


def test_cve_2022_39227() -> None:
    """The JSON serializations are refused, also where they hide a compact token between two dots."""
    head, body, signature = signed().split(".")
    flat = json.dumps({"protected": head, "payload": body, "signature": signature})
    mixed = json.dumps({f"  {signed()}": "", "protected": head, "payload": "e30", "signature": signature})
    for token in (flat, mixed):
        assert refused(token) == (Reason.TOKEN_PARTS, "expected the compact serialization, seen the JSON one")


def test_cve_2020_26244() -> None:
    """A symmetric algorithm is refused by an issuer of asymmetric ones, and the other way round."""
    token = sign(claims(), key=pem("RSA"), algorithm="RS256")
    assert refused(token)[0] == Reason.TOKEN_ALGORITHM
    assert refused(signed(), by=verifier(RSA_ISSUER))[0] == Reason.TOKEN_ALGORITHM


@pytest.mark.parametrize(
    ("auth_time", "reason"),
    [
        (..., "step-up-required"),
        (NOW + 31, "step-up-required"),
        (NOW - 301, "step-up-required"),
        (str(int(NOW)), "token-claim-type"),
        (True, "token-claim-type"),
        (None, "token-claim-type"),
        ([NOW], "token-claim-type"),
        (-1, "token-claim-type"),
        (1e15, "token-claim-type"),
        (math.inf, "token-json"),
        (math.nan, "token-json"),
        (NOW + 30, "allowed"),
        (NOW - 300, "allowed"),
    ],
)
def test_ghsa_f66q_9rf6_8795(tmp_path: Path, auth_time: Any, reason: str) -> None:
    """A login whose time is absent, in the future or no number never counts as recent."""
    rules = Policy.load(write_policy(tmp_path))
    guard = Guard(rules, TokenVerifier(rules), None, clock=lambda: NOW)
    given = claims(iss=ISSUER, roles=["admin"], scope="delete:data", acr="mfa", auth_time=auth_time)
    token = sign(given, key=PRIVATE, algorithm="ES256", kid="test-key")
    try:
        found = guard.check(token, "delete:data").reason
    except TokenRefused as refused:
        found = refused.reason
    assert found == reason


def test_the_sound_token_of_these_tests_is_accepted() -> None:
    """What the forgeries imitate is itself accepted."""
    token = sign(claims(), key=pem("RSA"), algorithm="RS256", kid="a")
    assert verifier(RSA_ISSUER).verify(token, now=NOW).claims == claims()
