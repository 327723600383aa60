"""The shipped profiles: sound data, and what an issuer is once one is applied."""

import json
from itertools import chain
from typing import Any, cast

import pytest

from policy.document import Source, read
from policy.document.issuer_names import claims_in, example
from policy.document.issuer_shapes import IssuerShape, ProfileShape
from policy.document.issuing import FORMATS, SYMMETRIC
from policy.document.profiles import applied, profiles
from policy.document.schema import profile
from policy.errors import PolicyError
from policy.model import Issuer

NAMES = [
    "auth0", "authentik", "cognito", "entra-v1", "entra-v2", "fusionauth", "github-actions", "google", "keycloak",
    "kubernetes", "okta", "pingone", "plain", "rfc9068", "zitadel",
]  # fmt: skip
REGIMES = ["roles-and-scopes", "roles", "scopes"]


def loaded(name: str, **changes: Any) -> Issuer:
    """The only issuer of a policy, with this profile."""
    about = profiles()[name]
    url = example(about.get("issuer", ["https://id.example.com/"])[0])
    regime = about.get("regimes", REGIMES)[0]
    issuer = {
        "profile": name, "audience": "api", "keys": {"jwks_file": "k"},
        "authority": dict.fromkeys(about["kinds"], regime),
        **({} if "algorithms" in about else {"algorithms": ["ES256"]}), **changes,
    }  # fmt: skip
    text = json.dumps({"permissions": {"read:data": "Read"}, "issuers": {url: issuer}})
    return read([Source("a.json", text.encode())]).issuers[url]


def test_these_are_shipped() -> None:
    """A profile that is renamed or gone breaks policies that name it."""
    assert sorted(profiles()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_profile_says_what_it_must_and_nothing_that_is_the_users_to_say(name: str) -> None:
    """It never names audience, authority or a shared secret's algorithm, and every claim has a format that fits."""
    about = profiles()[name]
    assert {"description", "claims", "kinds", "typ"} <= set(about)
    assert not {"audience", "authority", "asserts", "id_prefix", "leeway"} & set(about)
    assert not set(about.get("algorithms", ())) & set(SYMMETRIC)
    for target, source in ((target, source) for target, sources in about["claims"].items() for source in sources):
        assert source.get("format") in (FORMATS.get(target) or (None,))


@pytest.mark.parametrize("name", NAMES)
def test_every_test_of_a_profile_says_one_thing(name: str) -> None:
    """Exactly one of `equals`, `exists` and `same_as`, also in an alternative."""
    about = profiles()[name]
    kinds: list[Any] = list(cast("dict[str, Any]", about["kinds"]).values())
    tests = [*chain.from_iterable(kinds), *about.get("rejected", ()), *about.get("overage", ())]
    for test in chain(tests, *(test.get("alternatives", ()) for test in tests)):
        assert len({"equals", "exists", "same_as"} & set(test)) == 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("regime", REGIMES)
def test_a_profile_works_with_the_regimes_that_it_names(name: str, regime: str) -> None:
    """All, unless it names some; and all where the issuer itself says where its scopes stand."""
    authority = dict.fromkeys(profiles()[name]["kinds"], regime)
    if regime in profiles()[name].get("regimes", REGIMES):
        assert loaded(name, authority=authority).authority == authority
    else:
        with pytest.raises(PolicyError, match="the profile works with `roles` only"):
            loaded(name, authority=authority)
    own = {"scopes": {"path": ["scope"], "format": "space-delimited"}}
    assert loaded(name, authority=authority, claims=own).authority == authority


def test_a_profile_may_bring_keys_and_the_issuers_own_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the issuer names none, the profile's are its keys."""
    brought = profile({"keys": {"jwks_file": "theirs"}})
    monkeypatch.setattr("policy.document.profiles.profiles", lambda: {"some": brought})
    assert applied({"profile": "some"}) == {"profile": "some", "keys": {"jwks_file": "theirs"}}
    own: IssuerShape = {"profile": "some", "keys": {"jwks_file": "ours"}}
    assert applied(own) == own


@pytest.mark.parametrize("key", ["audience", "authority", "asserts", "id_prefix", "leeway", "anything"])
def test_a_profile_with_another_key_does_not_load(key: str) -> None:
    """What is the user's to say can stand in no profile."""
    with pytest.raises(ValueError, match="Extra inputs are not permitted"):
        profile({key: "api"})


@pytest.mark.parametrize(
    ("name", "claims"),
    [
        ("https://id.example.com/8d1f/v2", {"tid": "8d1f"}),
        ("https://8d1f.example.com/8d1f", {"tid": "8d1f"}),
        ("https://8d1f.example.com/9e2a", None),
        ("https://id.example.com//v2", None),
        ("https://id.example.com/8d1f/9e2a/v2", None),
        ("https://id.example.com/8d1f/v2/", None),
        ("https://idXexample.com/8d1f/v2", None),
        ("https://id.example.com/8d1f/v2\n", None),
        ("plain.example.com", {}),
        ("plainXexample.com", None),
    ],
)
def test_a_name_is_read_by_its_template(name: str, claims: dict[str, str] | None) -> None:
    """A place holds some text without a slash, the same wherever it is the same; all else is literal."""
    templates = ["https://id.example.com/{tid}/v2", "https://{tid}.example.com/{tid}", "plain.example.com"]
    assert claims_in(name, templates) == claims


def test_what_stands_in_a_name_is_kept_with_the_issuer() -> None:
    """The claim that has to say it, and what; for a name without places there is none."""
    tenant = "00000000-0000-0000-0000-000000000000"
    assert loaded("entra-v1").in_name == loaded("entra-v2").in_name == (("tid", tenant),)
    assert loaded("google").in_name == loaded("plain").in_name == ()


def test_a_brace_in_the_name_of_an_issuer_without_templates_is_a_letter() -> None:
    """Only a profile has places."""
    issuer = {"profile": "rfc9068", "audience": "api", "keys": {"jwks_file": "k"}, "authority": {"user": "roles"}}
    text = json.dumps({"permissions": {"read:data": "Read"}, "issuers": {"https://id/{tid}/": issuer}})
    assert read([Source("a.json", text.encode())]).issuers["https://id/{tid}/"].in_name == ()


def test_the_shape_of_a_profile_is_closed() -> None:
    """Everything a profile can say is known here, so that a new key is looked at twice."""
    assert set(ProfileShape.__annotations__) == {
        "description", "issuer", "algorithms", "audience_claim", "keys", "claims", "kinds", "typ", "required",
        "rejected", "overage", "regimes",
    }  # fmt: skip
