"""A token that is good in the plainest way, seen in one look: the way of nearly all of them.

Whoever is not is looked at by `policy.tokens.checks`, one check after the other, which also say what is wrong. So this
may be too cautious, and must never be anything else.
"""

from collections.abc import Callable, Mapping
from typing import Any

from policy.claims import LATEST
from policy.model import Issuer
from policy.tokens.header import Header

Plainly = Callable[[Header, Mapping[str, Any], float], bool]


def plainly_good(issuer: Issuer) -> Plainly:
    """A function that tells whether type, times, audience, required claims and `cnf` are plainly as they should be.

    `now` is in seconds since 1970. Made once for an issuer.
    """
    types, leeway, audiences = issuer.types, issuer.leeway, frozenset(issuer.audience)
    audience_claim = issuer.audience_claim[0] if len(issuer.audience_claim) == 1 else ""
    required = issuer.required

    def good(header: Header, claims: Mapping[str, Any], now: float) -> bool:
        get = claims.get
        expires, issued, audience, subject = get("exp"), get("iat"), get(audience_claim), get("sub")
        return (
            type(expires) is int
            and type(issued) is int
            and (type(now) is float or type(now) is int)
            and 0 <= issued <= now + leeway
            and now < expires + leeway
            and expires <= LATEST >= now
            and type(audience) is str
            and audience in audiences
            and type(subject) is str
            and subject != ""
            and (types is None or header.typ in types)
            and "nbf" not in claims
            and "cnf" not in claims
            and (not required or all(type(get(name)) is str and get(name) for name in required))
        )

    return good
