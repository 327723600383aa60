"""What a sound policy is read as."""

import hashlib
import json
import random
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from policy.document import Source, read
from policy.model import (
    Asserts,
    Assignment,
    ClaimSource,
    ClaimTest,
    Constraint,
    Document,
    Issuer,
    KeySource,
    Permission,
    Role,
    Rule,
    Scope,
    StepUp,
)

FIRST: dict[str, Any] = {
    "$schema": "../policy.schema.json",
    "permissions": {
        "read:data": "Read records",
        "delete:data": {"description": "Remove", "step_up": {"acr": ["mfa", "hwk"], "max_age": 300}},
        "create:payment": "Submit",
        "approve:payment": {},
    },
    "roles": {
        "viewer": {"description": "May look", "grants": ["read:*"]},
        "editor": {"inherits": ["viewer"], "grants": ["delete:data"]},
        "payer": {"grants": ["create:payment"]},
        "approver": {"grants": ["approve:payment"]},
    },
    "scopes": {"data.full": {"description": "All", "grants": ["*:data"]}},
    "tenancy": "required",
}
SECOND: dict[str, Any] = {
    "$schema": "elsewhere",
    "rules": [
        {"id": "b", "effect": "allow", "permissions": ["read:data"], "everyone": True, "description": "Open"},
        {"id": "a", "effect": "deny", "permissions": ["**"], "roles": ["payer", "editor"], "message": "No"},
    ],
    "assignments": [
        {"issuer": "https://b/", "subject": "repo:octo/*", "roles": ["viewer", "editor"]},
        {"issuer": "https://a/", "client": "job", "group": 'g",\n"]', "tenant": "t\u2028ä", "roles": ["payer"]},
        {"roles": ["approver"], "issuer": "https://a/", "subject": ":literal"},
    ],
    "constraints": [
        {
            "id": "c",
            "kind": "separation-of-duty",
            "roles": ["payer", "approver"],
            "limit": 1,
            "description": "Four eyes",
        }
    ],
    "issuers": {
        "https://a/": {
            "profile": "rfc9068",
            "audience": "api",
            "keys": {"jwks_file": "keys/a.jwks.json"},
            "authority": {"user": "roles-and-scopes", "machine": "roles"},
            "claims": {"roles": {"path": ["https://example.com/roles"], "format": "object-tenants"}},
            "asserts": {"roles": ["viewer", "pay*"], "permissions": ["read:*"]},
            "id_prefix": "",
            "leeway": 0,
            "proof": ["dpop", "certificate"],
        },
        "https://b/": {
            "audience": ["x", "y"],
            "audience_claim": ["client", "id"],
            "algorithms": ["HS256"],
            "keys": {"env": "SECRET"},
            "authority": {"machine": "roles"},
            "claims": {
                "tenant": {"path": ["t"], "format": "string"},
                "groups": [{"path": ["g"], "format": "list"}, {"path": ["h"], "format": "object-keys"}],
            },
            "kinds": {
                "machine": [{"path": ["kind"], "equals": "m"}, {"path": ["x"], "exists": False}],
                "user": "otherwise",
            },
            "typ": "Application/AT+JWT",
            "asserts": {},
            "id_prefix": "b|",
            "proof": "dpop",
        },
    },
}


def sources(*documents: Any) -> list[Source]:
    """Documents `a.json`, `b.json` and so on in `/etc/policies`."""
    return [
        Source(f"{name}.json", json.dumps(each, ensure_ascii=False).encode(), "/etc/policies")
        for name, each in zip("abcdefgh", documents, strict=False)
    ]


def canonical() -> bytes:
    """The canonical form of both documents, made the slow and obvious way."""
    merged = {key: value for key, value in (FIRST | SECOND).items() if key != "$schema"}
    issuers = {**merged["issuers"]}
    issuers["https://a/"] = {
        **issuers["https://a/"],
        "asserts": {"roles": ["pay*", "viewer"], "permissions": ["read:*"]},
        "proof": ["certificate", "dpop"],
    }
    permissions = {**merged["permissions"]}
    permissions["delete:data"] = {"description": "Remove", "step_up": {"acr": ["hwk", "mfa"], "max_age": 300}}
    rules = [{**each, "roles": sorted(each["roles"])} if "roles" in each else each for each in merged["rules"]]
    assignments = [{**each, "roles": sorted(each["roles"])} for each in merged["assignments"]]
    constraints = [{**each, "roles": sorted(each["roles"])} for each in merged["constraints"]]
    merged |= {
        "permissions": permissions,
        "issuers": issuers,
        "rules": sorted(rules, key=lambda each: str(each["id"])),
        "assignments": sorted(assignments, key=text),
        "constraints": constraints,
    }
    return text(merged).encode()


def text(value: Any) -> str:
    """Compact JSON with sorted keys."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def test_reads_every_section() -> None:
    """Every key of the language arrives in the model, in document order, with its defaults."""
    plain = Issuer(
        name="https://a/",
        profile="rfc9068",
        audience=("api",),
        audience_claim=("aud",),
        algorithms=("RS256",),
        keys=KeySource(jwks_file="/etc/policies/keys/a.jwks.json"),
        authority={"user": "roles-and-scopes", "machine": "roles"},
        claims={
            "roles": (ClaimSource(path=("https://example.com/roles",), format="object-tenants"),),
            "scopes": (ClaimSource(path=("scope",), format="space-delimited"),),
            "groups": (ClaimSource(path=("groups",), format="list"),),
            "client": (ClaimSource(path=("client_id",), format="string"),),
            "acr": (ClaimSource(path=("acr",), format="string"),),
            "auth_time": (ClaimSource(path=("auth_time",), format="number"),),
        },
        kinds={"machine": (ClaimTest(path=("sub",), same_as=("client_id",)),)},
        otherwise="user",
        types=frozenset(("at+jwt",)),
        required=("jti", "client_id"),
        asserts=Asserts(roles=("viewer", "pay*"), scopes=(), permissions=("read:*",), tenants=()),
        leeway=0,
        proof=("certificate", "dpop"),
    )
    own = Issuer(
        name="https://b/",
        profile="",
        audience=("x", "y"),
        audience_claim=("client", "id"),
        algorithms=("HS256",),
        keys=KeySource(env="SECRET"),
        authority={"machine": "roles"},
        claims={
            "tenant": (ClaimSource(path=("t",), format="string"),),
            "groups": (ClaimSource(path=("g",), format="list"), ClaimSource(path=("h",), format="object-keys")),
        },
        kinds={"machine": (ClaimTest(path=("kind",), equals="m"), ClaimTest(path=("x",), exists=False))},
        otherwise="user",
        types=frozenset(("at+jwt",)),
        asserts=Asserts(roles=(), scopes=(), permissions=(), tenants=()),
        id_prefix="b|",
        proof=("dpop",),
    )
    expected = Document(
        permissions={
            "read:data": Permission(name="read:data", description="Read records"),
            "delete:data": Permission(
                name="delete:data", description="Remove", step_up=StepUp(acr=("mfa", "hwk"), max_age=300)
            ),
            "create:payment": Permission(name="create:payment", description="Submit"),
            "approve:payment": Permission(name="approve:payment"),
        },
        roles={
            "viewer": Role(name="viewer", description="May look", grants=("read:*",)),
            "editor": Role(name="editor", inherits=("viewer",), grants=("delete:data",)),
            "payer": Role(name="payer", grants=("create:payment",)),
            "approver": Role(name="approver", grants=("approve:payment",)),
        },
        scopes={"data.full": Scope(name="data.full", description="All", grants=("*:data",))},
        rules=(
            Rule(id="b", effect="allow", permissions=("read:data",), everyone=True, description="Open"),
            Rule(id="a", effect="deny", permissions=("**",), roles=("payer", "editor"), message="No"),
        ),
        assignments=(
            Assignment("https://b/", "repo:octo/*", None, None, None, ("viewer", "editor")),
            Assignment("https://a/", None, "job", 'g",\n"]', "t\u2028ä", ("payer",)),
            Assignment("https://a/", ":literal", None, None, None, ("approver",)),
        ),
        constraints=(Constraint(id="c", roles=("payer", "approver"), limit=1, description="Four eyes"),),
        issuers={"https://a/": plain, "https://b/": own},
        tenancy="required",
        digest=hashlib.sha256(canonical()).hexdigest(),
        warnings=(
            "b.json, rules[1]: the deny rule `a` is shed for tokens of `https://a/`: `asserts.roles` leaves out "
            "`editor`, which no assignment gives either",
        ),
    )
    assert read(sources(FIRST, SECOND)) == expected


def test_one_issuer_without_asserts_may_say_everything() -> None:
    """With one issuer nothing needs to be said about what it may assert."""
    issuer = {
        "profile": "plain",
        "audience": "api",
        "algorithms": ["RS256"],
        "keys": {"jwks": {"keys": [{"kty": "RSA", "e": "AQAB", "n": "x"}], "note": 1}},
        "authority": {"user": "scopes"},
    }
    found = read(sources({"permissions": {"a": "b"}, "issuers": {"i": issuer}})).issuers["i"]
    assert found.asserts == Asserts(roles=None, scopes=None, permissions=None, tenants=None)
    assert found.keys == KeySource(jwks='{"keys":[{"e":"AQAB","kty":"RSA","n":"x"}]}')
    assert found.types == frozenset(("", "jwt", "at+jwt"))


def _shuffled(value: Any, chance: random.Random, *, names: bool = False) -> Any:
    if isinstance(value, dict):
        keys = chance.sample(list(value), len(value))
        return {key: _shuffled(value[key], chance, names=key in UNORDERED) for key in keys}
    if isinstance(value, list) and names:
        return [_shuffled(each, chance) for each in chance.sample(value, len(value))]
    return value


UNORDERED = (
    "rules",
    "assignments",
    "constraints",
    "roles",
    "grants",
    "inherits",
    "permissions",
    "audience",
    "acr",
    "proof",
)


def _dealt(chance: random.Random, number: int) -> list[Any]:
    """The entries of both documents dealt out to so many others, in any order."""
    dealt: list[dict[str, Any]] = [{} for _ in range(number)]
    for section, content in _shuffled({**FIRST, **SECOND}, chance).items():
        for entry in content.items() if isinstance(content, dict) else content if isinstance(content, list) else ():
            into = chance.choice(dealt).setdefault(section, type(content)())
            into.update([entry]) if isinstance(content, dict) else into.append(entry)
    chance.choice(dealt)["tenancy"] = "required"
    return dealt


def _unordered(document: Document) -> Document:
    def names(value: Any) -> Any:
        return tuple(sorted(value))

    return replace(
        document,
        permissions={
            name: replace(each, step_up=each.step_up and replace(each.step_up, acr=names(each.step_up.acr)))
            for name, each in document.permissions.items()
        },
        rules=tuple(
            replace(each, permissions=names(each.permissions), roles=names(each.roles))
            for each in sorted(document.rules, key=lambda rule: rule.id)
        ),
        assignments=tuple(sorted((each._replace(roles=names(each.roles)) for each in document.assignments), key=repr)),
        constraints=tuple(replace(each, roles=names(each.roles)) for each in document.constraints),
        issuers={
            name: replace(
                each,
                audience=names(each.audience),
                asserts=replace(each.asserts, roles=names(each.asserts.roles or ())),
            )
            for name, each in document.issuers.items()
        },
        warnings=names(each.split(": ", 1)[1] for each in document.warnings),
    )


@settings(deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 5))
def test_no_order_changes_anything(chance: random.Random, number: int) -> None:
    """However keys, rules and names are ordered and dealt out to documents, policy and digest are the same."""
    given_order, any_order = read(sources(FIRST, SECOND)), read(sources(*_dealt(chance, number)))
    assert any_order.digest == given_order.digest
    assert _unordered(any_order) == _unordered(given_order)
