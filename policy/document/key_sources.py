"""Checks of where an issuer's keys are said to be."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from policy.document.addresses import address_fault
from policy.document.issuer_shapes import KEY_SOURCES, KeysShape
from policy.document.wording import JsonPath, one_of, quoted

Fault = tuple[JsonPath, str]

SECRETS: Final = ("env", "file")
FETCHED: Final = ("jwks_uri", "discovery")
WITH_FETCHED: Final = ("ca_file", "max_stale", "loopback_http")
PRIVATE_MEMBERS: Final = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
PUBLIC_TYPES: Final = ("RSA", "EC", "OKP")
VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def key_faults(issuer: str, keys: KeysShape, *, symmetric: bool | None) -> Iterator[Fault]:
    """Everything that is wrong with `keys`; `symmetric` is what the algorithms are, `None` where that is not clear."""
    given = [source for source in KEY_SOURCES if source in keys]
    if len(given) != 1:
        yield (), f"must have exactly one of {one_of(KEY_SOURCES)}"
        return
    (source,) = given
    yield from (((name,), f"goes with {one_of(FETCHED)} only") for name in _misplaced(keys, source))
    if symmetric is not None and symmetric != (source in SECRETS):
        wanted = (
            "a symmetric key, from `env` or `file`"
            if symmetric
            else "public keys, from `jwks`, `jwks_file`, `jwks_uri` or `discovery`"
        )
        yield (source,), f"does not go with the issuer's algorithms, which need {wanted}"
    yield from _source_faults(issuer, keys, source)


def _misplaced(keys: KeysShape, source: str) -> Sequence[str]:
    return [] if source in FETCHED else [name for name in WITH_FETCHED if name in keys]


def _source_faults(issuer: str, keys: KeysShape, source: str) -> Iterator[Fault]:
    loopback_http = keys.get("loopback_http", False)
    if source == "env" and not VARIABLE.fullmatch(keys["env"]):
        yield ("env",), f"{quoted(keys['env'])} is no name of an environment variable"
    elif source == "jwks":
        for index, key in enumerate(keys["jwks"]["keys"]):
            yield from ((("jwks", "keys", index), message) for message in _key(key))
    elif source == "jwks_uri" and (fault := address_fault(keys["jwks_uri"], loopback_http=loopback_http)):
        # an address with a password is not repeated
        yield ("jwks_uri",), f"{'the address' if '@' in keys['jwks_uri'] else quoted(keys['jwks_uri'])} {fault}"
    elif source == "discovery" and (fault := _undiscoverable(issuer, loopback_http=loopback_http)):
        yield ("discovery",), f"the issuer's name {quoted(issuer)} is where its metadata is looked for, and {fault}"


def _undiscoverable(issuer: str, *, loopback_http: bool) -> str:
    fault = address_fault(issuer, loopback_http=loopback_http)
    return fault or ("must have no query" if urlsplit(issuer).query else "")


def _key(key: Mapping[str, Any]) -> Iterator[str]:
    private = [member for member in PRIVATE_MEMBERS if member in key]
    if private or key.get("kty") == "oct":
        yield "is a secret key, and secrets never stand in a document: take out the key and replace it everywhere"
    elif key.get("kty") not in PUBLIC_TYPES:
        yield f"is no public key: its `kty` must be {one_of(PUBLIC_TYPES)}"
