"""Roles given by the policy to an issuer's subjects, clients and groups; found without walking over all of them."""

from collections.abc import Callable, Iterable
from typing import Final

from policy.model import Assignment, Kind
from policy.subject import NONE, BoundRole

Names = frozenset[str]
Pairs = frozenset[tuple[str, str | None]]
Found = tuple[Pairs, Names, frozenset[BoundRole]]

FOUND_NOTHING: Final[Found] = (NONE, NONE, NONE)


class Assigned:
    """The assignments of one issuer."""

    __slots__ = ("_by_client", "_by_group", "_by_subject", "_exact", "_shared", "groups", "only_exact", "roles")

    def __init__(self, assignments: Iterable[Assignment]) -> None:
        self._exact: dict[str, Found] = {}
        self._by_subject: dict[str, list[Assignment]] = {}
        self._by_client: dict[str, list[Assignment]] = {}
        self._by_group: dict[str, list[Assignment]] = {}
        self._shared: dict[tuple[str, ...], Found] = {}
        groups: set[str] = set()
        roles: set[str] = set()
        for assignment in assignments:
            roles.update(assignment.roles)
            if assignment.group is not None:
                groups.add(assignment.group)
            self._place(assignment)
        self.groups: Names = frozenset(groups)
        self.roles: Names = frozenset(roles)
        self.only_exact = self._only_exact()

    def _place(self, given: Assignment) -> None:
        _, subject, client, group, tenant, roles = given
        if subject is None:
            index, key = (self._by_client, client) if client is not None else (self._by_group, group)
            index.setdefault(str(key), []).append(given)
        elif client is None and group is None and tenant is None and subject not in self._exact and subject[-1] != "*":
            found = self._shared.get(roles)
            if found is None:
                found = self._shared[roles] = _united((given,))
            self._exact[subject] = found
        else:
            self._by_subject.setdefault(subject, []).append(given)

    def _only_exact(self) -> Callable[[str, Found], Found] | None:
        """A shortcut for `find` where every assignment names a subject and nothing else; `None` elsewhere."""
        return None if self._by_subject or self._by_client or self._by_group else self._exact.get

    def find(self, sub: str, kind: Kind, client: str | None, groups: Names) -> Found:
        """What a subject is given: (role, tenant or None) pairs, the unbound roles, and the bound pairs."""
        exact = self._exact.get(sub, FOUND_NOTHING)
        others = [given for given in self._candidates(sub, kind, client, groups) if _fits(given, client, groups)]
        if not others:
            return exact
        pairs, names, bound = _united(others)
        return pairs | exact[0], names | exact[1], bound | exact[2]

    def _candidates(self, sub: str, kind: Kind, client: str | None, groups: Names) -> Iterable[Assignment]:
        if self._by_subject:
            yield from self._by_subject.get(sub, ())
            for place, letter in enumerate(sub[:-1]):
                if letter in ":/":
                    yield from self._by_subject.get(sub[: place + 1] + "*", ())
        if kind == "machine" and client is not None:
            yield from self._by_client.get(client, ())
        elif client is not None:
            yield from (given for given in self._by_client.get(client, ()) if given.group is not None)
        for group in groups & self._by_group.keys():
            yield from self._by_group[group]


def _fits(given: Assignment, client: str | None, groups: Names) -> bool:
    return given.client in (None, client) and (given.group is None or given.group in groups)


def _united(given: Iterable[Assignment]) -> Found:
    pairs = frozenset((role, one.tenant) for one in given for role in one.roles)
    unbound = frozenset(role for role, tenant in pairs if tenant is None)
    return pairs, unbound, frozenset((role, tenant) for role, tenant in pairs if tenant is not None)
