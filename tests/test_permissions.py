"""The grammar of permissions and their patterns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.permissions import LONGEST, Catalogue, is_pattern, is_permission, matches

SEGMENT = st.text("ab", min_size=1, max_size=2)
NAMES = st.lists(SEGMENT, min_size=1, max_size=4).map(":".join)
PATTERNS = st.tuples(st.lists(SEGMENT | st.just("*"), max_size=3), SEGMENT | st.sampled_from(["*", "**"])).map(
    lambda parts: ":".join((*parts[0], parts[1]))
)


@pytest.mark.parametrize("text", ["a", "read:data", "a:b:c", "A-b_c.9:x", "a" * LONGEST])
def test_permissions(text: str) -> None:
    """Segments of letters, digits, `_`, `.` and `-` joined by colons are a permission, and a pattern too."""
    assert is_permission(text)
    assert is_pattern(text)


@pytest.mark.parametrize("text", ["", ":", "a:", ":a", "a::b", "a b", "ä", "a\n", "a,b", "a/b", "a" * (LONGEST + 1)])
def test_neither_permission_nor_pattern(text: str) -> None:
    """Empty segments, other characters and too long texts are neither."""
    assert not is_permission(text)
    assert not is_pattern(text)


@pytest.mark.parametrize("text", ["*", "**", "a:*", "*:a", "a:*:b", "a:**", "*:**"])
def test_patterns(text: str) -> None:
    """A star stands for a whole segment, two stars only at the end; neither is in a permission."""
    assert is_pattern(text)
    assert not is_permission(text)


@pytest.mark.parametrize("text", ["a*", "*a", "**:a", "a:**:b", "***", "a:b*"])
def test_misplaced_stars(text: str) -> None:
    """A star inside a segment, or two of them before the end, is no pattern."""
    assert not is_pattern(text)


@pytest.mark.parametrize(
    ("pattern", "permission", "fits"),
    [
        ("a:b", "a:b", True),
        ("a:b", "A:b", False),
        ("*", "a", True),
        ("*", "a:b", False),
        ("a:*", "a:b", True),
        ("a:*", "a:b:c", False),
        ("a:*:c", "a:b:c", True),
        ("**", "a:b:c", True),
        ("a:**", "a:b:c", True),
        ("a:**", "a", False),
        ("*:**", "a", False),
    ],
)
def test_matches(pattern: str, permission: str, fits: bool) -> None:
    """One star is exactly one segment, two are one or more."""
    assert matches(pattern, permission) is fits


@given(st.sets(NAMES), PATTERNS)
def test_catalogue_expands_to_what_matches(names: set[str], pattern: str) -> None:
    """The indexed search finds exactly what looking at every permission finds, twice over."""
    catalogue = Catalogue(names)
    expected = frozenset(name for name in names if matches(pattern, name))
    assert catalogue.expand(pattern) == expected
    assert catalogue.expand(pattern) == expected
