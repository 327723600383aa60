"""What comes of a good token, and a bounded memory of good tokens."""

import threading
from collections.abc import Mapping
from hashlib import sha256
from itertools import islice
from operator import itemgetter
from typing import Any, Final, NamedTuple, Protocol, Self

from policy.model import Issuer
from policy.revoked import Facts
from policy.subject import Subject
from policy.tokens.keys import Keys
from policy.tokens.revoked import FactsOf

LONGEST_KEPT: Final = 4096
"""Longer tokens are good too, but are not remembered: so the memory is bounded in bytes as well."""
_ATOMS: Final = frozenset((str, int, float, bool, type(None)))


class MakesSubjects(Protocol):
    """A policy, as far as a verified token needs it."""

    def subject(self, issuer: str, claims: Mapping[str, Any], token_id: str = "") -> Subject:
        """The subject of verified claims."""


class Verified(tuple[Issuer, Mapping[str, Any], str, Mapping[str, Any]]):
    """What a token says whose every check has passed: `issuer`, `claims`, `token_id` and `header`. Immutable.

    `token_id` names the token in records: `jti:` and the token's own, else `sha256:` and 16 digits of the hash of
    what was signed. No part of the signature is in any of these. `claims` is a copy each time: the same token may be
    asked about again, and nobody can change what it says.
    """

    __slots__ = ()

    def __new__(cls, issuer: Issuer, claims: Mapping[str, Any], token_id: str, header: Mapping[str, Any]) -> Self:
        """Put together what was verified."""
        return tuple.__new__(cls, (issuer, claims, token_id, header))

    issuer: property = property(itemgetter(0))
    token_id: property = property(itemgetter(2))
    header: property = property(itemgetter(3))

    @property
    def claims(self) -> dict[str, Any]:
        """The payload that the issuer signed."""
        return {name: value if type(value) in _ATOMS else _copied(value) for name, value in self[1].items()}

    def subject_by(self, rules: MakesSubjects) -> Subject:
        """The subject that a policy reads in the claims; raises as `Policy.subject` does."""
        return rules.subject(self[0].name, self[1], self[2])

    def facts_by(self, read: FactsOf) -> Facts:
        """What the token could be revoked by."""
        return read(self[1], self[2])


def _copied(value: Any) -> Any:
    if type(value) is dict:
        return {name: _copied(inner) for name, inner in value.items()}
    return [_copied(inner) for inner in value] if type(value) is list else value


def token_id(claims: Mapping[str, Any], signed: bytes) -> str:
    """A name for the token that cannot be used as one."""
    own = claims.get("jti")
    return f"jti:{own}" if type(own) is str and own else f"sha256:{sha256(signed).hexdigest()[:16]}"


class _Known(NamedTuple):
    verified: Verified
    keys: Keys
    generation: int
    since: float
    until: float


class KnownTokens:
    """Tokens that were good, by their exact text; at most `at_most` of them, the oldest go first.

    One is taken for good again only from the time at which it was verified until it expires, and as long as its
    issuer's keys are the ones that verified it; everything else is verified anew.
    """

    def __init__(self, at_most: int) -> None:
        self._at_most = at_most
        self._known: dict[str, _Known] = {}
        self._lock = threading.Lock()
        self.get: Final = self._known.get

    def put(self, token: str, verified: Verified, keys: Keys, generation: int, *, since: float, until: float) -> None:
        """Remember a token, with the generation of the keys before they verified it."""
        if len(token) > LONGEST_KEPT or not self._at_most:
            return
        with self._lock:
            if len(self._known) >= self._at_most:
                for oldest in list(islice(self._known, max(1, self._at_most // 8))):
                    del self._known[oldest]
            self._known[token] = _Known(verified, keys, generation, since, until)

    def emptied(self) -> "KnownTokens":
        """Another memory of the same size, with nothing in it."""
        return KnownTokens(self._at_most)

    def __len__(self) -> int:
        return len(self._known)
