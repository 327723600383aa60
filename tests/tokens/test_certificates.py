"""Tokens that are bound to a certificate (RFC 8705 section 3)."""

from base64 import b64encode, urlsafe_b64encode
from hashlib import sha256
from typing import Any

import pytest

from policy.errors import TokenRefused
from policy.reasons import Reason
from policy.tokens import Presented, TokenVerifier
from policy.tokens.thumbprints import certificate_hash
from tests.proofs import presented, proof, thumbprint
from tests.tokens.makers import NAME, NOW, claims, issuer, refused, signed, verifier

RAW = sha256(b"a certificate").digest()
HASH = urlsafe_b64encode(RAW).rstrip(b"=").decode()
OTHER = urlsafe_b64encode(sha256(b"another certificate").digest()).rstrip(b"=").decode()
BY_CERTIFICATE = issuer(proof=("certificate",))
BY_EITHER = issuer(proof=("dpop", "certificate"))


def bound(**cnf: Any) -> str:
    return signed(payload=claims(cnf=cnf or {"x5t#S256": HASH}))


def why(token: str, how: Presented | None, by: TokenVerifier) -> tuple[Reason, str]:
    with pytest.raises(TokenRefused) as caught:
        by.verify(token, now=NOW, presented=how)
    return caught.value.reason, caught.value.detail


def test_a_token_comes_with_the_certificate_that_it_is_bound_to() -> None:
    """By scheme `Bearer`, as often as its client likes."""
    by = verifier(BY_CERTIFICATE)
    for _ in range(2):
        found = by.verify(bound(), now=NOW, presented=Presented(certificate=HASH))
        assert (found.issuer.name, found.claims["cnf"]) == (NAME, {"x5t#S256": HASH})


@pytest.mark.parametrize(
    ("how", "detail"),
    [
        (None, f'expected the certificate "{HASH}", seen none'),
        (Presented(), f'expected the certificate "{HASH}", seen none'),
        (Presented(certificate=OTHER), f'expected the certificate "{HASH}", seen "{OTHER}"'),
        (Presented(certificate=HASH[:-1]), f'expected the certificate "{HASH}", seen "{HASH[:-1]}"'),
        (Presented(certificate=HASH, scheme="DPoP"), "expected the scheme `Bearer`, seen `DPoP`"),
    ],
)
def test_without_that_certificate_it_is_refused(how: Presented | None, detail: str) -> None:
    """Remembered or not."""
    by = verifier(BY_CERTIFICATE)
    assert why(bound(), how, by) == (Reason.TOKEN_CONFIRMATION, detail)
    by.verify(bound(), now=NOW, presented=Presented(certificate=HASH))
    assert why(bound(), how, by) == (Reason.TOKEN_CONFIRMATION, detail)


@pytest.mark.parametrize(
    ("cnf", "reason", "detail"),
    [
        ({"kid": "a"}, Reason.TOKEN_UNBOUND, 'expected `cnf` to have "x5t#S256", seen {"kid": "a"}'),
        (
            {"jkt": thumbprint()},
            Reason.TOKEN_CONFIRMATION,
            "expected no `cnf > jkt`, which `proof` of the issuer does not name",
        ),
        (
            {"x5t#S256": RAW.hex()},
            Reason.TOKEN_CLAIM_TYPE,
            f'expected `cnf > x5t#S256` to be a SHA-256 hash in base64url, seen "{RAW.hex()}"',
        ),
        (
            {"x5t#S256": None},
            Reason.TOKEN_CLAIM_TYPE,
            "expected `cnf > x5t#S256` to be a SHA-256 hash in base64url, seen null",
        ),
    ],
)
def test_what_a_token_says_of_its_certificate_is_read_strictly(cnf: Any, reason: Reason, detail: str) -> None:
    """In the one form that the standard gives it."""
    token, by = bound(**cnf), verifier(BY_CERTIFICATE)
    assert why(token, Presented(certificate=HASH), by) == (reason, detail)
    assert refused(token, by=by) == (reason, detail)


def test_where_either_will_do_a_token_is_proved_by_what_it_is_bound_to() -> None:
    """A certificate does not stand in for a key, nor a key for a certificate."""
    by, by_key, by_certificate = verifier(BY_EITHER), bound(jkt=thumbprint()), bound()
    assert by.verify(by_certificate, now=NOW, presented=Presented(certificate=HASH)).issuer.name == NAME
    assert by.verify(by_key, now=NOW, presented=presented(proof(by_key))).issuer.name == NAME
    assert why(by_key, Presented(certificate=HASH), by)[1] == "expected the scheme `DPoP`, seen `Bearer`"
    assert why(by_certificate, presented(proof(by_certificate)), by)[1] == "expected the scheme `Bearer`, seen `DPoP`"
    unbound = signed(payload=claims())
    detail = 'expected `cnf` to have any of "jkt", "x5t#S256", seen none'
    assert why(unbound, Presented(certificate=HASH), by) == (Reason.TOKEN_UNBOUND, detail)


def test_a_token_that_is_bound_twice_is_proved_twice() -> None:
    """One half of what it names is not enough."""
    by, token = verifier(BY_EITHER), bound(**{"jkt": thumbprint(), "x5t#S256": HASH})
    both = presented(proof(token), certificate=HASH)
    assert why(token, presented(proof(token)), by)[1] == f'expected the certificate "{HASH}", seen none'
    assert why(token, presented("", certificate=HASH), by)[1] == "expected one `DPoP` header, seen none"
    assert by.verify(token, now=NOW, presented=both).issuer.name == NAME
    assert why(token, both, by)[0] == Reason.TOKEN_PROOF_REPLAYED


@pytest.mark.parametrize("text", [HASH, RAW.hex(), RAW.hex().upper()])
def test_a_front_end_gives_the_hash_in_hexadecimal_or_base64url(text: str) -> None:
    """Both are the same hash."""
    assert certificate_hash(text) == HASH


@pytest.mark.parametrize(
    "text",
    [
        "",
        HASH + "=",
        f" {HASH}",
        f"{HASH}, {HASH}",
        f"{HASH},{RAW.hex()}",
        HASH[:-1],
        f"{HASH[:-1]}B",
        b64encode(RAW).decode(),
        ":".join(f"{byte:02X}" for byte in RAW),
        f"0x{RAW.hex()}",
        RAW.hex()[:-1],
        RAW.hex()[:-1] + "g",
        f"{RAW.hex()}\n",
        "٠" * 64,
        sha256(b"").hexdigest()[:40],
    ],
)
def test_whatever_else_a_front_end_gives_is_no_hash(text: str) -> None:
    """Two of them, other alphabets, other lengths and other spellings."""
    assert certificate_hash(text) == ""
