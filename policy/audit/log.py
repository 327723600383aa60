"""The log of decisions as a folder: one file per process, and others for refused tokens."""

import atexit
import contextlib
import math
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

from policy.audit.growing import Bounds, GrowingFile
from policy.audit.limiter import Limiter
from policy.audit.surplus import Surplus
from policy.errors import AuditUnavailable, PolicyError

Clock = Callable[[], float]
MIB: Final = 2**20


class AuditSink(Protocol):
    """Where lines go. `write` returns when the line is accepted and raises `AuditUnavailable` when it is not."""

    def write(self, line: str, *, refused: bool = False) -> None:
        """Accept one line of ASCII without its line break; `refused` lines are of tokens that were not accepted."""


class AuditLog:
    """A folder of decisions.

    A line is accepted when the operating system has taken it: it survives the end of the process, not a power cut.
    Files are opened at the first line of each process, so forks get files of their own. Whatever keeps the folder from
    taking a line, the next line tries again, so the log heals without a restart.

    Refused and absent tokens, which anybody can send, are kept within limits:

    - `refused_rate`: lines a second of one process, in the long run, after a `refused_burst` of lines at once;
    - `refused_bytes`: size of one file of them in bytes; a process keeps the one it writes and the one before;
    - `refused_total`: size in bytes of all of them in the folder, those of ended processes too; the oldest go first.

    What the rate leaves out is counted by reason, and told in a line of kind `surplus` at most once a second, with the
    next line of any kind, at `close` and at the end of the process. A process that is killed takes its counts along.

    Usable as a context manager. `monotonic` and `clock` return seconds; they are given in tests. `PolicyError` for a
    limit that is not above 0.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        refused_rate: float = 50,
        refused_burst: int = 200,
        refused_bytes: int = 16 * MIB,
        refused_total: int = 512 * MIB,
        monotonic: Clock = time.monotonic,
        clock: Clock = time.time,
    ) -> None:
        self.folder: Final = Path(folder)
        self._rate: Final = _above_zero("refused_rate", refused_rate)
        self._burst: Final = math.ceil(_above_zero("refused_burst", refused_burst))
        limits = _above_zero("refused_bytes", refused_bytes), _above_zero("refused_total", refused_total)
        self._bounds: Final = Bounds(file=math.ceil(limits[0]), total=math.ceil(limits[1]))
        self._monotonic: Final = monotonic
        self._clock: Final = clock
        self._begin()
        os.register_at_fork(after_in_child=self._forked)
        atexit.register(self._end)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._decisions = GrowingFile(self.folder, "decisions")
        self._refused = GrowingFile(self.folder, "refused", self._bounds)
        self._limiter = Limiter(rate=self._rate, burst=self._burst, clock=self._monotonic)
        self._surplus = Surplus(monotonic=self._monotonic, clock=self._clock)

    def _forked(self) -> None:
        """In a child: its own lock, files and counts; the parent's are the parent's to tell."""
        for file in (self._decisions, self._refused):
            with contextlib.suppress(OSError):
                file.close()
        self._begin()

    def _end(self) -> None:
        with contextlib.suppress(AuditUnavailable):
            self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def write(self, line: str, *, refused: bool = False) -> None:
        """Append one line; `AuditUnavailable` where the folder does not take it.

        A refused line over the limits is counted instead of kept, and that is no error.
        """
        try:
            data = line.encode("ascii") + b"\n"
            with self._lock:
                if refused:
                    self._write_refused(line, data)
                else:
                    self._write_decision(data)
        except (OSError, ValueError) as error:
            raise self._unavailable(error) from error

    def close(self) -> None:
        """Tell what was counted and let go of the files; `AuditUnavailable` where that line is not taken.

        May be called again. A line that comes later opens a new file.
        """
        try:
            with self._lock, contextlib.ExitStack() as stack:
                stack.callback(self._decisions.close)
                stack.callback(self._refused.close)
                if self._surplus:
                    self._tell_surplus()
        except OSError as error:
            raise self._unavailable(error) from error

    def _write_decision(self, data: bytes) -> None:
        self._decisions.append(data)
        if self._surplus.due():
            with contextlib.suppress(OSError):  # this decision is kept; the counts stay, and are told another time
                self._tell_surplus()

    def _write_refused(self, line: str, data: bytes) -> None:
        if not self._limiter.passes():
            self._surplus.count(line)
            return
        if self._surplus.due():
            self._tell_surplus()
        self._refused.append(data)

    def _tell_surplus(self) -> None:
        self._refused.append(self._surplus.line().encode("ascii") + b"\n")
        self._surplus.clear()

    def _unavailable(self, error: Exception) -> AuditUnavailable:
        return AuditUnavailable(f"the audit folder `{self.folder}` takes no line: {error}")


def _above_zero(name: str, value: float) -> float:
    if not 0 < value < math.inf:
        raise PolicyError(f"`{name}` of an audit log must be above 0, not {value}")
    return value
