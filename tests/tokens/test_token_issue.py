"""Keys and tokens for development are as sound as any, and nothing weaker is made."""

import json
from typing import Any

import pytest

from policy.errors import PolicyError
from policy.tokens.issue import Asymmetric, generate_key, sign
from tests.tokens.makers import NOW, SECRET, claims, issuer, jwks, pem, verifier


@pytest.mark.parametrize(("algorithm", "shape"), [("ES256", "P-256"), ("RS256", None), ("EdDSA", "Ed25519")])
def test_a_new_key_signs_what_its_public_half_verifies(algorithm: Asymmetric, shape: str | None) -> None:
    """The JWK goes into a policy as it is, has no private member, and verifies what the PEM text signs."""
    private, public = generate_key(algorithm, kid="k")
    assert (public["kid"], public["alg"], public["use"], public.get("crv")) == ("k", algorithm, "sig", shape)
    assert "d" not in public
    by = verifier(issuer(algorithms=(algorithm,), keys=jwks(json.loads(json.dumps(public)))))
    token = sign(claims(), key=private, algorithm=algorithm, kid="k")
    assert by.verify(token, now=NOW).header == {"alg": algorithm, "kid": "k", "typ": "at+jwt"}


def test_what_is_not_given_is_not_in_the_header() -> None:
    """`kid` and `typ` are left out where they are `None`."""
    token = sign(claims(), key=SECRET.encode(), algorithm="HS256", typ=None)
    assert verifier().verify(token, now=NOW).header == {"alg": "HS256"}


@pytest.mark.parametrize(
    ("key", "algorithm", "fault"),
    [
        ("", "HS256", "the secret is empty"),
        ("short", "HS256", "`HS256` needs a secret of at least 32 bytes, this one has 5"),
        (pem("P-256"), "HS256", "it is a key of another kind, which others may know; a secret is random bytes"),
        (pem("P-384"), "ES256", "it is no private key as PEM text for `ES256`"),
        (pem("RSA"), "EdDSA", "it is no private key as PEM text for `EdDSA`"),
        ("nonsense", "RS256", "it is no private key as PEM text for `RS256`"),
        (b"\xff", "ES256", "it is no private key as PEM text for `ES256`"),
        (SECRET, "none", "unknown algorithm 'none'"),
    ],
)
def test_a_key_that_does_not_fit_is_refused(key: Any, algorithm: str, fault: str) -> None:
    """Nothing is signed with a weak secret, with another algorithm's key, or with none."""
    with pytest.raises(PolicyError) as caught:
        sign(claims(), key=key, algorithm=algorithm)
    assert str(caught.value) == fault


def test_keys_of_other_algorithms_are_not_made() -> None:
    """Development needs no more than three kinds of key."""
    with pytest.raises(PolicyError) as caught:
        generate_key("HS256")  # type: ignore[arg-type]
    assert str(caught.value) == "keys are made for `ES256`, `RS256` and `EdDSA`, not for 'HS256'"
