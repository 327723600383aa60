"""The Authorization header to an access token (RFC 6750 section 2.1, RFC 9449 section 7.1)."""

import re
from collections.abc import Callable, Collection
from types import MappingProxyType
from typing import Final, NamedTuple

from policy.errors import TokenRefused
from policy.reasons import Reason
from policy.tokens.presented import Scheme

_TOKEN: Final = re.compile(r"(bearer|dpop) +([A-Za-z0-9\-._~+/]+=*)", re.ASCII | re.IGNORECASE)
_NAMED: Final = re.compile(r"(?:^|,)\s*(bearer|dpop)(?![^\s,])", re.ASCII | re.IGNORECASE)
_SCHEMES: Final = MappingProxyType[str, Scheme]({"bearer": "Bearer", "dpop": "DPoP"})


_PREFIX: Final = "Bearer "


def known_bearer(header: str | None, remembers: Callable[[str], bool]) -> str | None:
    """The token of a header in its usual spelling, where that very token was good before; `None` elsewhere.

    Such a header needs no closer look: what is remembered once came as a whole token.
    """
    if header is None or not header.startswith(_PREFIX):
        return None
    token = header[len(_PREFIX) :]
    return token if remembers(token) else None


class Credentials(NamedTuple):
    """A token and the scheme that it came by."""

    scheme: Scheme
    token: str


def credentials(header: str | None, schemes: Collection[Scheme]) -> Credentials:
    """What an Authorization header says; the scheme may be written in any case. `Bearer` is read whatever is taken.

    `TokenRefused` with `token-absent` where no token is there, with `token-header` where the header is malformed. Two
    headers arrive as one, joined by a comma (WSGI, PEP 3333), and so are malformed too.
    """
    text, known = (header or "").strip(" \t"), {"Bearer", *schemes}
    found = _TOKEN.fullmatch(text)
    if found and _SCHEMES[found[1].lower()] in known:
        return Credentials(_SCHEMES[found[1].lower()], found[2])
    if any(_SCHEMES[name.lower()] in known for name in _NAMED.findall(text)):
        expected = " or ".join(f"`{scheme}`" for scheme in ("Bearer", "DPoP") if scheme in known)
        raise TokenRefused(Reason.TOKEN_HEADER, f"expected {expected} and one token")
    raise TokenRefused(Reason.TOKEN_ABSENT)
