"""One chain of lines over the files that hold it, in a folder that may fill up, vanish, or be tidied by others."""

import contextlib
import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from policy.audit import files
from policy.audit.anchors import Head
from policy.audit.chain import Chain, Position, Sealer
from policy.audit.ids import new_id
from policy.record import VERSION, line, moment

Clock = Callable[[], float]
DAY: Final = 86_400
MIB: Final = 2**20


@dataclass(frozen=True, kw_only=True, slots=True)
class Habits:
    """How a stream keeps its files.

    A file is followed by another one when it would grow beyond `file_bytes`, and with `daily` at the first line of a
    day (UTC); then `finished` is called with it. `checkpoint_lines` and `checkpoint_seconds` say how often there is a
    checkpoint, if there is a `sealer` or somebody who is `told` the heads. `own_files` and `total_bytes` bound streams
    that anybody can fill: the files of this process, and all of that name in the folder. Without them nothing is
    removed here.
    """

    durability: str
    file_bytes: int = 256 * MIB
    daily: bool = False
    checkpoint_lines: int = 1000
    checkpoint_seconds: float = 60
    sealer: Sealer | None = None
    told: Callable[[Head], None] | None = None
    finished: Callable[[Path], object] | None = None
    own_files: int | None = None
    total_bytes: int | None = None
    clock: Clock = time.time


class _Before(NamedTuple):
    """How things stood before a file was begun, for when it has to be taken back."""

    position: Position
    after: Mapping[str, Any] | None


class Stream:
    """The lines of one writer under one name. Not for several threads at once.

    Lines are taken all or none: where a file does not take them whole, it is cut back to where it was, and the next
    lines begin another one. So they do where the file is no longer in its place, because it was removed or renamed:
    what was rotated away may be compressed, and gets no more lines.
    """

    def __init__(self, folder: Path, name: str, writer: str, habits: Habits) -> None:
        self.folder, self.name, self.writer, self.habits = folder, name, writer, habits
        self.path = folder
        self.part = 0
        self._chain = Chain()
        self._before = _Before(Position(), None)
        self._descriptor: int | None = None
        self._identity = (0, 0)
        self._first = self._size = 0
        self._after: Mapping[str, Any] | None = None
        self._day = 0
        self._unsealed, self._sealed_at = 0, habits.clock()
        self._has_sealed = False
        self._made: list[Path] = []

    @property
    def head(self) -> Head:
        """How far the chain has come."""
        sequence, head = self._chain.position
        return Head(
            writer=self.writer, stream=self.name, part=self.part, file=self.path.name, seq=sequence - 1, head=head,
            time=moment(self.habits.clock()),
        )  # fmt: skip

    @property
    def is_open(self) -> bool:
        """Whether there is a file that lines go into."""
        return self._descriptor is not None or self._size > 0

    @property
    def awaits_seal(self) -> bool:
        """Whether there are lines that a checkpoint is still to come for."""
        return self._unsealed > 0 and bool(self.habits.sealer or self.habits.told)

    @property
    def is_sealed(self) -> bool:
        """Whether there was a checkpoint already."""
        return self._has_sealed

    def go_on(self, path: Path, position: Position, part: int, size: int) -> None:
        """Take up the chain that another process left: `path` is its last file, of whole lines in `size` bytes."""
        self._descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        self.path, self.part, self._size = path, part, size
        self._identity = files.identity(path)
        self._chain.position = position
        self._day = self._today()

    def go_on_after(self, name: str, position: Position, part: int, size: int) -> None:
        """Take up the chain that another process left in a file that gets no more lines: the next part begins."""
        self.part, self._after = part, {"file": name, "size": size}
        self._chain.position = position

    def append(self, bodies: Sequence[bytes], *, sync: bool) -> None:
        """Add lines, and with `sync` see them on the disk; `OSError` where they were not taken, and then none is."""
        count = len(bodies)
        self._prepare(sum(map(len, bodies)) + 100 * count)
        self._write(lambda: b"".join(map(self._chain.link, bodies)), sync=sync)
        self._unsealed += count

    def checkpoint(self, *, sync: bool, always: bool = False) -> None:
        """Seal the chain so far if it is time to; `OSError` where the line was not taken."""
        habits = self.habits
        if self._descriptor is None or not self._unsealed or not (habits.sealer or habits.told):
            return
        is_late = abs(habits.clock() - self._sealed_at) >= habits.checkpoint_seconds  # a clock may be set back
        if always or is_late or self._unsealed >= habits.checkpoint_lines:
            self._seal("checkpoint", sync=sync)

    def close(self, **told: Any) -> None:
        """End the chain and let go of its file; `OSError` where the last line was not taken.

        `told` are further members of that line. A stream that was not begun leaves nothing behind, and none makes a
        folder again that was removed.
        """
        with contextlib.ExitStack() as stack:
            stack.callback(self.leave)
            if self.part and (self._is_in_place() or self.folder.is_dir()):
                self._prepare(0)
                self._seal("end", sync=True, **told)

    def leave(self) -> None:
        """Let go of the file as it is; the next lines begin another one."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            self._after = {"file": self.path.name, "size": self._size}
            os.close(descriptor)

    def _prepare(self, more: int) -> None:
        """See to it that a file is open that is in its place and has room."""
        if self._descriptor is not None and not self._is_in_place():
            self.leave()
        elif self._descriptor is not None and self._is_full(more):
            finished = self.path
            self._finish(self._descriptor)
            self._begin()
            if self.habits.finished is not None:
                self.habits.finished(finished)
        if self._descriptor is None:
            self._begin()

    def _today(self) -> int:
        return int(self.habits.clock() // DAY)

    def _is_in_place(self) -> bool:
        return files.is_there(self.path, self._identity)

    def _is_full(self, more: int) -> bool:
        """Whether the file is to be followed by another one; never one that holds nothing but its first line."""
        new_day = self.habits.daily and self._today() != self._day
        return self._size > self._first and (new_day or self._size + more > self.habits.file_bytes)

    def _finish(self, descriptor: int) -> None:
        """A file is sealed and on the disk before another one is begun."""
        self.checkpoint(sync=False, always=True)
        os.fsync(descriptor)
        self.leave()

    def _begin(self) -> None:
        """A new file with its first line; one that does not take even that is removed again."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._make_room()
        before = _Before(self._chain.position, self._after)
        path, descriptor = files.create(self.folder, self.name)
        try:
            linked = self._chain.link(self._first_line(path))
            _put(descriptor, linked)
            identity, day = files.identity(path), self._today()
        except BaseException:
            self._chain.position = before.position
            _discard(path, descriptor)
            raise
        self._before, self.path, self._identity, self._day = before, path, identity, day
        self._first = self._size = len(linked)
        self.part += 1
        self._descriptor = descriptor
        self._made.append(path)
        files.keep_entry(self.folder)

    def _first_line(self, path: Path) -> bytes:
        return line({**self._introduction("begin"), **self._about(path)}).encode("ascii")

    def _introduction(self, kind: str) -> dict[str, Any]:
        return {
            "v": VERSION, "kind": kind, "id": new_id(), "time": moment(self.habits.clock()),
            "writer": self.writer, "stream": self.name,
        }  # fmt: skip

    def _about(self, path: Path) -> dict[str, Any]:
        return {
            "part": self.part + 1,
            "file": path.name,
            "process": os.getpid(),
            "host": socket.gethostname(),
            "durability": self.habits.durability,
            "after": self._after,
            "beside": files.beside(self.folder, path.name),
        }

    def _seal(self, kind: str, *, sync: bool, **told: Any) -> None:
        body = line({**self._introduction(kind), **told}).encode("ascii")
        self._write(lambda: self._chain.seal(body, self.habits.sealer), sync=sync)
        self._unsealed, self._sealed_at, self._has_sealed = 0, self.habits.clock(), True
        if self.habits.told is not None:
            self.habits.told(self.head)

    def _write(self, make: Callable[[], bytes], *, sync: bool) -> None:
        """Write what is made of the chain's next lines. Nothing comes between the disk and the note of it: no call
        after the last one, for a signal's handler may raise wherever there is a call."""
        descriptor, size, before = self._descriptor, self._size, self._chain.position
        if descriptor is None:
            raise OSError("no file is open")
        try:
            data = make()
            after = size + len(data)
        except BaseException:  # nothing was written: the file is as it was
            self._chain.position = before
            raise
        try:
            _put(descriptor, data)
            if sync:
                os.fdatasync(descriptor)
            self._size = after
        except BaseException:
            self._chain.position, self._size = before, size
            self._take_back(descriptor)
            raise

    def _take_back(self, descriptor: int) -> None:
        """Cut off what was not accepted, and leave the file; one that holds no accepted line is removed.

        Otherwise a full disk would fill with empty files. One that cannot be removed stays a part of the chain.
        """
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, self._size)
        with contextlib.suppress(OSError):
            self.leave()
        if self._size == self._first and _is_removed(self.path):
            self._chain.position, self._after = self._before
            self._made = [path for path in self._made if path != self.path]
            self.part -= 1

    def _make_room(self) -> None:
        own, total = self.habits.own_files, self.habits.total_bytes
        while own is not None and len(self._made) >= own:
            self._made.pop(0).unlink(missing_ok=True)
        if total is None:
            return
        found = files.sizes(self.folder, self.name)
        kept = sum(found.values())
        for path, size in found.items():
            if kept + self.habits.file_bytes <= total:
                return
            path.unlink(missing_ok=True)
            kept -= size


def _put(descriptor: int, data: bytes) -> None:
    written = os.write(descriptor, data)
    if written != len(data):
        raise OSError(f"only {written} of {len(data)} bytes were taken")


def _is_removed(path: Path) -> bool:
    """Remove a file; whether it is gone now."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return False
    return True


def _discard(path: Path, descriptor: int) -> None:
    with contextlib.suppress(OSError):
        os.close(descriptor)
    _is_removed(path)
