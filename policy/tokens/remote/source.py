"""From what an issuer's document says of its keys to one function that fetches them."""

import hashlib
import logging
from collections.abc import Callable, Sequence
from typing import Any, Final

from policy.document.addresses import address_fault
from policy.document.wording import printable
from policy.model import Issuer
from policy.tokens.jwks import read_published
from policy.tokens.keys import PublicKeys, prepared
from policy.tokens.remote.address import metadata_addresses
from policy.tokens.remote.http import Client, FetchFailed, Get
from policy.tokens.remote.keys import FetchedKeys, RemoteKeys
from policy.tokens.strict_json import NotStrict, read_object
from policy.tokens.wording import shown

logger: Final = logging.getLogger("policy.tokens")


def remote_keys(issuer: Issuer) -> RemoteKeys:
    """The keys of an issuer whose document says `jwks_uri` or `discovery`; nothing is fetched before their first use.

    `OSError` where its `ca_file` cannot be used.
    """
    client = Client(issuer.keys.ca_file)
    return RemoteKeys(fetcher(issuer, client.get), max_stale=issuer.keys.max_stale)


def fetcher(issuer: Issuer, get: Get) -> Callable[[], FetchedKeys]:
    """A function that fetches the issuer's keys, by way of its metadata where its document does not say where."""

    def fetch() -> FetchedKeys:
        address = issuer.keys.jwks_uri or _discovered(issuer, get)
        body, max_age = get(address)
        return FetchedKeys(_read(body, issuer.algorithms, address), max_age, hashlib.sha256(body).hexdigest())

    return fetch


def _read(body: bytes, algorithms: Sequence[str], address: str) -> PublicKeys:
    usable, faults = read_published(body, algorithms)
    for fault in faults:
        logger.error("%s: %s", address, printable(fault))
    if not usable:
        raise FetchFailed(f"{address}: " + "; ".join(faults))
    return PublicKeys(prepared(key.algorithm, key.material, key.kid) for key in usable)


def _discovered(issuer: Issuer, get: Get) -> str:
    """The address of the keys by the issuer's metadata; the first document that can be had decides."""
    failures: list[str] = []
    for address in metadata_addresses(issuer.name):
        try:
            body = get(address).body
        except FetchFailed as error:
            failures.append(str(error))
            continue
        return _jwks_uri(issuer, address, body)
    raise FetchFailed("; ".join(failures))


def _jwks_uri(issuer: Issuer, address: str, body: bytes) -> str:
    """`jwks_uri` of metadata that is this issuer's (OpenID Connect Discovery 1.0 section 4.3, RFC 8414 section 3.3)."""
    try:
        members: dict[str, Any] = read_object(body)
    except NotStrict as error:
        raise FetchFailed(f"{address}: it is no strict JSON object: {error}") from error
    if members.get("issuer") != issuer.name:
        raise FetchFailed(
            f"{address}: expected `issuer` to be {shown(issuer.name)}, seen {shown(members.get('issuer'))}"
        )
    found = members.get("jwks_uri")
    if not isinstance(found, str):
        raise FetchFailed(f"{address}: expected `jwks_uri` to be an address, seen {shown(found)}")
    if fault := address_fault(found, loopback_http=issuer.keys.loopback_http):
        raise FetchFailed(f"{address}: `jwks_uri` {shown(found)} {fault}")
    return found
