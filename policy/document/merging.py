"""Several documents made one: each checked for its shape by itself, and the same name declared twice is found."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, NamedTuple, TypeVar

from policy.document import schema
from policy.document.assigning import Assigned, Columns
from policy.document.findings import Findings, Place
from policy.document.issuer_shapes import IssuerShape
from policy.document.reading import Parsed
from policy.document.schema import Misshapen
from policy.document.shapes import ConstraintShape, DocumentShape, PermissionShape, RoleShape, RuleShape, ScopeShape
from policy.document.unsupported import refusal
from policy.document.wording import JsonPath, choices, in_words, quoted

NAMED: Final = ("permissions", "roles", "scopes", "issuers")
LISTED: Final = ("rules", "constraints")
SINGULAR: Final[Mapping[str, str]] = {
    "permissions": "permission",
    "roles": "role",
    "scopes": "scope",
    "issuers": "issuer",
    "rules": "rule",
    "constraints": "constraint",
}

Shape = TypeVar("Shape")


class Placed(NamedTuple, Generic[Shape]):
    """A value of a document, and where it stands."""

    place: Place
    value: Shape


@dataclass(slots=True)
class Merged:
    """All documents together, in their long form, less what is out of shape.

    `declared` has every name that any document declares, also those of what is out of shape. `whole` is false where a
    document or a section could not be read at all, so that no reference can be called unknown. `raw` is the merged JSON
    as it was written, without `$schema`, assignments, empty sections, and a tenancy that says what its absence does.
    """

    permissions: dict[str, Placed[PermissionShape]] = field(default_factory=dict)
    roles: dict[str, Placed[RoleShape]] = field(default_factory=dict)
    scopes: dict[str, Placed[ScopeShape]] = field(default_factory=dict)
    issuers: dict[str, Placed[IssuerShape]] = field(default_factory=dict)
    rules: list[Placed[RuleShape]] = field(default_factory=list)
    constraints: list[Placed[ConstraintShape]] = field(default_factory=list)
    assignments: list[Assigned] = field(default_factory=list)
    tenancy: Placed[str] | None = None
    declared: dict[str, dict[str, Place]] = field(default_factory=lambda: {section: {} for section in SINGULAR})
    raw: dict[str, Any] = field(default_factory=dict)
    whole: bool = True


def merged(documents: Iterable[Parsed | None], findings: Findings) -> Merged:
    """The documents merged; what is out of shape or declared twice becomes a finding."""
    whole = Merged()
    for number, parsed in enumerate(documents):
        if parsed is None:
            whole.whole = False
            continue
        _declare(parsed.value, number, whole, findings)
        _add_raw(parsed.value, whole.raw)
        _add_shaped(parsed.value, number, whole, findings)
        _add_assignments(parsed, Place(number, ("assignments",)), whole, findings)
    return whole


def _declare(value: dict[str, Any], number: int, whole: Merged, findings: Findings) -> None:
    for section in NAMED:
        names = value.get(section, {})
        if isinstance(names, dict):
            _declare_all(section, ((name, Place(number, (section, name))) for name in names), whole, findings)
        else:
            whole.whole = False
    for section in ("rules", "constraints"):
        _declare_all(section, _ids(value.get(section), Place(number, (section,))), whole, findings)


def _ids(items: Any, place: Place) -> Iterable[tuple[str, Place]]:
    for index, item in enumerate(items if isinstance(items, list) else ()):
        if isinstance(item, dict) and isinstance(item.get("id"), str):
            yield item["id"], place.to(index, "id")


def _declare_all(section: str, names: Iterable[tuple[str, Place]], whole: Merged, findings: Findings) -> None:
    known = whole.declared[section]
    for name, place in names:
        first = known.setdefault(name, place)
        if first is not place:
            message = f"{SINGULAR[section]} {quoted(name)} is declared twice, first in"
            findings.add(place, message, other=first)


def _add_raw(value: dict[str, Any], raw: dict[str, Any]) -> None:
    for section, content in value.items():
        if section in NAMED and isinstance(content, dict) and content:
            raw.setdefault(section, {}).update(content)
        elif section in LISTED and isinstance(content, list) and content:
            raw.setdefault(section, []).extend(content)
        elif section == "tenancy" and content != "optional":
            raw[section] = content


def _add_shaped(value: dict[str, Any], number: int, whole: Merged, findings: Findings) -> None:
    rest = {section: content for section, content in value.items() if section != "assignments"}
    shaped, indexes = _in_shape(rest, Place(number), findings)
    for section in NAMED:
        known: dict[str, Any] = getattr(whole, section)
        content: Mapping[str, Any] = shaped.get(section, {})  # type: ignore[assignment]
        for name, each in content.items():
            known.setdefault(name, Placed(Place(number, (section, name)), each))
    for section in ("rules", "constraints"):
        items: Sequence[Any] = shaped.get(section, ())  # type: ignore[assignment]
        numbered = zip(indexes.get(section, range(len(items))), items, strict=True)
        getattr(whole, section).extend(Placed(Place(number, (section, index)), item) for index, item in numbered)
    _add_tenancy(shaped, Place(number, ("tenancy",)), whole, findings)


def _add_tenancy(shaped: DocumentShape, place: Place, whole: Merged, findings: Findings) -> None:
    if "tenancy" not in shaped:
        return
    if whole.tenancy is not None:
        findings.add(place, "`tenancy` is declared twice, first in", other=whole.tenancy.place)
    else:
        whole.tenancy = Placed(place, shaped["tenancy"])


def _add_assignments(parsed: Parsed, place: Place, whole: Merged, findings: Findings) -> None:
    if parsed.assignments is not None:
        size = len(parsed.assignments.roles)
        whole.assignments.append(Assigned(place, range(size), parsed.assignments))
        return
    items = parsed.value.get("assignments", [])
    wrong = [each._replace(path=(*place.path, *each.path)) for each in schema.assignments(items)]
    report(wrong, place.source, findings)
    if isinstance(items, list):
        bad = {each.path[1] for each in wrong}
        kept = [index for index in range(len(items)) if index not in bad]
        whole.assignments.append(Assigned(place, kept, Columns([items[index] for index in kept])))


def _in_shape(value: dict[str, Any], place: Place, findings: Findings) -> tuple[DocumentShape, dict[str, list[int]]]:
    """The document in its long form without what is out of shape, and the indexes of the list items that are left."""
    shaped = schema.document(value)
    if not isinstance(shaped, list):
        return shaped, {}
    report(shaped, place.source, findings)
    left, indexes = _without({each.path[:2] for each in shaped}, value)
    shaped = schema.document(left)
    return ({}, {}) if isinstance(shaped, list) else (shaped, indexes)


def _without(bad: set[Any], value: dict[str, Any]) -> tuple[dict[str, Any], dict[str, list[int]]]:
    left: dict[str, Any] = {}
    indexes: dict[str, list[int]] = {}
    for section, content in value.items():
        if (section,) in bad:
            continue
        if isinstance(content, dict):
            left[section] = {name: each for name, each in content.items() if (section, name) not in bad}
        elif isinstance(content, list):
            indexes[section] = [index for index in range(len(content)) if (section, index) not in bad]
            left[section] = [content[index] for index in indexes[section]]
        else:
            left[section] = content
    return left, indexes


def report(
    wrong: Iterable[Misshapen], source: int, findings: Findings, shapes: Mapping[JsonPath, Any] = schema.SHAPES
) -> None:
    """Add to the findings what is out of shape in a document of these shapes."""
    for path, kind, context, value in wrong:
        place = Place(source, path)
        unsupported = refusal(path) if kind == "extra_forbidden" else None
        if unsupported:
            findings.add(place, unsupported)
        elif kind == "extra_forbidden":
            name = str(path[-1])
            findings.add(place, f"unknown key {quoted(name)}", near=name, among=schema.keys_at(path[:-1], shapes))
        elif kind == "missing":
            findings.add(Place(source, path[:-1]), f"{quoted(path[-1])} is missing")
        elif kind == "literal_error" and isinstance(value, str):
            findings.add(place, in_words(kind, context, value), near=value, among=choices(context))
        else:
            findings.add(place, in_words(kind, context, value))
