"""Role inheritance, closed flat."""

from hypothesis import given
from hypothesis import strategies as st

from policy.hierarchy import closures, cycles

DEEP = 20_000


def test_no_cycles() -> None:
    """A diamond is no cycle."""
    assert cycles({"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []}) == ()


def test_cycles_are_named_in_full() -> None:
    """Each cycle starts and ends at its least name, wherever the walk came in."""
    assert cycles({"z": ["c"], "c": ["a"], "a": ["b"], "b": ["c"], "s": ["s"]}) == (("a", "b", "c", "a"), ("s", "s"))


def test_cycles_have_no_limit_of_depth() -> None:
    """A very long cycle is found."""
    ring = {str(number): [str((number + 1) % DEEP)] for number in range(DEEP)}
    assert len(cycles(ring)[0]) == DEEP + 1


def test_unknown_parents_are_no_cycle() -> None:
    """A parent that is not declared is passed over."""
    assert cycles({"a": ["x"]}) == ()


def test_closures() -> None:
    """A role's closure is itself and all it inherits, directly or not."""
    assert closures({"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []}) == {
        "a": frozenset("abcd"),
        "b": frozenset("bd"),
        "c": frozenset("cd"),
        "d": frozenset("d"),
    }


def test_closures_have_no_limit_of_depth() -> None:
    """A chain deeper than Python's recursion limit is closed."""
    chain = {str(number): [str(number + 1)] for number in range(2000)} | {"2000": []}
    assert len(closures(chain)["0"]) == 2001


@given(st.lists(st.sets(st.integers(0, 8)), max_size=9))
def test_closures_are_reachability(above: list[set[int]]) -> None:
    """In any acyclic hierarchy a closure is the role's own name and its parents' closures."""
    parents = {str(role): [str(each) for each in some if each < role] for role, some in enumerate(above)}
    closed = closures(parents)
    assert cycles(parents) == ()
    assert all(closed[role] == {role}.union(*(closed[each] for each in parents[role])) for role in parents)
