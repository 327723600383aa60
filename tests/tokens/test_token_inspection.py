"""An inspection shows every check with its verdict, by the checks of the verifier, and nothing usable as a token."""

from typing import Any

import pytest

from policy.reasons import Reason
from policy.tokens import Checked
from tests.tokens.makers import NAME, NOW, SECRET, base64url, claims, issuer, jwk, jwks, signed, verifier

NAMES = [
    "size", "ascii", "parts", "header", "critical", "key in header", "header texts", "payload", "signature encoding",
    "issuer", "algorithm", "key", "signature", "type", "expiry", "not before", "issued at", "audience",
    "required claims", "issuer's name", "access token",
    "subject", "confirmation",
]  # fmt: skip


def verdicts(token: Any, **changes: Any) -> dict[str, list[str]]:
    """The names of the checks that failed, and of those that were not reached."""
    found = verifier(issuer(**changes)).inspect(token, now=NOW)
    assert [check.name for check in found.checks] == NAMES
    by_verdict: dict[str, list[str]] = {"failed": [], "not reached": []}
    for check in found.checks:
        by_verdict.setdefault(check.verdict, []).append(check.name)
    return {name: by_verdict[name] for name in ("failed", "not reached")}


def test_a_sound_token_passes_every_check() -> None:
    """Every check passes, header and payload are shown, and there is no refusal."""
    found = verifier().inspect(signed(), now=NOW)
    assert found.checks == tuple(Checked(name=name, verdict="passed") for name in NAMES)
    assert (found.header, found.payload, found.issuer, found.assumed) == ({"alg": "HS256"}, claims(), NAME, False)
    assert found.refusal is None


def test_everything_that_is_wrong_is_shown() -> None:
    """Checks go on after one has failed, so that a person mends everything at once; the first is the refusal."""
    token = signed({"alg": "HS256", "typ": "x"}, claims(exp=NOW - 72, aud="https://api.example.com/", sub=""))
    found = verifier().inspect(token, now=NOW)
    failed = [(check.name, check.reason, check.detail) for check in found.checks if check.verdict == "failed"]
    assert failed == [
        ("type", Reason.TOKEN_TYPE, 'expected `typ` to be any of "at+jwt", "jwt" or absent, seen "x"'),
        ("expiry", Reason.TOKEN_EXPIRED, "`exp` was 72 s ago, the leeway is 30 s"),
        ("audience", Reason.TOKEN_AUDIENCE, 'expected `aud` to be "https://api.example.com", seen '
         '"https://api.example.com/"; it differs from "https://api.example.com" only by a trailing slash'),
        ("required claims", Reason.TOKEN_CLAIM_TYPE, 'expected `sub` to be a non-empty text, seen ""'),
    ]  # fmt: skip
    assert found.refusal is not None
    assert found.refusal.name == "type"


@pytest.mark.parametrize(
    ("token", "failed", "unreached"),
    [
        (None, ["size"], NAMES[1:]),
        ("é.a.b", ["ascii"], NAMES[2:]),
        ("a.b", ["parts"], NAMES[3:]),
        (signed(key=SECRET[::-1]), ["signature"], []),
        (signed({"alg": "none"}), ["algorithm"], ["key", "signature"]),
        (signed() + "=", ["signature encoding"], ["signature"]),
        (signed({"alg": "HS256", "crit": []}), ["critical"], []),
        (signed(header=b"{"), ["header"], ["critical", "key in header", "header texts", *NAMES[10:]]),
        (signed(payload=b"{"), ["payload"], NAMES[9:]),
    ],
)
def test_what_could_not_be_read_is_not_reached(token: Any, failed: list[str], unreached: list[str]) -> None:
    """A check whose input is missing is not reached, and is never called passed."""
    assert verdicts(token) == {"failed": failed, "not reached": unreached}


def test_an_unknown_key_leaves_only_the_signature_unreached() -> None:
    """Without a key there is no signature to check, but the claims are still shown for what they are."""
    source = jwks(jwk("P-256", kid="a"))
    token = signed({"alg": "ES256", "kid": "b"}, key=SECRET, algorithm="HS256")
    assert verdicts(token, algorithms=("ES256",), keys=source) == {"failed": ["key"], "not reached": ["signature"]}


@pytest.mark.parametrize(
    ("iss", "meant"), [(NAME[:-1], NAME), ("https://ci.example.com/", "https://ci.example.com"), ("x", None), (7, None)]
)
def test_the_nearest_issuer_is_assumed(iss: Any, meant: str | None) -> None:
    """For a token that names no issuer, one whose name is off by a trifle is assumed, and said to be."""
    by = verifier(issuer(), issuer(name="https://ci.example.com", id_prefix="ci|"))
    found = by.inspect(signed(payload=claims(iss=iss)), now=NOW)
    assert (found.issuer, found.assumed) == (meant, meant is not None)
    assert found.refusal is not None
    assert found.refusal.name == "issuer"


def test_the_only_issuer_is_assumed() -> None:
    """Where there is but one issuer, the rest of the checks are made for it."""
    found = verifier().inspect(signed(payload=claims(iss=...)), now=NOW)
    assert (found.issuer, found.assumed) == (NAME, True)
    assert [check.name for check in found.checks if check.verdict != "passed"] == ["issuer"]


def test_an_inspection_has_nothing_of_the_signature() -> None:
    """What was shown to a person can't be sent as a token."""
    token = signed({"alg": "HS256", "typ": "x"})
    signature = token.rsplit(".", 1)[1]
    for shown in (token, token[:-1] + "A", f"{base64url(b'{}')}.{token.split('.', 1)[1]}"):
        assert signature[:16] not in repr(verifier().inspect(shown, now=NOW))
