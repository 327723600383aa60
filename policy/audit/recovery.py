"""What a writer that was killed left behind: its chain is gone on with and ended, its torn last line set aside."""

import contextlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from policy.audit import files
from policy.audit.chain import Position
from policy.audit.spool import HALF, Orphan
from policy.audit.stream import Habits, Stream
from policy.audit.waiting import spools

_LINE: Final = re.compile(rb'\{"seq":(\d+),"prev":"([0-9a-f]{64})"')
#: More than a spool ever holds, with what chains its lines.
_LAST_BYTES: Final = 8 * HALF


@dataclass(frozen=True, kw_only=True, slots=True)
class Recovered:
    """What was done for one writer: the `lines` of its spool that went into `file`, and the torn bytes set aside."""

    writer: str
    file: str
    lines: int
    torn: int

    def __str__(self) -> str:
        torn = f", and {self.torn} bytes of a torn line were set aside" if self.torn else ""
        return f"the writer {self.writer} had ended without closing `{self.file}`: {self.lines} records recovered{torn}"


def recover(folder: Path, habits: Habits) -> list[Recovered]:
    """Bring the lines of all ended writers into the log, and end their chains; `OSError` where it does not take them.

    May be called by several processes at once: each spool is recovered by one. `habits` seal the ends.
    """
    found: list[Recovered] = []
    for path in spools(folder):
        orphan = Orphan.take(path)
        if orphan is not None:
            with _released(orphan):
                found.extend(_bring_in(folder, orphan, habits))
    return found


@contextlib.contextmanager
def _released(orphan: Orphan) -> Iterator[None]:
    """The spool is removed only where everything was brought in."""
    done = False
    try:
        yield
        done = True
    finally:
        orphan.close(remove=done)


def _bring_in(folder: Path, orphan: Orphan, habits: Habits) -> Iterator[Recovered]:
    writer, name = str(orphan.about.get("writer", "")), str(orphan.about.get("stream", "decisions"))
    if not re.fullmatch("[0-9a-f]{16}", writer) or not re.fullmatch("[a-z]+", name):
        if orphan.lines:
            raise OSError(f"`{orphan.path}` does not tell whose {len(orphan.lines)} lines it holds")
        return
    stream = Stream(folder, name, writer, replace(habits, finished=None))
    last = _last_file(folder, writer, name)
    torn = 0
    known: set[bytes] = set()
    if last is not None:
        path, part = last
        torn = set_aside(path)
        position, size, known = _end(path)
        if position is None:
            raise OSError(f"the last line of `{path}` is none of a chain")
        stream.go_on(path, position, part, size)
    missing = [body for body in orphan.lines if not _is_known(body, known)]
    if missing:
        stream.append(missing, sync=True)
    if last is not None or missing:
        stream.close(recovered=len(missing))
        yield Recovered(writer=writer, file=stream.path.name, lines=len(missing), torn=torn)


def _is_known(body: bytes, known: set[bytes]) -> bool:
    return _hash(b"}" if body == b"{}" else b"," + body[1:]) in known


def _last_file(folder: Path, writer: str, name: str) -> tuple[Path, int] | None:
    """The file of a chain that was begun last, and its part; told by their first lines, whatever they are called."""
    parts: list[tuple[int, Path]] = []
    for path in folder.iterdir():
        if files.LOG_FILE.fullmatch(path.name) and not path.name.endswith(".gz"):
            begin = _first_line(path)
            if begin.get("writer") == writer and begin.get("stream") == name and type(begin.get("part")) is int:
                parts.append((begin["part"], path))
    if not parts:
        return None
    part, path = max(parts)
    return path, part


def _first_line(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as content:
            found = json.loads(content.readline(2**16))
    except (OSError, ValueError, RecursionError):
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


def _end(path: Path) -> tuple[Position | None, int, set[bytes]]:
    """Where a file of whole lines leaves its chain, its size, and hashes of the bodies of its last lines.

    What a spool holds and a file already has stands at the end of the file: it was written there at once.
    """
    known: set[bytes] = set()
    last, linked = b"", None
    with path.open("rb") as content:
        size = os.fstat(content.fileno()).st_size
        content.seek(max(0, size - _LAST_BYTES))
        for line in content:
            last = line.removesuffix(b"\n")
            linked = _LINE.match(last)
            if linked is not None:
                known.add(_hash(last[linked.end() :]))
    return Position(int(linked[1]) + 1, sha256(last).hexdigest()) if linked else None, size, known


def _hash(rest: bytes) -> bytes:
    return sha256(rest).digest()[:16]
