"""Warnings, and what makes no difference to a policy."""

import json
from typing import Any

import pytest

from policy.document import Source, read

ISSUER: dict[str, Any] = {
    "profile": "plain", "audience": "a", "algorithms": ["RS256"], "keys": {"jwks_file": "k"},
    "authority": {"user": "roles"},
}  # fmt: skip
RULE: dict[str, Any] = {"id": "hold", "effect": "deny", "permissions": ["a"], "roles": ["guest"]}
DUTY: dict[str, Any] = {"id": "two", "kind": "separation-of-duty", "roles": ["guest", "staff"], "limit": 1}
SHED = "is shed for tokens of `i`: `asserts.roles` leaves out `guest`, which no assignment gives either"


def document(**changes: Any) -> dict[str, Any]:
    """A policy whose only issuer may say everything."""
    roles = {"guest": {}, "intern": {"inherits": ["guest"]}, "staff": {"grants": ["a"]}}
    return {"permissions": {"a": "b"}, "roles": roles, "issuers": {"i": ISSUER}, **changes}


def warnings(asserted: list[str] | None, **changes: Any) -> tuple[str, ...]:
    """What is said where the issuer asserts these roles."""
    asserts = {"asserts": {} if asserted is None else {"roles": asserted}}
    whole = document(**{"issuers": {"i": {**ISSUER, **asserts}}, **changes})
    return read([Source("a.json", json.dumps(whole).encode())]).warnings


def test_warns_of_what_scopes_alone_make_idle() -> None:
    """Where every authority is `scopes`, allow rules and the grants of roles are pointed out."""
    whole = {
        "permissions": {"a": "b"},
        "roles": {"r": {"grants": ["a"]}},
        "rules": [{"id": "x", "effect": "allow", "permissions": ["a"], "roles": ["r"]}],
        "issuers": {"i": {**ISSUER, "authority": {"machine": "scopes"}}},
    }
    assert read([Source("a.json", json.dumps(whole).encode())]).warnings == (
        "a.json, rules[0]: the allow rule `x` can never matter: every authority is `scopes`",
        "a.json, roles.r.grants: what the role `r` grants can never matter: every authority is `scopes`",
    )


def test_a_deny_and_a_constraint_that_an_issuer_sheds() -> None:
    """Where an issuer's tokens cannot make one of its subjects hold a role, what names the role is pointed out."""
    assert warnings(["staff"], rules=[RULE], constraints=[DUTY]) == (
        f"a.json, rules[0]: the deny rule `hold` {SHED}",
        f"a.json, constraints[0]: the constraint `two` {SHED}",
    )


def test_shed_by_several_issuers() -> None:
    """Issuers are counted, and the first by name is named with all the roles that it leaves out."""
    each = {**ISSUER, "asserts": {"roles": ["x*"]}}
    issuers = {name: {**each, "id_prefix": f"{name}|"} for name in ("j", "i", "k")}
    assert warnings(None, issuers=issuers, rules=[{**RULE, "roles": ["staff", "guest"]}]) == (
        "a.json, rules[0]: the deny rule `hold` is shed for tokens of `i` and 2 more: `asserts.roles` leaves out "
        "`guest` and `staff`, which no assignment gives either",
    )


@pytest.mark.parametrize("asserted", [["guest"], ["*"], ["g*"], ["staff", "intern"], ["in*"], None])
def test_nothing_is_shed_where_the_role_can_come(asserted: list[str] | None) -> None:
    """Asserting the role, a prefix of it or one that inherits it will do; who asserts no role has none to shed."""
    assert warnings(asserted, rules=[RULE]) == ()


@pytest.mark.parametrize("role", ["guest", "intern"])
def test_nothing_is_shed_where_an_assignment_gives_the_role(role: str) -> None:
    """An assignment of that issuer gives what its tokens may not say."""
    assert warnings(["staff"], rules=[RULE], assignments=[{"issuer": "i", "subject": "s", "roles": [role]}]) == ()


def test_a_constraint_of_which_an_issuer_gives_no_role_is_not_shed() -> None:
    """With none of its roles there is nothing to keep apart."""
    assert warnings(["x*"], constraints=[DUTY]) == ()


def test_only_denies_that_name_roles_are_shed() -> None:
    """An allow rule that cannot apply allows nothing, and a deny without roles is for everyone."""
    everyone = {key: value for key, value in RULE.items() if key != "roles"}
    assert warnings(["staff"], rules=[{**RULE, "effect": "allow"}, {**everyone, "id": "all"}]) == ()


def test_an_issuer_without_a_roles_claim_sheds_nothing() -> None:
    """Where no claim is read for roles there is nothing to leave out."""
    kinds = {"user": "otherwise", "machine": [{"path": ["m"], "exists": True}]}
    bare = {key: value for key, value in ISSUER.items() if key != "profile"}
    issuer = {
        **bare,
        "claims": {"groups": {"path": ["g"], "format": "list"}},
        "kinds": kinds,
        "asserts": {"roles": ["staff"]},
    }
    assert warnings(None, issuers={"i": issuer}, rules=[RULE]) == ()


def test_a_tenancy_that_says_what_its_absence_does_changes_no_digest() -> None:
    """`optional` written out is the policy without it, and `required` is another."""
    bare, optional, required = (
        read([Source("a.json", json.dumps(document(**tenancy)).encode())])
        for tenancy in ({}, {"tenancy": "optional"}, {"tenancy": "required"})
    )
    assert optional == bare
    assert (required.digest == bare.digest, required.tenancy) == (False, "required")
