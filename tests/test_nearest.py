"""The nearest likely name."""

import pytest

from policy.nearest import did_you_mean, nearest

MANY = [f"team-{number // 1000:02}-role-{number % 1000:03}" for number in range(50_000)]


@pytest.mark.parametrize(
    ("name", "names", "found"),
    [
        ("vewer", ["editor", "viewer", "admin"], "viewer"),
        ("read:dta", ["read:data", "read:date", "write:data"], "read:data"),
        ("Admin", ["admin"], "admin"),
        ("qqq", ["viewer", "editor"], None),
        ("", ["a"], None),
        ("a", [], None),
        ("x" * 257, ["x" * 256], None),
        ("x" * 255, ["x" * 256, "x" * 300], "x" * 256),
    ],
)
def test_nearest(name: str, names: list[str], found: str | None) -> None:
    """The most alike name is found, and none where none is alike or the name is too long to be one."""
    assert nearest(name, names) == found


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("eam-31-role-072", "team-31-role-072"),
        ("team-31-rol-072", "team-31-role-072"),
        ("taem-31-role-072", "team-31-role-072"),
        ("team-02-role-07+2", "team-02-role-072"),
        ("something else", None),
    ],
)
def test_nearest_of_very_many(name: str, found: str | None) -> None:
    """Of 50,000 names the right one is still found where a letter is wrong."""
    assert nearest(name, MANY) == found


def test_hints_for_many_wrong_names_among_very_many() -> None:
    """A hundred wrong names come to an end, each with a hint."""
    wrong = [f"team-{number:02}-rol-{number:03}" for number in range(50)] * 2
    assert [nearest(name, MANY) for name in wrong] == [name.replace("rol", "role") for name in wrong]


def test_did_you_mean() -> None:
    """The ending of a message names the nearest name, if there is one."""
    assert (did_you_mean("vewer", ["viewer"]), did_you_mean("x", ["viewer"])) == ("; did you mean `viewer`?", "")
