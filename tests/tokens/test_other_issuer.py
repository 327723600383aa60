"""Whoever runs the other issuer of an application gains nothing there that was not given to that issuer."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from policy import Guard, Policy, TokenVerifier
from policy.document import Source, read
from policy.errors import TokenRefused
from tests.tokens.makers import NOW, jwk, private_key, public_text, signed

HOME, PARTNER, CI = "https://id.home.example/", "https://id.partner.example/", "https://ci.example"
DOCUMENT: dict[str, Any] = {
    "permissions": {"read:data": "Read", "update:data": "Change", "delete:data": "Remove"},
    "roles": {
        "viewer": {"grants": ["read:*"]}, "admin": {"grants": ["**"]}, "partner-viewer": {"inherits": ["viewer"]},
        "robot": {"grants": ["update:data"]},
    },
    "scopes": {"data.full": {"grants": ["**"]}, "partner.full": {"grants": ["read:data", "update:data"]}},
    "assignments": [
        {"issuer": HOME, "subject": "alice", "roles": ["admin"]},
        {"issuer": HOME, "subject": "team/*", "roles": ["admin"]},
        {"issuer": HOME, "group": "ops", "roles": ["admin"]},
        {"issuer": HOME, "client": "job", "roles": ["admin"]},
        {"issuer": CI, "subject": "repo:home/*", "roles": ["robot"]},
    ],
    "issuers": {
        HOME: {
            "profile": "plain", "audience": "https://api.home.example", "algorithms": ["RS256"], "id_prefix": "",
            "keys": {"jwks": {"keys": [jwk("RSA", kid="home")]}}, "asserts": {"roles": ["*"], "scopes": ["*"]},
            "authority": {"user": "roles-and-scopes", "machine": "roles"},
        },
        PARTNER: {
            "profile": "plain", "audience": "https://api.home.example/partners", "algorithms": ["ES256"],
            "keys": {"jwks": {"keys": [jwk("P-256", kid="partner")]}}, "authority": {"user": "roles-and-scopes"},
            "id_prefix": "p|",
            "asserts": {"roles": ["partner-*"], "scopes": ["read:data", "partner.*"], "tenants": ["partner-*"]},
            "claims": {
                "roles": [
                    {"path": ["realm", "roles"], "format": "list"}, {"path": ["by_tenant"], "format": "object-tenants"},
                ],
                "permissions": {"path": ["permissions"], "format": "list"},
                "tenant": {"path": ["org"], "format": "string"},
            },
        },
        CI: {
            "profile": "github-actions", "audience": "https://api.home.example/ci", "authority": {"machine": "roles"},
            "keys": {"jwks": {"keys": [jwk("RSA", 1, kid="ci")]}}, "id_prefix": "ci|", "asserts": {},
        },
    },
}  # fmt: skip
SOUND: dict[str, Any] = {
    "iss": PARTNER, "sub": "eve", "aud": "https://api.home.example/partners", "iat": int(NOW), "exp": int(NOW) + 300,
    "realm": {"roles": ["partner-viewer"]}, "scope": "read:data",
}  # fmt: skip


@pytest.fixture(name="guard", scope="module")
def _guard() -> Guard:
    rules = Policy(read([Source("policy.json", json.dumps(DOCUMENT).encode())]))
    return Guard(rules, TokenVerifier(rules), None, clock=lambda: NOW)


def forged(header: dict[str, Any] | None = None, key: Any = None, algorithm: str = "ES256", **claims: Any) -> str:
    """A token that the partner's administrator signs, saying whatever helps; `...` takes a claim away."""
    payload = {name: value for name, value in {**SOUND, **claims}.items() if value is not ...}
    head = {"alg": algorithm, "typ": "JWT", "kid": "partner", **(header or {})}
    return signed(
        {name: value for name, value in head.items() if value is not ...},
        payload,
        key=key or private_key("P-256", 0),
        algorithm=algorithm,
    )


def answer(guard: Guard, token: str, permission: str = "delete:data", tenant: str | None = None) -> str:
    """The reason of the decision, or that of the refusal."""
    try:
        return guard.check(token, permission, tenant=tenant).reason.value
    except TokenRefused as refusal:
        return refusal.reason.value


def test_the_partners_own_people_have_what_was_given(guard: Guard) -> None:
    """What follows is worth something only because a sound token of the partner is accepted."""
    assert [answer(guard, forged(), name) for name in ("read:data", "update:data", "delete:data")] == [
        "allowed", "no-role-grants-it", "no-role-grants-it",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "role", ["admin", "viewer", "*", "**", "partner-*", "Partner-viewer", "partner-viewer ", "robot"]
)
def test_a_role_that_is_not_the_partners_to_give_is_none(guard: Guard, role: str) -> None:
    """It is not held under any spelling, and a pattern in a token is only a name."""
    token = forged(realm={"roles": [role]}, scope="read:data partner.full")
    assert {answer(guard, token, name) for name in DOCUMENT["permissions"]} == {"no-role-grants-it"}


def test_a_scope_that_is_not_the_partners_to_give_is_none(guard: Guard) -> None:
    """A scope named like a permission is one too."""
    held = guard.identify(forged(scope="data.full delete:data * update:data"))
    assert (sorted(held.scopes), sorted(held.roles)) == ([], ["partner-viewer"])
    assert answer(guard, forged(scope="data.full delete:data *"), "read:data") == "scope-missing"


def test_a_direct_permission_that_is_not_the_partners_to_give_is_none(guard: Guard) -> None:
    """The partner may give none, also none that its own roles would give."""
    held = guard.identify(forged(permissions=["delete:data", "read:data", "**"]))
    assert held.permissions == frozenset()
    assert (
        answer(guard, forged(permissions=["update:data"], scope="partner.full"), "update:data") == "no-role-grants-it"
    )


@pytest.mark.parametrize("tenant", ["home", "*", "Partner-1", "partner", ""])
def test_a_tenant_that_is_not_the_partners_is_none(guard: Guard, tenant: str) -> None:
    """Neither as the subject's own nor as one that a role is bound to."""
    token = forged(org=tenant, by_tenant={"partner-viewer": {tenant: {}}})
    assert answer(guard, token, "read:data", tenant) == "tenant-mismatch"


def test_a_role_cannot_be_had_by_binding_it_to_a_tenant(guard: Guard) -> None:
    """A pair counts only where both its role and its tenant are the partner's to give."""
    pairs: dict[str, Any] = {"admin": {"partner-1": {}, "home": {}}, "partner-viewer": {"home": {}, "partner-1": {}}}
    token = forged(realm=..., by_tenant=pairs, scope="read:data partner.full")
    assert guard.identify(token).bound_roles == {("partner-viewer", "partner-1")}
    assert answer(guard, token, "update:data", "partner-1") == "no-role-grants-it"
    assert answer(guard, token, "read:data", "home") == "tenant-mismatch"


@pytest.mark.parametrize(
    "sub", ["alice", "team/eve", "|alice", "p|alice", "ci|repo:home/api", "\u200balice", "alice\x00"]
)
def test_no_subject_of_the_partner_is_one_of_another_issuer(guard: Guard, sub: str) -> None:
    """Its id always begins with the partner's prefix, and no assignment of another issuer is for it."""
    found = guard.identify(forged(sub=sub))
    assert (found.id, found.issuer, found.assigned) == ("p|" + sub, PARTNER, frozenset())


@pytest.mark.parametrize("sub", ["p|", "p|alice", "ci|repo:home/api"])
def test_no_subject_of_the_home_issuer_is_one_of_the_partners(guard: Guard, sub: str) -> None:
    """Not even the issuer whose ids have no prefix may name what begins with another's."""
    token = home_token(sub=sub)
    assert answer(guard, token) == "token-subject"


def home_token(**claims: Any) -> str:
    """A token of the home issuer, by its own key."""
    payload = {**SOUND, "iss": HOME, "aud": "https://api.home.example", **claims}
    return signed({"alg": "RS256", "kid": "home"}, payload, key=private_key("RSA", 0), algorithm="RS256")


@pytest.mark.parametrize(
    ("header", "key", "algorithm", "reason"),
    [
        ({}, ("P-256", 0), "ES256", "token-algorithm"),
        ({"kid": "home"}, ("P-256", 0), "ES256", "token-algorithm"),
        ({"kid": "home"}, ("RSA", 2), "RS256", "token-signature"),
        ({"kid": ...}, ("RSA", 2), "RS256", "token-signature"),
        ({"kid": "partner"}, ("RSA", 2), "RS256", "token-key"),
        ({"kid": "ci"}, ("RSA", 1), "RS256", "token-key"),
        ({"kid": "home"}, ("RSA", 1), "RS256", "token-signature"),
        ({"jwk": jwk("RSA", 2)}, ("RSA", 2), "RS256", "token-key-in-header"),
        ({"jku": f"{PARTNER}keys"}, ("RSA", 2), "RS256", "token-key-in-header"),
    ],
)
def test_no_key_of_another_issuer_signs_for_the_home_issuer(
    guard: Guard, header: dict[str, Any], key: tuple[str, int], algorithm: str, reason: str
) -> None:
    """Whatever its `kid` or its algorithm, the key is looked for among those of the issuer that the token names."""
    token = forged(header, private_key(*key), algorithm, iss=HOME, sub="alice", aud="https://api.home.example")
    assert answer(guard, token) == reason


def test_a_public_key_is_no_shared_secret(guard: Guard) -> None:
    """The home issuer's public key, which everybody has, signs nothing."""
    text = public_text("RSA", Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    token = signed({"alg": "HS256", "kid": "home"}, {**SOUND, "iss": HOME}, key=text)
    assert answer(guard, token) == "token-algorithm"


@pytest.mark.parametrize(
    "aud", ["https://api.home.example", ["https://api.home.example", "https://api.home.example/ci"]]
)
def test_the_audience_of_another_issuer_is_not_the_partners(guard: Guard, aud: Any) -> None:
    """Each issuer's tokens are for its own audience."""
    assert answer(guard, forged(aud=aud)) == "token-audience"


def test_naming_every_audience_gains_nothing(guard: Guard) -> None:
    """The token is still the partner's."""
    audiences = [DOCUMENT["issuers"][name]["audience"] for name in DOCUMENT["issuers"]]
    assert answer(guard, forged(aud=audiences)) == "no-role-grants-it"


@pytest.mark.parametrize(
    "iss",
    [
        HOME[:-1], HOME + "/", HOME.upper(), HOME.replace("https", "http"), HOME + " ", " " + HOME, HOME + "\x00",
        HOME.replace("id.", "id%2E"), HOME.replace("home", "h\u043eme"), HOME.replace("example/", "example:443/"),
        HOME + "?", HOME + "#", HOME + "@id.partner.example/", [HOME], [HOME, PARTNER], {"name": HOME}, None, ..., "",
    ],
)  # fmt: skip
def test_an_issuer_that_is_spelled_nearly_alike_is_nobody(guard: Guard, iss: Any) -> None:
    """The name is looked up exactly, and never taken apart."""
    assert answer(guard, forged(iss=iss, sub="alice")) == "token-issuer"


def test_groups_and_clients_of_the_home_issuer_are_not_the_partners(guard: Guard) -> None:
    """Assignments are for one issuer: the same names from another find nothing."""
    found = guard.identify(forged(groups=["ops"], client_id="job"))
    assert (found.groups, found.assigned, found.client) == (frozenset(), frozenset(), "job")
    assert answer(guard, forged(groups=["ops"], client_id="job"), "update:data") == "no-role-grants-it"


def test_a_machine_of_the_partner_has_the_authority_that_was_declared_for_it(guard: Guard) -> None:
    """That is none, though a machine of the home issuer has some."""
    token = forged(sub="job", client_id="job")
    assert (guard.identify(token).kind, answer(guard, token, "read:data")) == ("machine", "no-authority")


def test_claims_stand_where_the_partners_own_mapping_has_them(guard: Guard) -> None:
    """Roles in the place of another issuer's roles are not read at all."""
    found = guard.identify(forged(roles=["admin", "partner-viewer"], realm=..., repository_owner="home"))
    assert (found.roles, found.unasserted, found.tenant) == (frozenset(), (), None)


@pytest.mark.parametrize("member", ["iss", "sub", "realm", "aud"])
def test_nothing_is_said_twice(guard: Guard, member: str) -> None:
    """A payload with one member for one reader and another for the next is refused whole."""
    others = {"iss": HOME, "sub": "alice", "realm": {"roles": ["admin"]}, "aud": "https://api.home.example"}
    text = json.dumps(SOUND)
    for payload in (text[:-1] + f", {json.dumps({member: others[member]})[1:]}",
                    f"{json.dumps({member: others[member]})[:-1]}, {text[1:]}"):  # fmt: skip
        token = signed({"alg": "ES256", "kid": "partner"}, payload, key=private_key("P-256", 0), algorithm="ES256")
        assert answer(guard, token) == "token-duplicate-member"


def test_the_record_says_what_was_tried(guard: Guard) -> None:
    """What the partner said and may not say is kept, and grants nothing."""
    token = forged(realm={"roles": ["admin"]}, scope="data.full", permissions=["delete:data"], org="home")
    assert guard.identify(token).unasserted == (
        ("permission", "delete:data"), ("role", "admin"), ("scope", "data.full"), ("tenant", "home"),
    )  # fmt: skip


ENTRA = "https://login.microsoftonline.com/{}/v2.0"


@pytest.mark.parametrize(
    ("iss", "tid", "expected"),
    [
        ("9e2a", "9e2a", ("e|alice", "partner-viewer")),
        ("9e2a", "8d1f", "token-issuer"),
        ("8d1f", "9e2a", "token-issuer"),
        ("7c3b", "8d1f", "token-issuer"),
        ("9e2a", None, "token-claim-type"),
        ("9e2a", ["9e2a", "8d1f"], "token-claim-type"),
        ("9e2a", ..., "token-claim-missing"),
    ],
)
def test_a_tenant_of_a_provider_whose_keys_are_everybodys_is_itself_alone(iss: str, tid: Any, expected: Any) -> None:
    """All tenants are signed for by the same keys, so a token is of the tenant that both its name and its claim say."""
    own = {
        "profile": "entra-v2", "audience": "api", "keys": {"jwks": {"keys": [jwk("RSA", kid="shared")]}},
        "authority": {"user": "roles"},
    }  # fmt: skip
    issuers = {
        ENTRA.format("8d1f"): {**own, "id_prefix": "", "asserts": {"roles": ["*"]}},
        ENTRA.format("9e2a"): {**own, "id_prefix": "e|", "asserts": {"roles": ["partner-*"]}},
    }
    document = {**DOCUMENT, "issuers": issuers, "assignments": []}
    rules = Policy(read([Source("policy.json", json.dumps(document).encode())]))
    claims = {
        "iss": ENTRA.format(iss),
        "tid": tid,
        "aud": "api",
        "azp": "web",
        "ver": "2.0",
        "scp": "x",
        "sub": "alice",
    }
    token = forged({"kid": "shared"}, private_key("RSA", 0), "RS256", **claims, roles=["admin", "partner-viewer"])
    guard = Guard(rules, TokenVerifier(rules), None, clock=lambda: NOW)
    if isinstance(expected, str):
        assert answer(guard, token) == expected
    else:
        found = guard.identify(token)
        assert (found.id, *found.roles) == expected
