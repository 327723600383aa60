"""Every profile by tokens of our own: users, machines, those who are neither, and what is refused."""

import json
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from policy import Guard
from policy.document.profiles import profiles
from policy.reasons import Reason
from tests.tokens.makers import NOW
from tests.tokens.test_providers import guard_of, outcome, policy_of, token_of

Json = dict[str, Any]

TABLE: dict[str, Json] = json.loads(Path(__file__).with_name("profiles.json").read_text("utf-8"))
CASES = [(profile, token) for profile, about in TABLE.items() for token in about["tokens"]]
NOTHING: Json = {
    "tenant": None, "client": None, "roles": [], "bound_roles": [], "scopes": [], "permissions": [], "groups": [],
    "assigned": [],
}  # fmt: skip
SOURCES = [
    (profile, target, tuple(source["path"]))
    for profile in TABLE
    for target, sources in profiles()[profile]["claims"].items()
    for source in sources
]


def guard(profile: str) -> Guard:
    """A guard for the issuer of the table, whose group `staff` is given a role where roles count."""
    about = TABLE[profile]
    issuer = {"profile": profile, **about["policy"]}
    counting = "groups" in profiles()[profile]["claims"] and set(issuer["authority"].values()) != {"scopes"}
    given = [{"issuer": about["issuer"], "group": "staff", "roles": ["reader"]}] if counting else []
    return guard_of(policy_of({about["issuer"]: issuer}, assignments=given))


def claims(profile: str, changes: Mapping[str, Any]) -> Json:
    """The claims of the profile's first user or machine, changed; one changed to `None` is taken away."""
    about = TABLE[profile]
    common = {"iss": about["issuer"], "aud": about["policy"]["audience"], "iat": int(NOW) - 10, "exp": int(NOW) + 300}
    whole = {**common, **about["claims"], **changes}
    return deepcopy({name: value for name, value in whole.items() if value is not None})


def token(profile: str, payload: Json, typ: str | None = None) -> str:
    """A signed token with the header that the profile's tokens have."""
    chosen = typ or TABLE[profile].get("typ", "JWT")
    return token_of({"alg": "RS256", **({"typ": chosen} if chosen else {})}, payload)


@pytest.mark.parametrize(("profile", "case"), CASES, ids=[f"{profile}: {case['shows']}" for profile, case in CASES])
def test_a_token_comes_to_exactly_this(profile: str, case: Json) -> None:
    """The whole subject is told, or the reason and the detail of the refusal."""
    expected = {"refused": case["refused"]} if "refused" in case else {"subject": {**NOTHING, **case["subject"]}}
    assert outcome(guard(profile), token(profile, claims(profile, case["but"]), case.get("typ"))) == expected


@pytest.mark.parametrize(("profile", "target", "path"), SOURCES)
@pytest.mark.parametrize("wrong", [None, 7, True, {"reader": 7}, [["reader"]], [7]])
def test_a_claim_of_the_wrong_type_refuses_the_whole(
    profile: str, target: str, path: tuple[str, ...], wrong: Any
) -> None:
    """Whatever else the token says, nothing of it counts; what is asked of a login is read only where it is asked."""
    payload = at = claims(profile, {})
    for step in path[:-1]:
        at = at.setdefault(step, {})
    at[path[-1]] = wrong
    found = outcome(guard(profile), token(profile, payload))
    if target in ("acr", "auth_time"):
        assert found.get("refused", [None])[0] in (None, Reason.TOKEN_NOT_ACCESS)
    else:
        assert found["refused"][0] == Reason.TOKEN_CLAIM_TYPE


def test_every_profile_of_a_provider_has_its_cases() -> None:
    """No shipped profile is left out, and each is tried with somebody who is told and with somebody who is refused."""
    assert sorted(TABLE) == sorted(set(profiles()) - {"plain", "rfc9068"})
    for about in TABLE.values():
        kinds = {case.get("subject", {}).get("kind") for case in about["tokens"]}
        assert kinds & {"user", "machine"}
        assert None in kinds


def test_two_versions_of_a_provider_stand_side_by_side() -> None:
    """Each is an issuer of its own, though the keys are the same; one's token under the other's name is refused."""
    issuers = {
        TABLE[profile]["issuer"]: {"profile": profile, "id_prefix": prefix, "asserts": {}, **TABLE[profile]["policy"]}
        for profile, prefix in (("entra-v1", ""), ("entra-v2", "2|"))
    }
    both = guard_of(policy_of(issuers))
    tokens = [token(profile, claims(profile, {})) for profile in ("entra-v1", "entra-v2")]
    assert [both.identify(each).id for each in tokens] == ["l3_", "2|HKZ"]
    names = {"iss": TABLE["entra-v2"]["issuer"], "aud": TABLE["entra-v2"]["policy"]["audience"], "azp": "75db"}
    mixed = outcome(both, token("entra-v1", claims("entra-v1", names)))
    assert mixed == {
        "refused": ["token-not-access", 'an access token of this issuer always has `ver` equal to "2.0"'],
    }
