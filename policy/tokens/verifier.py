"""Token text to verified claims: one straight line, and no later step runs if an earlier one refuses."""

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import replace
from typing import Final, NamedTuple, Protocol

from policy.errors import PolicyError, Problem
from policy.model import Issuer
from policy.revoked import Facts
from policy.tokens.binding import binding_of, check_possession, check_unbound, schemes_of
from policy.tokens.checks import Trusted, check_algorithm, check_signature, find_issuer, find_key
from policy.tokens.compact import check_ascii, check_size, decode, split
from policy.tokens.finding import Found, find_keys
from policy.tokens.header import Header, check_critical, check_key_in_header, read_header, read_part
from policy.tokens.inspection import Inspection, inspect
from policy.tokens.keys import Keys
from policy.tokens.presented import BY_BEARER, Presented, Scheme
from policy.tokens.remote import RemoteKeys
from policy.tokens.revoked import Revocations, check_revoked, facts_reader, problems_of
from policy.tokens.seen import SeenInMemory, SeenProofs
from policy.tokens.verified import KnownTokens, Verified, token_id

KeysOf = Callable[[Issuer], Keys]
HEADERS_KEPT: Final = 256
REMEMBERED: Final = 2048
FACTS_REMEMBERED: Final = 4096


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
    wrong with any of them. `max_bytes` is the length of the longest token that is looked at. `like` is a verifier that
    this one takes the place of: keys that it has fetched are gone on with where they are still the same issuer's.
    `remembered` is how many good tokens are known again without a look at their signature; 0 is none. `seen` is where
    proofs are noted, so that none is used twice: that of `like`, or the memory of this process, unless it is given.
    `schemes` are those by which tokens are presented. `revocations` are asked about every good token.
    """

    def __init__(
        self,
        issuers: Mapping[str, Issuer] | HasIssuers,
        *,
        max_bytes: int = 16384,
        like: "TokenVerifier | None" = None,
        remembered: int = REMEMBERED,
        seen: SeenProofs | None = None,
        revocations: Revocations | None = None,
    ) -> None:
        self._max_bytes: Final = max_bytes
        self.revocations: Final = revocations
        self._known: Final = KnownTokens(remembered)
        self._bound: Final = KnownTokens(remembered)
        self._read: Final[dict[int, tuple[Verified, Facts]]] = {}
        self.seen: Final[SeenProofs] = seen if seen is not None else like.seen if like is not None else SeenInMemory()
        self._headers: Final[dict[bytes, Header]] = {}
        known = _by_name(issuers)
        self._facts_of: Final = {name: facts_reader(issuer) for name, issuer in known.items()}
        fetched = like.fetched if like else ()
        found = {name: _gone_on_with(issuer, fetched) or find_keys(issuer) for name, issuer in known.items()}
        problems = [problem for keys in found.values() for problem in (*keys.wrong, *keys.unseen)]
        if problems:
            raise PolicyError(problems)
        self._trusted: Final = {
            name: Trusted(issuer=known[name], keys=keys.keys, foreign=_foreign(known[name], known.values()))
            for name, keys in found.items()
            if keys.keys is not None
        }
        self.schemes: Final[tuple[Scheme, ...]] = schemes_of(known.values())
        self.demands_proof: Final = any(issuer.proof for issuer in known.values())

    @property
    def fetched(self) -> tuple[Trusted, ...]:
        """The issuers whose keys are fetched."""
        return tuple(trusted for trusted in self._trusted.values() if isinstance(trusted.keys, RemoteKeys))

    def with_keys(self, keys_of: KeysOf) -> "TokenVerifier":
        """The same verifier, with every check that it makes, and other keys in place of those of all its issuers.

        For `policy.testing`. It takes keys, not where they are, so no document, variable or setting leads here.
        """
        other = copy(self)
        trusted = {name: replace(each, keys=keys_of(each.issuer)) for name, each in self._trusted.items()}
        memories = {name: each.emptied() for name, each in vars(self).items() if isinstance(each, KnownTokens)}
        vars(other).update(memories, _trusted=trusted)
        return other

    def has_stale_keys(self, issuer: str) -> bool:
        """Whether tokens of this issuer are verified with keys that should have been replaced by now."""
        trusted = self._trusted.get(issuer)
        return trusted is not None and trusted.keys.is_stale

    @property
    def has_old_revocations(self) -> bool:
        """Whether a later edit of what is revoked was refused."""
        return bool(problems_of(self.revocations))

    @staticmethod
    def problems(issuers: Mapping[str, Issuer] | HasIssuers) -> KeyProblems:
        """What the constructor would raise, without raising it, and apart from it what could not be seen."""
        found = [find_keys(issuer) for issuer in _by_name(issuers).values()]
        wrong = tuple(problem for keys in found for problem in keys.wrong)
        return KeyProblems(wrong, tuple(problem for keys in found for problem in keys.unseen))

    def verify(self, token: str, *, now: float, presented: Presented | None = None) -> Verified:
        """The verified claims of a token at a time in seconds since 1970; `presented` is how it came, if not alone.

        Raises `TokenRefused`, whatever the text, with the reason of the first check that fails; `Unavailable` where it
        cannot be known now.
        """
        if presented is not None:
            verified = self._possessed(token, now, presented)
        else:
            known = self._known.get(token) if type(token) is str else None
            if known is not None and known.since <= now < known.until and known.keys.generation == known.generation:
                verified = known.verified
            else:
                verified = self._verified(token, now)
                if verified.issuer.proof:
                    verified = self._possessed(token, now, BY_BEARER)
        if self.revocations is not None:
            check_revoked(self.revocations, self._facts(verified))
        return verified

    def _facts(self, verified: Verified) -> Facts:
        """What the token could be revoked by; of one that is known again, what was read before."""
        known = self._read.get(id(verified))
        if known is not None and known[0] is verified:
            return known[1]
        facts = verified.facts_by(self._facts_of[verified.issuer.name])
        if len(self._read) >= FACTS_REMEMBERED:
            self._read.clear()
        self._read[id(verified)] = verified, facts
        return facts

    def _possessed(self, token: str, now: float, presented: Presented) -> Verified:
        """A good token, remembered or not, of which whoever presents it has what it is bound to."""
        verified = self._again(token, now) or self._verified(token, now)
        if verified.issuer.proof:
            binding = binding_of(verified.issuer, verified.claims)
            check_possession(binding, token, presented, now, self.seen)
        else:
            check_unbound(presented)
        return verified

    def _again(self, token: str, now: float) -> Verified | None:
        known = (self._bound.get(token) or self._known.get(token)) if type(token) is str else None
        if known is None or not known.since <= now < known.until or known.keys.generation != known.generation:
            return None
        return known.verified

    def _verified(self, token: str, now: float) -> Verified:
        """Every check, one after the other."""
        parts = split(check_ascii(check_size(token, self._max_bytes)))
        known = self._headers.get(parts.header)
        header = known or _read_header(parts.header)
        claims = read_part(parts.payload, "payload")
        signature = decode(parts.signature, "signature")
        trusted = find_issuer(claims, self._trusted)
        generation = trusted.keys.generation  # before the key is taken: keys that change meanwhile are others
        key = find_key(trusted, check_algorithm(trusted, header), header)
        check_signature(key, parts.signed, signature)
        if known is None:
            self._keep(parts.header, header)
        for check in trusted.others if trusted.plainly(header, claims, now) else trusted.checks:
            check(trusted, header, claims, now)
        verified = Verified(trusted.issuer, claims, token_id(claims, parts.signed), header.members)
        if generation >= 0 and parts.header in self._headers:
            until = claims["exp"] + trusted.issuer.leeway
            memory = self._bound if trusted.issuer.proof else self._known
            memory.put(token, verified, trusted.keys, generation, since=now, until=until)
        return verified

    def remembers(self, token: str) -> bool:
        """Whether this very text was a good token before; it may have expired since."""
        return self._known.get(token) is not None

    def inspect(self, token: str, *, now: float) -> Inspection:
        """The verdict of every check that `verify` makes, for a person; nothing in it can be used as a token."""
        return inspect(token, self._trusted, max_bytes=self._max_bytes, now=now, revocations=self.revocations)

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


def _by_name(issuers: Mapping[str, Issuer] | HasIssuers) -> Mapping[str, Issuer]:
    return issuers if isinstance(issuers, Mapping) else issuers.issuers


def _gone_on_with(issuer: Issuer, fetched: Iterable[Trusted]) -> Found | None:
    """The keys that were fetched for this issuer already, from where its document still says they are."""
    wanted = (issuer.name, issuer.algorithms, issuer.keys)
    for one in fetched:
        if (one.issuer.name, one.issuer.algorithms, one.issuer.keys) == wanted:
            return Found(one.keys)
    return None


def _foreign(issuer: Issuer, known: Iterable[Issuer]) -> tuple[str, ...]:
    """The prefixes of the others, for the issuer whose own ids have none."""
    if issuer.id_prefix:
        return ()
    return tuple(other.id_prefix for other in known if other.id_prefix)
