"""The parsers, good texts for each of them, and the one error that each may raise."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from jwt import get_algorithm_by_name

from policy import Policy
from policy.document import Source, read
from policy.document.revoking import read_revocations
from policy.errors import PolicyError, TokenRefused
from policy.flask.bearer import credentials
from policy.model import KeySource
from policy.tokens import Presented
from policy.tokens.dpop import check_proof, read_proof
from policy.tokens.header import check_critical, check_key_in_header, read_header, read_part
from policy.tokens.issue import generate_key, sign
from policy.tokens.jwks import read_jwks, read_published
from policy.tokens.remote.http import Fetched, FetchFailed
from policy.tokens.remote.source import fetcher
from policy.tokens.thumbprints import token_hash
from tests import issuing
from tests.tokens import makers

ROOT: Final = Path(__file__).parents[2]
ALGORITHMS: Final = ("ES256", "RS256", "EdDSA")
Read = Callable[[bytes], None]


class Parser(NamedTuple):
    """`read` returns for a text that is good, and raises nothing but `refuses` for one that is not.

    `seeds` are good texts, or good payloads where a token is put together: then `heads` are good headers, and `join`
    makes of both a token with a good signature.
    """

    name: str
    read: Read
    refuses: type[Exception]
    seeds: tuple[bytes, ...]
    heads: tuple[bytes, ...] = ()
    join: Callable[[bytes, bytes], bytes] | None = None

    @property
    def whole(self) -> tuple[bytes, ...]:
        """Good texts as the parser reads them."""
        join = self.join
        return self.seeds if join is None else tuple(join(head, body) for head in self.heads for body in self.seeds)


def _said_well(error: Exception) -> None:
    """What an error says is a line for a log each, whatever was in the text."""
    lines = [str(each) for each in error.problems] if isinstance(error, PolicyError) else [str(error)]
    if not all(line.isprintable() for line in lines):
        raise AssertionError(f"an error cannot be printed: {lines!r}")


def _header(raw: bytes) -> None:
    members = read_part(makers.base64url(raw).encode().translate(bytes.maketrans(b"-_", b"+/")), "header")
    check_critical(members)
    check_key_in_header(members)
    read_header(members)


_CLAIMS: Final = {
    "roles": [{"path": ["roles"], "format": "list"}, {"path": ["realm", "roles"], "format": "object-keys"}],
    "permissions": {"path": ["permissions"], "format": "list"},
    "tenant": {"path": ["org", "id"], "format": "string"},
}
_POLICY: Final[dict[str, Any]] = {
    **issuing.DOCUMENT,
    "issuers": {issuing.ISSUER: {**issuing.DOCUMENT["issuers"][issuing.ISSUER], "claims": _CLAIMS}},
    "assignments": [{"issuer": issuing.ISSUER, "group": "staff", "roles": ["viewer"]}],
}
_RULES: Final = Policy(read([Source("policy.json", json.dumps(_POLICY).encode())]))
_VERIFIER: Final = makers.verifier(makers.issuer(name=issuing.ISSUER))


def _token(raw: bytes) -> None:
    text = raw.decode("utf-8", "surrogateescape")
    inspected = _VERIFIER.inspect(text, now=makers.NOW)
    try:
        _VERIFIER.verify(text, now=makers.NOW).subject_by(_RULES)
    finally:
        if inspected.refusal is not None:
            _said_well(Exception(inspected.refusal.detail))


def _signed(head: bytes, body: bytes) -> bytes:
    return makers.signed(head, body).encode()


_REQUEST: Final = Presented(scheme="DPoP", method="GET", url="https://api.example.com/read")


def _proof(raw: bytes) -> None:
    check_proof(read_proof(raw.decode("utf-8", "surrogateescape")), _REQUEST, "abc", makers.NOW)


def _signed_proof(head: bytes, body: bytes) -> bytes:
    return makers.signed(head, body, key=_PRIVATE, algorithm="ES256").encode()


class Faulty(Exception):
    """Faults that a parser returns and does not raise."""


def _jwks(raw: bytes) -> None:
    _faults(read_jwks(raw, ALGORITHMS))


def _published(raw: bytes) -> None:
    usable, faults = read_published(raw, ALGORITHMS)
    if not usable:
        _faults((usable, faults))


def _faults(found: tuple[Any, list[str]]) -> None:
    if found[1]:
        raise Faulty("; ".join(found[1]))
    if not found[0]:
        raise AssertionError("neither keys nor faults")


def _metadata(raw: bytes) -> None:
    """By way of a fetch in which every other address has keys."""
    answers = iter((Fetched(raw, None), Fetched(SET, None)))
    fetcher(_DISCOVERED, lambda address: next(answers))()


def _authorization(raw: bytes) -> None:
    credentials(raw.decode("latin-1"), ("Bearer", "DPoP"))


def _document(raw: bytes) -> None:
    Policy(read([Source("policy.json", raw)]))


def _revocations(raw: bytes) -> None:
    read_revocations([Source("revocations.json", raw)], None)


def _text(value: Any) -> bytes:
    return json.dumps(value).encode()


def said_well(parser: Parser, raw: bytes) -> bool:
    """Whether the text is good; `AssertionError` where the error that it is refused with cannot be printed."""
    try:
        parser.read(raw)
    except parser.refuses as error:
        _said_well(error)
        return False
    return True


_PEM, _PUBLIC = generate_key("ES256", kid="a")
_PRIVATE: Final = get_algorithm_by_name("ES256").prepare_key(_PEM)
_OTHERS: Final = [generate_key("RS256", kid="b")[1], generate_key("EdDSA", kid="c")[1]]
SET: Final = json.dumps({"keys": [_PUBLIC, *_OTHERS]}).encode()
_DISCOVERED: Final = makers.issuer(algorithms=("ES256",), keys=KeySource(discovery=True))
_HEADERS: Final = tuple(
    json.dumps(header).encode()
    for header in (
        {"alg": "HS256"},
        {"alg": "HS256", "typ": "at+jwt", "kid": "a"},
        {"typ": "application/at+JWT", "alg": "HS256", "cty": "JWT"},
    )
)
_PAYLOAD: Final = makers.claims(
    iss=issuing.ISSUER, jti="1", nbf=int(makers.NOW), azp="web", auth_time=int(makers.NOW) - 5, acr="mfa",
    roles=["viewer"], scope="read:data openid", groups=["staff"], org={"id": "acme"},
    realm={"roles": {"editor": {}}},
)  # fmt: skip
_PAYLOADS: Final = (json.dumps(makers.claims(iss=issuing.ISSUER)).encode(), json.dumps(_PAYLOAD).encode())
_PROOF_HEADER: Final = {"typ": "dpop+jwt", "alg": "ES256", "jwk": {k: _PUBLIC[k] for k in ("kty", "crv", "x", "y")}}
_HASH: Final = token_hash("abc")
_PROOF: Final = {
    "jti": "1",
    "htm": "GET",
    "htu": "https://api.example.com/read",
    "iat": int(makers.NOW),
    "ath": token_hash("abc"),
}
_METADATA: Final = {
    "issuer": makers.NAME, "jwks_uri": f"{makers.NAME}keys", "token_endpoint": f"{makers.NAME}token",
    "scopes_supported": ["openid"],
}  # fmt: skip
_COMPACT: Final = sign(makers.claims(), key=_PEM, algorithm="ES256").encode()
_AUTHORIZATIONS: Final = (b"Bearer " + _COMPACT, b"dpop  " + _COMPACT, b"bearer abc")
_REVOKED: Final = {
    "revocations": [
        {"issuer": makers.NAME, "token": "jti:1", "until": "2026-12-24T00:00:00Z", "note": "lost"},
        {"issuer": makers.NAME, "subject": "alice", "issued_before": "2026-11-24T00:00:00Z"},
        {"issuer": makers.NAME, "issued_before": "2026-11-24T00:00:00Z"},
    ]
}


def _documents() -> tuple[bytes, ...]:
    """The policies of the demo, and one with everything; the keys that they name are not read."""
    found = [path.read_bytes() for path in sorted((ROOT / "policies").glob("*.json"))]
    whole: dict[str, Any] = {}
    for text in found:
        for section, value in json.loads(text).items():
            whole.setdefault(section, value)
    return (json.dumps(whole).encode(), json.dumps(_POLICY).encode())


PARSERS: Final = (
    Parser("header", _header, TokenRefused, _HEADERS),
    Parser("token", _token, TokenRefused, _PAYLOADS, _HEADERS, _signed),
    Parser(
        "proof",
        _proof,
        TokenRefused,
        (json.dumps(_PROOF).encode(),),
        (json.dumps(_PROOF_HEADER).encode(),),
        _signed_proof,
    ),
    Parser("jwks", _jwks, Faulty, (SET, json.dumps({"keys": [_PUBLIC]}).encode())),
    Parser("published jwks", _published, Faulty, (SET,)),
    Parser("metadata", _metadata, FetchFailed, (json.dumps(_METADATA).encode(),)),
    Parser("authorization", _authorization, TokenRefused, _AUTHORIZATIONS),
    Parser("document", _document, PolicyError, _documents()),
    Parser("revocations", _revocations, PolicyError, (json.dumps(_REVOKED).encode(),)),
)
