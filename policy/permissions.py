"""The one grammar of permissions such as `read:data`, and of the patterns that stand for several of them."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

LONGEST: Final = 128
SEGMENT: Final = r"[A-Za-z0-9_.-]+"
PERMISSION: Final = re.compile(rf"{SEGMENT}(?::{SEGMENT})*", re.ASCII)
PATTERN: Final = re.compile(rf"(?:(?:{SEGMENT}|\*):)*(?:{SEGMENT}|\*\*?)", re.ASCII)

#: Scopes of OpenID Connect Core 1.0 section 5.4 and 11: a permission with such a name would be granted by accident.
STANDARD_SCOPES: Final = frozenset({"openid", "profile", "email", "address", "phone", "offline_access"})


def is_permission(text: str) -> bool:
    """Whether the text is a permission: segments of letters, digits, `_`, `.` and `-`, joined by colons."""
    return len(text) <= LONGEST and PERMISSION.fullmatch(text) is not None


def is_pattern(text: str) -> bool:
    """Whether the text is a permission in which segments may be `*` and the last one may be `**`."""
    return len(text) <= LONGEST and PATTERN.fullmatch(text) is not None


def matches(pattern: str, permission: str) -> bool:
    """Whether one pattern stands for one permission: `*` for one whole segment, a last `**` for one or more."""
    wanted, given = pattern.split(":"), permission.split(":")
    if wanted[-1] == "**":
        if len(given) < len(wanted):
            return False
        wanted, given = wanted[:-1], given[: len(wanted) - 1]
    return len(wanted) == len(given) and all(w in ("*", g) for w, g in zip(wanted, given, strict=True))


class Catalogue:
    """The declared permissions, and which of them a pattern stands for."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names: Final = frozenset(names)
        self._expanded: dict[str, frozenset[str]] = {}
        self._by_segment: Mapping[tuple[int, str], frozenset[str]] = _index(self.names)

    def expand(self, pattern: str) -> frozenset[str]:
        """The permissions that a well-formed pattern stands for; empty where it matches nothing."""
        found = self._expanded.get(pattern)
        if found is None:
            found = self._expanded[pattern] = self._find(pattern)
        return found

    def _find(self, pattern: str) -> frozenset[str]:
        if "*" not in pattern:
            return frozenset((pattern,)) & self.names
        literal = [(place, part) for place, part in enumerate(pattern.split(":")) if "*" not in part]
        narrowed = [self._by_segment.get(key, frozenset()) for key in literal]
        candidates = min(narrowed, key=len, default=self.names)
        return frozenset(name for name in candidates if matches(pattern, name))


def _index(names: Iterable[str]) -> dict[tuple[int, str], frozenset[str]]:
    found: dict[tuple[int, str], set[str]] = {}
    for name in names:
        for key in enumerate(name.split(":")):
            found.setdefault(key, set()).add(name)
    return {key: frozenset(members) for key, members in found.items()}
