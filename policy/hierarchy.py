"""Role inheritance, closed flat once; cycles are named in full. No recursion, so no limit of depth."""

from collections.abc import Iterable, Mapping


def cycles(parents: Mapping[str, Iterable[str]]) -> tuple[tuple[str, ...], ...]:
    """Cycles among the roles, each as `(a, b, …, a)`, starting at its least name.

    One is named for each pair of roles that keep one: where everything inherits everything, a few tell it all.
    """
    found: dict[tuple[str, ...], frozenset[str]] = {}
    done: set[str] = set()
    for start in parents:
        _walk(start, parents, done, found)
    return tuple(found)


def _walk(
    start: str, parents: Mapping[str, Iterable[str]], done: set[str], found: dict[tuple[str, ...], frozenset[str]]
) -> None:
    if start in done:
        return
    place, stack = {start: 0}, [(start, iter(parents[start]))]
    while stack:
        role, rest = stack[-1]
        parent = next(rest, None)
        if parent is None:
            stack.pop()
            done.add(role)
            del place[role]
        elif parent in place:
            if not any(role in ring and parent in ring for ring in found.values()):
                ring = tuple(place)[place[parent] :]
                found[_turned(ring)] = frozenset(ring)
        elif parent not in done and parent in parents:
            place[parent] = len(stack)
            stack.append((parent, iter(parents[parent])))


def _turned(ring: tuple[str, ...]) -> tuple[str, ...]:
    first = ring.index(min(ring))
    return (*ring[first:], *ring[:first], ring[first])


def closures(parents: Mapping[str, Iterable[str]]) -> dict[str, frozenset[str]]:
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
