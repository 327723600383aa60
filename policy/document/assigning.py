"""Assignments, which may be 100,000: looked at in columns, one by one only where something is wrong."""

import json
import re
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from operator import itemgetter
from typing import Any, Final, NamedTuple, TypeVar

from policy.document.findings import Findings, Place
from policy.document.issuer_shapes import IssuerShape
from policy.document.names import References
from policy.document.shapes import AssignmentShape
from policy.document.wording import one_of, quoted
from policy.model import Assignment

REQUIRED: Final = frozenset(("issuer", "roles"))
WHO: Final = ("subject", "client", "group")
OPTIONAL: Final = (*WHO, "tenant")
TEXTS: Final = ("issuer", *OPTIONAL)
ALLOWED: Final = REQUIRED.union(TEXTS)

COUNTING: Final = ("roles", "roles-and-scopes")

#: `:*` or `/*` at the end, after at least one literal segment; no other `*`.
WILDCARD: Final = re.compile(r"[^*]*[^*:/][^*]*[:/]\*", re.DOTALL)
LITERAL: Final = "must not have a `*`: only a `subject` may stand for several"
STARS: Final = {
    "subject": "may have `*` only at the end, as `:*` or `/*` after at least one literal segment",
    "client": LITERAL,
    "group": LITERAL,
    "tenant": LITERAL,
}

Column = Sequence[Any]
Same = TypeVar("Same", bound=Hashable)


def well_formed(items: Any) -> bool:
    """Whether this is a list of what surely has the shape of an assignment; if not, a slower look says why."""
    if not isinstance(items, list) or not set(map(type, items)) <= {dict}:
        return False
    keys = set(map(tuple, items))
    if not all(REQUIRED.issubset(each) and ALLOWED.issuperset(each) for each in keys):
        return False
    used = frozenset(chain.from_iterable(keys))
    return all(_are_texts([item[key] for item in items if key in item]) for key in TEXTS if key in used) and _are_names(
        [item["roles"] for item in items]
    )


def _are_texts(values: Sequence[Any]) -> bool:
    return set(map(type, values)) <= {str} and "" not in values


def _are_names(lists: Sequence[Any]) -> bool:
    if not set(map(type, lists)) <= {list} or [] in lists:
        return False
    try:
        return _are_texts(list(chain.from_iterable(set(map(tuple, lists)))))
    except TypeError:  # something in a list that cannot be in a set is no text
        return False


class Columns:
    """Well-formed assignments by column, `None` standing where a key is absent; equal lists of roles are one tuple."""

    def __init__(self, items: Sequence[AssignmentShape]) -> None:
        self.shapes: Final = frozenset(map(tuple, items))
        self.roles: Final = _shared([tuple(names) for names in map(itemgetter("roles"), items)])
        self.issuers: Final[Sequence[str]] = _shared(list(map(itemgetter("issuer"), items)))
        used = frozenset(chain.from_iterable(self.shapes))
        self.texts: Final[Mapping[str, Column]] = {
            key: [item.get(key) for item in items] if key in used else [None] * len(items) for key in OPTIONAL
        }

    def built(self) -> list[Assignment]:
        """The values of the model."""
        columns = (self.issuers, *(_copied(self.texts[key]) for key in OPTIONAL), self.roles)
        # Assignment._make would run Python code for each
        return list(map(partial(tuple.__new__, Assignment), zip(*columns, strict=True)))

    def lines(self) -> Iterable[str]:
        """Each assignment as compact JSON with sorted keys and roles, but with a comma where its brace would be."""
        if not self.roles:
            return ()
        parts = {
            "issuer": _encoded_names("issuer", self.issuers),
            "roles": _encoded_roles(self.roles),
            **{key: _encoded(key, column) for key, column in self.texts.items() if any(column)},
        }
        return map("".join, zip(*(parts[key] for key in sorted(parts)), strict=True))


def _shared(column: Sequence[Same]) -> Sequence[Same]:
    """The column with one value for all that are equal."""
    return list(map(dict(zip(column, column, strict=True)).__getitem__, column))


def _copied(column: Column) -> Column:
    """The same texts in memory of their own: the parsed ones keep alive the pages of all that was parsed with them."""
    if not column or None in column or any("\0" in text for text in column):
        return column
    return "\0".join(column).split("\0")


def _encoded(key: str, column: Column) -> Sequence[str]:
    """Each text of a column as `,"key":"text"`, and nothing where there is none."""
    member = f',"{key}":'
    # a line break never stands inside a JSON text, so what is encoded at once can be taken apart there
    text = json.JSONEncoder(ensure_ascii=False, separators=(f"\n{member}", ":")).encode(column)
    each = f"{member}{text[1:-1]}".split("\n")
    absent = f"{member}null"
    return [text if text != absent else "" for text in each] if None in column else each


def _encoded_names(key: str, column: Column) -> Sequence[str]:
    encoded = {name: _encoded(key, [name])[0] for name in set(column)}
    return [encoded[name] for name in column]


def _encoded_roles(column: Sequence[tuple[str, ...]]) -> Sequence[str]:
    different = list(set(column))
    text = json.JSONEncoder(ensure_ascii=False, separators=(",\n", ":")).encode(list(map(sorted, different)))
    each = text[2:-2].replace('",\n"', '","').split("],\n[")
    encoded = {roles: f',"roles":[{names}]' for roles, names in zip(different, each, strict=True)}
    return [encoded[roles] for roles in column]


class Assigned(NamedTuple):
    """The assignments of one document: where their list stands, the index of each in it, and the columns."""

    place: Place
    indexes: Sequence[int]
    columns: Columns


def check_assignments(
    assigned: Iterable[Assigned], issuers: Mapping[str, IssuerShape | None], references: References, findings: Findings
) -> None:
    """Add to the findings everything that is wrong with assignments. An issuer that is out of shape is `None`."""
    for each in assigned:
        _check_issuers(each, issuers, references, findings)
        _check_who(each, findings)
        _check_roles(each, references)


def _check_issuers(
    assigned: Assigned, issuers: Mapping[str, IssuerShape | None], references: References, findings: Findings
) -> None:
    for name in set(assigned.columns.issuers):
        message, near = "", ""
        if name not in issuers:
            message, near = f"unknown issuer {quoted(name)}" if references.whole else "", name
        elif not _counts_roles(issuers[name]):
            message = f"roles never count for {quoted(name)}: its `authority` has neither {one_of(COUNTING, 'nor')}"
        for index in _where(assigned.columns.issuers, name) if message else ():
            place = assigned.place.to(assigned.indexes[index], "issuer")
            findings.add(place, message, near=near, among=issuers.keys() if near else ())


def _counts_roles(issuer: IssuerShape | None) -> bool:
    return (
        issuer is None
        or not issuer.get("authority")
        or any(regime in COUNTING for regime in issuer["authority"].values())
    )


def _where(column: Column, value: object) -> Iterator[int]:
    return (index for index, each in enumerate(column) if each == value)


def _check_who(assigned: Assigned, findings: Findings) -> None:
    columns, place = assigned.columns, assigned.place
    if any(frozenset(WHO).isdisjoint(shape) for shape in columns.shapes):
        for index, who in enumerate(zip(*(columns.texts[key] for key in WHO), strict=True)):
            if not any(who):
                findings.add(place.to(assigned.indexes[index]), f"is for nobody: give it {one_of(WHO)}")
    for key, column in columns.texts.items():
        for index, text in enumerate(column if "*" in "".join(filter(None, column)) else ()):
            if text and "*" in text and not (key == "subject" and WILDCARD.fullmatch(text)):
                findings.add(place.to(assigned.indexes[index], key), f"{quoted(text)} {STARS[key]}")


def _check_roles(assigned: Assigned, references: References) -> None:
    faulty = {roles for roles in set(assigned.columns.roles) if not references.roles.keys() >= set(roles)}
    faulty |= {roles for roles in set(assigned.columns.roles) if len(set(roles)) < len(roles)}
    for index, roles in enumerate(assigned.columns.roles if faulty else ()):
        if roles in faulty:
            references.roles_known(roles, assigned.place.to(assigned.indexes[index], "roles"))
