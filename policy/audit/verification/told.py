"""What the chain's own lines tell: `begin`, `checkpoint`, `end` and `retired`."""

import json
from typing import Any, Final, NamedTuple

_MAC: Final = b',"mac":"'


class Begin(NamedTuple):
    """The first line of a file."""

    writer: str
    stream: str
    part: int
    file: str
    time: str
    after_file: str
    after_size: int | None
    beside: tuple[tuple[str, int], ...]


class Seal(NamedTuple):
    """A `checkpoint` or `end`; `mac` is `None` where it has none, `data` is what it covers of its own line."""

    writer: str
    stream: str
    algorithm: str
    key: str
    mac: str | None
    data: bytes


class Retired(NamedTuple):
    """A file that was removed by retention; `told_at` is the number of the line that tells so, in `told_in`."""

    file: str
    writer: str
    stream: str
    part: int
    first: int
    last: int
    head: str
    told_by: tuple[str, str]
    told_at: int


def begin(line: bytes) -> Begin | None:
    """A `begin` line; `None` where the line is no such one."""
    told = _object(line)
    if told.get("kind") != "begin" or not (told.get("writer") and told.get("stream")):
        return None
    after = told.get("after")
    after = after if isinstance(after, dict) else {}
    beside = told.get("beside")
    size = after.get("size")
    return Begin(
        writer=str(told["writer"]),
        stream=str(told["stream"]),
        part=_number(told.get("part")),
        file=str(told.get("file", "")),
        time=str(told.get("time", "")),
        after_file=str(after.get("file", "")),
        after_size=size if isinstance(size, int) else None,
        beside=tuple((str(name), _number(size)) for name, size in beside.items()) if isinstance(beside, dict) else (),
    )


def seal(line: bytes) -> Seal | None:
    """A `checkpoint` or `end`; its code covers all of the line before it, and nothing may follow it."""
    told = _object(line)
    if not told:
        return None
    data, found, rest = line.rpartition(_MAC)
    mac = rest.removesuffix(b'"}').decode("latin-1") if found else told.get("mac")
    return Seal(
        writer=str(told.get("writer", "")),
        stream=str(told.get("stream", "")),
        algorithm=str(told.get("alg", "")),
        key=str(told.get("key", "")),
        mac=None if mac is None else str(mac),
        data=data,
    )


def retired(line: bytes, by: tuple[str, str], at: int) -> Retired | None:
    """A `retired` line, told in the chain `by` as its line `at`."""
    told = _object(line)
    if not told:
        return None
    file, writer, stream, head = (str(told.get(name, "")) for name in ("file", "writer", "stream", "head"))
    part, first, last = (_number(told.get(name)) for name in ("part", "first", "last"))
    return Retired(file, writer, stream, part, first, last, head, told_by=by, told_at=at)


def is_record(line: bytes) -> bool:
    """Whether a line is an object with a kind. Nothing but the line after it vouches for any other one's content."""
    return isinstance(_object(line).get("kind"), str)


def _object(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
