"""Keys and signed tokens for development and tests. Nothing here is used to verify anything."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, Literal

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt import PyJWTError, get_algorithm_by_name

from policy.errors import PolicyError
from policy.tokens.algorithms import RSA_BITS_AT_LEAST, SECRET_BYTES_AT_LEAST, SHAPES, misfit
from policy.tokens.secret import secret_faults

Asymmetric = Literal["ES256", "RS256", "EdDSA"]
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | Ed25519PrivateKey


def _new_key(algorithm: Asymmetric) -> PrivateKey:
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    if algorithm == "RS256":
        return rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS_AT_LEAST)
    return Ed25519PrivateKey.generate()


def generate_key(algorithm: Asymmetric = "ES256", kid: str = "dev") -> tuple[str, dict[str, Any]]:
    """A new key: the private half as PEM text (PKCS #8), and the public half as a JWK (RFC 7517) for a policy."""
    if algorithm not in ("ES256", "RS256", "EdDSA"):
        raise PolicyError(f"keys are made for `ES256`, `RS256` and `EdDSA`, not for {algorithm!r}")
    key = _new_key(algorithm)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")
    return pem, {**_public_jwk(key, algorithm), "kid": kid, "alg": algorithm, "use": "sig"}


def _public_jwk(key: Any, algorithm: str) -> dict[str, Any]:
    jwk: dict[str, Any] = get_algorithm_by_name(algorithm).to_jwk(key.public_key(), as_dict=True)
    return {name: value for name, value in jwk.items() if name != "key_ops"}


def sign(
    claims: Mapping[str, Any],
    *,
    key: str | bytes,
    algorithm: str,
    kid: str | None = None,
    typ: str | None = "at+jwt",
) -> str:
    """A signed token (RFC 7515 section 7.1) for development; the claims are taken as they are, right or wrong.

    `key` is a private key as PEM text, or a secret. Raises `PolicyError` where it is no key for the algorithm.
    """
    header = {"alg": algorithm, "kid": kid, "typ": typ}
    present = {name: value for name, value in header.items() if value is not None}
    signed = f"{_part(present)}.{_part(claims)}"
    signature: bytes = get_algorithm_by_name(algorithm).sign(signed.encode("ascii"), _signing_key(key, algorithm))
    return f"{signed}.{_base64url(signature)}"


def _signing_key(key: str | bytes, algorithm: str) -> Any:
    fault, prepared = "", None
    if algorithm in SECRET_BYTES_AT_LEAST:
        prepared = key.encode() if isinstance(key, str) else key
        fault = "; ".join(secret_faults(prepared, (algorithm,)))
    elif algorithm in SHAPES:
        prepared, fault = _private_key(key, algorithm)
    else:
        fault = f"unknown algorithm {algorithm!r}"
    if fault:
        raise PolicyError(fault)
    return prepared


def _private_key(key: str | bytes, algorithm: str) -> tuple[Any, str]:
    try:
        prepared = get_algorithm_by_name(algorithm).prepare_key(key)
        return prepared, misfit(algorithm, _public_jwk(prepared, algorithm))
    except (PyJWTError, ValueError, TypeError, AttributeError):
        return None, f"it is no private key as PEM text for `{algorithm}`"


def _part(value: Mapping[str, Any]) -> str:
    return _base64url(json.dumps(value, separators=(",", ":")).encode("ascii"))


def _base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
