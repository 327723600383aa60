"""What is asked: two policies, requests to them, and for each a reference evaluator that is plain and slow.

A is the role-based benchmark of casbin in its three sizes: users, assigned to roles that may read one thing each. B has
what tokens usually have: 200 roles in five levels, wildcards, denies, and permissions named by the token itself.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from random import Random
from typing import Any, Final, Literal, NamedTuple

Kind = Literal["A", "B"]
Claims = dict[str, Any]

ISSUER: Final = "https://issuer.example/"
AUDIENCE: Final = "https://api.example/"
NOW: Final = 1_800_000_000
EVERYONE: Final = ""
ROLES_OF_A: Final[Mapping[str, int]] = {"A-small": 100, "A-medium": 1_000, "A-large": 10_000}
NAMES: Final = (*ROLES_OF_A, "B")
USERS_PER_ROLE = ROLES_PER_PERMISSION = 10
LEVELS, ROLES_PER_LEVEL = 5, 40
ACTIONS: Final = ("create", "read", "update", "delete", "export")
RESOURCES: Final = tuple(f"kind{number}" for number in range(400))


class Role(NamedTuple):
    """A role; `grants` are permissions, or patterns in which one half is `*`."""

    inherits: tuple[str, ...]
    grants: tuple[str, ...]


class Deny(NamedTuple):
    """Who holds the role, directly or through a senior one, is denied what the pattern matches."""

    role: str
    pattern: str


class Request(NamedTuple):
    """The verified claims, what is asked for, and the answer of the reference."""

    claims: Claims
    permission: str
    allowed: bool


@dataclass(frozen=True, kw_only=True)
class Workload:
    """A policy and the requests to it. `users` have roles given to them; in B the token names them instead."""

    name: str
    kind: Kind
    permissions: tuple[str, ...]
    roles: Mapping[str, Role]
    users: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    denies: tuple[Deny, ...] = ()
    requests: tuple[Request, ...] = ()

    @property
    def rules(self) -> int:
        """How many grants, assignments and denies there are."""
        return sum(len(role.grants) for role in self.roles.values()) + len(self.users) + len(self.denies)


def make(name: str, count: int | None = None) -> Workload:
    """The workload of this name, with so many requests; by default 4,000, of B 10,000."""
    if name == "B":
        return _answered(_policy_b(Random(2)), _asked_b, reference_b, 10_000 if count is None else count)
    return _answered(_policy_a(name, ROLES_OF_A[name]), _asked_a, reference_a, 4_000 if count is None else count)


def reference_a(policy: Workload, claims: Claims, permission: str) -> bool:
    """Whether a role given to the user grants the permission."""
    return any(permission in policy.roles[role].grants for role in policy.users.get(claims["sub"], ()))


def reference_b(policy: Workload, claims: Claims, permission: str) -> bool:
    """Whether a role, its juniors, or the token itself gives the permission, and no deny takes it away."""
    held = _closed(policy.roles, claims["roles"])
    if any(
        (deny.role == EVERYONE or deny.role in held) and matches(deny.pattern, permission) for deny in policy.denies
    ):
        return False
    if permission in claims["scope"].split():
        return True
    return any(matches(grant, permission) for role in held for grant in policy.roles[role].grants)


def matches(pattern: str, permission: str) -> bool:
    """Whether each half of the pattern is `*` or the same as that half of the permission."""
    wanted, given = pattern.split(":"), permission.split(":")
    return wanted[0] in ("*", given[0]) and wanted[1] in ("*", given[1])


def _closed(roles: Mapping[str, Role], names: list[str]) -> set[str]:
    held: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in held:
            held.add(name)
            waiting.extend(roles[name].inherits)
    return held


Asked = Callable[[Workload, Random], Iterator[tuple[Claims, str]]]


def _answered(
    policy: Workload, asked: Asked, reference: Callable[[Workload, Claims, str], bool], count: int
) -> Workload:
    pairs = (pair for pair, _ in zip(asked(policy, Random(3)), range(count), strict=False))
    requests = tuple(Request(claims, permission, reference(policy, claims, permission)) for claims, permission in pairs)
    return Workload(**{**vars(policy), "requests": requests})


def _claims(sub: str, **others: Any) -> Claims:
    return {"iss": ISSUER, "sub": sub, "aud": AUDIENCE, "exp": NOW + 3600, "iat": NOW - 60, **others}


def _policy_a(name: str, size: int) -> Workload:
    permissions = tuple(f"read:data{number}" for number in range(size // ROLES_PER_PERMISSION))
    return Workload(
        name=name,
        kind="A",
        permissions=permissions,
        roles={f"role{n}": Role((), (permissions[n // ROLES_PER_PERMISSION],)) for n in range(size)},
        users={f"user{n}": (f"role{n // USERS_PER_ROLE}",) for n in range(size * USERS_PER_ROLE)},
    )


def _asked_a(policy: Workload, random: Random) -> Iterator[tuple[Claims, str]]:
    """In turn what a random user may read, and something else."""
    per_permission = USERS_PER_ROLE * ROLES_PER_PERMISSION
    while True:
        for allowed in (True, False):
            user = random.randrange(len(policy.users))
            own = user // per_permission
            other = (own + random.randrange(1, len(policy.permissions))) % len(policy.permissions)
            yield _claims(f"user{user}"), f"read:data{own if allowed else other}"


def _policy_b(random: Random) -> Workload:
    permissions = tuple(f"{action}:{resource}" for action in ACTIONS for resource in RESOURCES)
    names = [f"role{number}" for number in range(LEVELS * ROLES_PER_LEVEL)]
    wildcards = _wildcards(names, random)
    roles: dict[str, Role] = {}
    for place, name in enumerate(names):
        level = place // ROLES_PER_LEVEL
        below = names[(level - 1) * ROLES_PER_LEVEL : level * ROLES_PER_LEVEL] if level else []
        juniors = tuple(random.sample(below, random.randint(1, 2))) if below else ()
        roles[name] = Role(juniors, (*random.sample(permissions, 10), *wildcards.get(name, ())))
    denies = _denies(names, permissions, random)
    return Workload(name="B", kind="B", permissions=permissions, roles=roles, denies=denies)


def _wildcards(names: list[str], random: Random) -> Mapping[str, list[str]]:
    """Twenty: eight over all kinds of resource for seniors, twelve over all actions for anyone."""
    given: dict[str, list[str]] = {}
    for name in random.sample(names[2 * ROLES_PER_LEVEL :], 8):
        given.setdefault(name, []).append(f"{random.choice(ACTIONS)}:*")
    for resource in random.sample(RESOURCES, 12):
        given.setdefault(random.choice(names), []).append(f"*:{resource}")
    return given


def _denies(names: list[str], permissions: tuple[str, ...], random: Random) -> tuple[Deny, ...]:
    """Twenty: six for everyone, twelve for the most junior roles and so for their seniors too, two for seniors only."""
    juniors, seniors = names[:ROLES_PER_LEVEL], names[3 * ROLES_PER_LEVEL :]
    everyone = (Deny(EVERYONE, each) for each in random.sample(permissions, 6))
    single = (Deny(random.choice(juniors), each) for each in random.sample(permissions, 8))
    whole = (Deny(random.choice(juniors), f"*:{each}") for each in random.sample(RESOURCES, 4))
    wide = (Deny(random.choice(seniors), f"{each}:*") for each in random.sample(ACTIONS, 2))
    return tuple(chain(everyone, single, whole, wide))


def _asked_b(policy: Workload, random: Random) -> Iterator[tuple[Claims, str]]:
    """Never the same roles and permission twice."""
    names, seen = list(policy.roles), set[tuple[str, ...]]()
    while True:
        roles, scopes = random.sample(names, 3), random.sample(policy.permissions, 5)
        permission = _wanted(policy, roles, scopes, random)
        if (*roles, permission) not in seen:
            seen.add((*roles, permission))
            yield _claims(f"user{len(seen)}", roles=roles, scope=" ".join(scopes)), permission


def _wanted(policy: Workload, roles: list[str], scopes: list[str], random: Random) -> str:
    """Now and then what the token names, what a held role grants, or what is denied to someone; else anything."""
    chance = random.random()
    if chance < 0.15:
        return random.choice(scopes)
    if chance < 0.50:
        holder = random.choice(sorted(_closed(policy.roles, [random.choice(roles)])))
        return random.choice(policy.roles[holder].grants[:10])
    if chance < 0.60:
        pattern = random.choice(policy.denies).pattern
        return random.choice([each for each in policy.permissions if matches(pattern, each)])
    return random.choice(policy.permissions)
