"""casbin's and pycasbin's own decisions, asked of policies in this library's language."""

from collections import Counter
from typing import Any

import pytest

from policy import Decision
from tests.suites.conftest import Json, Vectors, assigned, compiled, person

Case = dict[str, Any]

#: What this library means to decide as casbin does.
SAME = ("acl", "rbac", "rbac_domains", "rbac_deny_overrides")
#: What it can express and decides in its own way: every rule counts, whatever its order, and a deny wins.
OWN_WAY = ("priority", "subject_priority")
OUT_OF_SCOPE = {
    "abac": "conditions are typed expressions of the policy, not code that a policy row carries to `eval`",
    "ip_condition": "the address of a request is no part of a decision",
    "non_string_request": "one decision has one question; casbin picks another model by a request's first value",
    "path_pattern": "permissions name what is done, not URLs; a pattern is expanded at load and never by `regexMatch`",
    "rbac_domain_patterns": "a role is bound to a named tenant, not to a pattern of tenants",
    "rebac": "whom a single record belongs to is an attribute of it, not a role",
    "resource_roles": "records are not listed in groups in a policy, and none is matched by its URL",
    "superuser_or_in_operator": "there is no built-in superuser, and no matcher that lets a name past all rules",
    "temporal_or_conditional_roles": "assignments have no dates, and no functions that an application links to them",
}
DENY_WINS = {
    "casbin-0070": "an earlier row allows her, and a later one denies a role of hers",
    "casbin-0078": "an earlier row allows her, and a later one denies a role of hers",
    "casbin-0079": "an earlier row allows her, and a later one denies a role of hers",
    "casbin-0133": "her own row allows, and the roles above hers are denied",
    "casbin-0135": "her own row allows, and a role of hers is denied in that domain",
    "casbin-0136": "his own row allows, and a role of his is denied in that domain",
}


@pytest.fixture(name="cases", scope="module")
def _cases(vectors: Vectors) -> list[Case]:
    found: list[Case] = vectors("casbin/cases.json")
    return found


def named(fields: str, values: list[str]) -> dict[str, str]:
    """The values of a row or a request by the names that the model gives them."""
    return dict(zip((each.strip() for each in fields.split(",")), values, strict=True))


def permission(row: dict[str, str]) -> str:
    return ":".join(row[field] for field in ("act", "obj") if field in row)


def role(row: dict[str, str]) -> str:
    """casbin tells no user from a role: everyone is a role of their own, in each domain another."""
    return f"{row['sub']} in {row['dom']}" if "dom" in row else row["sub"]


def policy_of(case: Case, asked: str) -> Json:
    """The rows of a case as roles, rules and assignments, over the permissions that they or the question name."""
    rows = [named(case["model"]["p"], values) for values in case["policy"].get("p", [])]
    links = case["policy"].get("g", [])
    roles: Json = {role(row): {} for row in rows if "sub" in row}
    for user, held, *domain in links:
        senior, junior = ([f"{name} in {domain[0]}" for name in (user, held)]) if domain else (user, held)
        roles.setdefault(junior, {})
        roles.setdefault(senior, {}).setdefault("inherits", []).append(junior)
    for row in rows:
        if "sub" in row and row.get("eft", "allow") == "allow":
            grants = roles[role(row)].setdefault("grants", [])
            grants.extend({permission(row)} - set(grants))
    return {
        "permissions": dict.fromkeys([*map(permission, rows), asked], ""),
        "roles": roles,
        "rules": [rule(number, row) for number, row in enumerate(rows) if "sub" not in row or row.get("eft") == "deny"],
        "assignments": assignments(roles),
    }


def rule(number: int, row: dict[str, str]) -> Json:
    """A row that no grant of a role can say: a deny, or an allow for everyone."""
    who: Json = {"roles": [role(row)]} if "sub" in row else {"everyone": True}
    return {"id": f"row {number}", "effect": row.get("eft", "allow"), "permissions": [permission(row)], **who}


def assignments(roles: Json) -> list[Json]:
    """Everyone holds the role of their own, bound to its domain if it has one."""
    found: list[Json] = []
    for name in roles:
        user, _, domain = name.partition(" in ")
        found += assigned({user: [name]}, domain or None)
    return found


def decided(case: Case) -> Decision:
    asked = named(case["model"]["r"], case["request"])
    rules = compiled(**policy_of(case, permission(asked)))
    subject = person(rules, asked.get("sub", "anyone"))
    return rules.decide(subject, permission(asked), now=0, tenant=asked.get("dom"))


def test_what_means_the_same_is_decided_the_same(cases: list[Case]) -> None:
    """Lists, roles, roles in domains and denies that override: 38 decisions, and all agree."""
    ran = [case for case in cases if case["category"] in SAME]
    assert [case["id"] for case in ran if bool(decided(case)) != case["expected"]] == []
    assert Counter(case["category"] for case in ran) == {
        "acl": 17, "rbac": 13, "rbac_domains": 5, "rbac_deny_overrides": 3,
    }  # fmt: skip


def test_the_reasons_are_counted(cases: list[Case]) -> None:
    """A denial is never a question that the policy does not know: each permission asked for is declared."""
    reasons = Counter(str(decided(case).reason) for case in cases if case["category"] in SAME)
    assert reasons == {"allowed": 12, "no-role-grants-it": 26}


def test_where_order_decides_there_a_deny_wins_here(cases: list[Case]) -> None:
    """Of 11 decisions by priority 5 agree; in the others casbin lets an earlier or nearer allow beat a deny."""
    ran = [case for case in cases if case["category"] in OWN_WAY]
    answers = {case["id"]: decided(case) for case in ran}
    unlike = {case["id"] for case in ran if bool(answers[case["id"]]) != case["expected"]}
    assert unlike == DENY_WINS.keys()
    assert {str(answers[name].reason) for name in unlike} == {"denied-by-rule"}
    assert Counter(case["category"] for case in ran) == {"priority": 8, "subject_priority": 3}


def test_what_is_out_of_scope_is_named_and_counted(cases: list[Case]) -> None:
    """140 of the 189 decisions are of kinds that this language leaves out, each for a reason."""
    left = Counter(case["category"] for case in cases if case["category"] not in (*SAME, *OWN_WAY))
    assert left.keys() == OUT_OF_SCOPE.keys()
    assert left == {
        "abac": 20, "ip_condition": 9, "non_string_request": 2, "path_pattern": 22, "rbac_domain_patterns": 10,
        "rebac": 6, "resource_roles": 23, "superuser_or_in_operator": 16, "temporal_or_conditional_roles": 32,
    }  # fmt: skip
    assert (len(cases), left.total()) == (189, 140)
