"""Random policies and random tokens, small enough that everything meets everything."""

from typing import Any

from hypothesis import strategies as st

from tests.decision.reference import Reference

Json = dict[str, Any]

ACTIONS, THINGS = ("read", "write"), ("a", "b")
PERMISSIONS = [f"{action}:{thing}" for action in ACTIONS for thing in THINGS] + ["read:a:deep", "lone"]
PATTERNS = [*PERMISSIONS, "read:*", "*:a", "*:*", "read:**", "**", "read:*:deep", "*"]
ROLES = ["r0", "r1", "r2", "r3"]
NAMES = [*ROLES, "unknown role"]
TENANTS = ["t0", "t1"]
GROUPS = ["g0", "g1"]
SUBJECTS = ["alice", "team:red:1", "team:blue"]
CLIENTS = ["app", "alice"]
REGIMES = ["roles-and-scopes", "roles", "scopes"]
NOW = 1_000_000.0
CLAIMS: Json = {
    "roles": [{"path": ["roles"], "format": "list"}, {"path": ["tenant_roles"], "format": "object-tenants"}],
    "scopes": {"path": ["scope"], "format": "space-delimited"},
    "permissions": {"path": ["permissions"], "format": "list"},
    "groups": {"path": ["groups"], "format": "list"},
    "tenant": {"path": ["tenant"], "format": "string"},
    "client": {"path": ["client_id"], "format": "string"},
    "acr": {"path": ["acr"], "format": "string"},
    "auth_time": {"path": ["auth_time"]},
}
ISSUERS = ["https://one.example/", "https://two.example/"]


def some(items: list[str], least: int = 0, most: int = 3) -> st.SearchStrategy[list[str]]:
    """A few different ones of these."""
    return st.lists(st.sampled_from(items), min_size=least, max_size=most, unique=True)


@st.composite
def permissions(draw: st.DrawFn) -> Json:
    step_up = st.fixed_dictionaries({}, optional={"acr": st.just(["mfa"]), "max_age": st.just(300)}).filter(bool)
    return {
        name: draw(st.one_of(st.just("words"), st.builds(lambda s: {"description": "words", "step_up": s}, step_up)))
        for name in PERMISSIONS
    }


@st.composite
def roles(draw: st.DrawFn) -> Json:
    found: Json = {}
    for place, name in enumerate(ROLES):
        role: Json = {"grants": draw(some(PATTERNS, 1, 2))} if draw(st.booleans()) else {}
        inherits = draw(some(ROLES[:place])) if place else []
        found[name] = {**role, **({"inherits": inherits} if inherits else {})}
    return found


@st.composite
def rules(draw: st.DrawFn) -> list[Json]:
    found: list[Json] = []
    for place in range(draw(st.integers(0, 3))):
        rule: Json = {"id": f"rule{place}", "effect": draw(st.sampled_from(["allow", "deny"]))}
        rule["permissions"] = draw(some(PATTERNS, 1, 2))
        if names := draw(some(ROLES, 0, 2)):
            rule["roles"] = names
        elif rule["effect"] == "allow":
            rule["everyone"] = True
        found.append(rule)
    return found


@st.composite
def assignments(draw: st.DrawFn, issuers: list[str]) -> list[Json]:
    keys = st.fixed_dictionaries(
        {},
        optional={
            "subject": st.sampled_from([*SUBJECTS, "team:*", "team:red:*"]),
            "client": st.sampled_from(CLIENTS),
            "group": st.sampled_from(GROUPS),
        },
    ).filter(bool)
    rest = st.fixed_dictionaries(
        {"issuer": st.sampled_from(issuers), "roles": some(ROLES, 1, 2)}, optional={"tenant": st.sampled_from(TENANTS)}
    )
    found = draw(st.lists(st.builds(lambda a, b: {**a, **b}, keys, rest), max_size=4))
    return [one for place, one in enumerate(found) if one not in found[:place]]


@st.composite
def issuer(draw: st.DrawFn, prefix: str | None, *, need_roles: bool) -> Json:
    regimes = st.fixed_dictionaries(
        {}, optional={"user": st.sampled_from(REGIMES), "machine": st.sampled_from(REGIMES)}
    ).filter(lambda one: bool(one) and (not need_roles or set(one.values()) != {"scopes"}))
    found: Json = {
        "audience": "api",
        "algorithms": ["ES256"],
        "keys": {"jwks_file": "keys.jwks.json"},
        "authority": draw(regimes),
        "claims": CLAIMS,
        "kinds": {"machine": [{"path": ["sub"], "same_as": ["client_id"]}], "user": "otherwise"},
    }
    if prefix is None:
        return found
    asserts = st.fixed_dictionaries(
        {},
        optional={
            "roles": some(["r0", "r1", "r*", "*"], 1, 2),
            "scopes": some(["read:*", "lone", "bundle", "*"], 1, 2),
            "permissions": some(["read:*", "**", "lone"], 1, 2),
            "tenants": some(["t0", "t*"], 1, 1),
        },
    )
    return {**found, "asserts": draw(asserts), "id_prefix": prefix}


@st.composite
def policies(draw: st.DrawFn) -> Json:
    """A document that loads."""
    names = ISSUERS[: draw(st.integers(1, 2))]
    several = len(names) > 1
    given = draw(assignments(names))
    users = {one["issuer"] for one in given}
    document: Json = {
        "permissions": draw(permissions()),
        "roles": draw(roles()),
        "scopes": {"bundle": {"grants": draw(some(PATTERNS, 1, 2))}},
        "rules": draw(rules()),
        "assignments": given,
        "issuers": {
            name: draw(issuer(prefix if several else None, need_roles=name in users))
            for name, prefix in zip(names, ["", "two|"], strict=False)
        },
    }
    constraint = st.builds(
        lambda name, among, limit: {"id": name, "kind": "separation-of-duty", "roles": among, "limit": limit},
        st.sampled_from(["c0", "c1"]),
        some(ROLES, 2, 3),
        st.integers(1, 2),
    ).filter(lambda one: one["limit"] < len(one["roles"]))
    drawn = draw(st.lists(constraint, max_size=2, unique_by=lambda one: one["id"]))
    document["constraints"] = [one for one in drawn if not breaks_itself(document, one)]
    return document


def breaks_itself(document: Json, constraint: Json) -> bool:
    """Whether a single role's closure breaks a constraint, which is an error of the policy."""
    naive = Reference(document)
    return any(len(naive.closure({role}) & set(constraint["roles"])) > constraint["limit"] for role in ROLES)


@st.composite
def tokens(draw: st.DrawFn) -> Json:
    """Verified claims."""
    claims: Json = {"sub": draw(st.sampled_from(SUBJECTS))}
    optional = {
        "client_id": st.sampled_from(CLIENTS),
        "roles": some(NAMES, 0, 4),
        "tenant_roles": st.dictionaries(
            st.sampled_from(NAMES), st.dictionaries(st.sampled_from(TENANTS), st.just("x"))
        ),
        "scope": some([*PERMISSIONS, "bundle", "openid", "*", "**"], 0, 8).map(" ".join),
        "permissions": some([*PERMISSIONS, "*:*"], 0, 2),
        "groups": some([*GROUPS, "g9"], 0, 2),
        "tenant": st.sampled_from(TENANTS),
        "acr": st.sampled_from(["mfa", "pwd"]),
        "auth_time": st.sampled_from([NOW - 400, NOW - 300, NOW - 10, NOW + 30, NOW + 31]),
    }
    return {**claims, **draw(st.fixed_dictionaries({}, optional=optional))}
