"""How the current request presents its token, and where else a token may have been put."""

import re
from typing import Final
from urllib.parse import quote

from flask import request
from werkzeug.exceptions import HTTPException

from policy.errors import PolicyError
from policy.tokens import Presented
from policy.tokens.presented import Scheme
from policy.tokens.target import target
from policy.tokens.thumbprints import certificate_hash

LONGEST_BODY: Final = 16384
"""Longer bodies are not searched for a token, in bytes."""
_BODIES: Final = ("application/x-www-form-urlencoded", "multipart/form-data", "application/json")
_IN_BODY: Final = re.compile(rb'(?:^|&)access_token=|"access_token"')
_HEADER: Final = re.compile(r"[A-Za-z0-9-]+", re.ASCII)


def presented(scheme: Scheme, public_url: str, certificate_header: str) -> Presented:
    """How the current request presents its token.

    Its address is its own, or begins with `public_url` where there is one. `certificate_header` names the header in
    which a front end gives the hash of the client's certificate; without one there is none. A header that was sent
    twice arrives with a comma, and so is no hash.
    """
    certificate = request.headers.get(certificate_header, "") if certificate_header else ""
    return Presented(
        scheme=scheme,
        method=request.method,
        url=(public_url or _origin()) + _path(),
        proof=request.headers.get("DPoP", ""),
        certificate=certificate_hash(certificate),
    )


def _origin() -> str:
    try:
        return f"{request.scheme}://{request.host}"
    except HTTPException:  # a host that the application does not trust: no proof is for it
        return ""


def _path() -> str:
    """The path in one spelling, from what the server has decoded (PEP 3333)."""
    path = request.environ.get("SCRIPT_NAME", "") + request.environ.get("PATH_INFO", "")
    return quote(path.encode("latin-1", "replace")) or "/"


def checked_url(url: str) -> str:
    """The beginning of the API's addresses as clients know them; `PolicyError` where it cannot be that."""
    if url and ("?" in url or "#" in url or target(url) is None):
        raise PolicyError(f'`public_url` is how addresses begin, such as "https://api.example.com", not `{url}`')
    return url.rstrip("/")


def checked_header(name: str) -> str:
    """The name of a header; `PolicyError` where it is none."""
    if name and not _HEADER.fullmatch(name):
        raise PolicyError(f"`certificate_hash_header` is the name of a header: letters, digits and `-`, not `{name}`")
    return name


def token_elsewhere() -> str:
    """Where the current request has a token that is not read there, for the log; empty where none was seen.

    A body is looked at only if it is short, and of a kind that has fields: then the request is refused anyway.
    """
    places = {
        "query": "access_token" in request.args,
        "form or body": _in_body(),
        "cookies": "access_token" in request.cookies,
    }
    seen = " and the ".join(place for place, there in places.items() if there)
    return f"a token was seen in the {seen} and not read there: only the Authorization header counts" if seen else ""


def _in_body() -> bool:
    if request.mimetype not in _BODIES or not 0 < (request.content_length or 0) <= LONGEST_BODY:
        return False
    try:
        return _IN_BODY.search(request.get_data(parse_form_data=False)) is not None
    except (HTTPException, OSError):  # a body that does not arrive
        return False
