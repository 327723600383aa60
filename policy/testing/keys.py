"""Key pairs for tests: made once in a process for each issuer and algorithm, and never written anywhere."""

import secrets
import threading
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from policy.model import Issuer
from policy.tokens.algorithms import RSA_BITS_AT_LEAST, SECRET_BYTES_AT_LEAST
from policy.tokens.keys import Keys, PublicKeys, SecretKeys, prepared

KID: Final = "policy-testing"
_CURVES: Final = MappingProxyType({"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()})


class KeyPair(NamedTuple):
    """What signs, as `policy.tokens.issue.sign` takes it, and what verifies; `kid` is that of the header."""

    algorithm: str
    private: str | bytes
    kid: str | None
    keys: Keys


def key_pair(issuer: Issuer) -> KeyPair:
    """The pair for the first algorithm that an issuer accepts, the same one each time."""
    name = (issuer.name, issuer.algorithms)
    with _lock:
        if name not in _made:
            _made[name] = _new(issuer.algorithms)
        return _made[name]


def keys_of(issuer: Issuer) -> Keys:
    """What takes the place of the issuer's own keys."""
    return key_pair(issuer).keys


_made: Final[dict[tuple[str, tuple[str, ...]], KeyPair]] = {}
_lock: Final = threading.Lock()


def _new(algorithms: tuple[str, ...]) -> KeyPair:
    algorithm = algorithms[0]
    if algorithm in SECRET_BYTES_AT_LEAST:
        secret = secrets.token_bytes(max(SECRET_BYTES_AT_LEAST.values()))
        return KeyPair(algorithm, secret, None, SecretKeys(secret, algorithms))
    private = _private(algorithm)
    pem: bytes = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = PublicKeys([prepared(algorithm, private.public_key(), KID)])
    return KeyPair(algorithm, pem.decode("ascii"), KID, public)


def _private(algorithm: str) -> Any:
    if algorithm in _CURVES:
        return ec.generate_private_key(_CURVES[algorithm])
    if algorithm == "EdDSA":
        return Ed25519PrivateKey.generate()
    return rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS_AT_LEAST)
