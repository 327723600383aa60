"""The header and the payload of a token, read from their parts (RFC 7515 section 4, RFC 8725)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from policy.errors import TokenRefused
from policy.reasons import Reason
from policy.tokens.compact import decode
from policy.tokens.strict_json import DuplicateMember, NotStrict, read_object
from policy.tokens.wording import shown

#: A key or the address of one. Their presence is refused, used or not.
KEYS: Final = ("jwk", "jku", "x5u", "x5c")
#: `crit` may be present only to demand an extension (RFC 7515 section 4.1.11); `b64` is one (RFC 7797).
EXTENSIONS: Final = ("crit", "b64")
TEXTS: Final = (("alg", Reason.TOKEN_ALGORITHM), ("kid", Reason.TOKEN_KEY), ("typ", Reason.TOKEN_TYPE))


class Header(NamedTuple):
    """A header that brings no key and demands nothing.

    `typ` is in lower case and without `application/`; the empty text stands for an absent one.
    """

    members: Mapping[str, Any]
    algorithm: str
    kid: str | None
    typ: str


def read_part(part: bytes, name: str) -> dict[str, Any]:
    """The strict JSON object that a part of a token encodes."""
    raw = decode(part, name)
    try:
        return read_object(raw)
    except DuplicateMember as error:
        refused = TokenRefused(Reason.TOKEN_DUPLICATE_MEMBER, f"the {name}: {error}")
    except NotStrict as error:
        refused = TokenRefused(Reason.TOKEN_JSON, f"the {name}: {error}")
    raise refused


def check_critical(members: Mapping[str, Any]) -> None:
    """Refuse a header that demands an extension: this library has none."""
    for name in EXTENSIONS:
        if name in members:
            raise TokenRefused(
                Reason.TOKEN_CRITICAL, f"expected no `{name}` in the header, seen {shown(members[name])}"
            )


def check_key_in_header(members: Mapping[str, Any]) -> None:
    """Refuse a header that brings a key or says where to fetch one."""
    for name in KEYS:
        if name in members:
            raise TokenRefused(Reason.TOKEN_KEY_IN_HEADER, f"expected no `{name}` in the header")


def read_header(members: Mapping[str, Any]) -> Header:
    """The header's `alg`, `kid` and `typ`: non-empty text each, and only `alg` has to be there."""
    for name, reason in TEXTS:
        value = members.get(name, "absent")
        if not isinstance(value, str) or not value:
            raise TokenRefused(reason, f"expected `{name}` to be a non-empty text, seen {shown(value)}")
    if "alg" not in members:
        raise TokenRefused(Reason.TOKEN_ALGORITHM, "expected `alg` in the header, seen none")
    typ = members.get("typ", "").lower().removeprefix("application/")
    if "typ" in members and not typ:
        detail = f"expected `typ` to name a media type, seen {shown(members['typ'])}"
        raise TokenRefused(Reason.TOKEN_TYPE, detail)
    return Header(MappingProxyType(dict(members)), members["alg"], members.get("kid"), typ)
