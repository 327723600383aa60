"""What is read from a line of the log by its text alone: each column once for SQL, and once for Python.

The SQL is an expression over a column `line` that means the same in DuckDB and in Spark: places and slices of texts,
and no JSON. That is sound because a quotation mark inside a JSON string never stands there without a backslash, so a
member's name with its marks is found nowhere but where it is one.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, NamedTuple

#: The kinds of records that hold a decision, and those that tell why there was none.
DECIDED: Final = ("request", "gate", "probe", "check")
UNDECIDED: Final = ("refused", "fault")
#: No line's beginning, up to its kind, is longer.
BEGINNING: Final = 200

Read = Callable[[bytes], bytes | None]


class Column(NamedTuple):
    """A part of a line: an SQL expression over `line`, and a function that gives the same; `NULL` is `None`."""

    name: str
    sql: str
    read: Read


def quoted(text: str) -> str:
    """The text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def text(value: bytes | None) -> str | None:
    """What was read, as text."""
    return None if value is None else value.decode("utf-8", "replace")


def _find(text: str) -> tuple[str, Callable[[bytes], int]]:
    """Where a text begins: from 1 in SQL, with 0 for nowhere; from 0 in Python, with -1."""
    sought = text.encode()
    return f"instr(line, {quoted(text)})", lambda line: line.find(sought)


def _between(name: str, start: str, end: str, *, within: int = 0) -> Column:
    """What stands behind the first `start` and before the next `end`; only in the first `within` characters, if any."""
    opening, closing = start.encode(), end.encode()
    text = f"substr(line, 1, {within})" if within else "line"
    rest = f"substr({text}, instr({text}, {quoted(start)}) + {len(start)})"
    length = f"instr({rest}, {quoted(end)}) - 1"
    sql = f"case when instr({text}, {quoted(start)}) > 0 and {length} >= 0 then substr({rest}, 1, {length}) end"

    def read(line: bytes) -> bytes | None:
        begin = line.find(opening, 0, within or len(line))
        if begin < 0:
            return None
        stop = line.find(closing, begin + len(opening), within or len(line))
        return None if stop < 0 else line[begin + len(opening) : stop]

    return Column(name, sql, read)


_METHOD, _find_method = _find('"method":')
_CLIENT, _find_client = _find(',"client":')
_DETAIL, _find_detail = _find(',"detail":')
_NOW: Final = _between("now", '"now":', ",")
_TIME: Final = _between("time", '"time":"', '"')
_KIND_AS_WRITTEN: Final = _between("kind", '"kind":"', '"', within=BEGINNING)
_AUTH_TIME: Final = '"auth_time":'
_VERSIONS: Final = {each: f'"v":{each},"kind":"' for each in ("2", "1")}
_INPUTS_SQL: Final = (
    f"case when {_METHOD} > 0 and {_CLIENT} > {_METHOD} then substr(line, {_METHOD}, {_CLIENT} - {_METHOD}) "
    f"when {_METHOD} > 0 and {_DETAIL} > {_METHOD} then substr(line, {_METHOD}, {_DETAIL} - {_METHOD}) end"
)


def _inputs(line: bytes) -> bytes | None:
    start = _find_method(line)
    if start < 0:
        return None
    end = _find_client(line)
    if end <= start:
        end = _find_detail(line)
    return line[start:end] if end > start else None


def _who(line: bytes) -> bytes | None:
    start = _find_client(line)
    return line[start + 1 :] if start >= 0 else None


def _login_now(line: bytes) -> bytes | None:
    inputs = _inputs(line)
    return _NOW.read(line) if inputs is not None and _AUTH_TIME.encode() in inputs else None


def _version(line: bytes) -> bytes | None:
    beginning = line[:BEGINNING]
    if not beginning.startswith(b'{"'):
        return None
    return next((each.encode() for each, text in _VERSIONS.items() if text.encode() in beginning), None)


def _version_sql() -> str:
    beginning = f"substr(line, 1, {BEGINNING})"
    cases = " ".join(f"when instr({beginning}, {quoted(text)}) > 0 then '{each}'" for each, text in _VERSIONS.items())
    return f"case when substr(line, 1, 2) <> '{{\"' then null {cases} end"


def _kind(line: bytes) -> bytes | None:
    kind = _KIND_AS_WRITTEN.read(line) if _version(line) == b"2" else None
    decided = kind is not None and kind.decode("latin-1") in DECIDED
    return kind if line.endswith(b"}}" if decided else b"}") else None


def _kind_sql() -> str:
    """Of a whole line of version 2: what was torn does not end as a record does."""
    kind = _KIND_AS_WRITTEN.sql
    names = ", ".join(map(quoted, DECIDED))
    decided = f"({kind} in ({names}) and substr(line, length(line) - 1) = '}}}}')"
    other = f"({kind} not in ({names}) and substr(line, length(line)) = '}}')"
    return f"case when ({_version_sql()}) = '2' and ({decided} or {other}) then {kind} end"


def _prefix(name: str, length: int) -> Column:
    """The first characters of the time."""

    def read(line: bytes) -> bytes | None:
        time = _TIME.read(line)
        return None if time is None else time[:length]

    return Column(name, f"substr({_TIME.sql}, 1, {length})", read)


def where(column: Column, texts: Collection[str], name: str = "") -> Column:
    """The column in lines in which any of some texts stands; `None` in all others."""
    sought = tuple(text.encode() for text in texts)
    found = " or ".join(f"instr(line, {quoted(text)}) > 0" for text in texts) or "1 = 0"
    sql = f"case when {found} then {column.sql} end"
    return Column(
        name or column.name, sql, lambda line: column.read(line) if any(each in line for each in sought) else None
    )


#: `version` is null where a line is no record; `kind` is null also where it is torn or of another version.
COLUMNS: Final[Mapping[str, Column]] = {
    each.name: each
    for each in (
        Column("inputs", _INPUTS_SQL, _inputs),
        Column("who", f"case when {_CLIENT} > 0 then substr(line, {_CLIENT} + 1) end", _who),
        _NOW,
        Column(
            "login_now", f"case when instr({_INPUTS_SQL}, {quoted(_AUTH_TIME)}) > 0 then {_NOW.sql} end", _login_now
        ),
        Column("version", _version_sql(), _version),
        Column("kind", _kind_sql(), _kind),
        _between("outcome", '"outcome":"', '"'),
        _between("reason", '"reason":"', '"'),
        _between("id", '"id":"', '"'),
        _TIME,
        _prefix("day", len("2026-11-28")),
        _prefix("hour", len("2026-11-28T00")),
        _prefix("minute", len("2026-11-28T00:12")),
    )
}


def columns(by: Sequence[str | Column]) -> tuple[Column, ...]:
    """The columns of these names."""
    return tuple(COLUMNS[each] if isinstance(each, str) else each for each in by)
