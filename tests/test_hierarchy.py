"""Role inheritance, closed flat."""

from itertools import pairwise

import pytest
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


def test_a_cycle_is_named_once_for_all_that_inherit_one_another() -> None:
    """Of two cycles through one role the shorter is named, from the least name of all that are in them."""
    assert cycles({"b": ["a"], "a": ["c", "d"], "c": ["b"], "d": ["a", "x"], "x": ["y"], "y": []}) == (("a", "d", "a"),)


@pytest.mark.parametrize("number", [2, 300, 1000])
def test_cycles_where_everything_inherits_everything(number: int) -> None:
    """A thousand roles that all inherit one another have one cycle to name, and it is found in one pass."""
    everyone = [f"r{each:03}" for each in range(number)]
    assert cycles({role: [each for each in everyone if each != role] for role in everyone}) == (
        ("r000", "r001", "r000"),
    )


@given(st.lists(st.sets(st.integers(0, 8)), max_size=9))
def test_cycles_are_those_of_any_hierarchy(above: list[set[int]]) -> None:
    """Each group of roles that reach one another has one cycle, through its least name and by steps that there are."""
    parents = {str(role): [str(each) for each in some] for role, some in enumerate(above)}
    reached = {role: {each for each in parents[role] if each in parents} for role in parents}
    for _ in parents:
        reached = {role: some.union(*(reached[each] for each in some)) for role, some in reached.items()}
    groups = {
        frozenset(each for each in some if role in reached[each]) for role, some in reached.items() if role in some
    }
    found = cycles(parents)
    assert [ring[0] for ring in found] == sorted(map(min, groups))
    assert all(ring[0] == ring[-1] and len(set(ring)) == len(ring) - 1 for ring in found)
    assert all(after in parents[before] for ring in found for before, after in pairwise(ring))


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
