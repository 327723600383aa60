"""Hierarchy and wildcards written out, for engines that know neither or are quicker without."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from benchmarks.workloads import Role

Roles = Mapping[str, Role]


class Named(NamedTuple):
    """For one permission: the roles that a grant or a deny names with it, by any pattern, without their seniors."""

    granted: frozenset[str]
    denied: frozenset[str]


def named(permissions: Iterable[str], roles: Roles, denies: Iterable[tuple[str, str]]) -> dict[str, Named]:
    """For every permission the roles named with it."""
    granted = _by_pattern((name, grant) for name, role in roles.items() for grant in role.grants)
    denied = _by_pattern(denies)
    return {each: Named(_all(each, granted), _all(each, denied)) for each in permissions}


def seniors(roles: Roles) -> dict[str, frozenset[str]]:
    """For every role itself and all that inherit it, however far."""
    above: dict[str, set[str]] = {name: {name} for name in roles}
    for name in roles:
        waiting = list(roles[name].inherits)
        while waiting:
            junior = waiting.pop()
            if name not in above[junior]:
                above[junior].add(name)
                waiting.extend(roles[junior].inherits)
    return {name: frozenset(found) for name, found in above.items()}


def _by_pattern(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for role, pattern in pairs:
        found.setdefault(pattern, []).append(role)
    return found


def _all(permission: str, by_pattern: Mapping[str, list[str]]) -> frozenset[str]:
    action, resource = permission.split(":")
    patterns = (permission, f"{action}:*", f"*:{resource}")
    return frozenset(role for pattern in patterns for role in by_pattern.get(pattern, ()))
