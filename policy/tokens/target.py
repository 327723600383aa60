"""Whether two addresses are the same target of a request (RFC 9449 section 4.3, RFC 3986 section 6.2)."""

import re
from types import MappingProxyType
from typing import Final, NamedTuple
from urllib.parse import unquote_to_bytes

_PORTS: Final = MappingProxyType({"https": "443", "http": "80"})
_ADDRESS: Final = re.compile(
    r"(https?)://(\[[0-9a-f:.]+\]|[a-z0-9._~%!$&'()*+,;=-]+)(?::(\d*))?(/[^?#]*)?(?:[?#].*)?", re.ASCII | re.IGNORECASE
)


class Target(NamedTuple):
    """An address without query and fragment, in one spelling: the path as the bytes that it stands for."""

    scheme: str
    host: str
    port: str
    path: bytes


def target(address: str) -> Target | None:
    """What an absolute `http` or `https` address names; `None` where it is none, or names a user.

    Scheme and host are in lower case, the scheme's own port is the same as none, no path is the same as `/`, and what
    is percent-encoded is decoded: a WSGI server does that before an application sees the path, so `%2F` and `/` are
    one here. Dots in a path are left as they are.
    """
    found = _ADDRESS.fullmatch(address) if address.isascii() and address.isprintable() and " " not in address else None
    if found is None:
        return None
    scheme, host, port, path = found[1].lower(), found[2].lower(), found[3], found[4]
    return Target(scheme, host, (port or "").lstrip("0") or _PORTS[scheme], unquote_to_bytes(path or "/"))


def is_same_target(one: str, other: str) -> bool:
    """Whether two addresses name the same target, whatever their queries."""
    first = target(one)
    return first is not None and first == target(other)
