"""The digest of a policy: the SHA-256 of its merged JSON in the one form that no reordering changes."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

COMPACT: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode

#: The lists of names in the items of each section: their order means nothing.
NAME_LISTS: Final[Mapping[str, Sequence[str]]] = {
    "permissions": ("acr",),
    "roles": ("inherits", "grants"),
    "scopes": ("grants",),
    "rules": ("permissions", "roles"),
    "constraints": ("roles",),
    "issuers": ("audience", "algorithms", "typ", "proof", "roles", "scopes", "permissions", "tenants"),
}
#: The objects in those items that have lists of names too.
INNER: Final[Mapping[str, str]] = {"permissions": "step_up", "issuers": "asserts"}


def canonical(raw: Mapping[str, Any], assignments: Iterable[str]) -> bytes:
    """The merged document as compact UTF-8 JSON: keys sorted, rules and constraints by id, all else by its text.

    `raw` is all but the assignments, which come as the lines of `Columns`. A short form stays as it was written, so
    that the digest is of what people see.
    """
    rest = COMPACT({section: _section(section, content) for section, content in raw.items()})
    lines = sorted(assignments)
    if not lines:
        return rest.encode()
    listed = "},{".join(line[1:] for line in lines)
    # `assignments` sorts before every other section, of which there always is one
    return f'{{"assignments":[{{{listed}}}],{rest[1:]}'.encode()


def digest(raw: Mapping[str, Any], assignments: Iterable[str]) -> str:
    """The SHA-256 of the canonical form, in hexadecimal."""
    return hashlib.sha256(canonical(raw, assignments)).hexdigest()


def _section(section: str, content: Any) -> Any:
    if isinstance(content, list):
        return sorted((_item(section, item) for item in content), key=lambda item: item["id"])
    if isinstance(content, dict):
        return {name: _item(section, item) for name, item in content.items()}
    return content


def _item(section: str, item: Any) -> Any:
    if not isinstance(item, dict):
        return item
    inner = INNER.get(section)
    if inner in item:
        item = {**item, inner: _sorted(item[inner], NAME_LISTS[section])}
    return _sorted(item, NAME_LISTS[section])


def _sorted(item: Any, keys: Sequence[str]) -> Any:
    unsorted = {key: sorted(item[key]) for key in keys if isinstance(item.get(key), list) and len(item[key]) > 1}
    return {**item, **unsorted} if unsorted else item
