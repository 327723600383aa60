"""What a writer that was killed left behind: its chain is gone on with and ended, its torn last line set aside."""

import contextlib
import json
import os
import re
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple

from policy.audit import files
from policy.audit.chain import Position
from policy.audit.reader import BROKEN, is_compressed, opened
from policy.audit.spool import HALF, Orphan, remove_drafts
from policy.audit.stream import Habits, Stream
from policy.audit.waiting import spools

_LINE: Final = re.compile(rb'\{"seq":(\d+),"prev":"([0-9a-f]{64})"')
#: More than a spool ever holds, with what chains its lines.
_LAST_BYTES: Final = 8 * HALF
_SEALED: Final = re.compile(rb'"alg":"[A-Za-z0-9]+","key":"([0-9a-f]+)","mac":"[A-Za-z0-9_-]+"\}$')
_NEVER_FULL: Final = 2**62


@dataclass(frozen=True, kw_only=True, slots=True)
class Recovered:
    """What was done for one writer: the `lines` of its spool that went into `file`, and the torn bytes set aside.

    Its chain was ended, unless `key` names the key that it takes to end it.
    """

    writer: str
    file: str
    lines: int
    torn: int
    key: str = ""

    def __str__(self) -> str:
        torn = f", and {self.torn} bytes of a torn line were set aside" if self.torn else ""
        left = f"; the chain stays open, for it is sealed with the key {self.key}" if self.key else ""
        return (
            f"the writer {self.writer} had ended without closing `{self.file}`: {self.lines} records recovered"
            f"{torn}{left}"
        )


def recover(folder: Path, habits: Habits) -> list[Recovered]:
    """Bring the lines of all ended writers into the log, and end their chains; `OSError` where it does not take them.

    May be called by several processes at once: each spool is recovered by one. `habits` seal the ends; a chain that was
    sealed with another key, or with one where there is none now, is not ended. One that cannot be recovered holds up no
    other.
    """
    found: list[Recovered] = []
    failures: list[OSError] = []
    for path in spools(folder):
        orphan = Orphan.take(path)
        if orphan is not None:
            try:
                found.extend(_recovered(folder, orphan, habits))
            except OSError as error:
                failures.append(error)
    remove_drafts(folder)
    if failures:
        raise failures[0]
    return found


def left_behind(folder: Path) -> int:
    """How many records of writers that have ended wait to be brought in."""
    found = 0
    for path in spools(folder):
        orphan = Orphan.take(path)
        if orphan is not None:
            found += len(orphan.lines)
            orphan.close(remove=False)
    return found


def _recovered(folder: Path, orphan: Orphan, habits: Habits) -> list[Recovered]:
    """The spool is removed only where all its lines are in the log, and the chain has its end."""
    done = False
    try:
        found = _bring_in(folder, orphan, habits)
        done = not any(each.key for each in found)
        return found
    finally:
        orphan.close(remove=done)


def _bring_in(folder: Path, orphan: Orphan, habits: Habits) -> list[Recovered]:
    writer, name = str(orphan.about.get("writer", "")), str(orphan.about.get("stream", "decisions"))
    if not re.fullmatch("[0-9a-f]{16}", writer) or not re.fullmatch("[a-z]+", name):
        if orphan.lines:
            raise OSError(f"`{orphan.path}` does not tell whose {len(orphan.lines)} lines it holds")
        return []
    # a chain that is gone on with stays in the file where it was: what a spool may have twice is looked for there
    stream = Stream(folder, name, writer, replace(habits, finished=None, daily=False, file_bytes=_NEVER_FULL))
    last = _last_part(folder, writer, name)
    torn, end = 0, _End()
    if last is not None:
        torn = 0 if is_compressed(last.path) else set_aside(last.path)
        end = _end(last.path)
        if end.position is None:
            raise OSError(f"the last line of `{last.path}` is none of a chain")
        _take_up(stream, last, end.position, end.size)
    missing = [body for body in orphan.lines if not _is_known(body, end.known)]
    if missing:
        stream.append(missing, sync=True)
    elif last is None or end.is_end:
        return []
    if name == "decisions":
        _end_refused(folder, writer, habits)
    is_ended = _ended(stream, end.key, recovered=len(missing))
    file = stream.path.name if stream.is_open or last is None else last.path.name
    return [Recovered(writer=writer, file=file, lines=len(missing), torn=torn, key="" if is_ended else end.key)]


def _end_refused(folder: Path, writer: str, habits: Habits) -> None:
    """The same writer's chain of refused tokens has nothing on its way: it only gets its end."""
    last = _last_part(folder, writer, "refused")
    if last is None or is_compressed(last.path):
        return
    set_aside(last.path)
    end = _end(last.path)
    if end.position is not None and not end.is_end:
        stream = Stream(folder, "refused", writer, replace(habits, finished=None, daily=False, told=None))
        stream.go_on(last.path, end.position, last.number, end.size)
        _ended(stream, end.key, recovered=0)


def _take_up(stream: Stream, last: "_Part", position: Position, size: int) -> None:
    if is_compressed(last.path):
        stream.go_on_after(last.begun_as or last.path.name, position, last.number, size)
    else:
        stream.go_on(last.path, position, last.number, size)


def _ended(stream: Stream, key: str, *, recovered: int) -> bool:
    """End the chain, if its last seals can be told from this one's; and never give up for it what was brought in."""
    own = stream.habits.sealer.key if stream.habits.sealer is not None else ""
    if key not in ("", own):
        stream.leave()
        return False
    with contextlib.suppress(OSError):
        stream.close(recovered=recovered)
    return True


def _is_known(body: bytes, known: set[bytes]) -> bool:
    return _hash(b"}" if body == b"{}" else b"," + body[1:]) in known


class _Part(NamedTuple):
    number: int
    path: Path
    begun_as: str


def _last_part(folder: Path, writer: str, name: str) -> _Part | None:
    """The file of a chain that was begun last; told by their first lines, whatever they are called."""
    parts = []
    for path in folder.iterdir():
        if files.LOG_FILE.fullmatch(path.name):
            begin = _first_line(path)
            if begin.get("writer") == writer and begin.get("stream") == name and type(begin.get("part")) is int:
                parts.append(_Part(begin["part"], path, str(begin.get("file", ""))))
    return max(parts, key=lambda part: (part.number, not is_compressed(part.path)), default=None)


def _first_line(path: Path) -> dict[str, Any]:
    try:
        with opened(path) as content:
            found = json.loads(content.readline(2**16))
    except (OSError, ValueError, RecursionError, *BROKEN):
        return {}
    return found if isinstance(found, dict) else {}


def set_aside(path: Path) -> int:
    """Move a last line without its line break into a file `….torn` beside; how many bytes it had."""
    with path.open("r+b") as content:
        torn, whole = _torn(content.fileno())
        if torn:
            with path.with_name(f"{path.name}.torn").open("ab") as apart:
                apart.write(torn)
                apart.flush()
                os.fsync(apart.fileno())
            os.ftruncate(content.fileno(), whole)
            os.fsync(content.fileno())
    return len(torn)


def _torn(descriptor: int) -> tuple[bytes, int]:
    """What follows the last line break, and where that stands."""
    end = os.fstat(descriptor).st_size
    found, at = b"", end
    while at > 0:
        start = max(0, at - 2**16)
        found = os.pread(descriptor, at - start, start) + found
        if b"\n" in found:
            torn = found[found.rfind(b"\n") + 1 :]
            return torn, end - len(torn)
        at = start
    return found, 0


@dataclass(kw_only=True, slots=True)
class _End:
    """Where a file of whole lines leaves its chain: `known` are hashes of the bodies of its last lines, `key` is the
    name of the key that sealed it, and `is_end` says that the chain has ended."""

    position: Position | None = None
    size: int = 0
    known: set[bytes] = field(default_factory=set)
    key: str = ""
    is_end: bool = False


def _end(path: Path) -> _End:
    """What a spool holds and a file already has stands at the end of the file: it was written there at once."""
    found, last, linked = _End(), b"", None
    with opened(path) as content:
        found.size = 0 if is_compressed(path) else os.fstat(content.fileno()).st_size
        if not is_compressed(path):
            content.seek(max(0, found.size - _LAST_BYTES))
        for line in content:
            found.size += len(line) if is_compressed(path) else 0
            last = line.removesuffix(b"\n")
            linked = _LINE.match(last)
            if linked is not None:
                found.known.add(_hash(last[linked.end() :]))
            if sealed := _SEALED.search(last):
                found.key = sealed[1].decode("ascii")
    if linked is not None:
        found.position = Position(int(linked[1]) + 1, sha256(last).hexdigest())
        found.is_end = last[linked.end() :].startswith(b',"v":2,"kind":"end",')
    return found


def _hash(rest: bytes) -> bytes:
    return sha256(rest).digest()[:16]
