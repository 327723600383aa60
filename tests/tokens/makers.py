"""Issuers, keys and signed tokens for the tests of this folder; whatever a test does not name is sound."""

import json
import os
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any
from unittest.mock import patch

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from jwt import get_algorithm_by_name

from policy.errors import TokenRefused
from policy.model import Issuer, KeySource
from policy.reasons import Reason
from policy.tokens import TokenVerifier

NOW = 1_800_000_000.0
NAME = "https://id.example.com/"
SECRET = "a secret of sixty-four bytes, which is as long as SHA-512 wants!"
VARIABLE = "POLICY_TEST_SECRET"
PRIVATE: Mapping[str, Callable[[], Any]] = {
    "RSA": lambda: rsa.generate_private_key(65537, 2048),
    "RSA-1024": lambda: rsa.generate_private_key(65537, 1024),
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "P-521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "secp256k1": lambda: ec.generate_private_key(ec.SECP256K1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
    "Ed448": ed448.Ed448PrivateKey.generate,
}
ALGORITHM = {"RSA": "RS256", "RSA-1024": "RS256", "P-256": "ES256", "P-384": "ES384", "P-521": "ES512",
             "secp256k1": "ES256K", "Ed25519": "EdDSA", "Ed448": "EdDSA"}  # fmt: skip


@cache
def private_key(kind: str, which: int = 0) -> Any:
    """A private key of that kind, the same one each time for the same number."""
    return PRIVATE[kind]()


def pem(kind: str, which: int = 0) -> str:
    """The private key as PEM text."""
    key = private_key(kind, which)
    text: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return text.decode()


def public_text(kind: str, encoding: Encoding, form: PublicFormat) -> bytes:
    """The public key as others publish it."""
    raw: bytes = private_key(kind).public_key().public_bytes(encoding, form)
    return raw


def jwk(kind: str, which: int = 0, **members: Any) -> dict[str, Any]:
    """The public key as a JWK, with members added; `None` takes one away."""
    made = get_algorithm_by_name(ALGORITHM[kind]).to_jwk(private_key(kind, which).public_key(), as_dict=True)
    made.pop("key_ops", None)
    return {name: value for name, value in {**made, **members}.items() if value is not None}


def private_jwk(kind: str) -> dict[str, Any]:
    """The private key as a JWK."""
    made: dict[str, Any] = get_algorithm_by_name(ALGORITHM[kind]).to_jwk(private_key(kind), as_dict=True)
    made.pop("key_ops", None)
    return made


def jwks(*keys: Mapping[str, Any]) -> KeySource:
    """A JWK Set inline."""
    return KeySource(jwks=json.dumps({"keys": keys}))


def issuer(**changes: Any) -> Issuer:
    """An issuer with a shared secret and no demands beyond the common ones."""
    sound: dict[str, Any] = {
        "name": NAME, "profile": "plain", "audience": ("https://api.example.com",), "audience_claim": ("aud",),
        "algorithms": ("HS256",), "keys": KeySource(env=VARIABLE), "authority": {"user": "scopes"}, "claims": {},
        "kinds": {}, "types": frozenset({"", "jwt", "at+jwt"}),
    }  # fmt: skip
    return Issuer(**{**sound, **changes})


def verifier(*issuers: Issuer, secret: str = SECRET, **options: Any) -> TokenVerifier:
    """A verifier of these issuers, or of the sound one."""
    with patch.dict(os.environ, {VARIABLE: secret}):
        return TokenVerifier({each.name: each for each in issuers or (issuer(),)}, **options)


def claims(**changes: Any) -> dict[str, Any]:
    """Claims that the sound issuer's tokens have; `...` takes one away."""
    sound = {"iss": NAME, "sub": "alice", "aud": "https://api.example.com", "exp": int(NOW) + 300, "iat": int(NOW) - 10}
    return {name: value for name, value in {**sound, **changes}.items() if value is not ...}


def base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(header: Any = None, payload: Any = None, *, key: Any = SECRET, algorithm: str = "HS256") -> str:
    """A token with a good signature over this header and payload, given as values, text or bytes."""
    head, body = _raw({"alg": algorithm} if header is None else header), _raw(claims() if payload is None else payload)
    message = f"{base64url(head)}.{base64url(body)}"
    material = key.encode() if isinstance(key, str) else key
    return f"{message}.{base64url(get_algorithm_by_name(algorithm).sign(message.encode(), material))}"


def _raw(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    return (value if isinstance(value, str) else json.dumps(value)).encode()


def refused(token: Any, *, by: TokenVerifier | None = None, now: float = NOW) -> tuple[Reason, str]:
    """Why a token is refused; the inspection has to give the same, and neither may quote its signature."""
    by = by or verifier()
    with pytest.raises(TokenRefused) as caught:
        by.verify(token, now=now)
    error, found = caught.value, by.inspect(token, now=now)
    assert found.refusal is not None
    assert (found.refusal.reason, found.refusal.detail) == (error.reason, error.detail)
    assert error.__context__ is None
    _check_silent(token, f"{error} {error!r} {found!r}")
    return error.reason, error.detail


def _check_silent(token: Any, said: str) -> None:
    signature = token.rsplit(".", 1)[-1] if isinstance(token, str) and token.count(".") == 2 else ""
    assert not any(signature[at : at + 16] in said for at in range(len(signature) - 15))
