"""Roles by permissions: what each role alone gives its holder, and how."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from policy.compile import Compiled
from policy.model import Rule


class How(StrEnum):
    """How a permission comes to a role; the first that holds, but for `DENIED`, which wins over all others."""

    DIRECT = "direct"
    PATTERN = "pattern"
    INHERITED = "inherited"
    RULE = "rule"
    DENIED = "denied"
    NONE = "none"


class Cell(NamedTuple):
    """How a role comes by a permission.

    `source` is the way it would come without denies; `by` is the pattern or the id of the allow rule, and `via` the
    role that has the pattern. `denied_by` are the ids of the deny rules that apply to every holder, in document order.
    """

    source: How
    via: str = ""
    by: str = ""
    denied_by: tuple[str, ...] = ()

    @property
    def how(self) -> How:
        """What the role comes to in the end."""
        return How.DENIED if self.denied_by else self.source

    @property
    def granted(self) -> bool:
        """Whether a holder of this role alone may, where roles count and the login is as strong as is asked."""
        return self.source is not How.NONE and not self.denied_by


NOTHING: Final = Cell(How.NONE)


class Row(NamedTuple):
    """A role."""

    name: str
    description: str
    inherits: tuple[str, ...]


class Column(NamedTuple):
    """A permission; `step_up` says that it asks for a stronger or more recent login."""

    name: str
    description: str
    step_up: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Matrix:
    """All roles and all permissions in document order; `cells` has only those where there is something to say."""

    digest: str
    roles: tuple[Row, ...]
    permissions: tuple[Column, ...]
    cells: Mapping[str, Mapping[str, Cell]]

    def cell(self, role: str, permission: str) -> Cell:
        """The cell of a role and a permission, both of this matrix."""
        return self.cells[role].get(permission, NOTHING)

    def row(self, role: str) -> tuple[Cell, ...]:
        """All cells of a role, one for each permission."""
        found = self.cells[role]
        return tuple(found.get(permission.name, NOTHING) for permission in self.permissions)


def matrix_of(policy: Compiled) -> Matrix:
    """The matrix of a policy."""
    cells = {role: _granted(policy, role) for role in policy.document.roles}
    for rule in policy.document.rules:
        for role in policy.meeting(rule) if rule.roles else cells:
            _ruled(cells[role], rule, _expanded(policy, rule.permissions))
    return Matrix(
        digest=policy.digest,
        roles=tuple(Row(role.name, role.description, role.inherits) for role in policy.document.roles.values()),
        permissions=tuple(
            Column(each.name, each.description, each.step_up is not None)
            for each in policy.document.permissions.values()
        ),
        cells=MappingProxyType({role: MappingProxyType(found) for role, found in cells.items()}),
    )


def _granted(policy: Compiled, role: str) -> dict[str, Cell]:
    """What grants give a role: its own come first, then those of the nearest role that it inherits."""
    found: dict[str, Cell] = {}
    for via in _nearest_first(policy, role):
        for pattern in sorted(policy.document.roles[via].grants, key=_is_pattern):
            own = How.PATTERN if _is_pattern(pattern) else How.DIRECT
            cell = Cell(own if via == role else How.INHERITED, via, pattern)
            for permission in policy.catalogue.expand(pattern):
                found.setdefault(permission, cell)
    return found


def _is_pattern(text: str) -> bool:
    return "*" in text


def _nearest_first(policy: Compiled, role: str) -> Iterator[str]:
    seen = {role: None}
    queue = [role]
    for each in queue:  # grows while it is walked: breadth first
        yield each
        queue.extend(junior for junior in policy.document.roles[each].inherits if junior not in seen)
        seen.update(dict.fromkeys(policy.document.roles[each].inherits))


def _ruled(found: dict[str, Cell], rule: Rule, permissions: Iterable[str]) -> None:
    for permission in permissions:
        cell = found.get(permission, NOTHING)
        if rule.effect == "deny":
            found[permission] = cell._replace(denied_by=(*cell.denied_by, rule.id))
        elif cell.source is How.NONE:
            found[permission] = cell._replace(source=How.RULE, by=rule.id)


def _expanded(policy: Compiled, patterns: Iterable[str]) -> frozenset[str]:
    return frozenset[str]().union(*map(policy.catalogue.expand, patterns))
