"""One GET of a small JSON document: no redirects, no compression, and limits of size and time."""

import ssl
import time
from collections.abc import Callable
from typing import Final, NamedTuple

try:
    import urllib3
except ImportError:  # pragma: no cover - the extra `jwks` is not installed
    urllib3 = None  # type: ignore[assignment]

MAX_BYTES: Final = 512 * 1024
SECONDS: Final = 5.0
CONNECT_SECONDS: Final = 3.0
CHUNK: Final = 16384
MISSING: Final = "fetching keys needs the package `urllib3`: install `claims-policy[jwks]`"


class FetchFailed(Exception):
    """A document that could not be had, and why: `what was expected, what was seen` for the log."""


class Fetched(NamedTuple):
    """The bytes of a document, and for how many seconds its server calls it fresh (RFC 9111 section 5.2.2.1)."""

    body: bytes
    max_age: float | None


Get = Callable[[str], Fetched]


def is_installed() -> bool:
    """Whether the HTTP client is there."""
    return urllib3 is not None


class Client:
    """Fetches documents for one issuer, each over a connection of its own, so nothing is left to be torn by a fork.

    Certificates are checked against `ca_file`, else against what the system trusts; `OSError` where the file cannot be
    used. Proxies are not used.
    """

    def __init__(self, ca_file: str | None = None, *, seconds: float = SECONDS) -> None:
        self._context = ssl.create_default_context(cafile=ca_file) if ca_file else None
        self._seconds = seconds

    def get(self, address: str) -> Fetched:
        """The document at an address; `FetchFailed` where there is none, or not within the limits."""
        until = time.monotonic() + self._seconds
        try:
            response = self._pool().request(
                "GET", address, redirect=False, retries=False, preload_content=False,
                timeout=urllib3.Timeout(connect=min(CONNECT_SECONDS, self._seconds), read=self._seconds),
                headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "claims-policy"},
            )  # fmt: skip
            try:
                return Fetched(_body(response, address, until), _max_age(response.headers.get("Cache-Control", "")))
            finally:
                response.close()  # a connection is not kept: documents are fetched far apart
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise FetchFailed(f"{address}: {_in_words(error)}") from error

    def _pool(self) -> "urllib3.PoolManager":
        if self._context is None:
            self._context = ssl.create_default_context()
        return urllib3.PoolManager(num_pools=1, maxsize=1, ssl_context=self._context)


def _body(response: "urllib3.BaseHTTPResponse", address: str, until: float) -> bytes:
    if response.status != 200:
        redirected = ", and redirects are not followed" if 300 <= response.status < 400 else ""
        raise FetchFailed(f"{address}: expected status 200, seen {response.status}{redirected}")
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding != "identity":
        raise FetchFailed(f"{address}: expected no content encoding, seen `{encoding[:40]}`")
    body = bytearray()
    while chunk := response.read1(CHUNK, decode_content=False):
        body += chunk
        if len(body) > MAX_BYTES:
            raise FetchFailed(f"{address}: expected at most {MAX_BYTES} bytes, seen more")
        if time.monotonic() > until:
            raise FetchFailed(f"{address}: the answer was not complete in time")
    _check_whole(response, address, len(body))
    return bytes(body)


def _check_whole(response: "urllib3.BaseHTTPResponse", address: str, seen: int) -> None:
    announced = response.headers.get("Content-Length", "")
    if announced.isdecimal() and int(announced) != seen:
        raise FetchFailed(f"{address}: expected {announced} bytes, seen {seen}")


def _max_age(control: str) -> float | None:
    """`max-age` of a Cache-Control header, 0 where it says not to store; `None` where it says nothing of the kind."""
    directives = [part.strip().lower() for part in control.split(",")]
    if "no-store" in directives or "no-cache" in directives:
        return 0.0
    ages = [part.removeprefix("max-age=").strip('"') for part in directives if part.startswith("max-age=")]
    return float(ages[0]) if ages and ages[0].isdecimal() and len(ages[0]) < 10 else None


def _in_words(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
