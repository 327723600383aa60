"""What a test asks for comes out of a token in the shape of the issuer's profile as it went in, or is an error."""

from pathlib import Path
from typing import Any

import pytest

from policy import Policy
from policy.document.profiles import profiles
from policy.testing import CannotSay, PolicyIssuer
from tests.issuing import ISSUER
from tests.testing.applications import AUDIENCE, Json, application, of_profile, plain, write

CASES = [(profile, kind) for profile, about in profiles().items() for kind in about["kinds"]]
ALL: Json = {
    "roles": ["editor", "of nobody"], "scopes": ["read:data", "openid"], "permissions": ["read:data"],
    "groups": ["staff"], "tenant": "acme", "client": "web", "acr": "mfa", "auth_time": 1_700_000_000,
}  # fmt: skip
NOTHING: Json = {
    "roles": [], "bound_roles": [], "scopes": [], "permissions": [], "groups": [], "assigned": [], "unasserted": [],
}  # fmt: skip
#: What has a place in the profile, and yet cannot be said by somebody of that kind.
ELSEWHERE = {
    ("cognito", "user"): {"client"},
    ("cognito", "machine"): {"client"},
    ("entra-v1", "user"): {"tenant"},
    ("entra-v1", "machine"): {"tenant", "scopes"},
    ("entra-v2", "user"): {"tenant"},
    ("entra-v2", "machine"): {"tenant", "scopes"},
    ("fusionauth", "machine"): {"client"},
    ("zitadel", "user"): {"roles"},
}


def policy_of(folder: Path, profile: str) -> Path:
    """A policy with one issuer of the profile, whose groups count where it has any."""
    issuers = of_profile(profile)
    (name, issuer), *_ = issuers.items()
    counts = "groups" in profiles()[profile]["claims"] and "scopes" not in issuer["authority"].values()
    assigned = [{"issuer": name, "group": "staff", "roles": ["viewer"]}] if counts else []
    return write(folder / profile, issuers, assignments=assigned)


def sayable(issuer: PolicyIssuer, rules: Policy, kind: Any) -> Json:
    """All of `ALL` that a token of that kind can say, each tried alone."""
    said = {}
    for name, value in ALL.items():
        try:
            issuer.token(rules, kind=kind, **{name: value})
        except CannotSay:
            continue
        said[name] = value
    return said


@pytest.mark.parametrize(("profile", "kind"), CASES)
def test_what_goes_in_comes_out_as_the_subject(
    policy_issuer: PolicyIssuer, tmp_path: Path, profile: str, kind: Any
) -> None:
    """Over a real application, by a token that passes every check of the profile; the keys are never fetched."""
    path = policy_of(tmp_path, profile)
    said = sayable(policy_issuer, Policy.load(path), kind)
    assert set(ALL) - set(said) == set(ALL) - set(profiles()[profile]["claims"]) | ELSEWHERE.get((profile, kind), set())
    for asked in ({}, said):
        answer = policy_issuer.client(application(path), kind=kind, **asked).get("/me")
        assert answer.status_code == 200
        found = answer.get_json()
        if "groups" in asked:
            assert found.pop("assigned") == [["viewer", None]]
            found["assigned"] = []
        known = {name: sorted(value) if isinstance(value, list) else value for name, value in asked.items()}
        assert found == {**found, "kind": kind, **NOTHING, **known}


@pytest.mark.parametrize(("profile", "kind"), CASES)
def test_a_subject_that_is_named_is_the_subject(
    policy_issuer: PolicyIssuer, tmp_path: Path, profile: str, kind: Any
) -> None:
    """With the issuer's prefix before it. A machine whose name has a form of its own at the provider needs that."""
    path = write(tmp_path / "policies", of_profile(profile, id_prefix="p|"))
    names = {("auth0", "machine"): "bob@clients", ("cognito", "machine"): AUDIENCE}
    name = names.get((profile, kind), "bob")
    found = policy_issuer.client(application(path), sub=name, kind=kind).get("/me").get_json()
    assert (found["id"], found["kind"]) == (f"p|{name}", kind)


def test_roles_of_zitadel_are_bound_to_tenants(policy_issuer: PolicyIssuer, tmp_path: Path) -> None:
    """To the tenant that is given, or to those that stand in the pairs."""
    app = application(write(tmp_path / "policies", of_profile("zitadel")))

    def bound(**asked: Any) -> Any:
        return policy_issuer.client(app, **asked).get("/me").get_json()["bound_roles"]

    assert bound(roles=["editor", "viewer"], tenant="org-1") == [["editor", "org-1"], ["viewer", "org-1"]]
    assert bound(bound_roles=[("editor", "org-1"), ("editor", "org-2")]) == [["editor", "org-1"], ["editor", "org-2"]]


def test_an_issuers_own_claims_are_written_where_it_says(policy_issuer: PolicyIssuer, tmp_path: Path) -> None:
    """A path of several steps, names as keys of an object, a single text."""
    claims = {
        "roles": [{"path": ["access", "of.api"], "format": "object-keys"}],
        "permissions": {"path": ["access", "right"], "format": "string"},
        "tenant": {"path": ["org", "id"], "format": "string"},
    }
    app = application(write(tmp_path / "policies", plain(claims=claims)))
    asked: Any = {"roles": ["editor", "viewer"], "permissions": ["read:data"], "tenant": "acme"}
    found = policy_issuer.client(app, **asked).get("/me").get_json()
    assert {name: found[name] for name in asked} == asked


@pytest.mark.parametrize(
    ("profile", "asked", "message"),
    [
        (
            "github-actions", {"roles": ["editor"]},
            "carry no roles: leave `roles` out and give them by an assignment of the policy, or add "
            '"claims": {"roles": {"path": ["roles"], "format": "list"}} to the issuer',
        ),
        (
            "rfc9068", {"tenant": "acme"},
            'carry no tenant: leave `tenant` out, or add "claims": {"tenant": {"path": ["tenant"], '
            '"format": "string"}} to the issuer',
        ),
        (
            "zitadel", {"auth_time": 1},
            'carry no auth_time: leave `auth_time` out, or add "claims": {"auth_time": {"path": ["auth_time"]}} '
            "to the issuer",
        ),
        (
            "rfc9068", {"bound_roles": [("editor", "acme")]},
            "bind no roles to tenants: leave `bound_roles` out and give them by an assignment of the policy, or add "
            '"claims": {"roles": {"path": ["roles"], "format": "object-tenants"}} to the issuer',
        ),
        (
            "zitadel", {"roles": ["editor"]},
            'bind every role to a tenant: add tenant="...", or write bound_roles=[("editor", "...")]',
        ),
        ("zitadel", {"kind": "machine"}, 'are never of kind `machine`: add "kinds": {"machine": [...]} to the issuer'),
        (
            "auth0", {"kind": "machine", "sub": "job"},
            "cannot say that: `sub` would come out as `job@clients`, not `job`",
        ),
        (
            "rfc9068", {"kind": "machine", "sub": "job", "client": "web"},
            "cannot say that: `kind` would come out as `user`, not `machine`",
        ),
        (
            "cognito", {"client": "web"},
            f"cannot say that: `client_id` has to be the audience, `{AUDIENCE}`, not `web`",
        ),
        (
            "fusionauth", {"kind": "machine", "client": "web"},
            "cannot say that: `client` would come out as none, not `web`",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_said_is_an_error_that_says_what_to_add(
    policy_issuer: PolicyIssuer, tmp_path: Path, profile: str, asked: Any, message: str
) -> None:
    """It names the issuer and its profile; no token is made that would say something else."""
    (name,) = issuers = of_profile(profile)
    rules = Policy.load(write(tmp_path / "policies", issuers))
    with pytest.raises(CannotSay) as caught:
        policy_issuer.token(rules, **asked)
    assert str(caught.value) == f"tokens of `{name}` (profile `{profile}`) {message}"


def test_a_tenant_that_stands_in_the_name_of_an_issuer_is_no_other(policy_issuer: PolicyIssuer, tmp_path: Path) -> None:
    """Entra has an issuer for each tenant."""
    rules = Policy.load(write(tmp_path / "policies", of_profile("entra-v2")))
    with pytest.raises(CannotSay, match="`tenant` would come out as `00000000-0000-0000-0000-000000000000`, not `a`"):
        policy_issuer.token(rules, tenant="a")


@pytest.mark.parametrize(
    ("claims", "asked", "message"),
    [
        (
            {"scopes": {"path": ["scope"], "format": "space-delimited"}}, {"scopes": ["a b"]},
            f"a token of `{ISSUER}` separates scopes by spaces, so none of them can have one",
        ),
        (
            {"roles": {"path": ["role"], "format": "string"}}, {"roles": ["editor", "viewer"]},
            f"a token of `{ISSUER}` has a single text for roles, so it cannot name 2",
        ),
        (
            {"tenant": {"path": ["sub", "tenant"], "format": "string"}}, {"tenant": "acme"},
            "the claim `sub > tenant` has no place beside `sub`",
        ),
        (
            {}, {"auth_time": -1},
            f"tokens of `{ISSUER}` (profile `plain`): claim `auth_time` is not a time in seconds",
        ),
    ],
)  # fmt: skip
def test_what_a_format_cannot_hold_is_an_error(
    policy_issuer: PolicyIssuer, tmp_path: Path, claims: Json, asked: Any, message: str
) -> None:
    """In the words of the command that signs tokens too."""
    with pytest.raises(CannotSay) as caught:
        policy_issuer.token(Policy.load(write(tmp_path / "policies", plain(claims=claims))), **asked)
    assert str(caught.value) == message


def test_a_word_that_a_token_does_not_take_is_an_error(policy_issuer: PolicyIssuer, tmp_path: Path) -> None:
    """With the nearest one; and a single text is not taken for its letters."""
    rules = Policy.load(write(tmp_path / "policies", plain()))
    with pytest.raises(TypeError, match=r"^a token takes no `role`; did you mean `roles`\?$"):
        policy_issuer.token(rules, role="editor")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r'^`scopes` takes several names: write scopes=\["read:data"\]$'):
        policy_issuer.token(rules, scopes="read:data")
