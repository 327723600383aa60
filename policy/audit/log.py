"""The log of decisions as a folder: one file per process, and one more for refused tokens."""

import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

from policy.errors import AuditUnavailable


class AuditSink(Protocol):
    """Where lines go. `write` returns when the line is accepted and raises `AuditUnavailable` when it is not."""

    def write(self, line: str, *, refused: bool = False) -> None:
        """Accept one line of ASCII without its line break; `refused` lines are of tokens that were not accepted."""


class AuditLog:
    """A folder of decisions.

    A line is accepted when the operating system has taken it: it survives the end of the process, not a power cut.
    Files are opened at the first line of each process, so forks get files of their own.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder: Final = Path(folder)
        self._lock = threading.Lock()
        self._decisions = _File(self.folder, "decisions")
        self._refused = _File(self.folder, "refused")
        os.register_at_fork(after_in_child=self._forked)

    def _forked(self) -> None:
        self._lock = threading.Lock()
        self._decisions, self._refused = _File(self.folder, "decisions"), _File(self.folder, "refused")

    def write(self, line: str, *, refused: bool = False) -> None:
        """Append one line; `AuditUnavailable` where the folder does not take it."""
        file = self._refused if refused else self._decisions
        try:
            with self._lock:
                file.append(line.encode("ascii") + b"\n")
        except (OSError, UnicodeEncodeError) as error:
            raise AuditUnavailable(f"the audit folder `{self.folder}` takes no line: {error}") from error


class _File:
    """One growing file. After a failure it is opened anew under another name, so a torn line stays where it is."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self._descriptor: int | None = None

    def append(self, data: bytes) -> None:
        if self._descriptor is not None and os.fstat(self._descriptor).st_nlink == 0:
            self._close()
        if self._descriptor is None:
            self._descriptor = self._open()
        try:
            written = os.write(self._descriptor, data)
        except OSError:
            self._close()
            raise
        if written != len(data):
            self._close()
            raise OSError(f"only {written} of {len(data)} bytes were taken")

    def _open(self) -> int:
        self._folder.mkdir(parents=True, exist_ok=True)
        started = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
        path = self._folder / f"{self._name}-{started}-{os.getpid()}.jsonl"
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = None
