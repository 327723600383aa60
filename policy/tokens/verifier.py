"""Token text to verified claims: one straight line, and no later step runs if an earlier one refuses."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, Final, NamedTuple, Protocol

from policy.errors import PolicyError, Problem
from policy.model import Issuer
from policy.tokens.checks import CLAIM_CHECKS, Trusted, check_algorithm, check_signature, find_issuer, find_key
from policy.tokens.compact import check_ascii, check_size, decode, split
from policy.tokens.header import Header, check_critical, check_key_in_header, read_header, read_part
from policy.tokens.inspection import Inspection, inspect
from policy.tokens.keys import find_keys

HEADERS_KEPT: Final = 256
_CHECKS: Final = tuple(check for _, check in CLAIM_CHECKS)


class Verified(NamedTuple):
    """What a token says whose every check has passed.

    `token_id` names the token in records: `jti:` and the token's own, else `sha256:` and 16 digits of the hash of
    what was signed. No part of the signature is in any of these.
    """

    issuer: Issuer
    claims: Mapping[str, Any]
    token_id: str
    header: Mapping[str, Any]


class HasIssuers(Protocol):
    """A policy, as far as a verifier needs it."""

    @property
    def issuers(self) -> Mapping[str, Issuer]:
        """The issuers by name."""


class KeyProblems(NamedTuple):
    """`wrong` stops a start; `unseen` (a secret that is not here) does too, but is nothing to blame a policy for."""

    wrong: tuple[Problem, ...]
    unseen: tuple[Problem, ...]


class TokenVerifier:
    """Verifies the tokens of a policy's issuers (RFC 7515, RFC 7519, RFC 8725).

    Takes a policy, or its issuers by name; reads all keys at once and raises `PolicyError` with everything that is
    wrong with any of them. `max_bytes` is the length of the longest token that is looked at.
    """

    def __init__(self, issuers: Mapping[str, Issuer] | HasIssuers, *, max_bytes: int = 16384) -> None:
        self._max_bytes: Final = max_bytes
        self._headers: Final[dict[bytes, Header]] = {}
        known = _by_name(issuers)
        found = {name: find_keys(issuer) for name, issuer in known.items()}
        problems = [problem for keys in found.values() for problem in (*keys.wrong, *keys.unseen)]
        if problems:
            raise PolicyError(problems)
        self._trusted: Final = {
            name: Trusted(issuer=known[name], keys=keys.keys, foreign=_foreign(known[name], known.values()))
            for name, keys in found.items()
            if keys.keys is not None
        }

    @staticmethod
    def problems(issuers: Mapping[str, Issuer] | HasIssuers) -> KeyProblems:
        """What the constructor would raise, without raising it, and apart from it what could not be seen."""
        found = [find_keys(issuer) for issuer in _by_name(issuers).values()]
        wrong = tuple(problem for keys in found for problem in keys.wrong)
        return KeyProblems(wrong, tuple(problem for keys in found for problem in keys.unseen))

    def verify(self, token: str, *, now: float) -> Verified:
        """The verified claims of a token at a time in seconds since 1970.

        Raises only `TokenRefused`, whatever the text: with the reason of the first check that fails.
        """
        parts = split(check_ascii(check_size(token, self._max_bytes)))
        known = self._headers.get(parts.header)
        header = known or _read_header(parts.header)
        claims = read_part(parts.payload, "payload")
        signature = decode(parts.signature, "signature")
        trusted = find_issuer(claims, self._trusted)
        key = find_key(trusted, check_algorithm(trusted, header), header)
        check_signature(key, parts.signed, signature)
        if known is None:
            self._keep(parts.header, header)
        for check in _CHECKS:
            check(trusted, header, claims, now)
        return Verified(trusted.issuer, claims, token_id(claims, parts.signed), header.members)

    def inspect(self, token: str, *, now: float) -> Inspection:
        """The verdict of every check that `verify` makes, for a person; nothing in it can be used as a token."""
        return inspect(token, self._trusted, max_bytes=self._max_bytes, now=now)

    def _keep(self, part: bytes, header: Header) -> None:
        """Remember a header that a good signature covers: an issuer has few, and they need not be read again.

        Not one with lists or objects inside, which a caller who is handed it could change.
        """
        if all(type(value) is str for value in header.members.values()):
            if len(self._headers) >= HEADERS_KEPT:
                self._headers.clear()
            self._headers[part] = header


def _read_header(part: bytes) -> Header:
    members = read_part(part, "header")
    check_critical(members)
    check_key_in_header(members)
    return read_header(members)


def token_id(claims: Mapping[str, Any], signed: bytes) -> str:
    """A name for the token that cannot be used as one."""
    own = claims.get("jti")
    return f"jti:{own}" if type(own) is str and own else f"sha256:{sha256(signed).hexdigest()[:16]}"


def _by_name(issuers: Mapping[str, Issuer] | HasIssuers) -> Mapping[str, Issuer]:
    return issuers if isinstance(issuers, Mapping) else issuers.issuers


def _foreign(issuer: Issuer, known: Iterable[Issuer]) -> tuple[str, ...]:
    """The prefixes of the others, for the issuer whose own ids have none."""
    if issuer.id_prefix:
        return ()
    return tuple(other.id_prefix for other in known if other.id_prefix)
