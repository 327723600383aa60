"""Lines that were accepted and do not stand in the log yet: in memory that outlives the process.

A file of fixed size is mapped into memory. A line put there costs no system call, and the operating system keeps it
when the process is killed; whoever writes to the folder next finds it. It does not outlive the machine: what has to, is
written to the log and flushed.
"""

import contextlib
import fcntl
import json
import mmap
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

from policy.audit import files

PREFIX: Final = ".spool-"
_DRAFT: Final = ".new"
HALF: Final = 2**21
_MAGIC: Final = b"claims-policy spool 1\n"
_PAGE: Final = 4096
_FRAME: Final = struct.Struct("<II")
_RELEASED: Final = struct.Struct("<I")
_RELEASED_AT: Final = len(_MAGIC)
_ABOUT_AT: Final = _RELEASED_AT + _RELEASED.size
_pack = _FRAME.pack_into


class Spool:
    """Two halves: lines are put into one while those of the other are on their way into the log.

    A line is framed by its length and its generation, written after the line itself: a frame that is there is whole. A
    half that is used again has a higher generation, so nothing old is taken for new. Not for several threads at once.
    While the file is open it is locked, which tells others that its writer lives. `about` tells whose lines these are:
    the `writer` and the `stream`.
    """

    def __init__(self, path: Path, about: Mapping[str, Any], *, half: int = HALF) -> None:
        self.path: Final = path
        self.half: Final = half
        draft = path.with_name(f"{_DRAFT}{path.name}")  # under its own name it is seen only once it is locked
        self._descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.posix_fallocate(self._descriptor, 0, _PAGE + 2 * half)
            found = os.fstat(self._descriptor)
            self._identity = found.st_dev, found.st_ino
            self._memory: Any = mmap.mmap(self._descriptor, _PAGE + 2 * half)
            head = _MAGIC + bytes(_RELEASED.size) + json.dumps(about).encode("ascii")
            self._memory[:_PAGE] = head.ljust(_PAGE, b"\0")
            draft.rename(path)
        except BaseException:
            os.close(self._descriptor)
            draft.unlink(missing_ok=True)
            raise
        self._generation = 1
        self._start, self._end = _PAGE, _PAGE + half
        self._at = self._start

    def put(self, body: bytes) -> bool:
        """Keep a line; false where there is no room for it."""
        at, size = self._at, len(body)
        end = at + 8 + size
        if end > self._end:
            return False
        self._memory[at + 8 : end] = body
        _pack(self._memory, at, size, self._generation)
        self._at = end
        return True

    def turn(self) -> int:
        """Go on in the other half, which has to be free; the generation to release once what was put is in the log."""
        before = self._generation
        self._generation += 1
        self._start = _PAGE if self._start != _PAGE else _PAGE + self.half
        self._at, self._end = self._start, self._start + self.half
        return before

    def release(self, generation: int) -> None:
        """All lines of this generation and of those before are in the log."""
        _RELEASED.pack_into(self._memory, _RELEASED_AT, generation)

    def is_in_place(self) -> bool:
        """Whether the file still is where it was made."""
        return files.is_there(self.path, self._identity)

    def close(self, *, remove: bool) -> None:
        """Let go; `remove` the file where all its lines are in the log."""
        self._memory.close()
        if remove:
            with contextlib.suppress(OSError):
                self.path.unlink()
        os.close(self._descriptor)


class Orphan:
    """What a writer that has ended left in its spool. Locked while it is held, so that only one recovers it."""

    def __init__(self, path: Path, descriptor: int, about: Mapping[str, Any], lines: tuple[bytes, ...]) -> None:
        self.path, self.about, self.lines = path, about, lines
        self._descriptor = descriptor

    @classmethod
    def take(cls, path: Path) -> Self | None:
        """The spool at a path, if its writer has ended; `None` where it lives, or where somebody else has taken it."""
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            content = _content(descriptor)
            if not path.exists():  # whoever had it before has removed it
                raise OSError("gone")
        except OSError:
            os.close(descriptor)
            return None
        return cls(path, descriptor, _about(content), lines_of(content))

    def close(self, *, remove: bool) -> None:
        """Let go of it; `remove` it where its lines are in the log."""
        if remove:
            with contextlib.suppress(OSError):
                self.path.unlink()
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)  # closing alone does not, where a child has it too
        os.close(self._descriptor)


def remove_drafts(folder: Path) -> None:
    """Remove what is left of spools whose making was cut short: nothing was ever put there."""
    for path in folder.glob(f"{_DRAFT}{PREFIX}*"):
        draft = Orphan.take(path)
        if draft is not None:
            draft.close(remove=True)


def _content(descriptor: int) -> bytes:
    size = os.fstat(descriptor).st_size
    return os.pread(descriptor, size, 0)


def _about(content: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(content[_ABOUT_AT:_PAGE].rstrip(b"\0"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def lines_of(content: bytes) -> tuple[bytes, ...]:
    """The lines of a spool that were not released, in the order in which they were put."""
    if not content.startswith(_MAGIC) or len(content) < _PAGE:
        return ()
    (released,) = _RELEASED.unpack_from(content, _RELEASED_AT)
    half = (len(content) - _PAGE) // 2
    halves = [_frames(content, start, start + half) for start in (_PAGE, _PAGE + half)]
    kept = sorted((found for found in halves if found[1] and found[0] > released), key=lambda found: found[0])
    return tuple(line for _, lines in kept for line in lines)


def _frames(content: bytes, at: int, end: int) -> tuple[int, list[bytes]]:
    """The lines of one half and their generation, which is that of its first frame."""
    found: list[bytes] = []
    first = 0
    while at + _FRAME.size <= end:
        size, generation = _FRAME.unpack_from(content, at)
        first = first or generation
        if not size or generation != first or at + _FRAME.size + size > end:
            break
        at += _FRAME.size + size
        found.append(content[at - size : at])
    return first, found
