"""Names as they may be written, and lists of names and patterns that refer to what is declared."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from policy.document.findings import Findings, Place
from policy.document.wording import quoted
from policy.permissions import LONGEST, STANDARD_SCOPES, Catalogue, is_pattern, is_permission

ROLE: Final = re.compile(rf"(?! )[ -)+\--~]{{1,{LONGEST}}}(?<! )")
#: A scope-token of RFC 6749 section 3.3.
TOKEN: Final = re.compile(r"[!#-\[\]-~]+")


def permission_fault(name: str) -> str:
    """Why a permission can't have this name; empty where it can."""
    if not is_permission(name):
        rule = f"letters, digits, `_`, `.` and `-` in segments joined by colons, at most {LONGEST} characters"
        return f"{quoted(name)} is no name for a permission: {rule}"
    if name in STANDARD_SCOPES:
        return f"{quoted(name)} is a standard scope of OpenID Connect, so the permission needs another name"
    return ""


def role_fault(name: str) -> str:
    """Why a role can't have this name; empty where it can."""
    if ROLE.fullmatch(name):
        return ""
    rule = f"1 to {LONGEST} printable ASCII characters without commas and `*`, and no space at either end"
    return f"{quoted(name)} is no name for a role: {rule}"


def scope_fault(name: str) -> str:
    """Why a scope can't have this name (RFC 6749 section 3.3); empty where it can."""
    if name in STANDARD_SCOPES:
        return f"{quoted(name)} is a standard scope of OpenID Connect, so the scope needs another name"
    if len(name) <= LONGEST and TOKEN.fullmatch(name):
        return ""
    rule = f"1 to {LONGEST} printable ASCII characters without spaces, double quotes and backslashes"
    return f"{quoted(name)} is no name for a scope: {rule}"


def acr_fault(value: str) -> str:
    """Why a permission can't ask for this `acr`, which is sent in a header between spaces; empty where it can."""
    if TOKEN.fullmatch(value):
        return ""
    return f"{quoted(value)} is no `acr` value: printable ASCII without spaces, double quotes and backslashes"


class References:
    """The lists in which declared permissions and roles are referred to.

    Where not every document could be read, nothing is called unknown.
    """

    def __init__(
        self, permissions: Collection[str], roles: Mapping[str, object], *, whole: bool, out: Findings
    ) -> None:
        self.catalogue: Final = Catalogue(permissions)
        self.roles: Final = roles
        self._permissions: Final = permissions
        self.whole: Final = whole
        self._out: Final = out

    def once(self, names: Sequence[str], place: Place) -> None:
        """No name stands twice in the list."""
        if len(names) == len(set(names)):
            return
        seen: set[str] = set()
        for index, name in enumerate(names):
            if name in seen:
                self._out.add(place.to(index), f"{quoted(name)} is listed twice")
            seen.add(name)

    def roles_known(self, names: Sequence[str], place: Place) -> None:
        """Every name of the list is a declared role, and none stands twice."""
        self.once(names, place)
        for index, name in enumerate(names):
            self.role_known(name, place.to(index))

    def role_known(self, name: str, place: Place) -> None:
        """The name is a declared role."""
        if name not in self.roles and self.whole:
            self._out.add(place, f"unknown role {quoted(name)}", near=name, among=self.roles.keys())

    def patterns_match(self, patterns: Sequence[str], place: Place) -> None:
        """Every pattern of the list is well formed and stands for a declared permission, and none stands twice."""
        self.once(patterns, place)
        for index, pattern in enumerate(patterns):
            if not is_pattern(pattern):
                self._out.add(place.to(index), f"{quoted(pattern)} is neither a permission nor a pattern")
            elif not self.catalogue.expand(pattern) and self.whole:
                self._add_unmatched(pattern, place.to(index))

    def _add_unmatched(self, pattern: str, place: Place) -> None:
        if "*" in pattern:
            self._out.add(place, f"the pattern {quoted(pattern)} matches no declared permission")
        else:
            message = f"unknown permission {quoted(pattern)}"
            self._out.add(place, message, near=pattern, among=self._permissions)
