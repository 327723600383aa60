"""What is read from a line of the log by its text alone: each column once for SQL, and once for Python.

The SQL means the same in DuckDB and in Spark: texts found, split and cut, and no JSON. That is sound because a
quotation mark inside a JSON string never stands there without a backslash, so a member's name with its marks is found
nowhere but where it is one.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, NamedTuple

#: The kinds of records that hold a decision, and those that tell why there was none.
DECIDED: Final = ("request", "gate", "probe", "check")
UNDECIDED: Final = ("refused", "fault")

Read = Callable[[bytes], bytes | None]


class Column(NamedTuple):
    """A part of a line: an SQL expression over what `source` has, and a function that gives the same.

    `NULL` is `None`.
    """

    name: str
    sql: str
    read: Read


def quoted(text: str) -> str:
    """The text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def text(value: bytes | None) -> str | None:
    """What was read, as text."""
    return None if value is None else value.decode("utf-8", "replace")


#: How the kind is named in the versions of the format; it stands behind the number and the hash of the chain at most.
_KIND: Final = '"v":2,"kind":"'
_OLD_KIND: Final = '"v":1,"kind":"'
_FURTHEST: Final = 110
#: What `head` is long, which goes from the kind over `now`; and how long an id and a time are, and what is between.
_HEAD: Final = 160
_ID, _TIME, _BETWEEN = 32, 27, '","time":"'
_STAMP: Final = _ID + len(_BETWEEN) + _TIME
_METHOD, _CLIENT, _DETAIL, _AUTH_TIME = ',"method":', ',"client":', ',"detail":', '"auth_time":'

#: What stands before the moment of a login.
LOGIN: Final = ',"auth_time":'


def between(name: str, start: str, end: str) -> Column:
    """What stands behind the first `start` and before the next `end`."""
    found = f"split_part(split_part(line, {quoted(start)}, 2), {quoted(end)}, 1)"
    sql = f"case when contains(line, {quoted(start)}) then {found} end"

    def read(line: bytes) -> bytes | None:
        return _second(line, start).partition(end.encode())[0] if start.encode() in line else None

    return Column(name, sql, read)


def _head(line: bytes) -> bytes:
    at = line.find(_KIND.encode(), 1, _FURTHEST - 1 + len(_KIND))
    return line[at + len(_KIND) : at + len(_KIND) + _HEAD] if at >= 0 else b""


def _stamp(line: bytes) -> bytes:
    head = _head(line)
    at = head.find(b'","id":"') + 8
    return head[at : at + _STAMP]


def _stamped(name: str, place: int, length: int) -> Column:
    """A part of the id and the time, which stand behind each other."""
    there = f"substr(stamp, {_ID + 1}, {len(_BETWEEN)}) = '{_BETWEEN}'"
    sql = f"case when {there} then substr(stamp, {place + 1}, {length}) end"

    def read(line: bytes) -> bytes | None:
        stamp = _stamp(line)
        return stamp[place : place + length] if stamp[_ID:].startswith(_BETWEEN.encode()) else None

    return Column(name, sql, read)


def _time(name: str, length: int) -> Column:
    """The time, or its beginning."""
    return _stamped(name, _ID + len(_BETWEEN), length)


_NOW: Final = between("now", '"now":', ",")


def _second(line: bytes, mark: str) -> bytes:
    """What stands between the first two places of a mark, or behind its only one."""
    _, _, rest = line.partition(mark.encode())
    return rest.partition(mark.encode())[0]


def _inputs(line: bytes) -> bytes | None:
    rest = _second(line, _METHOD)
    asked, found, _ = rest.partition(_CLIENT.encode())
    if not found:
        asked, found, _ = rest.partition(_DETAIL.encode())
    return _METHOD[1:].encode() + asked if found else None


def _who(line: bytes) -> bytes | None:
    return _CLIENT[1:].encode() + _second(line, _CLIENT) if _CLIENT.encode() in line else None


def _login_now(line: bytes) -> bytes | None:
    inputs = _inputs(line)
    return _NOW.read(line) if inputs is not None and _AUTH_TIME.encode() in inputs else None


def _timeless(line: bytes) -> bytes | None:
    inputs = _inputs(line)
    return None if inputs is None else b"".join(inputs.partition(LOGIN.encode())[:2])


def _auth_time(line: bytes) -> bytes | None:
    inputs = _inputs(line)
    return inputs.partition(LOGIN.encode())[2] if inputs is not None and LOGIN.encode() in inputs else None


def age(line: bytes) -> float | None:
    """How many seconds the login was ago; in SQL, `age`. `None` where there was none, or where that is no number."""
    _, _, rest = _head(line).partition(b'"now":')
    auth_time = _auth_time(line)
    try:
        return None if auth_time is None else float(rest.partition(b",")[0]) - float(auth_time)
    except ValueError:
        return None


def _version(line: bytes) -> bytes | None:
    if _head(line):
        return b"2"
    return b"1" if 1 <= line.find(_OLD_KIND.encode()) < _FURTHEST else None


def _kind(line: bytes) -> bytes | None:
    """Of a whole line: what was torn does not end as a record does."""
    kind, mark, _ = _head(line).partition(b'"')
    ending = b"}}" if kind.decode("latin-1") in DECIDED else b"}"
    return kind if mark and line.endswith(ending) else None


_PLACES: Final = f"instr(line, '{_KIND}') as kind_at, split_part(line, '{_METHOD}', 2) as rest"
_HEADED: Final = (
    f"case when kind_at between 2 and {_FURTHEST} then substr(line, kind_at + {len(_KIND)}, {_HEAD}) "
    f"else '' end as head, split_part(rest, '{_CLIENT}', 1) as asked"
)
_WORD: Final = "split_part(head, '\"', 1)"
_WHOLE: Final = f"(line like '%}}}}' or line like '%}}' and {_WORD} not in ({', '.join(map(quoted, DECIDED))}))"
_STAMPED: Final = (
    f'substr(head, instr(head, \'","id":"\') + 8, {_STAMP}) as stamp, '
    f"case when contains(head, '\"') and {_WHOLE} then {_WORD} end as kind, "
    f"case when asked <> rest then '{_METHOD[1:]}' || asked when contains(rest, '{_DETAIL}') "
    f"then '{_METHOD[1:]}' || split_part(rest, '{_DETAIL}', 1) end as inputs"
)
_MOMENT: Final = "split_part(split_part(head, '\"now\":', 2), ',', 1)"
_AGED: Final = (
    f"case when contains(inputs, '{LOGIN}') then try_cast({_MOMENT} as double) "
    f"- try_cast(split_part(inputs, '{LOGIN}', 2) as double) end as age"
)


def source(lines: str) -> str:
    """What the columns are columns of, in SQL: the lines of what has a column `line`, and what several columns need."""
    placed = f"select line, {_PLACES} from {lines} where line <> ''"  # noqa: S608 - the names are given by engines
    headed = f"select *, {_HEADED} from ({placed}) as placed"  # noqa: S608
    stamped = f"select *, {_STAMPED} from ({headed}) as headed"  # noqa: S608
    return f"(select *, {_AGED} from ({stamped}) as stamped) as aged"  # noqa: S608


def where(column: Column, texts: Collection[str], name: str = "") -> Column:
    """The column in lines in which any of some texts stands; `None` in all others."""
    sought = tuple(text.encode() for text in texts)
    found = " or ".join(f"contains(line, {quoted(text)})" for text in texts) or "1 = 0"
    sql = f"case when {found} then {column.sql} end"
    return Column(
        name or column.name, sql, lambda line: column.read(line) if any(each in line for each in sought) else None
    )


#: `timeless` are the inputs without the moment of the login, which stands at their end; there they end with `LOGIN`.
#: `version` is null where a line is no record; `kind` is null also where it is torn or of an older version.
COLUMNS: Final[Mapping[str, Column]] = {
    each.name: each
    for each in (
        Column("inputs", "inputs", _inputs),
        Column(
            "who",
            f"case when contains(line, '{_CLIENT}') then '{_CLIENT[1:]}' || split_part(line, '{_CLIENT}', 2) end",
            _who,
        ),
        _NOW,
        Column("login_now", f"case when contains(inputs, '{_AUTH_TIME}') then {_NOW.sql} end", _login_now),
        Column(
            "timeless",
            f"case when contains(inputs, '{LOGIN}') then split_part(inputs, '{LOGIN}', 1) || '{LOGIN}' else inputs end",
            _timeless,
        ),
        Column(
            "auth_time", f"case when contains(inputs, '{LOGIN}') then split_part(inputs, '{LOGIN}', 2) end", _auth_time
        ),
        Column(
            "version",
            f"case when head <> '' then '2' when instr(line, '{_OLD_KIND}') between 2 and {_FURTHEST} then '1' end",
            _version,
        ),
        Column("kind", "kind", _kind),
        between("outcome", '"outcome":"', '"'),
        between("reason", '"reason":"', '"'),
        _stamped("id", 0, _ID),
        _time("time", _TIME),
        _time("day", len("2026-11-28")),
        _time("hour", len("2026-11-28T00")),
        _time("minute", len("2026-11-28T00:12")),
    )
}


def columns(by: Sequence[str | Column]) -> tuple[Column, ...]:
    """The columns of these names."""
    return tuple(COLUMNS[each] if isinstance(each, str) else each for each in by)
