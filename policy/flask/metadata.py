"""What the API says of itself to clients that look for its tokens (RFC 9728)."""

import json
import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from flask import Flask, Response

from policy.document.addresses import address_fault
from policy.engine import Policy
from policy.errors import PolicyError
from policy.flask.marks import public
from policy.model import Issuer
from policy.tokens.dpop import PROOF_ALGORITHMS

WELL_KNOWN: Final = "/.well-known/oauth-protected-resource"
ENDPOINT: Final = "policy_resource_metadata"
_PATH: Final = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@/-]*", re.ASCII)
_ADDRESSES: Final = ("https://", "http://")
_BY_SCOPES: Final = ("scopes", "roles-and-scopes")


class Resource(NamedTuple):
    """The API's resource identifier, and where its metadata stands: as a path, and as an address."""

    identifier: str
    path: str
    address: str


def checked_resource(identifier: str) -> Resource | None:
    """Where the metadata of a resource stands (section 3.1); `None` where no identifier is given.

    `PolicyError` where it is not an `https` address without query, or `http` to this machine.
    """
    if not identifier:
        return None
    fault = address_fault(identifier, loopback_http=True)
    parts = urlsplit(identifier) if not fault else urlsplit("")
    if not fault and (parts.query or not _PATH.fullmatch(parts.path) or "?" in identifier or "#" in identifier):
        fault = "must have no query, and a path of plain letters"
    if fault:
        raise PolicyError(f"`resource_metadata` is the API's resource identifier, and `{identifier}` {fault}")
    path = WELL_KNOWN + (parts.path if parts.path != "/" else "")
    return Resource(identifier, path, f"{parts.scheme}://{parts.netloc}{path}")


def serve(app: Flask, resource: Resource, rules: Callable[[], Policy]) -> None:
    """Add the route that serves the metadata, by the policy in force at each request."""

    @public(reason="clients learn here where to get a token")
    def protected_resource_metadata() -> Response:
        body = json.dumps(metadata(resource.identifier, rules())) + "\n"
        return Response(body, content_type="application/json")

    app.add_url_rule(resource.path, ENDPOINT, protected_resource_metadata, methods=["GET"])


def metadata(identifier: str, rules: Policy) -> dict[str, Any]:
    """The metadata of a resource whose tokens a policy reads (section 2); what is empty is left out."""
    issuers = rules.issuers.values()
    by_dpop = any("dpop" in issuer.proof for issuer in issuers)
    said = {
        "resource": identifier,
        "authorization_servers": [issuer.name for issuer in issuers if issuer.name.startswith(_ADDRESSES)],
        "scopes_supported": _scopes(rules),
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": list(PROOF_ALGORITHMS) if by_dpop else [],
        "dpop_bound_access_tokens_required": by_dpop and all(issuer.proof == ("dpop",) for issuer in issuers),
        "tls_client_certificate_bound_access_tokens": any("certificate" in issuer.proof for issuer in issuers),
    }
    return {name: value for name, value in said.items() if value}


def _scopes(rules: Policy) -> list[str]:
    """The scopes of the policy that some issuer's tokens may name, where they count."""
    counting = [issuer for issuer in rules.issuers.values() if _counts_scopes(issuer)]
    return sorted(name for name in rules.scope_names if any(_may_assert(issuer, name) for issuer in counting))


def _counts_scopes(issuer: Issuer) -> bool:
    return "scopes" in issuer.claims and any(regime in _BY_SCOPES for regime in issuer.authority.values())


def _may_assert(issuer: Issuer, scope: str) -> bool:
    patterns = issuer.asserts.scopes
    return patterns is None or any(
        scope.startswith(pattern[:-1]) if pattern.endswith("*") else scope == pattern for pattern in patterns
    )
