"""How a token was presented: by which scheme, with which request, and what came with it to prove that it is theirs."""

from dataclasses import dataclass
from typing import Final, Literal

#: The schemes of an Authorization header that carry access tokens (RFC 6750 section 2.1, RFC 9449 section 7.1).
Scheme = Literal["Bearer", "DPoP"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Presented:
    """What came with a token.

    `scheme` is that of the Authorization header, `method` that of the request, and `url` its absolute address as the
    client knows it; a query may be left in. `proof` is the text of the `DPoP` header (RFC 9449 section 4.1), empty
    where there is none; two headers are one text with a comma, as WSGI joins them. `certificate` is the SHA-256 of the
    client's certificate in base64url without padding (RFC 8705 section 3.1), empty where it has none, or none is known.
    """

    scheme: Scheme = "Bearer"
    method: str = ""
    url: str = ""
    proof: str = ""
    certificate: str = ""


BY_BEARER: Final = Presented()
"""A token alone."""
