"""Two policies, tokens, and what the policies really answer, made by chance: what a replay has to agree with."""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any, Final

from policy.demand import Outcome, Requires, outcome
from policy.document import Source, read
from policy.engine import Policy
from policy.errors import PolicyError, TokenRefused
from policy.model import ClaimTest
from policy.reasons import Reason
from policy.record import About
from policy.recording import Recorder

ISSUER: Final = "https://idp.example/"
OTHER: Final = "https://other.example/"
PERMISSIONS: Final = ("read:a", "write:a", "read:b", "write:b")
ROLES: Final = ("r1", "r2", "r3", "zz")
TENANTS: Final = ("acme", "globex")
GROUPS: Final = ("g1", "g2", "g3")
SUBJECTS: Final = ("alice", "bob", "org:carol")
NOW: Final = 1_800_000_000.0


@dataclass(frozen=True, kw_only=True)
class Freedom:
    """In what the two policies may differ beside grants, rules, constraints and authority."""

    names: bool = False
    step_up: bool = False
    assignments: bool = False
    asserts: bool = False
    claims: bool = False
    issuers: bool = False


def freedom(chance: random.Random) -> Freedom:
    """Some of it."""
    return Freedom(**{each.name: chance.random() < 0.4 for each in fields(Freedom)})


def some(chance: random.Random, names: tuple[str, ...], least: int = 0) -> list[str]:
    return sorted(chance.sample(names, chance.randint(least, len(names))))


def document(chance: random.Random, fixed: random.Random, free: Freedom) -> dict[str, Any]:
    """What both may always differ in."""
    names = chance if free.names else fixed
    known, roles, has_scope = some(names, PERMISSIONS, 3), some(names, ROLES, 2), names.random() < 0.5
    made: dict[str, Any] = {
        "permissions": dict.fromkeys(known, ""),
        "roles": {name: {"grants": some(chance, tuple(known), 2)} for name in roles},
        "scopes": {"all": {"grants": some(chance, tuple(known), 1)}} if has_scope else {},
    }
    if chance.random() < 0.7:
        rule = {"id": "no", "effect": "deny", "permissions": some(chance, tuple(known), 1), "roles": [roles[0]]}
        made["rules"] = [rule, {"id": "yes", "effect": "allow", "permissions": [known[0]], "roles": [roles[1]]}]
    if chance.random() < 0.3:
        made["constraints"] = [{"id": "duty", "kind": "separation-of-duty", "roles": roles[:2], "limit": 1}]
    return made


def issuer(chance: random.Random, fixed: random.Random, free: Freedom, known: set[str]) -> dict[str, Any]:
    asserted, read = chance if free.asserts else fixed, chance if free.claims else fixed
    claims = {
        "roles": [{"path": ["roles"], "format": "list"}, {"path": ["bound"], "format": "object-tenants"}],
        "scopes": [{"path": ["scope"], "format": "space-delimited"}],
        "permissions": [{"path": ["permissions"], "format": "list"}],
        "tenant": [{"path": ["org"], "format": "string"}],
        "groups": [{"path": ["groups"], "format": "list"}],
        "client": [{"path": ["client_id"], "format": "string"}],
    }
    if read.random() < 0.5:
        claims["roles"] = read.choice((claims["roles"][:1], claims["roles"][1:]))
    if free.claims and read.random() < 0.5:
        target = read.choice(tuple(claims))
        source = {**claims[target][0], "path": [f"other_{target}"]}
        claims[target] = read.choice(([source], [*claims[target], source]))
    asserts = {
        "roles": asserted.choice((["*"], ["*"], ["r1", "r2"], ["r*"], [])),
        "scopes": asserted.choice((["*"], ["*"], ["all"], ["read:*"])),
        "permissions": asserted.choice((["read:*", "write:*"], ["read:*"], [])),
        "tenants": asserted.choice((["*"], ["acm*"], [])),
    }
    said = {word: [name for name in names if name in known or "*" in name] for word, names in asserts.items()}
    machines = read.choice((["sub"], ["azp"])) if free.claims else ["sub"]
    return {
        "profile": "plain", "audience": "api", "algorithms": ["HS256"], "keys": {"env": "KEY"},
        "authority": {
            "user": chance.choice(("roles", "roles", "scopes", "roles-and-scopes")),
            **({"machine": chance.choice(("roles", "scopes"))} if chance.random() < 0.7 else {}),
        },
        "claims": claims, "asserts": {word: names for word, names in said.items() if names},
        "id_prefix": chance.choice(("", "p|")) if free.issuers else "",
        "kinds": {"user": "otherwise", "machine": [{"path": machines, "same_as": ["client_id"]}]},
    }  # fmt: skip


def assignments(chance: random.Random, roles: list[str], name: str) -> list[dict[str, Any]]:
    made = []
    for _ in range(chance.randint(0, 5)):
        who = {
            "subject": {"subject": chance.choice((*SUBJECTS, "org:*"))},
            "client": {"client": "app"},
            "group": {"group": chance.choice(GROUPS)},
            "both": {"subject": "alice", "group": chance.choice(GROUPS)},
        }[chance.choice(("subject", "client", "client", "group", "both"))]
        tenant = {"tenant": chance.choice(TENANTS)} if chance.random() < 0.3 else {}
        made.append({"issuer": name, **who, **tenant, "roles": [chance.choice(roles)]})
    return made


def rules(chance: random.Random, fixed: float, free: Freedom) -> Policy:
    """A policy; what is not free comes from chance that begins with `fixed`, which gives the same to both."""
    while True:
        try:
            return attempt(chance, random.Random(fixed), free)
        except PolicyError:  # such as roles that are assigned where roles never count
            continue


def attempt(chance: random.Random, fixed: random.Random, free: Freedom) -> Policy:
    made = document(chance, fixed, free)
    known = {*made["roles"], *made["scopes"], *made["permissions"]}
    made["issuers"] = {ISSUER: issuer(chance, fixed, free, known)}
    if free.issuers and chance.random() < 0.1:
        made["issuers"] = {OTHER: made["issuers"][ISSUER]}
    if free.step_up and chance.random() < 0.5:
        asked = chance.choice(({"acr": ["mfa"]}, {"max_age": 300}, {"acr": ["mfa"], "max_age": 300}))
        made["permissions"][chance.choice(tuple(made["permissions"]))] = {"step_up": asked}
    given = assignments(chance if free.assignments else fixed, sorted(made["roles"]), next(iter(made["issuers"])))
    given = [each for each in given if set(each["roles"]) <= made["roles"].keys()]
    found = read([Source("chance.json", json.dumps({**made, "assignments": given}).encode())])
    by_chance = chance if free.claims else fixed
    if by_chance.random() < 0.3:
        test = ClaimTest(path=("hasgroups",), exists=True)
        leaving_out = {name: replace(each, overage=(test,)) for name, each in found.issuers.items()}
        found = replace(found, issuers=MappingProxyType(leaving_out))
    return Policy(found)


def token(chance: random.Random) -> dict[str, Any]:
    """Verified claims."""
    strangers = tuple(f"x{at:02}" for at in range(60))
    many = chance.random() < 0.15
    found: dict[str, Any] = {
        "sub": chance.choice((*SUBJECTS, "app", "app")),
        "roles": [*some(chance, ROLES), *(strangers if many else ())],
        "scope": " ".join([*some(chance, (*PERMISSIONS, "all")), *(strangers if many else ())]),
        "permissions": some(chance, PERMISSIONS) if chance.random() < 0.3 else [],
        "bound": {role: {chance.choice(TENANTS): ""} for role in some(chance, ROLES)} if chance.random() < 0.5 else {},
        "groups": some(chance, GROUPS),
        "org": chance.choice(TENANTS),
        "client_id": chance.choice(("app", "app", "web")),
        "azp": chance.choice(("app", "web")),
        "acr": chance.choice(("mfa", "pwd")),
        "auth_time": NOW - chance.choice((10, 200, 4000)),
        "hasgroups": True,
        "other_roles": chance.choice((some(chance, ROLES), {"r1": {"acme": ""}}, "malformed")),
        "other_scopes": chance.choice(("read:a all", 7)),
        "other_permissions": some(chance, PERMISSIONS),
        "other_groups": some(chance, GROUPS),
        "other_tenant": chance.choice(TENANTS),
        "other_client": chance.choice(("app", "web")),
    }
    dropped = {name for name in found if name != "sub" and chance.random() < 0.25}
    return {name: value for name, value in found.items() if name not in dropped}


class Masked:
    """Ids and clients are not written as they are."""

    treated: Mapping[str, str] = MappingProxyType({"subject.id": "masked", "subject.client": "dropped"})
    treated_unknown: Mapping[str, str] = MappingProxyType({})
    epoch = 0

    def apply(self, field: str, value: str) -> str | None:
        return {"subject.id": "masked", "subject.client": None}.get(field, value)

    def apply_to_unknown(self, field: str, value: str) -> str | None:
        return value


def marks(chance: random.Random) -> list[Requires]:
    many = chance.choice((0, 1, 1, 1, 2))
    return [
        Requires(permissions=tuple(some(chance, PERMISSIONS, 1)[:2]), any_of=chance.random() < 0.5) for _ in range(many)
    ]


def answer(
    by: Policy, claims: Mapping[str, Any], asked: list[Requires], tenant: str | None, now: float
) -> Outcome | None:
    """What a policy answers; `None` where it does not take the token."""
    try:
        subject = by.subject(ISSUER, claims)
    except (TokenRefused, PolicyError):
        return None
    return outcome(asked, lambda name: by.decide(subject, name, now=now, tenant=tenant))


def recorded(
    by: Policy, claims: Mapping[str, Any], asked: list[Requires], tenant: str | None, now: float,
    *, number: int = 1, narrowed: Reason | None = None, masked: bool = False,
) -> str | None:  # fmt: skip
    """The line that is written of it; `None` where nothing is decided."""
    found = answer(by, claims, asked, tenant, now)
    if found is None:
        return None
    recorder = Recorder(by, treatment=Masked()) if masked else Recorder(by)
    about = About(method="GET", route=f"/{'/'.join(name for mark in asked for name in mark.permissions)}")
    return recorder.decided(
        f"{number:032x}", "request", by.subject(ISSUER, claims), found.but(narrowed), now=now, tenant=tenant,
        about=about, duration=0.0,
    )  # fmt: skip
