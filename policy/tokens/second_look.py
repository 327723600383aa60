"""What other issuers' documents say of a token that is verified already: every check but those that need keys."""

from collections.abc import Iterable, Mapping
from typing import Final

from policy.errors import TokenRefused
from policy.model import Issuer
from policy.reasons import Reason
from policy.tokens.checks import Trusted, check_algorithm, find_issuer
from policy.tokens.header import read_header
from policy.tokens.keys import Key
from policy.tokens.verified import Verified


class _NoKeys:
    """Keys that were left out: nothing is ever looked for here."""

    generation: Final = -1
    is_stale: Final = False

    def find(self, algorithm: str, kid: str | None) -> Key:  # noqa: ARG002 - the shape of all keys
        """There is none."""
        raise TokenRefused(Reason.TOKEN_KEY)


class SecondLook:
    """Looks at tokens that another verifier has accepted, as these issuers would: no key, no proof, no revocation.

    Reads no key, so it can be made of a policy whose keys are not here.
    """

    def __init__(self, issuers: Mapping[str, Issuer]) -> None:
        keys = _NoKeys()
        self._trusted: Final = {
            name: Trusted(issuer=issuer, keys=keys, foreign=_foreign(issuer, issuers.values()))
            for name, issuer in issuers.items()
        }

    def check(self, verified: Verified, now: float) -> None:
        """Make all checks at a time in seconds since 1970; `TokenRefused` with the first that fails."""
        claims = verified[1]
        trusted = find_issuer(claims, self._trusted)
        header = read_header(verified[3])
        check_algorithm(trusted, header)
        for check in trusted.checks:
            check(trusted, header, claims, now)

    def until(self, verified: Verified) -> float:
        """When the token expires for its issuer, in seconds since 1970; of an issuer that is not known, its `exp`."""
        trusted = self._trusted.get(verified[1]["iss"])
        return float(verified[1]["exp"] + (trusted.issuer.leeway if trusted else 0))


def _foreign(issuer: Issuer, known: Iterable[Issuer]) -> tuple[str, ...]:
    """The beginnings of `sub` that would name another issuer's subjects: those who have a prefix need not care."""
    return () if issuer.id_prefix else tuple(other.id_prefix for other in known if other.id_prefix)
