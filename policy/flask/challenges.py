"""How a refusal says by which schemes a token is taken: `WWW-Authenticate` (RFC 6750 section 3, RFC 9449 section 7)."""

from collections.abc import Mapping
from typing import NamedTuple

from policy.tokens.dpop import PROOF_ALGORITHMS
from policy.tokens.presented import Scheme


class Challenges(NamedTuple):
    """One challenge for each scheme. `used` is the scheme of the request, `None` where that cannot be said.

    `metadata` is the address of the API's own metadata (RFC 9728 section 5.1), empty where none is served.
    """

    realm: str
    schemes: tuple[Scheme, ...] = ("Bearer",)
    used: Scheme | None = None
    metadata: str = ""

    def saying(self, **parameters: str | None) -> tuple[str, ...]:
        """All challenges; what there is to say is said by that of the scheme used, or by all (RFC 9449 section 7.2)."""
        telling = (self.used,) if self.used in self.schemes else self.schemes
        return tuple(self._one(scheme, parameters if scheme in telling else {}) for scheme in self.schemes)

    def _one(self, scheme: Scheme, parameters: Mapping[str, str | None]) -> str:
        given = {
            "realm": self.realm,
            **parameters,
            "algs": " ".join(PROOF_ALGORITHMS) if scheme == "DPoP" else None,
            "resource_metadata": self.metadata or None,
        }
        said = (f'{name}="{_quoted(value)}"' for name, value in given.items() if value is not None)
        return f"{scheme} {', '.join(said)}"


def _quoted(text: str) -> str:
    """A text as it may stand between quotes in a header (RFC 6750 section 3): other characters are left out."""
    return "".join(letter for letter in text if " " <= letter <= "~" and letter not in '"\\')
