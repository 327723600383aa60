"""What holds of any text at all, looked for with generated examples."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from policy.errors import TokenRefused
from policy.tokens import TokenVerifier, Verified
from policy.tokens.compact import decode, split
from policy.tokens.issue import sign
from tests.tokens.makers import NOW, SECRET, base64url, claims, issuer, jwk, jwks, pem, signed, verifier

BY = {
    "HS256": (verifier(), sign(claims(jti="1"), key=SECRET, algorithm="HS256")),
    "ES256": (verifier(issuer(algorithms=("ES256",), keys=jwks(jwk("P-256", kid="a")))),
              sign(claims(jti="1"), key=pem("P-256"), algorithm="ES256", kid="a")),
    "EdDSA": (verifier(issuer(algorithms=("EdDSA",), keys=jwks(jwk("Ed25519", kid="a")))),
              sign(claims(jti="1"), key=pem("Ed25519"), algorithm="EdDSA", kid="a")),
}  # fmt: skip
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n\u00e9"
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def outcome(by: TokenVerifier, token: Any, now: float = NOW) -> Verified | None:
    """What verification gives, `None` for a refusal; the inspection has to agree, in one line of ASCII."""
    refusal = by.inspect(token, now=now).refusal
    verified, error = _verified(by, token, now)
    assert (refusal and (refusal.reason, refusal.detail)) == (error and (error.reason, error.detail))
    assert error is None or (str(error).isascii() and str(error).isprintable())
    return verified


def _verified(by: TokenVerifier, token: Any, now: float) -> tuple[Verified | None, TokenRefused | None]:
    try:
        return by.verify(token, now=now), None
    except TokenRefused as error:
        return None, error


@given(st.text())
def test_any_text_is_refused(token: str) -> None:
    """Text that nobody signed is refused, and nothing else happens."""
    assert outcome(BY["HS256"][0], token) is None


@given(st.text(alphabet=ALPHABET), st.text(alphabet=ALPHABET), st.text(alphabet=ALPHABET))
def test_any_three_parts_are_refused(header: str, payload: str, signature: str) -> None:
    """Three parts that nobody signed are refused, and nothing else happens."""
    assert outcome(BY["ES256"][0], f"{header}.{payload}.{signature}") is None


@given(st.binary(), st.binary(), st.binary(max_size=80))
def test_any_encoded_bytes_are_refused(header: bytes, payload: bytes, signature: bytes) -> None:
    """Bytes in good base64url that nobody signed are refused, and nothing else happens."""
    token = f"{base64url(header)}.{base64url(payload)}.{base64url(signature)}"
    assert outcome(BY["EdDSA"][0], token) is None


@settings(max_examples=400)
@given(st.sampled_from(sorted(BY)), st.data())
def test_a_changed_token_is_refused(name: str, data: st.DataObject) -> None:
    """A good token with characters put in, taken out or changed is refused, or it is the same token."""
    by, token = BY[name]
    start = data.draw(st.integers(0, len(token)))
    end = data.draw(st.integers(start, min(len(token), start + 3)))
    changed = token[:start] + data.draw(st.text(alphabet=ALPHABET, max_size=3)) + token[end:]
    assert outcome(by, changed) == (by.verify(token, now=NOW) if changed == token else None)


@given(st.text(alphabet=ALPHABET.replace("\u00e9", "").replace(".", ""), max_size=7))
def test_every_byte_string_has_one_spelling(part: str) -> None:
    """A part is decoded only if it is the very text that its bytes are encoded to."""
    try:
        raw = decode(split(f"{part}..").header, "part")
    except TokenRefused:
        return
    assert base64url(raw) == part


@given(st.binary())
def test_every_byte_string_can_be_spelled(raw: bytes) -> None:
    """Nothing that is in canonical form is refused."""
    assert decode(split(f"{base64url(raw)}..").header, "part") == raw


@settings(max_examples=200)
@given(st.binary(min_size=64, max_size=64))
def test_any_signature_of_the_right_length_is_refused(signature: bytes) -> None:
    """No signature of the right length is accepted by chance or by form."""
    for name in ("ES256", "EdDSA"):
        by, token = BY[name]
        assert outcome(by, f"{token.rsplit('.', 1)[0]}.{base64url(signature)}") is None


@settings(max_examples=300)
@given(st.sampled_from(["iss", "sub", "aud", "exp", "iat", "nbf", "jti"]), JSON, NUMBERS)
def test_any_signed_claim_is_read_or_refused(name: str, value: Any, now: float) -> None:
    """A signed token with any JSON value in any claim, at any time, is accepted or refused, and never an error."""
    token = signed(payload=json.dumps({**claims(), name: value}).encode("utf-8", "surrogatepass"))
    verified = outcome(BY["HS256"][0], token, now)
    assert verified is None or verified.claims == {**claims(), name: value}


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "jwk", "x"]), JSON))
def test_any_signed_header_is_read_or_refused(header: dict[str, Any]) -> None:
    """A signed token with any JSON header is accepted or refused, and never an error."""
    verified = outcome(BY["HS256"][0], signed(header))
    assert verified is None or verified.header == header


@settings(max_examples=300)
@given(st.binary())
def test_any_signed_payload_is_read_or_refused(payload: bytes) -> None:
    """A signed token with any bytes for a payload is refused, and never an error."""
    assert outcome(BY["HS256"][0], signed(payload=payload)) is None
