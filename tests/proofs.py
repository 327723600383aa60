"""Proofs by DPoP, as a client makes them; whatever a test does not name is sound."""

from typing import Any

from policy.tokens import Presented
from policy.tokens.thumbprints import key_thumbprint, token_hash
from tests.tokens.makers import ALGORITHM, NOW, jwk, private_key, signed

URL = "https://api.example.com/records/7"


def thumbprint(kind: str = "P-256", which: int = 0) -> str:
    """What a token says of the key that it is bound to."""
    return key_thumbprint(jwk(kind, which))


def proof(
    token: str, *, kind: str = "P-256", which: int = 0, now: float = NOW, header: Any = None, **claims: Any
) -> str:
    """A proof of a key for one token; members of the header and claims are added or replaced, `...` takes one away."""
    usual_header = {"typ": "dpop+jwt", "alg": ALGORITHM[kind], "jwk": jwk(kind, which)}
    usual = {"jti": "one", "htm": "GET", "htu": URL, "iat": int(now), "ath": token_hash(token)}
    head, said = _without({**usual_header, **(header or {})}), _without({**usual, **claims})
    return signed(head, said, key=private_key(kind, which), algorithm=ALGORITHM[kind])


def presented(text: str, **changes: Any) -> Presented:
    """A request with such a proof."""
    return Presented(**{"scheme": "DPoP", "method": "GET", "url": URL, "proof": text, **changes})


def _without(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not ...}
