"""The Authorization header to a bearer token (RFC 6750 section 2.1)."""

import re
from typing import Final

from policy.errors import TokenRefused
from policy.reasons import Reason

_TOKEN: Final = re.compile(r"bearer +([A-Za-z0-9\-._~+/]+=*)", re.ASCII | re.IGNORECASE)
_NAMES_BEARER: Final = re.compile(r"(?:^|,)\s*bearer(?![^\s,])", re.IGNORECASE)


def bearer_token(header: str | None) -> str:
    """The token of an Authorization header; the scheme may be written in any case.

    `TokenRefused` with `token-absent` where no bearer token is there, with `token-header` where the header is
    malformed. Two headers arrive as one, joined by a comma (WSGI, PEP 3333), and so are malformed too.
    """
    text = (header or "").strip(" \t")
    if found := _TOKEN.fullmatch(text):
        return found[1]
    if _NAMES_BEARER.search(text):
        raise TokenRefused(Reason.TOKEN_HEADER, "expected `Bearer` and one token")
    raise TokenRefused(Reason.TOKEN_ABSENT)
