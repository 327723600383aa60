"""What keys, certificates and tokens are known by: SHA-256 hashes, in base64url without padding."""

import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final

#: The members that make a key what it is, by `kty` (RFC 7638 section 3.2, RFC 8037 section 2).
MEMBERS: Final = MappingProxyType(
    {"EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n"), "OKP": ("crv", "kty", "x")}
)
_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_HASH: Final = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]", re.ASCII)
_HEX: Final = re.compile(r"[0-9A-Fa-f]{64}", re.ASCII)


def is_hash(text: Any) -> bool:
    """Whether it is a SHA-256 hash in canonical base64url: 43 characters."""
    return type(text) is str and _HASH.fullmatch(text) is not None


def key_fault(jwk: Mapping[str, Any]) -> str:
    """Why a JWK has no thumbprint; empty where it has one."""
    kty = jwk.get("kty")
    if type(kty) is not str or kty not in MEMBERS:
        return "it has no `kty` of a public key"
    for name in MEMBERS[kty]:
        if type(jwk.get(name)) is not str or not _BASE64URL.fullmatch(jwk[name]):
            return f"it has no `{name}` in base64url"
    return ""


def key_thumbprint(jwk: Mapping[str, Any]) -> str:
    """The thumbprint of a public key in which `key_fault` finds nothing wrong (RFC 7638 section 3)."""
    members = {name: jwk[name] for name in MEMBERS[jwk["kty"]]}
    return _hashed(json.dumps(members, separators=(",", ":"), sort_keys=True))


def token_hash(token: str) -> str:
    """What a proof says of its access token in `ath` (RFC 9449 section 4.2)."""
    return _hashed(token)


def certificate_hash(text: str) -> str:
    """The SHA-256 of a certificate as a front end gives it, in hexadecimal or base64url; empty where it is neither."""
    if _HEX.fullmatch(text):
        return _base64url(bytes.fromhex(text))
    return text if is_hash(text) else ""


def _hashed(text: str) -> str:
    return _base64url(sha256(text.encode("ascii")).digest())


def _base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
