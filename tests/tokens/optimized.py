"""What the library says to tokens, policies and requests, printed as JSON: a program, so that `python -O` can run it.

It asserts nothing. The same is printed whatever Python leaves out.
"""

import json
import tempfile
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from flask import Flask

from policy import Guard, Policy, PolicyError, Subject, TokenRefused, TokenVerifier
from policy.document import Source, read
from policy.flask import Authorizer, authenticated, public, requires
from policy.model import ClaimTest, KeySource
from policy.tokens.jwks import read_jwks
from tests import issuing
from tests.tokens.makers import NAME, NOW, SECRET, base64url, claims, issuer, jwk, jwks, pem, signed, verifier

HERE: Final = Path(__file__).parent
GOOD: Final = signed()
_HEAD, _BODY, _SIGNATURE = GOOD.split(".")
STRICT: Final = issuer(
    required=("jti", "client_id"), types=frozenset({"at+jwt"}), rejected=(ClaimTest(path=("nonce",), exists=True),)
)
ASYMMETRIC: Final = issuer(algorithms=("ES256",), keys=jwks(jwk("P-256", kid="a")))

HEADERS: Final[tuple[Any, ...]] = (
    {"alg": "none"}, {"alg": "HS512"}, {"alg": "RS256"}, {"alg": 1}, {"alg": ""}, {}, [], "text",
    {"alg": "HS256", "crit": []},
    {"alg": "HS256", "crit": ["exp"]}, {"alg": "HS256", "b64": False}, {"alg": "HS256", "jwk": {}},
    {"alg": "HS256", "jku": "https://a"}, {"alg": "HS256", "x5u": "a"}, {"alg": "HS256", "x5c": []},
    {"alg": "HS256", "kid": 1}, {"alg": "HS256", "kid": ""}, {"alg": "HS256", "typ": "ID"}, {"alg": "HS256", "typ": 7},
    {"alg": "HS256", "typ": "JWT"}, {"alg": "HS256", "kid": "x"}, '{"alg":"HS256","alg":"HS256"}', b"\xff",
    b"\xef\xbb\xbf{}",
)  # fmt: skip
CLAIMS: Final[tuple[Mapping[str, Any], ...]] = (
    {}, {"exp": ...}, {"exp": str(int(NOW) + 60)}, {"exp": int(NOW) - 31}, {"exp": int(NOW) - 29}, {"exp": True},
    {"exp": None}, {"exp": 1e300}, {"nbf": int(NOW) + 31}, {"nbf": int(NOW) + 29}, {"nbf": "now"}, {"iat": ...},
    {"iat": int(NOW) + 31}, {"iat": None}, {"iss": ...}, {"iss": "https://other.example/"}, {"iss": NAME[:-1]},
    {"iss": [NAME]}, {"iss": None}, {"sub": ...}, {"sub": ""}, {"sub": 7}, {"sub": None}, {"aud": ...}, {"aud": []},
    {"aud": "https://other.example"}, {"aud": ["https://other.example", "https://api.example.com"]}, {"aud": [7]},
    {"aud": None}, {"cnf": {"jkt": "a"}}, {"jti": "1"}, {"nonce": "n"}, {"jti": 7}, {"client_id": "web", "jti": "1"},
)  # fmt: skip
TEXTS: Final[tuple[Any, ...]] = (
    "", ".", "..", "...", GOOD + "=", GOOD + ".", GOOD[:-1], GOOD[1:], GOOD.replace(".", "", 1), f" {GOOD}",
    f"{GOOD}\n", f"{_HEAD}.{_BODY}.", f"{_HEAD}..{_SIGNATURE}", f".{_BODY}.{_SIGNATURE}",
    f"{_HEAD}.{_BODY}.{_SIGNATURE[::-1]}",
    ".".join([GOOD, "a", "a"]), "\u00e9" + GOOD, "a" * 20000, json.dumps({"payload": _BODY}), None, GOOD.encode(), 7,
    f"{_HEAD}.{base64url(b'[' * 40 + b']' * 40)}.{_SIGNATURE}", f"{_HEAD}.{base64url(b'NaN')}.{_SIGNATURE}",
    f"{urlsafe_b64encode(b'{}').decode()}.{_BODY}.{_SIGNATURE}",
)  # fmt: skip


BEARERS: Final[tuple[Mapping[str, Any], ...]] = ({}, issuing.VIEWER, {"exp": 1}, {"aud": "x"})
PATHS: Final = (
    "/read/alice", "/read/bob", "/one/0", "/one/1", "/update", "/delete", "/me", "/health", "/late", "/absent",
)  # fmt: skip


def said(ask: Callable[[], Any]) -> list[str]:
    """`accepted` and what came of it, or `refused` and every word of the error."""
    try:
        return ["accepted", str(ask())]
    except (TokenRefused, PolicyError) as error:
        return ["refused", str(error)]


def tokens() -> Iterator[list[str]]:
    """Every token above, to an issuer that demands little, to one that demands much, and to one of another kind."""
    texts = [*TEXTS, *(signed(header) for header in HEADERS), *(signed(payload=claims(**each)) for each in CLAIMS)]
    texts += [signed({"alg": "HS256", "typ": "at+jwt"}, claims(**each)) for each in CLAIMS]
    texts.append(signed(key="another secret of sixty-four bytes, as long as SHA-512 wants it!"))
    for by in (verifier(), verifier(STRICT), verifier(ASYMMETRIC)):
        for text in texts:
            yield said(lambda by=by, text=text: by.verify(text, now=NOW).claims)  # type: ignore[misc]


def keys() -> Iterator[list[str]]:
    """Keys that are none, secrets that are too short, and sets of keys."""
    weak = {"RSA-1024": "RS256", "secp256k1": "ES256"}
    for kind, algorithm in weak.items():
        yield said(lambda kind=kind, algorithm=algorithm: verifier(  # type: ignore[misc]
            issuer(algorithms=(algorithm,), keys=jwks(jwk(kind)))))  # fmt: skip
    for secret in (SECRET, "", "short", SECRET[:31], pem("P-256")):
        yield said(lambda secret=secret: type(verifier(secret=secret)).__name__)  # type: ignore[misc]
    yield said(lambda: verifier(issuer(keys=KeySource())))
    for raw in (b"", b"{}", b'{"keys": [{"kty": "oct", "k": "YQ"}]}', b'{"keys": [{"kty": "EC", "d": "a"}]}'):
        yield ["faults", *read_jwks(raw, ("ES256",))[1]]


def documents() -> Iterator[list[str]]:
    """Every mistake that a document can have."""
    mistakes = json.loads((HERE.parent / "document" / "mistakes.json").read_text("utf-8"))
    for case in mistakes:
        sources = [Source(f"{name}.json", text.encode()) for name, text in zip("abc", case["documents"], strict=False)]
        yield said(lambda sources=sources: read(sources).digest)  # type: ignore[misc]


def decisions() -> Iterator[list[str]]:
    """Every permission for some holders of roles and scopes."""
    rules = Policy(read([Source("policy.json", json.dumps(issuing.DOCUMENT).encode())]))
    for roles in ("", "viewer", "editor", "admin", "editor contractor", "payer approver", "nobody"):
        for scopes in ("", "read:data", "data.full"):
            held: dict[str, Any] = {"roles": roles.split(), "scopes": scopes.split(), "acr": "mfa", "auth_time": NOW}
            subject = Subject(id="alice", issuer=issuing.ISSUER, **held)
            yield [rules.decide(subject, name, now=NOW).reason.value for name in (*rules.entries, "un:known")]


def requests(folder: Path) -> Iterator[list[str]]:
    """Every view of a small application, asked with no token, a bad one, and one of nobody and of a viewer."""
    app = Flask("shop", static_folder=None)
    authz = Authorizer(app, policy=issuing.write_policy(folder / "policies"), audit=folder / "audit")
    app.add_url_rule("/read/<user>", "read", requires("read:data", subject="user")(lambda user: "the data"))
    find = requires("read:data", resource=lambda number: None if number else "found")
    app.add_url_rule("/one/<int:number>", "one", find(lambda number: "one"))
    app.add_url_rule("/update", "update", requires("update:data")(lambda: "updated"))
    app.add_url_rule("/delete", "delete", requires("delete:data")(lambda: "deleted"))
    app.add_url_rule("/me", "me", authenticated(lambda: "you"))
    app.add_url_rule("/health", "health", public(reason="for the load balancer")(lambda: "well"))
    authz.seal()
    app.add_url_rule("/late", "late", lambda: "late")
    for path in PATHS:
        for header in ("", "Bearer", "Basic eDp5", "Bearer abc", *map(_of, BEARERS)):
            answer = app.test_client().get(path, headers={"Authorization": header} if header else {})
            body = answer.get_json()["reason"] if answer.content_type.startswith("application/problem") else answer.text
            yield [str(answer.status_code), body, answer.headers.get("WWW-Authenticate", "")]


def _of(changes: Mapping[str, Any]) -> str:
    return issuing.bearer(**changes)["Authorization"]


def guarded() -> Iterator[list[str]]:
    """A guard without a framework."""
    rules = Policy(read([Source("policy.json", json.dumps(issuing.DOCUMENT).encode())]))
    guard = Guard(rules, TokenVerifier(rules), None)
    for changes in ({}, issuing.VIEWER, {"exp": "1"}, {"scope": 7}):
        yield said(lambda changes=changes: guard.check(issuing.token(**changes), "read:data").reason)  # type: ignore[misc]


def main() -> None:
    """Print all of it, and whether assertions are checked in this process."""
    with tempfile.TemporaryDirectory() as folder:
        found: dict[str, Any] = {
            "tokens": list(tokens()), "keys": list(keys()), "documents": list(documents()),
            "decisions": list(decisions()), "requests": list(requests(Path(folder))), "guarded": list(guarded()),
        }  # fmt: skip
    print(json.dumps({"asserts": __debug__, "said": found}))


if __name__ == "__main__":
    main()
