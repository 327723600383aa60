"""The compact serialization of a signed token, taken apart without leniency (RFC 7515 sections 2 and 7.1)."""

import binascii
from typing import Any, Final, NamedTuple

from policy.errors import TokenRefused
from policy.reasons import Reason

#: base64url to base64; what belongs to base64 only becomes `!`, which the decoder refuses.
TO_BASE64: Final = bytes.maketrans(b"-_+/=", b"+/!!!")
ALPHABET: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
PADDING: Final = (b"", b"", b"==", b"=")
#: The last characters whose unused bits are zero, by the length modulo 4. All others are a second spelling.
CANONICAL_END: Final = (b"", b"", b"AQgw", b"AEIMQUYcgkosw048")


class Parts(NamedTuple):
    """The bytes that were signed, and the three parts in base64's own alphabet, not decoded yet."""

    signed: bytes
    header: bytes
    payload: bytes
    signature: bytes


def check_size(token: Any, max_bytes: int) -> str:
    """The token, unless it is not text or longer than the limit."""
    if not isinstance(token, str):
        raise TokenRefused(Reason.TOKEN_PARTS, f"expected text, seen `{type(token).__name__}`")
    if len(token) > max_bytes:
        raise TokenRefused(Reason.TOKEN_TOO_LARGE, f"expected at most {max_bytes} bytes, seen {len(token)}")
    return token


def check_ascii(token: str) -> str:
    """The token, unless it has characters outside ASCII, which no part of one can have."""
    if not token.isascii():
        raise TokenRefused(Reason.TOKEN_NOT_ASCII, "expected ASCII only")
    return token


def split(token: str) -> Parts:
    """The three parts of ASCII text; five are an encrypted token (RFC 7516), and `{` begins a JSON serialization."""
    if token[:1] == "{":
        raise TokenRefused(Reason.TOKEN_PARTS, "expected the compact serialization, seen the JSON one")
    if token.count(".") != 2:
        seen = token.count(".") + 1
        encrypted = ", as an encrypted token has" if seen == 5 else ""
        raise TokenRefused(Reason.TOKEN_PARTS, f"expected 3 parts, seen {seen}{encrypted}")
    raw = token.encode("ascii")
    header, payload, signature = raw.translate(TO_BASE64).split(b".")
    return Parts(raw[: -1 - len(signature)], header, payload, signature)


def decode(part: bytes, name: str) -> bytes:
    """The bytes of one part: no padding, no character outside base64url, no bits left over (RFC 4648 section 3.5)."""
    loose = len(part) % 4
    canonical = not loose or part[-1] in CANONICAL_END[loose]
    try:
        raw = binascii.a2b_base64(part + PADDING[loose], strict_mode=True) if canonical else None
    except binascii.Error:
        raw = None
    if raw is None:
        raise TokenRefused(Reason.TOKEN_ENCODING, f"the {name} {_fault(part)}")
    return raw


def _fault(part: bytes) -> str:
    if not ALPHABET.issuperset(part):
        return "has characters outside base64url"
    return "has a length that base64url cannot have" if len(part) % 4 == 1 else "does not end in canonical base64url"
