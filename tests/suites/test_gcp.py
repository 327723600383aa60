"""Google Cloud's predefined roles, as one policy: 2,461 roles over 13,790 permissions."""

from collections.abc import Mapping

import pytest

from policy import Policy, PolicyError, Subject
from tests.suites.conftest import Json, Vectors, compiled

Names = frozenset[str]
BASIC = ("roles/viewer", "roles/editor", "roles/owner")


def permission(name: str) -> str:
    """`service.resource.verb` as `service:resource:verb`.

    A service may be a host name before a slash, which keeps its dots: they may stand in a segment.
    """
    service, slash, rest = name.partition("/")
    if not slash:
        service, _, rest = name.partition(".")
    resource, _, verb = rest.rpartition(".")
    return f"{service}:{resource}:{verb}"


@pytest.fixture(name="sets", scope="module")
def _sets(vectors: Vectors) -> Mapping[str, Names]:
    found = vectors("gcp/roles.json.gz")["roles"]
    return {role: frozenset(map(permission, names)) for role, names in found.items()}


@pytest.fixture(name="catalogue", scope="module")
def _catalogue(sets: Mapping[str, Names]) -> Names:
    return frozenset().union(*sets.values())


@pytest.fixture(name="rules", scope="module")
def _rules(sets: Mapping[str, Names], catalogue: Names) -> Policy:
    return loaded(catalogue, {role: {"grants": sorted(names)} for role, names in sets.items()})


def loaded(catalogue: Names, roles: Json) -> Policy:
    granting = {name: {key: given for key, given in role.items() if given} for name, role in roles.items()}
    return compiled(permissions=dict.fromkeys(sorted(catalogue), ""), roles=granting)


def holder(*roles: str) -> Subject:
    return Subject(id="somebody", authority="roles", roles=roles)


def test_it_is_counted(sets: Mapping[str, Names], rules: Policy) -> None:
    """No two permissions become one, nothing is lost, and every role loads."""
    assert (len(rules.document.roles), len(rules.entries), sum(map(len, sets.values()))) == (2461, 13790, 165179)
    assert {name.count(":") for name in rules.entries} == {2}
    assert sum("." in name for name in rules.entries) == 138


def test_roles_granting_is_the_plain_set_for_every_permission(sets: Mapping[str, Names], rules: Policy) -> None:
    """Each of the 13,790 permissions is granted by just the roles that list it."""
    plain: dict[str, set[str]] = {}
    for role, names in sets.items():
        for name in names:
            plain.setdefault(name, set()).add(role)
    assert {name: rules.roles_granting(name) for name in rules.entries} == plain


def test_permissions_of_is_the_plain_set(sets: Mapping[str, Names], rules: Policy) -> None:
    """Every 40th role by name, and the basic ones, may do just what they list."""
    sample = [*sorted(sets)[::40], *BASIC]
    assert len(sample) == 65
    assert [role for role in sample if rules.permissions_of(holder(role)).granted != sets[role]] == []


def test_two_roles_together_are_their_union(sets: Mapping[str, Names], rules: Policy) -> None:
    """A subject with two roles may do what either lists."""
    pairs = [("roles/browser", "roles/storage.admin"), ("roles/compute.viewer", "roles/bigquery.user")]
    for one, other in pairs:
        assert rules.permissions_of(holder(one, other)).granted == sets[one] | sets[other]


def test_viewer_editor_and_owner_inherit(sets: Mapping[str, Names], catalogue: Names) -> None:
    """6,064, 11,979 and 13,568 permissions need only 13,568 grants once each basic role inherits the one below."""
    viewer, editor, owner = (sets[name] for name in BASIC)
    rules = loaded(catalogue, {
        "roles/viewer": {"grants": sorted(viewer)},
        "roles/editor": {"grants": sorted(editor - viewer), "inherits": ["roles/viewer"]},
        "roles/owner": {"grants": sorted(owner - editor), "inherits": ["roles/editor"]},
    })  # fmt: skip
    assert sum(len(role.grants) for role in rules.document.roles.values()) == 13568
    assert [len(rules.granted[name]) for name in BASIC] == [6064, 11979, 13568]
    assert {name: rules.permissions_of(holder(name)).granted for name in BASIC} == {name: sets[name] for name in BASIC}


def test_every_role_may_inherit_what_it_contains(sets: Mapping[str, Names], catalogue: Names, rules: Policy) -> None:
    """Where a role contains another of its service it inherits the largest, and decides as if it listed all itself."""
    services: dict[str, list[str]] = {}
    for role in sorted(sets):
        services.setdefault(role.partition(".")[0], []).append(role)
    roles: Json = {}
    for role, names in sets.items():
        inner = [each for each in services[role.partition(".")[0]] if frozenset() < sets[each] < names]
        junior = max(inner, key=lambda each: len(sets[each]), default=None)
        rest = names - sets[junior] if junior else names
        roles[role] = {"grants": sorted(rest), "inherits": [junior] if junior else []}
    nested = loaded(catalogue, roles)
    assert nested.granted == rules.granted == sets
    assert {name: entry.roles for name, entry in nested.entries.items()} == {
        name: entry.roles for name, entry in rules.entries.items()
    }
    assert sum(len(role["grants"]) for role in roles.values()) == 120189
    assert sum(bool(role["inherits"]) for role in roles.values()) == 1233


PATTERNS = {
    "**": 13790,
    "*:*:get": 2458,
    "*:*:list": 2236,
    "storage:**": 69,
    "compute:instances:*": 61,
    "iam.googleapis.com:*:*": 88,
    "*:instances:delete": 22,
}


def _spelled(pattern: str) -> str:
    """The pattern as a name, in which no `*` may be."""
    return pattern.replace("*", "any")


def test_patterns_stand_for_what_they_look_like(catalogue: Names) -> None:
    """A `*` is a whole segment and a last `**` the rest; dots are letters like others."""
    named = {f"like {_spelled(pattern)}": {"grants": [pattern]} for pattern in PATTERNS}
    rules = loaded(catalogue, named)
    assert {pattern: len(rules.granted[f"like {_spelled(pattern)}"]) for pattern in PATTERNS} == PATTERNS
    assert rules.granted["like any:any:get"] == {name for name in catalogue if name.endswith(":get")}
    assert rules.granted["like storage:anyany"] == {name for name in catalogue if name.startswith("storage:")}
    assert rules.granted["like compute:instances:any"] == {
        name for name in catalogue if name.startswith("compute:instances:")
    }


def test_a_pattern_of_a_service_that_is_not_there_is_an_error(catalogue: Names) -> None:
    """Among 13,790 permissions a misspelt pattern is still found when the policy loads."""
    with pytest.raises(PolicyError, match=r"storrage:\*\*"):
        loaded(catalogue, {"r": {"grants": ["storrage:**"]}})
