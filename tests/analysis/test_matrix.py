"""The matrix says of each role and permission what a decision would."""

import json
from typing import Any

from hypothesis import given, settings

from policy import Policy, Subject
from policy.analysis import Cell, Column, How, Matrix, Row, matrix_of
from policy.document import Source, read
from tests.decision.strategies import NOW, PERMISSIONS, ROLES, policies

Json = dict[str, Any]

DOCUMENT: Json = {
    "permissions": {
        "read:data": "Read records",
        "update:data": "",
        "delete:data": {"step_up": {"max_age": 300}},
        "read:news": "",
    },
    "roles": {
        "viewer": {"description": "May look", "grants": ["read:data"]},
        "editor": {"inherits": ["viewer"], "grants": ["*:data", "update:data"]},
        "lead": {"inherits": ["editor"]},
        "trainee": {"inherits": ["viewer"]},
    },
    "rules": [
        {"id": "news", "effect": "allow", "permissions": ["*:news"], "everyone": True},
        {"id": "help", "effect": "allow", "permissions": ["update:data"], "roles": ["trainee", "editor"]},
        {"id": "hands-off", "effect": "deny", "permissions": ["delete:data", "read:news"], "roles": ["trainee"]},
        {"id": "no-lead", "effect": "deny", "permissions": ["delete:data"], "roles": ["lead"]},
        {"id": "really", "effect": "deny", "permissions": ["delete:*"], "roles": ["lead"]},
    ],
}


def compiled(document: Json) -> Policy:
    return Policy(read([Source(name="policy.json", text=json.dumps(document).encode())]))


def test_every_way_to_a_permission_has_its_cell() -> None:
    """By name before by pattern, own before inherited, grants before rules; a deny keeps what it takes away."""
    rules = compiled(DOCUMENT)
    news = Cell(How.RULE, "", "news")
    assert matrix_of(rules) == Matrix(
        digest=rules.digest,
        roles=(
            Row("viewer", "May look", ()), Row("editor", "", ("viewer",)), Row("lead", "", ("editor",)),
            Row("trainee", "", ("viewer",)),
        ),
        permissions=(
            Column("read:data", "Read records", False), Column("update:data", "", False),
            Column("delete:data", "", True), Column("read:news", "", False),
        ),
        cells={
            "viewer": {"read:data": Cell(How.DIRECT, "viewer", "read:data"), "read:news": news},
            "editor": {
                "read:data": Cell(How.PATTERN, "editor", "*:data"),
                "update:data": Cell(How.DIRECT, "editor", "update:data"),
                "delete:data": Cell(How.PATTERN, "editor", "*:data"),
                "read:news": news,
            },
            "lead": {
                "read:data": Cell(How.INHERITED, "editor", "*:data"),
                "update:data": Cell(How.INHERITED, "editor", "update:data"),
                "delete:data": Cell(How.INHERITED, "editor", "*:data", ("no-lead", "really")),
                "read:news": news,
            },
            "trainee": {
                "read:data": Cell(How.INHERITED, "viewer", "read:data"),
                "update:data": Cell(How.RULE, "", "help"),
                "delete:data": Cell(How.NONE, "", "", ("hands-off",)),
                "read:news": Cell(How.RULE, "", "news", ("hands-off",)),
            },
        },
    )  # fmt: skip


def test_a_cell_says_how_and_whether() -> None:
    """A deny wins over every way, also over none; where there is nothing to say, nothing is granted."""
    matrix = matrix_of(compiled(DOCUMENT))
    assert [(str(cell.how), cell.granted) for cell in matrix.row("trainee")] == [
        ("inherited", True), ("rule", True), ("denied", False), ("denied", False),
    ]  # fmt: skip
    assert matrix.cell("viewer", "delete:data") == Cell(How.NONE)
    assert (matrix.cell("viewer", "delete:data").how, matrix.cell("viewer", "delete:data").granted) == ("none", False)


def test_the_nearest_of_several_inherited_roles_is_named() -> None:
    """What a role inherits in two ways comes from the role that is fewer steps away."""
    document = {
        "permissions": {"a": "", "b": ""},
        "roles": {
            "top": {"inherits": ["left", "right"]},
            "left": {"inherits": ["far"]},
            "right": {"grants": ["b"]},
            "far": {"grants": ["a", "b"]},
        },
    }
    found = matrix_of(compiled(document)).cells["top"]
    assert found == {"a": Cell(How.INHERITED, "far", "a"), "b": Cell(How.INHERITED, "right", "b")}


def test_a_policy_without_roles_has_no_cells() -> None:
    """The smallest policies are all columns and no rows."""
    rules = compiled({"permissions": {"a": ""}})
    assert matrix_of(rules) == Matrix(
        digest=rules.digest, roles=(), permissions=(Column("a", "", False),), cells={}
    )  # fmt: skip


def test_a_long_chain_of_roles_needs_no_recursion() -> None:
    """Inheritance has no limit of depth."""
    roles: Json = {f"r{place}": {"inherits": [f"r{place + 1}"]} for place in range(1500)}
    document = {"permissions": {"a": ""}, "roles": {**roles, "r1500": {"grants": ["a"]}}}
    assert matrix_of(compiled(document)).cell("r0", "a") == Cell(How.INHERITED, "r1500", "a")


@given(document=policies())
@settings(max_examples=150, deadline=None)
def test_granted_is_what_a_decision_says_of_a_holder_of_that_role_alone(document: Json) -> None:
    """Under authority `roles`, with a login as strong and recent as can be."""
    rules = compiled(document)
    matrix = matrix_of(rules)
    for role in ROLES:
        subject = Subject(id="somebody", authority="roles", roles=[role], acr="mfa", auth_time=NOW)
        decided = {name: bool(rules.decide(subject, name, now=NOW)) for name in PERMISSIONS}
        assert {name: matrix.cell(role, name).granted for name in PERMISSIONS} == decided


@given(document=policies())
@settings(max_examples=60, deadline=None)
def test_how_is_what_an_explanation_says(document: Json) -> None:
    """The rules that deny, and whether a grant or a rule gives, are those of the decision's explanation."""
    rules = compiled(document)
    matrix = matrix_of(rules)
    for role in ROLES:
        subject = Subject(id="somebody", authority="roles", roles=[role])
        for name in PERMISSIONS:
            cell, found = matrix.cell(role, name), rules.decide(subject, name, now=NOW).explain()
            grants, by_rules = ([one for one in found.granted_by if bool(one.path) is grant] for grant in (True, False))
            assert cell.denied_by == found.denied_by
            assert (cell.source in (How.DIRECT, How.PATTERN, How.INHERITED)) == bool(grants)
            assert all(len(grant.path) == 1 or cell.source is How.INHERITED for grant in grants)
            assert (cell.source is How.RULE) == (bool(by_rules) and not grants)
            assert cell.source is not How.RULE or cell.by == by_rules[0].by
