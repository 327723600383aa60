"""A file that grows by lines, in a folder that may fill up, vanish, or be tidied by others."""

import contextlib
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

_FLAGS: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_NAMES_AT_MOST: Final = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """How much may be kept, in bytes: of one file, and of all files of that name in the folder, whoever wrote them.

    `files` is how many of its own files a process keeps.
    """

    file: int
    total: int
    files: int = 2


class GrowingFile:
    """The lines of one process, in files `NAME-TIME-PID.jsonl`. Not for several threads at once.

    A new file is begun after a failure, so that a torn line stays where it is; and when the file is no longer in its
    place, because it was removed or renamed: what was rotated away may be compressed, and gets no more lines.
    """

    def __init__(self, folder: Path, name: str, bounds: Bounds | None = None) -> None:
        self._folder: Final = folder
        self._name: Final = name
        self._bounds: Final = bounds
        self._descriptor: int | None = None
        self._path = folder
        self._identity = (0, 0)
        self._size = 0
        self._made: list[Path] = []

    def append(self, data: bytes) -> None:
        """Add one line with its line break, whole; `OSError` where it was not taken."""
        if self._descriptor is not None and not (self._is_in_place() and self._has_room(len(data))):
            self.close()
        descriptor = self._open() if self._descriptor is None else self._descriptor
        try:
            written = os.write(descriptor, data)
            if written != len(data):
                raise OSError(f"only {written} of {len(data)} bytes were taken")
        except BaseException:  # an exception raised by a signal tears a line too
            self._abandon()
            raise
        self._size += written

    def close(self) -> None:
        """Let go of the file; the next line begins another."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _is_in_place(self) -> bool:
        try:
            return _identity(self._path) == self._identity
        except OSError:
            return False

    def _has_room(self, more: int) -> bool:
        return self._bounds is None or self._size == 0 or self._size + more <= self._bounds.file

    def _abandon(self) -> None:
        """Leave the file; one without any accepted line is removed, or a full disk would fill with empty files."""
        with contextlib.suppress(OSError):
            self.close()
        if self._size == 0:
            with contextlib.suppress(OSError):
                self._path.unlink()
            self._made = [path for path in self._made if path != self._path]

    def _open(self) -> int:
        self._folder.mkdir(parents=True, exist_ok=True)
        if self._bounds is not None:
            self._make_room(self._bounds)
        self._path, descriptor = self._created()
        self._descriptor, self._size = descriptor, 0
        if self._bounds is not None:
            self._made.append(self._path)
        self._identity = _identity(self._path)
        return descriptor

    def _created(self) -> tuple[Path, int]:
        """A new file; where the clock stands still, its name is numbered."""
        started = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
        for again in range(_NAMES_AT_MOST):
            path = self._folder / f"{self._name}-{started}{f'.{again}' if again else ''}-{os.getpid()}.jsonl"
            with contextlib.suppress(FileExistsError):
                return path, os.open(path, _FLAGS, 0o640)
        raise FileExistsError(f"`{path}` and {_NAMES_AT_MOST - 1} more names are taken")

    def _make_room(self, bounds: Bounds) -> None:
        while len(self._made) >= bounds.files:
            self._made.pop(0).unlink(missing_ok=True)
        sizes = dict(sorted(self._sizes()))
        total = sum(sizes.values())
        for path, size in sizes.items():
            if total + bounds.file <= bounds.total:
                return
            path.unlink(missing_ok=True)
            total -= size

    def _sizes(self) -> list[tuple[Path, int]]:
        """All files of this name, also those of processes that have ended, and of no other."""
        ours = re.compile(re.escape(self._name) + r"-\d{8}T\d{6}\.[\d.]+-\d+\.jsonl")
        found = []
        for path in self._folder.iterdir():
            if ours.fullmatch(path.name):
                with contextlib.suppress(FileNotFoundError):
                    found.append((path, path.stat().st_size))
        return found


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino
