"""Where the metadata of an issuer stands."""

from collections.abc import Iterator
from typing import Final
from urllib.parse import SplitResult, urlsplit, urlunsplit

OPENID: Final = "/.well-known/openid-configuration"
OAUTH: Final = "/.well-known/oauth-authorization-server"


def metadata_addresses(issuer: str) -> Iterator[str]:
    """Where an issuer's metadata may stand: OpenID Connect Discovery 1.0 section 4, then RFC 8414 section 3.1."""
    parts = urlsplit(issuer)
    path = parts.path.removesuffix("/")
    yield _at(parts, path + OPENID)
    yield _at(parts, OAUTH + path)


def _at(parts: SplitResult, path: str) -> str:
    return urlunsplit((parts.scheme, parts.netloc, path, "", ""))
