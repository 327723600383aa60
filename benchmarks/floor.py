"""The floor: what a careful programmer would write by hand for this one policy, with dicts and frozen sets.

It gives no reasons, checks nothing at load, and neither its subjects nor its answers can be kept.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.engine import Engine, Way
from benchmarks.expansion import named, seniors
from benchmarks.workloads import EVERYONE, Claims, Kind, Request, Role, Workload

FILE: Final = "rules.json"
Check = Callable[[Claims, str], bool]


def write(workload: Workload, folder: Path) -> None:
    """One file, with no more in it than the check needs."""
    if workload.kind == "A":
        raw: Any = {"roles": {name: role.grants for name, role in workload.roles.items()}, "users": workload.users}
    else:
        raw = {"permissions": workload.permissions, "roles": workload.roles, "denies": workload.denies}
    (folder / FILE).write_text(json.dumps(raw), encoding="utf-8")


def load(kind: Kind, folder: Path) -> Sequence[Way]:
    """The file as sets, and the check over them."""
    check = _assigned_roles(folder) if kind == "A" else _roles_in_token(folder)

    def answers(batch: Sequence[tuple[Claims, str]]) -> Iterator[bool]:
        return (check(claims, permission) for claims, permission in batch)

    return (Way("floor (by hand)", _prepare, answers),)


def _prepare(request: Request) -> tuple[Claims, str]:
    return request.claims, request.permission


def _assigned_roles(folder: Path) -> Check:
    raw = json.loads((folder / FILE).read_bytes())
    granted = {role: frozenset(grants) for role, grants in raw["roles"].items()}
    users = {user: tuple(granted[role] for role in roles) for user, roles in raw["users"].items()}

    def check(claims: Claims, permission: str) -> bool:
        for grants in users.get(claims["sub"], ()):  # noqa: SIM110 - a loop is quicker than `any`
            if permission in grants:
                return True
        return False

    return check


def _roles_in_token(folder: Path) -> Check:
    raw = json.loads((folder / FILE).read_bytes())
    roles = {name: Role(*each) for name, each in raw["roles"].items()}
    above = {**seniors(roles), EVERYONE: frozenset((EVERYONE,))}
    table = {
        permission: tuple(frozenset[str]().union(*(above[role] for role in names)) for names in each)
        for permission, each in named(raw["permissions"], roles, raw["denies"]).items()
    }

    def check(claims: Claims, permission: str) -> bool:
        granted, denied = table[permission]
        held = claims["roles"]
        if denied and (EVERYONE in denied or not denied.isdisjoint(held)):
            return False
        return not granted.isdisjoint(held) or permission in claims["scope"].split()

    return check


ENGINE: Final = Engine("floor", write, load)
