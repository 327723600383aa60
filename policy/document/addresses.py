"""Which addresses keys may be fetched from."""

import ipaddress
from typing import Final
from urllib.parse import urlsplit

LONGEST: Final = 2048


def address_fault(address: str, *, loopback_http: bool) -> str:
    """Why keys may not be fetched from an address; empty where they may.

    It is `https`, or `http` to this very machine where the issuer's keys say `"loopback_http": true`.
    """
    if len(address) > LONGEST or not address.isascii() or not address.isprintable() or " " in address:
        return "is no address: printable ASCII without spaces is expected"
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is no address"
    if parts.scheme not in ("https", "http") or not host:
        return "must begin with `https://` and a host"
    if parts.username is not None or parts.password is not None or parts.fragment:
        return "must have neither a user nor a fragment"
    if parts.scheme == "https" or (loopback_http and is_loopback(host)):
        return ""
    return "must be `https`" + ("" if loopback_http else _hint(host))


def _hint(host: str) -> str:
    return ', or say `"loopback_http": true` beside it' if is_loopback(host) else ""


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its number or as `localhost`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
