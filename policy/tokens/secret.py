"""What a shared secret must be, and what it must never be (RFC 7518 section 3.2, RFC 8725 section 2.1)."""

from collections.abc import Iterable
from typing import Final

from jwt import get_algorithm_by_name
from jwt.exceptions import InvalidKeyError

from policy.tokens.algorithms import SECRET_BYTES_AT_LEAST

SSH: Final = (b"ssh-", b"ecdsa-sha2-", b"sk-ssh-", b"sk-ecdsa-")
PUBLIC: Final = "it is a key of another kind, which others may know; a secret is random bytes"


def secret_in_file(raw: bytes) -> bytes:
    """The secret that a file holds. The line end after a secret of printable text is an editor's, and left out."""
    line = raw.removesuffix(b"\n").removesuffix(b"\r")
    return line if line.isascii() and line.decode("ascii").isprintable() else raw


def secret_faults(secret: bytes, algorithms: Iterable[str]) -> list[str]:
    """Why these bytes cannot be the secret of these HMAC algorithms."""
    if not secret:
        return ["the secret is empty"]
    if _is_public(secret):
        return [PUBLIC]
    return [
        f"`{name}` needs a secret of at least {SECRET_BYTES_AT_LEAST[name]} bytes, this one has {len(secret)}"
        for name in algorithms
        if len(secret) < SECRET_BYTES_AT_LEAST[name]
    ]


def _is_public(secret: bytes) -> bool:
    start = secret.lstrip()
    if b"-----BEGIN " in secret or start.startswith(SSH) or (start[:1] in (b"{", b"[") and b'"kty"' in secret):
        return True
    try:
        get_algorithm_by_name("HS256").prepare_key(secret)
    except InvalidKeyError:
        return True
    return False
