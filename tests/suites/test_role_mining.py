"""Who could do what in four real enterprises, by the roles that were mined from it and by others that say the same."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import pytest

from policy import Policy
from tests.suites.conftest import Json, Vectors, assigned, compiled, person

Names = frozenset[str]
QUESTIONS = "queries_user_perm_expected"


class Mined(NamedTuple):
    """One enterprise: its roles with their permissions, its users with their roles, and questions with answers."""

    roles: Mapping[str, Names]
    users: Mapping[str, Names]
    questions: list[tuple[str, str, bool]]


class Counts(NamedTuple):
    """How much there is of one enterprise, and how many of its answers are an allow."""

    roles: int
    users: int
    permissions: int
    allowed: int


SETS = {
    "americas_small": Counts(roles=178, users=3477, permissions=1587, allowed=2539),
    "domino": Counts(roles=20, users=79, permissions=231, allowed=2583),
    "fire1": Counts(roles=66, users=365, permissions=709, allowed=2826),
    "hc": Counts(roles=14, users=46, permissions=46, allowed=4229),
}


@pytest.fixture(name="mined", scope="module", params=SETS)
def _mined(request: pytest.FixtureRequest, vectors: Vectors) -> tuple[Mined, Counts]:
    name: str = request.param
    found = vectors(f"role-mining/{name}.rbac.json.gz")
    return Mined(
        roles={role: frozenset(f"use:{number}" for number in numbers) for role, numbers in found["roles"].items()},
        users={user: frozenset(roles) for user, roles in found["user_roles"].items()},
        questions=[(str(user), f"use:{number}", bool(is_allowed)) for user, number, is_allowed in found[QUESTIONS]],
    ), SETS[name]


def policy_of(mined: Mined, roles: Json, users: Mapping[str, Names]) -> Policy:
    permissions = dict.fromkeys(sorted(frozenset[str]().union(*mined.roles.values())), "")
    return compiled(permissions=permissions, roles=roles, assignments=assigned(users))


def as_given(mined: Mined) -> Policy:
    """The roles as they were mined."""
    return policy_of(mined, {role: {"grants": sorted(names)} for role, names in mined.roles.items()}, mined.users)


def by_inheritance(mined: Mined) -> Policy:
    """Each role inherits those that it contains, and grants the rest itself."""
    roles: Json = {}
    for role, names in mined.roles.items():
        juniors = sorted(junior for junior, inner in mined.roles.items() if inner < names)
        rest = sorted(names - frozenset[str]().union(*(mined.roles[junior] for junior in juniors)))
        roles[role] = {key: given for key, given in (("inherits", juniors), ("grants", rest)) if given}
    return policy_of(mined, roles, mined.users)


def by_person(mined: Mined) -> Policy:
    """Everyone has one role, which nobody shares and which inherits the mined ones."""
    roles: Json = {role: {"grants": sorted(names)} for role, names in mined.roles.items()}
    own = {f"role of {user}": {"inherits": sorted(held)} for user, held in mined.users.items()}
    return policy_of(mined, {**roles, **own}, {user: frozenset((f"role of {user}",)) for user in mined.users})


def by_permission(mined: Mined) -> Policy:
    """Each permission is a role, and everyone is assigned every one of theirs."""
    roles: Json = {name: {"grants": [name]} for names in mined.roles.values() for name in names}
    users = {user: frozenset[str]().union(*(mined.roles[role] for role in held)) for user, held in mined.users.items()}
    return policy_of(mined, roles, users)


Decomposition = Callable[[Mined], Policy]


def test_every_question_is_answered_as_the_data_says(mined: tuple[Mined, Counts]) -> None:
    """Four times 5,000 questions: each is answered as expected, by the roles as they were mined."""
    found, counts = mined
    rules = as_given(found)
    assert Counts(len(rules.document.roles), len(found.users), len(rules.entries), allowed(rules, found)) == counts
    assert len(found.questions) == 5000


def allowed(rules: Policy, mined: Mined) -> int:
    """The number of allows, once each answer is the expected one."""
    answers = [bool(rules.decide(person(rules, user), name, now=0)) for user, name, _ in mined.questions]
    assert answers == [expected for _, _, expected in mined.questions]
    return sum(answers)


@pytest.mark.parametrize("decomposition", [by_inheritance, by_person, by_permission])
def test_other_roles_that_say_the_same_decide_alike(mined: tuple[Mined, Counts], decomposition: Decomposition) -> None:
    """Roles that inherit, a role a person and a role a permission give the same 5,000 answers."""
    assert allowed(decomposition(mined[0]), mined[0]) == mined[1].allowed


def test_what_everyone_may_do_is_the_plain_union(mined: tuple[Mined, Counts]) -> None:
    """For every 20th person, `permissions_of` is the union of the permissions of their roles."""
    found, _ = mined
    rules = as_given(found)
    for user in sorted(found.users)[::20]:
        union = frozenset[str]().union(*(found.roles[role] for role in found.users[user]))
        assert rules.permissions_of(person(rules, user)).granted == union


def test_who_holds_a_permission_is_who_has_a_role_that_grants_it(mined: tuple[Mined, Counts]) -> None:
    """For every permission, `roles_granting` names the roles that list it, and no other."""
    found, _ = mined
    rules = as_given(found)
    for name in rules.entries:
        assert rules.roles_granting(name) == {role for role, names in found.roles.items() if name in names}
