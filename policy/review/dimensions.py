"""By what a log can be divided up: for each word the column that has it, and how its text reads."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from policy.review.columns import COLUMNS, DECIDED, Column, between, quoted

#: Methods of HTTP; a caller can send any other word, and is not given a row for it.
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY"})
_CLIENT, _ID = ',"client":', ',"id":'

_INPUTS: Final = COLUMNS["inputs"]


def part(name: str, start: str, end: str) -> Column:
    """What stands behind `start`, or at the beginning, and before `end` in a line's inputs; they are much shorter."""
    sql = (
        f"split_part(split_part(inputs, {quoted(start)}, 2), {quoted(end)}, 1)"
        if start
        else (f"split_part(inputs, {quoted(end)}, 1)")
    )

    def read(line: bytes) -> bytes | None:
        inputs = _INPUTS.read(line)
        if inputs is None or start.encode() not in inputs:
            return None
        return (
            inputs.partition(start.encode())[2].partition(end.encode())[0]
            if start
            else inputs.partition(end.encode())[0]
        )

    return Column(name, f"case when contains(inputs, {quoted(start)}) then {sql} end" if start else sql, read)


_ISSUER: Final = part("issuer", '"issuer":', ',"kind":')
#: The request, the answer and the verdicts, of whatever kind a record is; for `said`.
SAID: Final = part("said", "", ',"tenant":')
#: Of a record with inputs; that of all others is null.
OUTCOME: Final = part("outcome", '"outcome":"', '"')


def of_kind(kind: str, column: Column) -> Column:
    """The column of lines of one kind; `None` elsewhere, where nothing is looked for."""

    def read(line: bytes) -> bytes | None:
        return column.read(line) if COLUMNS["kind"].read(line) == kind.encode() else None

    return Column(column.name, f"case when kind = {quoted(kind)} then {column.sql} end", read)


#: How many decisions have no record, of lines that tell so.
LOST: Final = of_kind("lost", between("count", '"count":', "}"))
_NOT_KEPT: Final = of_kind("surplus", between("counts", '"counts":', "}}"))
#: The same, or how many refused tokens were not kept, by reason.
COUNTS: Final = Column(
    "counts",
    f"coalesce({_NOT_KEPT.sql}, {LOST.sql})",
    lambda line: _NOT_KEPT.read(line) if _NOT_KEPT.read(line) is not None else LOST.read(line),
)


def _at_the_end(line: bytes) -> tuple[bytes, bytes] | None:
    """The client and the id, of a record with a decision."""
    if (COLUMNS["kind"].read(line) or b"").decode("latin-1") not in DECIDED:
        return None
    client, _, id_ = line.partition(_CLIENT.encode())[2].partition(_ID.encode())
    return client, id_


def _client(line: bytes) -> bytes | None:
    found = _at_the_end(line)
    return None if found is None else found[0]


def _subject(line: bytes) -> bytes | None:
    issuer, found = _ISSUER.read(line), _at_the_end(line)
    return None if issuer is None or found is None else b"[" + issuer + b"," + found[1]


_HAS_END: Final = f"kind in ({', '.join(map(quoted, DECIDED))})"
_END: Final = f"split_part(line, '{_CLIENT}', 2)"
_CLIENT_COLUMN: Final = Column("client", f"case when {_HAS_END} then split_part({_END}, '{_ID}', 1) end", _client)
_SUBJECT_COLUMN: Final = Column(
    "subject",
    f"case when {_HAS_END} then '[' || {_ISSUER.sql} || ',' || split_part({_END}, '{_ID}', 2) end",
    _subject,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Dimension:
    """Something that a decided record has one of; `shown` makes names of the texts that stand in lines."""

    name: str
    column: Column
    shown: Callable[[Collection[str]], Mapping[str, str]]


class Said(NamedTuple):
    """What a record says: where it was asked, what was answered and why, and each permission with its verdict."""

    route: str
    outcome: str
    reason: str
    verdicts: tuple[tuple[str, bool, str], ...]


def said(text: str) -> Said | None:
    """What stands in a `SAID`; `None` where it is spoilt."""
    found = _parsed(f"{{{text}}}")
    if not isinstance(found, dict):
        return None
    method, route = str(found.get("method", "")), str(found.get("route", ""))
    shown = method if method in METHODS or not method else "?"
    return Said(
        f"{shown} {route}".strip() or "-", str(found.get("outcome")), str(found.get("reason")),
        _verdicts(found.get("permissions")),
    )  # fmt: skip


def _verdicts(found: Any) -> tuple[tuple[str, bool, str], ...]:
    return tuple(
        (str(each.get("permission")), each.get("allowed") is True, str(each.get("reason")))
        for each in (found if isinstance(found, list) else ())
        if isinstance(each, dict)
    )


def counts(text: str | None) -> dict[str, int]:
    """What a record of kind `surplus` counts."""
    found = _parsed(f"{text}}}") if text is not None else None
    return {reason: n for reason, n in found.items() if type(n) is int} if isinstance(found, dict) else {}


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _plain(texts: Collection[str]) -> dict[str, str]:
    return {text: "-" if (found := _parsed(text)) is None else str(found) for text in texts}


def _as_it_is(texts: Collection[str]) -> dict[str, str]:
    return {text: text for text in texts}


def _people(texts: Collection[str]) -> dict[str, str]:
    """Their ids, and whose they are where there are several issuers."""
    found = {text: _parsed(text.removesuffix("}}") + "]") for text in texts}
    pairs = {text: each if isinstance(each, list) and len(each) == 2 else ["", "-"] for text, each in found.items()}
    several = len({issuer for issuer, _ in pairs.values()}) > 1
    return {text: _person(issuer, id_, several) for text, (issuer, id_) in pairs.items()}


def _person(issuer: Any, id_: Any, several: bool) -> str:
    name = "(dropped)" if id_ is None else str(id_)
    return f"{name} of {issuer or 'no issuer'}" if several else name


def denied(column: Column) -> Column:
    """The column of what was denied; `None` elsewhere."""

    def read(line: bytes) -> bytes | None:
        return column.read(line) if OUTCOME.read(line) == b"deny" else None

    return Column(column.name, f"case when {OUTCOME.sql} = 'deny' then {column.sql} end", read)


#: No line has this character.
_PARTED: Final = "\x1f"


def said_of(column: Column, texts: Collection[str]) -> Column:
    """The column with what was said, where it has one of some texts; `None` elsewhere. See `parted`.

    It is one column, so that nothing is looked for in lines that do not count.
    """
    listed = ", ".join(map(quoted, texts)) or "null"
    wanted = {text.encode() for text in texts}

    def read(line: bytes) -> bytes | None:
        value, told = column.read(line), SAID.read(line)
        return value + _PARTED.encode() + told if value in wanted and value is not None and told is not None else None

    sql = f"case when {column.sql} in ({listed}) then {column.sql} || {quoted(_PARTED)} || {SAID.sql} end"
    return Column(column.name, sql, read)


def parted(text: str) -> tuple[str, Said | None]:
    """The two parts of such a column's value."""
    value, _, told = text.partition(_PARTED)
    return value, said(told)


DIMENSIONS: Final[Mapping[str, Dimension]] = {
    each.name: each
    for each in (
        Dimension(name="subject", column=_SUBJECT_COLUMN, shown=_people),
        Dimension(name="client", column=_CLIENT_COLUMN, shown=_plain),
        Dimension(name="issuer", column=_ISSUER, shown=_plain),
        Dimension(name="tenant", column=part("tenant", '"tenant":', ',"policy":'), shown=_plain),
        Dimension(name="policy", column=part("policy", '"policy":"', '"'), shown=_as_it_is),
    )
}
