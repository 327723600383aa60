"""Role inheritance, closed flat once; cycles are named in full. No recursion, so no limit of depth."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

Parents = Mapping[str, Iterable[str]]


def cycles(parents: Parents) -> tuple[tuple[str, ...], ...]:
    """For each group of roles that inherit one another, a shortest cycle through its least name, as `(a, b, …, a)`.

    One for a group is enough: where everything inherits everything there are more cycles than anyone could read.
    """
    rings = (_ring(min(group), group, parents) for group in _groups(parents))
    return tuple(sorted(ring for ring in rings if ring))


@dataclass(slots=True)
class _Search:
    """What is known in the search for groups: when a role was met first, and the earliest that it leads back to."""

    met: dict[str, int] = field(default_factory=dict)
    earliest: dict[str, int] = field(default_factory=dict)
    waiting: dict[str, None] = field(default_factory=dict)
    walk: list[tuple[str, Iterator[str]]] = field(default_factory=list)

    def enter(self, role: str, parents: Parents) -> None:
        self.earliest[role] = self.met[role] = len(self.met)
        self.waiting[role] = None
        self.walk.append((role, iter(parents[role])))

    def leave(self) -> frozenset[str]:
        """Go back to the role before; the group of the one that is left, if it was the first of one."""
        role, _ = self.walk.pop()
        if self.walk:
            before = self.walk[-1][0]
            self.earliest[before] = min(self.earliest[before], self.earliest[role])
        group = []
        while self.earliest[role] == self.met[role] and role in self.waiting:
            group.append(self.waiting.popitem()[0])
        return frozenset(group)


def _groups(parents: Parents) -> Iterator[frozenset[str]]:
    """The roles in groups of those that reach one another (Tarjan's strongly connected components)."""
    search = _Search()
    for start in parents:
        if start not in search.met:
            search.enter(start, parents)
        while search.walk:
            role, rest = search.walk[-1]
            parent = next((each for each in rest if each in parents), None)
            if parent is None:
                if group := search.leave():
                    yield group
            elif parent not in search.met:
                search.enter(parent, parents)
            elif parent in search.waiting:
                search.earliest[role] = min(search.earliest[role], search.met[parent])


def _ring(start: str, group: frozenset[str], parents: Parents) -> tuple[str, ...]:
    """A shortest way from the role back to itself inside its group; empty where there is none."""
    junior: dict[str, str] = {}
    waiting = deque((start,))
    while waiting and start not in junior:
        role = waiting.popleft()
        for parent in parents[role]:
            if parent in group and parent not in junior:
                junior[parent] = role
                waiting.append(parent)
    if start not in junior:
        return ()
    ring = [start, junior[start]]
    while ring[-1] != start:
        ring.append(junior[ring[-1]])
    return tuple(reversed(ring))


def closures(parents: Parents) -> dict[str, frozenset[str]]:
    """For every role of an acyclic hierarchy: the role itself and all it inherits, directly or not."""
    closed: dict[str, frozenset[str]] = {}
    for start in parents:
        stack = [start]
        while stack:
            role = stack[-1]
            missing = [parent for parent in parents[role] if parent not in closed]
            if missing:
                stack.extend(missing)
            else:
                stack.pop()
                closed[role] = frozenset((role,)).union(*(closed[parent] for parent in parents[role]))
    return closed
