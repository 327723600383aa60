"""What a token with a good signature has to say, and what it must not."""

import json
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

import pytest

from policy.model import ClaimTest
from policy.reasons import Reason
from policy.tokens import TokenVerifier, Verified
from policy.tokens.issue import sign
from tests.tokens.makers import NAME, NOW, claims, issuer, jwk, jwks, pem, refused, signed, verifier

API = "https://api.example.com"
TIMES = ["exp", "nbf", "iat"]


def test_a_verified_token_carries_its_claims_and_its_issuer() -> None:
    """What comes out is the issuer, the claims and the header as they were signed, and a name for the token."""
    known, token = issuer(), signed({"alg": "HS256", "typ": "JWT"}, claims(jti="7f", scope="read:data"))
    expected = Verified(known, claims(jti="7f", scope="read:data"), "jti:7f", {"alg": "HS256", "typ": "JWT"})
    assert verifier(known).verify(token, now=NOW) == expected


@pytest.mark.parametrize("jti", [..., "", 7, None, ["a"]])
def test_a_token_without_a_usable_jti_is_named_by_a_hash(jti: Any) -> None:
    """Without a `jti` that is text, the name is a prefix of the hash of what was signed, without the signature."""
    token = signed(payload=claims(jti=jti))
    digest = sha256(token.rsplit(".", 1)[0].encode()).hexdigest()
    assert verifier().verify(token, now=NOW).token_id == f"sha256:{digest[:16]}"


def test_a_jti_cannot_pass_for_a_hash() -> None:
    """A `jti` that looks like the other form is still told from it."""
    assert verifier().verify(signed(payload=claims(jti="sha256:00")), now=NOW).token_id == "jti:sha256:00"


def test_a_policy_may_be_given_in_place_of_its_issuers() -> None:
    """Whatever has `issuers` by name will do."""
    known = issuer(algorithms=("ES256",), keys=jwks(jwk("P-256")))
    by = TokenVerifier(SimpleNamespace(issuers={NAME: known}))
    token = sign(claims(), key=pem("P-256"), algorithm="ES256")
    assert by.verify(token, now=NOW).issuer is known


@pytest.mark.parametrize(
    ("iss", "seen"),
    [
        (..., "none"),
        (None, "null"),
        (7, "7"),
        ([NAME], f'["{NAME}"]'),
        ("", '""'),
        ("https://id.example.com", f'"https://id.example.com"; it differs from "{NAME}" only by a trailing slash'),
        (
            "HTTPS://id.example.com/",
            f'"HTTPS://id.example.com/"; it differs from "{NAME}" only by upper and lower case',
        ),
        ("http://id.example.com/", f'"http://id.example.com/"; it differs from "{NAME}" only by its scheme'),
        (f"{NAME} ", f'"{NAME} "; it differs from "{NAME}" only by white space around it'),
        ("https://id.example.com/x", '"https://id.example.com/x"'),
        ("\x1b[2J\n\u202e", '"\\u001b[2J\\n\\u202e"'),
        ("x" * 300, '"' + "x" * 119 + "..."),
    ],
)
def test_an_issuer_that_is_not_exactly_known_is_refused(iss: Any, seen: str) -> None:
    """The issuer is looked up exactly; the detail says how near it was, on one ASCII line."""
    detail = f'expected `iss` to be "{NAME}", seen {seen}'
    assert refused(signed(payload=claims(iss=iss))) == (Reason.TOKEN_ISSUER, detail)


@pytest.mark.parametrize("typ", ["JWT", "jwt", "application/jwt", "at+jwt", "AT+JWT", "application/at+JWT", None])
def test_accepted_types_are_accepted_in_any_spelling(typ: str | None) -> None:
    """`typ` is compared without case and without `application/`, and may be absent where the issuer accepts that."""
    header = {"alg": "HS256"} | ({} if typ is None else {"typ": typ})
    assert verifier().verify(signed(header), now=NOW).header == header


@pytest.mark.parametrize(
    ("header", "types", "detail"),
    [
        ({"typ": "logout+jwt"}, {"", "jwt"}, 'expected `typ` to be "jwt" or absent, seen "logout+jwt"'),
        ({"typ": "JWT"}, {"at+jwt"}, 'expected `typ` to be "at+jwt", seen "JWT"'),
        ({}, {"at+jwt", "jwt"}, 'expected `typ` to be any of "at+jwt", "jwt", seen none'),
        ({"typ": "text/at+jwt"}, {"at+jwt"}, 'expected `typ` to be "at+jwt", seen "text/at+jwt"'),
    ],
)
def test_another_type_is_refused(header: dict[str, str], types: set[str], detail: str) -> None:
    """A token of a type that the issuer's profile does not accept is refused (RFC 8725 section 3.11)."""
    by = verifier(issuer(types=frozenset(types)))
    assert refused(signed({"alg": "HS256", **header}), by=by) == (Reason.TOKEN_TYPE, detail)


def test_a_profile_may_accept_any_type() -> None:
    """Where the profile says nothing of `typ`, any will do."""
    assert verifier(issuer(types=None)).verify(signed({"alg": "HS256", "typ": "x"}), now=NOW).claims == claims()


def test_a_token_lives_until_exp_plus_leeway() -> None:
    """Expired is now at or after `exp` plus the leeway, to the fraction of a second."""
    by, token = verifier(issuer(leeway=5)), signed(payload=claims(exp=NOW))
    assert by.verify(token, now=NOW + 4.999).claims["exp"] == NOW
    assert refused(token, by=by, now=NOW + 5) == (Reason.TOKEN_EXPIRED, "`exp` was 5 s ago, the leeway is 5 s")
    detail = "`exp` was 42.5 s ago, the leeway is 5 s"
    assert refused(token, by=by, now=NOW + 42.5) == (Reason.TOKEN_EXPIRED, detail)


@pytest.mark.parametrize(
    ("name", "reason"), [("nbf", Reason.TOKEN_NOT_YET_VALID), ("iat", Reason.TOKEN_ISSUED_IN_FUTURE)]
)
def test_a_token_begins_at_most_the_leeway_ahead(name: str, reason: Reason) -> None:
    """`nbf` and `iat` may be ahead of the clock by the leeway, and not by more."""
    token = signed(payload=claims(**{name: NOW + 30}))
    assert verifier().verify(token, now=NOW).claims[name] == NOW + 30
    assert refused(token, now=NOW - 1) == (reason, f"`{name}` is in 31 s, the leeway is 30 s")


@pytest.mark.parametrize("name", ["exp", "iat", "sub", "aud"])
def test_a_required_claim_that_is_missing_is_refused(name: str) -> None:
    """`exp`, `iat`, `sub` and the audience have to be there."""
    wanted = {"sub": "a non-empty text", "aud": "a text or a list of texts"}.get(name, "a number of seconds")
    detail = f"expected `{name}` to be {wanted}, seen none"
    assert refused(signed(payload=claims(**{name: ...}))) == (Reason.TOKEN_CLAIM_MISSING, detail)


@pytest.mark.parametrize("name", TIMES)
@pytest.mark.parametrize("value", ["1900000000", True, False, None, [1900000000], {}])
def test_a_time_that_is_no_number_is_refused(name: str, value: Any) -> None:
    """A time is a number: no text, no boolean, no null."""
    detail = f"expected `{name}` to be a number of seconds, seen {json.dumps(value)}"
    assert refused(signed(payload=claims(**{name: value}))) == (Reason.TOKEN_CLAIM_TYPE, detail)


@pytest.mark.parametrize("name", TIMES)
@pytest.mark.parametrize("value", [253402300800, 253402300799.5, 1e300, 10**300, -1e300])
def test_a_time_beyond_the_year_9999_is_refused(name: str, value: float) -> None:
    """A time that no calendar has is a mistake, not a very long life."""
    detail = f"expected `{name}` to be within 253402300799 s of 1970 (the year 9999)"
    assert refused(signed(payload=claims(**{name: value}))) == (Reason.TOKEN_CLAIM_TYPE, detail)


def test_the_last_second_of_the_year_9999_is_a_time() -> None:
    """The limit itself is accepted, and so are fractions."""
    token = signed(payload=claims(exp=253402300799, iat=NOW - 0.5))
    assert verifier().verify(token, now=NOW).claims["exp"] == 253402300799


@pytest.mark.parametrize(
    "now", [float("nan"), float("inf"), float("-inf"), 1e300, 10**400, -(10**400), None, "1800000000"]
)
def test_a_clock_gone_mad_refuses(now: Any) -> None:
    """A clock that gives no time refuses every token, and raises nothing else."""
    detail = "the clock does not give a time that `exp` could be compared with"
    assert refused(signed(), now=now) == (Reason.TOKEN_EXPIRED, detail)


@pytest.mark.parametrize("aud", [API, [API], ["other", API], [API, API]])
def test_an_audience_is_a_text_or_a_list_of_texts(aud: Any) -> None:
    """One of the audiences has to be one of the issuer's."""
    assert (
        verifier(issuer(audience=("first", API))).verify(signed(payload=claims(aud=aud)), now=NOW).claims["aud"] == aud
    )


@pytest.mark.parametrize(
    ("aud", "seen"),
    [
        ("other", '"other"'),
        ("", '""'),
        (["other", "more"], 'any of "other", "more"'),
        (f"{API}/", f'"{API}/"; it differs from "{API}" only by a trailing slash'),
        (["x", API.upper()], f'any of "x", "{API.upper()}"; it differs from "{API}" only by upper and lower case'),
        (API[:-1], f'"{API[:-1]}"'),
    ],
)
def test_another_audience_is_refused(aud: Any, seen: str) -> None:
    """An audience that is only near is another one, and the detail says how near."""
    detail = f'expected `aud` to be "{API}", seen {seen}'
    assert refused(signed(payload=claims(aud=aud))) == (Reason.TOKEN_AUDIENCE, detail)


@pytest.mark.parametrize("aud", [None, 7, True, [], [7], [API, 7], [[API]], {API: 1}])
def test_an_audience_of_another_type_is_refused(aud: Any) -> None:
    """An empty list, or one item that is no text, refuses the whole, even where the right audience is there too."""
    detail = f"expected `aud` to be a text or a list of texts, seen {json.dumps(aud)}"
    assert refused(signed(payload=claims(aud=aud))) == (Reason.TOKEN_CLAIM_TYPE, detail)


def test_the_audience_may_be_another_claim() -> None:
    """An issuer may bind its audience to another claim, and then that one counts and `aud` does not."""
    by = verifier(issuer(audience=("app",), audience_claim=("ext", "client_id")))
    assert (
        by.verify(signed(payload=claims(aud=..., ext={"client_id": "app"})), now=NOW).claims["ext"]["client_id"]
        == "app"
    )
    detail = 'expected `ext > client_id` to be "app", seen "other"'
    assert refused(signed(payload=claims(aud="app", ext={"client_id": "other"})), by=by) == (
        Reason.TOKEN_AUDIENCE,
        detail,
    )
    detail = "expected `ext > client_id` to be a text or a list of texts, seen none"
    assert refused(signed(payload=claims(aud="app")), by=by) == (Reason.TOKEN_CLAIM_MISSING, detail)


@pytest.mark.parametrize("ext", [None, "text", ["client_id"]])
def test_an_audience_path_through_no_object_is_refused(ext: Any) -> None:
    """A step of the path that is no object is a wrong type."""
    by = verifier(issuer(audience=("app",), audience_claim=("ext", "client_id")))
    assert refused(signed(payload=claims(ext=ext)), by=by)[0] == Reason.TOKEN_CLAIM_TYPE


@pytest.mark.parametrize("sub", ["", None, 7, True, ["alice"]])
def test_a_subject_that_is_no_text_is_refused(sub: Any) -> None:
    """`sub` is a non-empty text."""
    detail = f"expected `sub` to be a non-empty text, seen {json.dumps(sub)}"
    assert refused(signed(payload=claims(sub=sub))) == (Reason.TOKEN_CLAIM_TYPE, detail)


@pytest.mark.parametrize(
    ("changes", "reason", "detail"),
    [
        ({}, Reason.TOKEN_CLAIM_MISSING, "expected `client_id` to be a non-empty text, seen none"),
        ({"client_id": 7}, Reason.TOKEN_CLAIM_TYPE, "expected `client_id` to be a non-empty text, seen 7"),
        ({"client_id": ""}, Reason.TOKEN_CLAIM_TYPE, 'expected `client_id` to be a non-empty text, seen ""'),
        ({"client_id": "a"}, Reason.TOKEN_CLAIM_MISSING, "expected `tid` to be a value, seen none"),
        ({"client_id": "a", "tid": None}, Reason.TOKEN_CLAIM_TYPE, "expected `tid` to be a value, seen null"),
    ],
)
def test_claims_that_a_profile_demands_have_to_be_there(changes: dict[str, Any], reason: Reason, detail: str) -> None:
    """What a profile requires is there, is not null or empty, and is text where a standard says so."""
    by = verifier(issuer(required=("client_id", "tid")))
    assert refused(signed(payload=claims(**changes)), by=by) == (reason, detail)
    assert by.verify(signed(payload=claims(client_id="a", tid=0)), now=NOW).claims["tid"] == 0


REJECTED = (
    ClaimTest(path=("token_use",), equals="id"),
    ClaimTest(path=("nonce",), exists=True),
    ClaimTest(path=("ver",), exists=False),
    ClaimTest(path=("sub",), same_as=("azp",), suffix="@clients"),
)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"token_use": "id"}, '`token_use` equal to "id"'),
        ({"nonce": "n"}, "`nonce`"),
        ({"nonce": None}, "`nonce`"),
        ({"ver": ...}, "no `ver`"),
        ({"sub": "a@clients", "azp": "a"}, "`sub` equal to `azp` and `@clients`"),
    ],
)
def test_a_token_that_is_no_access_token_is_refused(changes: dict[str, Any], said: str) -> None:
    """What the profile knows an ID token by is refused."""
    by = verifier(issuer(rejected=REJECTED))
    detail = f"an access token of this issuer never has {said}"
    assert refused(signed(payload=claims(**{"ver": 1, **changes})), by=by) == (Reason.TOKEN_NOT_ACCESS, detail)
    assert by.verify(signed(payload=claims(ver=1, token_use="access")), now=NOW).claims["ver"] == 1


def test_a_subject_that_could_be_another_issuers_is_refused() -> None:
    """Where one issuer's ids have no prefix, it may not name what begins with another's; that other one may."""
    plain, prefixed = issuer(), issuer(name="https://ci.example.com", id_prefix="ci|")
    by = verifier(plain, prefixed)
    detail = 'expected `sub` not to begin with "ci|", the `id_prefix` of another issuer'
    assert refused(signed(payload=claims(sub="ci|bot")), by=by) == (Reason.TOKEN_SUBJECT, detail)
    for sub, iss in (("ci", NAME), ("bot", prefixed.name), ("ci|bot", prefixed.name)):
        assert by.verify(signed(payload=claims(sub=sub, iss=iss)), now=NOW).claims["sub"] == sub


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": 1, "iat": NOW * 2, "aud": 7, "sub": ""}, Reason.TOKEN_EXPIRED),
        ({"nbf": NOW * 2, "iat": NOW * 2, "aud": 7, "sub": ""}, Reason.TOKEN_NOT_YET_VALID),
        ({"iat": NOW * 2, "aud": "x", "sub": ""}, Reason.TOKEN_ISSUED_IN_FUTURE),
        ({"aud": "x", "sub": ""}, Reason.TOKEN_AUDIENCE),
        ({"sub": "", "nonce": "n"}, Reason.TOKEN_CLAIM_TYPE),
    ],
)
def test_the_first_thing_wrong_is_the_reason(changes: dict[str, Any], reason: Reason) -> None:
    """Checks are made in one order, and the first that fails gives the reason."""
    assert refused(signed(payload=claims(**changes)), by=verifier(issuer(rejected=REJECTED)))[0] == reason


def test_nothing_in_the_claims_is_looked_at_before_the_signature() -> None:
    """A stranger learns nothing of times or audience from a token whose signature is not good."""
    token = signed(payload=claims(exp=1, aud="x", sub=""), key="another secret that is just as long as the first one!")
    assert refused(token) == (Reason.TOKEN_SIGNATURE, "the issuer's `HS256` key does not verify it")
