"""The answer leaves only when its record is on the disk; threads that wait for it at the same time share one flush."""

import threading
from collections.abc import Callable, Sequence
from typing import Final

from policy.audit.ledger import Ledger

Commit = Callable[[Sequence[bytes]], None]


class _Waiting:
    """A line of a thread that waits for it, and what came of it."""

    __slots__ = ("body", "done", "error")

    def __init__(self, body: bytes) -> None:
        self.body: Final = body
        self.done = False
        self.error: OSError | None = OSError("it was interrupted while it was written")


class GroupCommit:
    """Whoever comes first commits the lines of all who have come by then; the others find theirs done.

    `commit` writes lines and sees them on the disk, or raises `OSError`; it is never called twice at once.
    """

    def __init__(self, commit: Commit) -> None:
        self._commit: Final = commit
        self._lock: Final = threading.Lock()
        self._turn: Final = threading.Lock()
        self._waiting: list[_Waiting] = []
        self._has_ended = False

    @property
    def pending(self) -> int:
        """How many lines wait."""
        return len(self._waiting)

    def write(self, body: bytes) -> bool:
        """Return when the line is on the disk; `OSError` where it is not, false after `end`."""
        own = _Waiting(body)
        with self._lock:
            if self._has_ended:
                return False
            self._waiting.append(own)
        with self._turn:
            if not own.done:
                self._commit_all()
        if own.error is not None:  # also where whoever committed it was stopped before it was written
            raise own.error
        return True

    def between(self, call: Callable[[], None]) -> None:
        """Call while nothing is committed."""
        with self._turn:
            call()

    def end(self) -> None:
        """Commit what waits, and take nothing more."""
        with self._lock:
            self._has_ended = True
        with self._turn:
            self._commit_all()

    def _commit_all(self) -> None:
        with self._lock:
            group, self._waiting = self._waiting, []
        if not group:
            return
        error: OSError | None = group[0].error
        try:
            self._commit([each.body for each in group])
            error = None
        except OSError as found:
            error = found
        finally:
            for each in group:
                each.error, each.done = error, True


class Committed:
    """Every decision is on the disk before its answer leaves."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger: Final = ledger
        self._group: Final = GroupCommit(self._append)
        self._has_spool = False
        self.failures = 0
        self.is_failing = False

    @property
    def pending(self) -> int:
        """How many lines wait."""
        return self._group.pending

    def write(self, body: bytes) -> bool:
        """Return when the line is on the disk; `OSError` where it is not, false after `close`."""
        return self._group.write(body)

    def tell(self, body: bytes) -> bool:
        """See a line of the log's own on the disk, and sealed; `OSError` where it is not, false after `close`."""
        is_taken = self._group.write(body)
        if is_taken:
            self._group.between(self._ledger.seal)
        return is_taken

    def flush(self) -> None:
        """Nothing waits that nobody waits for."""

    def close(self) -> None:
        """End the chain; `OSError` where the log does not take its last line."""
        self._group.end()
        self._ledger.close()

    def abandon(self) -> None:
        """Let go of everything as it is; for a child that was forked."""
        self._ledger.abandon()

    def _append(self, bodies: Sequence[bytes]) -> None:
        try:
            self._ledger.append(bodies, sync=True)
        except BaseException:
            self.failures, self.is_failing = self.failures + 1, True
            raise
        self.is_failing = False
        self._ledger.settle()
        if not self._has_spool:  # it holds no lines: it tells others that this writer lives, and where it was
            self._has_spool = self._ledger.has_spool()
