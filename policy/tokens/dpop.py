"""A proof that the bearer of a token has the key it is bound to, made for one request (RFC 9449 section 4)."""

from collections.abc import Mapping
from hmac import compare_digest
from typing import Any, Final, NamedTuple

from policy.claims import ABSENT
from policy.errors import TokenRefused
from policy.reasons import Reason
from policy.tokens.algorithms import misfit
from policy.tokens.compact import check_ascii, decode, split
from policy.tokens.header import KEYS, Header, check_critical, read_header, read_part
from policy.tokens.jwks import load_key
from policy.tokens.keys import prepared
from policy.tokens.presented import Presented
from policy.tokens.target import is_same_target
from policy.tokens.thumbprints import key_fault, key_thumbprint, token_hash
from policy.tokens.wording import listed, seconds, shown

#: The signature algorithms of proofs: asymmetric ones only.
PROOF_ALGORITHMS: Final = (
    "ES256", "ES384", "ES512", "EdDSA", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512",
)  # fmt: skip
MAX_PROOF_BYTES: Final = 8192
WINDOW: Final = 60
"""How many seconds the clocks of client and server may lie apart, the way of the request included, either way."""
LONGEST_ID: Final = 256
TYPE: Final = "dpop+jwt"


class Proof(NamedTuple):
    """A well-formed proof. Neither its signature nor what it says is checked yet."""

    header: Header
    jwk: dict[str, Any]
    claims: Mapping[str, Any]
    signed: bytes
    signature: bytes

    @property
    def thumbprint(self) -> str:
        """The thumbprint of its key (RFC 7638)."""
        return key_thumbprint(self.jwk)


def read_proof(text: str) -> Proof:
    """The proof in a `DPoP` header; `TokenRefused` with `token-proof` where there is not exactly one, well-formed."""
    if not text:
        raise _refused("expected one `DPoP` header, seen none")
    if "," in text:
        raise _refused("expected one `DPoP` header, seen several")
    if len(text) > MAX_PROOF_BYTES:
        raise _refused(f"expected at most {MAX_PROOF_BYTES} bytes, seen {len(text)}")
    try:
        return _taken_apart(text)
    except TokenRefused as refused:  # what is wrong with any signed token
        fault = refused.detail
    raise _refused(fault)


def _taken_apart(text: str) -> Proof:
    parts = split(check_ascii(text))
    members = read_part(parts.header, "header")
    check_critical(members)
    header = read_header(members)
    if header.typ != TYPE:
        raise _refused(f'expected `typ` to be "{TYPE}", seen {_seen(members.get("typ", ABSENT))}')
    if header.algorithm not in PROOF_ALGORITHMS:
        raise _refused(f"expected `alg` to be {listed(PROOF_ALGORITHMS)}, seen {shown(header.algorithm)}")
    jwk = _key_of(members, header.algorithm)
    return Proof(header, jwk, read_part(parts.payload, "payload"), parts.signed, decode(parts.signature, "signature"))


def _key_of(members: Mapping[str, Any], algorithm: str) -> dict[str, Any]:
    for name in KEYS:
        if name in members and name != "jwk":
            raise _refused(f"expected no `{name}` in the header")
    jwk = members.get("jwk", ABSENT)
    if type(jwk) is not dict:
        raise _refused(f"expected `jwk` in the header to be an object, seen {_seen(jwk)}")
    if fault := key_fault(jwk) or misfit(algorithm, jwk):
        raise _refused(f"its `jwk`: {fault}")
    return jwk


def check_proof(proof: Proof, presented: Presented, token: str, now: float) -> None:
    """Check the signature of a proof, and that it was made for this request and this token, at this time.

    `TokenRefused` with `token-proof`. Whether it was seen before is for others to say.
    """
    _check_signature(proof)
    _check_id(proof.claims)
    _check_text(proof.claims, "htm", presented.method)
    _check_target(proof.claims, presented.url)
    _check_time(proof.claims, now)
    _check_token(proof.claims, token)


def _check_signature(proof: Proof) -> None:
    """Here, and nowhere else, the key is one that came in a header: the token has named it by its thumbprint."""
    algorithm = proof.header.algorithm
    material, fault = load_key(proof.jwk, algorithm)
    if fault:
        raise _refused(f"its `jwk`: {fault}")
    key = prepared(algorithm, material)
    if not key.algorithm.verify(proof.signed, key.material, proof.signature):
        raise _refused("its key does not verify it")


def _check_id(claims: Mapping[str, Any]) -> None:
    found = claims.get("jti", ABSENT)
    if type(found) is not str or not 0 < len(found) <= LONGEST_ID:
        seen = f"{len(found)} characters" if type(found) is str and found else _seen(found)
        raise _refused(f"expected `jti` to be a text of 1 to {LONGEST_ID} characters, seen {seen}")


def _check_text(claims: Mapping[str, Any], name: str, expected: str) -> None:
    found = claims.get(name, ABSENT)
    if type(found) is not str or not found or found != expected:
        raise _refused(f"expected `{name}` to be {shown(expected)}, seen {_seen(found)}")


def _check_target(claims: Mapping[str, Any], url: str) -> None:
    found = claims.get("htu", ABSENT)
    if type(found) is not str or not is_same_target(found, url):
        raise _refused(f"expected `htu` to be {shown(url)}, seen {_seen(found)}")


def _check_time(claims: Mapping[str, Any], now: float) -> None:
    """`iat` is within the window; `exp` and `nbf`, which a proof need not have, hold as in any signed token."""
    issued = _number(claims, "iat")
    if not abs(now - issued) <= WINDOW:
        way = f"{seconds(now - issued)} ago" if issued < now else f"in {seconds(issued - now)}"
        raise _refused(f"expected `iat` within {WINDOW} s of now, seen {way}")
    if "exp" in claims and not now < _number(claims, "exp") + WINDOW:
        raise _refused(f"`exp` was {seconds(now - claims['exp'])} ago, the leeway is {WINDOW} s")
    if "nbf" in claims and not _number(claims, "nbf") <= now + WINDOW:
        raise _refused(f"`nbf` is in {seconds(claims['nbf'] - now)}, the leeway is {WINDOW} s")


def _number(claims: Mapping[str, Any], name: str) -> float:
    found = claims.get(name, ABSENT)
    if type(found) is int or type(found) is float:
        return found
    raise _refused(f"expected `{name}` to be a number of seconds, seen {_seen(found)}")


def _check_token(claims: Mapping[str, Any], token: str) -> None:
    """Compared as long as it takes for any other text, though a hash tells nobody the token."""
    found = claims.get("ath", ABSENT)
    if type(found) is not str or not compare_digest(found.encode(errors="replace"), token_hash(token).encode()):
        raise _refused(f"expected `ath` to be the hash of the token, seen {_seen(found)}")


def _seen(value: Any) -> str:
    return "none" if value is ABSENT else shown(value)


def _refused(detail: str) -> TokenRefused:
    return TokenRefused(Reason.TOKEN_PROOF, detail)
