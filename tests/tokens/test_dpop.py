"""Tokens that are bound to a key, and the proofs that come with them (RFC 9449)."""

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jwt import get_algorithm_by_name

from policy.errors import TokenRefused
from policy.reasons import Reason
from policy.tokens import Presented, TokenVerifier
from policy.tokens.dpop import MAX_PROOF_BYTES, PROOF_ALGORITHMS, check_proof, read_proof
from policy.tokens.target import is_same_target, target
from policy.tokens.thumbprints import key_thumbprint, token_hash
from tests.proofs import URL, presented, proof, thumbprint
from tests.tokens.makers import (
    NAME,
    NOW,
    base64url,
    claims,
    issuer,
    jwk,
    private_key,
    refused,
    signed,
    verifier,
)

# RFC 9449: figures 2 and 13 with their decoded keys, the thumbprint of figure 9, the token and its hash of section 7.1.
RFC_KEY = {
    "kty": "EC",
    "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
    "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
    "crv": "P-256",
}
RFC_HEADER = (
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJo"
    "RjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19"
)
RFC_REQUEST_OF_A_TOKEN = (
    f"{RFC_HEADER}.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rv"
    "a2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3"
    "Lg"
)
RFC_REQUEST_OF_A_RESOURCE = (
    f"{RFC_HEADER}.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9w"
    "cm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9"
    ".2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
)
RFC_THUMBPRINT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
RFC_TOKEN = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
RFC_PLACE = "https://resource.example.org/protectedresource"
#: RFC 7638 section 3.1.
RFC_7638_KEY = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3"
    "oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQ"
    "vRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDK"
    "gw",
    "e": "AQAB",
    "alg": "RS256",
    "kid": "2011-04-29",
}

BY_DPOP = issuer(proof=("dpop",))


def bound(kind: str = "P-256", which: int = 0, **changes: Any) -> str:
    """A token of the sound issuer that is bound to a key."""
    return signed(payload=claims(**{"cnf": {"jkt": thumbprint(kind, which)}, **changes}))


def why(token: str, how: Presented | None, *, by: TokenVerifier | None = None, now: float = NOW) -> tuple[Reason, str]:
    """Why a token is refused as it is presented; the signatures of neither are in what is said."""
    with pytest.raises(TokenRefused) as caught:
        (by or verifier(BY_DPOP)).verify(token, now=now, presented=how)
    said = f"{caught.value} {caught.value!r}"
    signatures = [text.rpartition(".")[2] for text in (token, how.proof if how else "") if text.count(".") == 2]
    assert not [each for each in signatures if len(each) > 16 and each in said]
    assert caught.value.__context__ is None
    return caught.value.reason, caught.value.detail


def test_the_thumbprints_of_the_standards_come_out() -> None:
    """RFC 9449 figure 9 and RFC 7638 section 3.1, whatever else the key says of itself and in which order."""
    assert key_thumbprint(RFC_KEY) == RFC_THUMBPRINT
    assert read_proof(RFC_REQUEST_OF_A_TOKEN).thumbprint == RFC_THUMBPRINT
    assert key_thumbprint(RFC_7638_KEY) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_the_proof_of_the_standard_is_one_for_its_request_and_its_token() -> None:
    """RFC 9449 section 7.1: signature, method, address, time and hash of the token, by the published key."""
    assert token_hash(RFC_TOKEN) == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"
    found = read_proof(RFC_REQUEST_OF_A_RESOURCE)
    assert (found.thumbprint, found.jwk) == (RFC_THUMBPRINT, RFC_KEY)
    check_proof(found, Presented(scheme="DPoP", method="GET", url=RFC_PLACE), RFC_TOKEN, 1562262618)
    with pytest.raises(TokenRefused, match="expected `ath` to be the hash of the token"):
        check_proof(found, Presented(scheme="DPoP", method="GET", url=RFC_PLACE), "another", 1562262618)


def test_the_proof_of_the_standard_for_a_token_is_none_for_a_resource() -> None:
    """RFC 9449 section 4.3: without `ath` it is good at the token endpoint only."""
    at = Presented(scheme="DPoP", method="POST", url="https://server.example.com/token")
    with pytest.raises(TokenRefused) as caught:
        check_proof(read_proof(RFC_REQUEST_OF_A_TOKEN), at, RFC_TOKEN, 1562262616)
    assert caught.value.detail == "expected `ath` to be the hash of the token, seen none"


@pytest.mark.parametrize("kind", ["P-256", "P-384", "P-521", "Ed25519", "Ed448", "RSA"])
def test_a_token_comes_with_a_proof_of_its_key(kind: str) -> None:
    """Any of the asymmetric algorithms; the token is read as it stands."""
    token = bound(kind)
    found = verifier(BY_DPOP).verify(token, now=NOW, presented=presented(proof(token, kind=kind)))
    assert (found.issuer.name, found.claims["cnf"]) == (NAME, {"jkt": thumbprint(kind)})


@pytest.mark.parametrize("algorithm", ["PS256", "PS512", "RS384"])
def test_an_rsa_key_proves_by_every_algorithm_of_its_kind(algorithm: str) -> None:
    """The key is the same, and so is its thumbprint."""
    token, header = bound("RSA"), {"typ": "dpop+jwt", "alg": algorithm, "jwk": jwk("RSA")}
    said = read_proof(proof(token, kind="RSA")).claims
    text = signed(header, said, key=private_key("RSA", 0), algorithm=algorithm)
    assert verifier(BY_DPOP).verify(token, now=NOW, presented=presented(text)).issuer.name == NAME


def test_only_asymmetric_algorithms_prove_anything() -> None:
    """The list names no `none` and no secret."""
    assert not [name for name in PROOF_ALGORITHMS if name.startswith("HS") or name.lower() == "none"]


ALGORITHMS = ", ".join(f'"{name}"' for name in PROOF_ALGORITHMS)
#: What is changed in a sound proof, header and claims, and what is said of it. One check each.
ALTERED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "no type": ({"typ": ...}, {}, 'expected `typ` to be "dpop+jwt", seen none'),
    "another type": ({"typ": "at+jwt"}, {}, 'expected `typ` to be "dpop+jwt", seen "at+jwt"'),
    "no algorithm": ({"alg": ...}, {}, "expected `alg` in the header, seen none"),
    "none": ({"alg": "none"}, {}, f'expected `alg` to be any of {ALGORITHMS}, seen "none"'),
    "a secret's algorithm": ({"alg": "HS256"}, {}, f'expected `alg` to be any of {ALGORITHMS}, seen "HS256"'),
    "another key's algorithm": ({"alg": "RS256"}, {}, "its `jwk`: `RS256` needs a key of `kty` `RSA`"),
    "another curve's algorithm": ({"alg": "ES384"}, {}, "its `jwk`: `ES384` needs a key of `crv` `P-384`"),
    "no key": ({"jwk": ...}, {}, "expected `jwk` in the header to be an object, seen none"),
    "a key as text": ({"jwk": "x"}, {}, 'expected `jwk` in the header to be an object, seen "x"'),
    "a secret": ({"jwk": {"kty": "oct", "k": "AAAA"}}, {}, "its `jwk`: it has no `kty` of a public key"),
    "half a key": ({"jwk": jwk("P-256", y=None)}, {}, "its `jwk`: it has no `y` in base64url"),
    "a padded key": ({"jwk": jwk("P-256", x="AAA=")}, {}, "its `jwk`: it has no `x` in base64url"),
    "the address of a key": ({"jku": "https://evil.example"}, {}, "expected no `jku` in the header"),
    "a certificate": ({"x5c": ["AAAA"]}, {}, "expected no `x5c` in the header"),
    "an extension": ({"crit": ["b64"]}, {}, 'expected no `crit` in the header, seen ["b64"]'),
    "an unencoded payload": ({"b64": False}, {}, "expected no `b64` in the header, seen false"),
    "no id": ({}, {"jti": ...}, "expected `jti` to be a text of 1 to 256 characters, seen none"),
    "an empty id": ({}, {"jti": ""}, 'expected `jti` to be a text of 1 to 256 characters, seen ""'),
    "a number as id": ({}, {"jti": 1}, "expected `jti` to be a text of 1 to 256 characters, seen 1"),
    "a long id": ({}, {"jti": "x" * 257}, "expected `jti` to be a text of 1 to 256 characters, seen 257 characters"),
    "no method": ({}, {"htm": ...}, 'expected `htm` to be "GET", seen none'),
    "another method": ({}, {"htm": "POST"}, 'expected `htm` to be "GET", seen "POST"'),
    "the method in small letters": ({}, {"htm": "get"}, 'expected `htm` to be "GET", seen "get"'),
    "no address": ({}, {"htu": ...}, f'expected `htu` to be "{URL}", seen none'),
    "another address": ({}, {"htu": URL + "1"}, f'expected `htu` to be "{URL}", seen "{URL}1"'),
    "addresses": ({}, {"htu": [URL]}, f'expected `htu` to be "{URL}", seen ["{URL}"]'),
    "no time": ({}, {"iat": ...}, "expected `iat` to be a number of seconds, seen none"),
    "a time as text": ({}, {"iat": str(int(NOW))}, f'expected `iat` to be a number of seconds, seen "{int(NOW)}"'),
    "a time as truth": ({}, {"iat": True}, "expected `iat` to be a number of seconds, seen true"),
    "an old time": ({}, {"iat": NOW - 61}, "expected `iat` within 60 s of now, seen 61 s ago"),
    "a time to come": ({}, {"iat": NOW + 60.5}, "expected `iat` within 60 s of now, seen in 60.5 s"),
    "expired": ({}, {"exp": NOW - 60}, "`exp` was 60 s ago, the leeway is 60 s"),
    "an expiry as text": ({}, {"exp": "soon"}, 'expected `exp` to be a number of seconds, seen "soon"'),
    "not valid yet": ({}, {"nbf": NOW + 61}, "`nbf` is in 61 s, the leeway is 60 s"),
    "no hash": ({}, {"ath": ...}, "expected `ath` to be the hash of the token, seen none"),
    "a padded hash": (
        {},
        {"ath": token_hash(bound()) + "="},
        f'expected `ath` to be the hash of the token, seen "{token_hash(bound())}="',
    ),
    "another token's hash": (
        {},
        {"ath": token_hash("x")},
        f'expected `ath` to be the hash of the token, seen "{token_hash("x")}"',
    ),
    "a hash outside ASCII": ({}, {"ath": "é"}, 'expected `ath` to be the hash of the token, seen "\\u00e9"'),
}


@pytest.mark.parametrize(("header", "said", "detail"), ALTERED.values(), ids=ALTERED.keys())
def test_a_proof_with_one_thing_wrong_is_refused(header: Any, said: Any, detail: str) -> None:
    """Signed by the right key each time, so that each check stands alone."""
    token = bound()
    assert why(token, presented(proof(token, header=header, **said))) == (Reason.TOKEN_PROOF, detail)


def test_a_proof_by_another_key_is_refused() -> None:
    """A sound proof, but of a key that the token does not name."""
    token = bound()
    detail = f'expected a proof by the key "{thumbprint()}", seen one by "{thumbprint(which=1)}"'
    assert why(token, presented(proof(token, which=1))) == (Reason.TOKEN_CONFIRMATION, detail)


def test_a_proof_that_names_the_right_key_and_is_signed_by_another_is_refused() -> None:
    """A thief knows the public key, and signs with what they have."""
    token = bound()
    text = proof(token, which=1, header={"jwk": jwk("P-256")})
    assert why(token, presented(text)) == (Reason.TOKEN_PROOF, "its key does not verify it")


@pytest.mark.parametrize("part", range(3))
def test_a_proof_with_one_letter_changed_is_refused(part: int) -> None:
    """In its header, its payload or its signature."""
    token = bound()
    parts = proof(token).split(".")
    parts[part] = parts[part][:20] + ("A" if parts[part][20] != "A" else "B") + parts[part][21:]
    assert why(token, presented(".".join(parts)))[0] == Reason.TOKEN_PROOF


def test_a_private_key_in_a_proof_is_refused() -> None:
    """Even though it signed: whoever saw the proof has the key."""
    token = bound()
    private = get_algorithm_by_name("ES256").to_jwk(private_key("P-256", 0), as_dict=True)
    text = proof(token, header={"jwk": private})
    detail = "its `jwk`: it is a private key (it has `d`); only its public members belong here"
    assert why(token, presented(text)) == (Reason.TOKEN_PROOF, detail)


@pytest.mark.parametrize("member", [{"use": "enc"}, {"key_ops": ["encrypt"]}, {"alg": "ES512"}])
def test_a_key_for_something_else_is_refused(member: dict[str, Any]) -> None:
    """A key says itself what it is for."""
    token = bound()
    text = proof(token, header={"jwk": jwk("P-256", **member)})
    assert why(token, presented(text)) == (Reason.TOKEN_PROOF, "its `jwk`: it is not for signatures by `ES256`")


def test_a_short_key_is_refused() -> None:
    """RSA below 2048 bits proves nothing."""
    token = bound("RSA-1024")
    detail = "its `jwk`: an RSA key needs at least 2048 bits, this one has 1024"
    assert why(token, presented(proof(token, kind="RSA-1024"))) == (Reason.TOKEN_PROOF, detail)


def test_a_key_that_is_no_point_of_its_curve_is_refused() -> None:
    """Its thumbprint may be right all the same."""
    wrong = jwk("P-256", x="A" * 43)
    token = signed(payload=claims(cnf={"jkt": key_thumbprint(wrong)}))
    text = proof(token, header={"jwk": wrong})
    assert why(token, presented(text)) == (Reason.TOKEN_PROOF, "its `jwk`: it is no valid `EC` key")


SOUND = proof(bound())
HEAD, BODY, TAIL = SOUND.split(".")
TWICE, HUGE = base64url(b'{"typ":"dpop+jwt","typ":"dpop+jwt"}'), base64url(b'{"iat":1e999}')
HOSTILE = {
    "none": ("", "expected one `DPoP` header, seen none"),
    "two": (f"{SOUND}, {SOUND}", "expected one `DPoP` header, seen several"),
    "joined without a space": (f"{SOUND},{SOUND}", "expected one `DPoP` header, seen several"),
    "too long": (SOUND + "A" * MAX_PROOF_BYTES, f"expected at most 8192 bytes, seen {len(SOUND) + 8192}"),
    "outside ASCII": (SOUND + "é", "expected ASCII only"),
    "two parts": (f"{HEAD}.{BODY}", "expected 3 parts, seen 2"),
    "encrypted": (f"{SOUND}..", "expected 3 parts, seen 5, as an encrypted token has"),
    "JSON": (json.dumps({"protected": HEAD})[:-1] + "}", "expected the compact serialization, seen the JSON one"),
    "padded": (f"{SOUND}=", "the signature has characters outside base64url"),
    "in quotes": (f'"{SOUND}"', "the header has characters outside base64url"),
    "another spelling": (f"{HEAD}.{BODY}.{TAIL[:-1]}B", "the signature does not end in canonical base64url"),
    "a header twice": (f"{TWICE}.{BODY}.{TAIL}", "the header: a member is named twice"),
    "no JSON": (f"{HEAD}.{base64url(b'x')}.{TAIL}", "the payload: it is not JSON at character 0"),
    "not finite": (f"{HEAD}.{HUGE}.{TAIL}", "the payload: it has a number that is not finite"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "detail"), HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_no_single_signed_token_is_no_proof(text: str, detail: str) -> None:
    """Read as strictly as a token is."""
    assert why(bound(), presented(text)) == (Reason.TOKEN_PROOF, detail)


@pytest.mark.parametrize("typ", ["dpop+jwt", "DPoP+JWT", "application/dpop+jwt"])
def test_the_type_is_a_media_type(typ: str) -> None:
    """In any case, with `application/` or without (RFC 7515 section 4.1.9)."""
    token = bound()
    how = presented(proof(token, header={"typ": typ}))
    assert verifier(BY_DPOP).verify(token, now=NOW, presented=how).issuer.name == NAME


@pytest.mark.parametrize("seconds", [-60, -59.5, 0, 60])
def test_clocks_may_differ_by_a_minute(seconds: float) -> None:
    """Either way, the limit included."""
    token = bound()
    how = presented(proof(token, iat=NOW + seconds, exp=NOW - 59, nbf=NOW + 60))
    assert verifier(BY_DPOP).verify(token, now=NOW, presented=how).issuer.name == NAME


SAME = (
    "https://api.example.com/a%20b/c",
    "HTTPS://API.Example.COM/a%20b/c",
    "https://api.example.com:443/a%20b/c",
    "https://api.example.com:0443/a%20b/c",
    "https://api.example.com/a%20b/c?x=1",
    "https://api.example.com/a%20b/c#top",
    "https://api.example.com/%61%20b%2Fc",
    "https://api.example.com/a%20b%2fc?",
)
OTHERS = (
    "https://api.example.com/a%2520b/c",
    "https://api.example.com/A%20b/c",
    "https://api.example.com/a%20b/c/",
    "https://api.example.com//a%20b/c",
    "https://api.example.com/x/../a%20b/c",
    "https://api.example.com/a%20b/./c",
    "https://api.example.com",
    "https://api.example.com./a%20b/c",
    "https://api.example.com:8443/a%20b/c",
    "https://api.example.com:80/a%20b/c",
    "https://user@api.example.com/a%20b/c",
    "https://api.example.com@evil.example/a%20b/c",
    "https://evil.example/https://api.example.com/a%20b/c",
    "https://api.example.com\\@evil.example/a%20b/c",
    "http://api.example.com/a%20b/c",
    "ftp://api.example.com/a%20b/c",
    "//api.example.com/a%20b/c",
    "/a%20b/c",
    "https:///a%20b/c",
    "https://api.example.com/a b/c",
    " https://api.example.com/a%20b/c",
    "https://api.example.com/a%20b/c\n",
    "https://api.example.com/a%20b/c\t",
    "https://api.example.com:x/a%20b/c",
    "https://api.example.cöm/a%20b/c",
    "https://[::1/a%20b/c",
    "",
)


@pytest.mark.parametrize("address", SAME)
def test_an_address_is_the_same_in_every_spelling(address: str) -> None:
    """Case of scheme and host, the scheme's own port, query, fragment, and what is percent-encoded."""
    token = bound()
    how = presented(proof(token, htu=address), url=SAME[0])
    assert verifier(BY_DPOP).verify(token, now=NOW, presented=how).issuer.name == NAME


@pytest.mark.parametrize("address", OTHERS)
def test_another_address_is_another(address: str) -> None:
    """A path is not walked, nothing is decoded twice, and nobody is named before the host."""
    assert not is_same_target(address, SAME[0])
    assert not is_same_target(SAME[0], address)


def test_no_path_is_the_root() -> None:
    """And a number of IPv6 is a host like any other."""
    assert is_same_target("https://api.example.com", "https://api.example.com/?x")
    assert is_same_target("http://[::1]:80/", "http://[::1]")
    assert not is_same_target("", "")


def test_a_proof_is_good_once() -> None:
    """The second time it is a thief's, or a client's mistake."""
    by, token = verifier(BY_DPOP), bound()
    how = presented(proof(token))
    assert by.verify(token, now=NOW, presented=how).issuer.name == NAME
    expected = (Reason.TOKEN_PROOF_REPLAYED, 'expected a new `jti`, seen "one" again')
    assert why(token, how, by=by) == expected
    assert why(token, presented(proof(token, iat=NOW + 30)), by=by, now=NOW + 60) == expected
    assert by.verify(token, now=NOW, presented=presented(proof(token, jti="two"))).issuer.name == NAME


def test_a_proof_that_is_not_accepted_uses_nothing_up() -> None:
    """Otherwise anyone could use up the ids of somebody's proofs."""
    by, token = verifier(BY_DPOP), bound()
    assert why(token, presented(proof(token, htm="POST")), by=by)[0] == Reason.TOKEN_PROOF
    assert why(token, presented(proof(token, which=1)), by=by)[0] == Reason.TOKEN_CONFIRMATION
    assert by.verify(token, now=NOW, presented=presented(proof(token))).issuer.name == NAME


def test_two_clients_may_have_the_same_idea_of_an_id() -> None:
    """An id belongs to its key."""
    by = verifier(BY_DPOP)
    for which in (0, 1):
        token = bound(which=which)
        assert by.verify(token, now=NOW, presented=presented(proof(token, which=which))).issuer.name == NAME


def test_a_new_verifier_goes_on_with_the_proofs_that_the_former_has_seen() -> None:
    """A reloaded policy makes no proof good again."""
    by, token = verifier(BY_DPOP), bound()
    how = presented(proof(token))
    by.verify(token, now=NOW, presented=how)
    assert why(token, how, by=verifier(BY_DPOP, like=by))[0] == Reason.TOKEN_PROOF_REPLAYED


@pytest.mark.parametrize("remembered", [0, 10])
def test_a_token_that_is_known_again_needs_its_proof_all_the_same(remembered: int) -> None:
    """Remembering saves the signature of the token, and nothing else."""
    by, token = verifier(BY_DPOP, remembered=remembered), bound()
    by.verify(token, now=NOW, presented=presented(proof(token)))
    for how in (None, Presented(), presented(""), presented(proof(token, jti="2", htm="PUT"))):
        assert why(token, how, by=by)[0] in (Reason.TOKEN_CONFIRMATION, Reason.TOKEN_PROOF)
    assert by.verify(token, now=NOW, presented=presented(proof(token, jti="3"))).issuer.name == NAME


@pytest.mark.parametrize("how", [None, Presented(), presented(SOUND, scheme="Bearer")])
def test_a_bound_token_by_scheme_bearer_is_refused(how: Presented | None) -> None:
    """Even with a sound proof: RFC 9449 section 7.2 lets nobody step down."""
    assert why(bound(), how) == (Reason.TOKEN_CONFIRMATION, "expected the scheme `DPoP`, seen `Bearer`")


@pytest.mark.parametrize(
    ("cnf", "reason", "detail"),
    [
        (..., Reason.TOKEN_UNBOUND, 'expected `cnf` to have "jkt", seen none'),
        ({}, Reason.TOKEN_UNBOUND, 'expected `cnf` to have "jkt", seen {}'),
        ({"kid": "a"}, Reason.TOKEN_UNBOUND, 'expected `cnf` to have "jkt", seen {"kid": "a"}'),
        (None, Reason.TOKEN_CLAIM_TYPE, "expected `cnf` to be an object, seen null"),
        ("x", Reason.TOKEN_CLAIM_TYPE, 'expected `cnf` to be an object, seen "x"'),
        ({"jkt": 1}, Reason.TOKEN_CLAIM_TYPE, "expected `cnf > jkt` to be a SHA-256 hash in base64url, seen 1"),
        (
            {"jkt": thumbprint() + "="},
            Reason.TOKEN_CLAIM_TYPE,
            f'expected `cnf > jkt` to be a SHA-256 hash in base64url, seen "{thumbprint()}="',
        ),
        (
            {"jkt": thumbprint(), "x5t#S256": thumbprint()},
            Reason.TOKEN_CONFIRMATION,
            "expected no `cnf > x5t#S256`, which `proof` of the issuer does not name",
        ),
    ],
)
def test_what_a_token_says_of_its_key_is_read_strictly(cnf: Any, reason: Reason, detail: str) -> None:
    """An issuer that demands a proof has no tokens for just anybody."""
    token = signed(payload=claims(cnf=cnf))
    assert why(token, presented(proof(token))) == (reason, detail)
    assert refused(token, by=verifier(BY_DPOP)) == (reason, detail)


def test_members_that_are_not_understood_are_passed_over() -> None:
    """RFC 7800 section 3.1."""
    token = signed(payload=claims(cnf={"jkt": thumbprint(), "osc": {"id": "x"}}))
    assert verifier(BY_DPOP).verify(token, now=NOW, presented=presented(proof(token))).issuer.name == NAME


PLAIN_TOO = (BY_DPOP, issuer(name="https://plain.example.com/", id_prefix="plain|"))


def test_an_issuer_that_demands_no_proof_is_as_before_beside_one_that_does() -> None:
    """Its tokens come by `Bearer`, remembered or not; by `DPoP`, or bound, they are refused."""
    by, plain = verifier(*PLAIN_TOO), dict[str, Any](iss="https://plain.example.com/")
    token = signed(payload=claims(**plain))
    for how in (None, Presented(), None):
        assert by.verify(token, now=NOW, presented=how).issuer.name == plain["iss"]
    unbound = (Reason.TOKEN_UNBOUND, "expected the scheme `Bearer`, seen `DPoP`")
    assert why(token, presented(proof(token)), by=by) == unbound
    seen = f'expected no `cnf`, seen {{"jkt": "{thumbprint()}"}}'
    assert why(bound(**plain), presented(""), by=by) == (Reason.TOKEN_CONFIRMATION, seen)
    assert by.schemes == ("Bearer", "DPoP")


def test_the_schemes_are_those_of_the_issuers() -> None:
    """A bound token alone is refused whichever there are."""
    assert verifier().schemes == ("Bearer",)
    assert verifier(BY_DPOP).schemes == ("DPoP",)
    assert verifier(issuer(proof=("certificate",))).schemes == ("Bearer",)
    assert verifier(issuer(proof=("certificate", "dpop"))).schemes == ("Bearer", "DPoP")


def test_everything_of_the_token_itself_is_checked_first() -> None:
    """An expired token is expired, whatever its proof."""
    token = bound(exp=int(NOW) - 31)
    assert why(token, presented("")) == (Reason.TOKEN_EXPIRED, "`exp` was 31 s ago, the leeway is 30 s")


def test_the_inspection_stops_where_the_request_would_be_needed() -> None:
    """A sound token that is bound is accepted as far as a token alone shows."""
    found = verifier(BY_DPOP).inspect(bound(), now=NOW)
    assert found.refusal is None
    assert [(check.name, check.verdict) for check in found.checks if check.name in ("confirmation", "proof")] == [
        ("confirmation", "passed"),
        ("proof", "not reached"),
    ]
    assert "proof" not in [check.name for check in verifier().inspect(signed(), now=NOW).checks]


ATOMS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
JSON = st.recursive(
    ATOMS, lambda some: st.lists(some, max_size=3) | st.dictionaries(st.text(), some, max_size=3), max_leaves=5
)


@settings(deadline=None)
@given(st.text() | st.text("ABCab01-_.=,{}\"' ", max_size=40) | st.binary().map(base64url))
def test_whatever_a_header_holds_is_no_proof(text: str) -> None:
    """And is refused with a reason, never with another error."""
    assert why(bound(), presented(text))[0] == Reason.TOKEN_PROOF


@settings(deadline=None)
@given(
    st.sampled_from(["typ", "alg", "jwk", "kid", "crit"]), st.sampled_from(["jti", "htm", "htu", "iat", "ath"]), JSON
)
def test_whatever_a_proof_says_of_itself_is_right_or_refused(member: str, claim: str, value: Any) -> None:
    """Any JSON value in place of any part of a sound proof, signed by the right key."""
    token, harmless = bound(), type(value) is str
    for changed, text in (
        (member, proof(token, header={member: value})),
        (claim, proof(token, **{claim: value})),
    ):
        try:
            verifier(BY_DPOP).verify(token, now=NOW, presented=presented(text))
            found = None
        except TokenRefused as refused:
            found = refused.reason
        assert found == Reason.TOKEN_PROOF or (found is None and changed in ("kid", "jti") and harmless)


@settings(deadline=None)
@given(st.text(), st.text("htps:/.?#%@[]0123a ", max_size=20))
def test_every_address_is_the_same_as_itself_or_none(text: str, address: str) -> None:
    """Comparing never fails, and what is no address is the same as nothing."""
    for one in (text, address, f"https://{address}", f"https://a/{address}"):
        assert is_same_target(one, one) is (target(one) is not None)


def test_a_clock_that_tells_nothing_refuses() -> None:
    """The token is the first to say so."""
    token = bound()
    with pytest.raises(TokenRefused) as caught:
        verifier(BY_DPOP).verify(token, now=math.nan, presented=presented(proof(token)))
    assert caught.value.reason == Reason.TOKEN_EXPIRED
