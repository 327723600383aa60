"""The log of decisions as a folder: one chain of lines per process, and another one for refused tokens."""

import atexit
import contextlib
import logging
import os
import secrets
import threading
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, Self, Unpack

from policy.audit.batched import Batched
from policy.audit.best_effort import BestEffort
from policy.audit.committed import Committed
from policy.audit.erasable import Values
from policy.audit.ledger import Ledger
from policy.audit.losses import Losses
from policy.audit.refusals import Refusals
from policy.audit.settings import Arguments, Durability, Settings, settings
from policy.audit.spool import HALF
from policy.audit.stream import Stream
from policy.audit.tidying import Tidying
from policy.audit.treatment import Treating
from policy.errors import AuditUnavailable

logger: Final = logging.getLogger("policy.log")
_OPENS, _CLOSES = b"{}"


class Decisions(Protocol):
    """How lines of decisions get into the log."""

    failures: int
    is_failing: bool

    @property
    def pending(self) -> int:
        """How many accepted lines the disk does not have yet."""

    def write(self, body: bytes) -> bool:
        """Accept a line; `OSError` where it is not accepted, false after `close`."""

    def tell(self, body: bytes) -> bool:
        """See a line of the log's own on the disk, and sealed; `OSError` where it is not, false after `close`."""

    def flush(self) -> None:
        """See what was accepted in the log; `OSError` where it is not."""

    def close(self) -> None:
        """Flush and end the chain; `OSError` where the log does not take it."""

    def abandon(self) -> None:
        """Let go of everything as it is; for a child that was forked."""


class AuditLog:
    """A folder of decisions; what it takes besides is told by `policy.audit.settings.Arguments`.

    Each line has its number and the hash of the line before it, in one chain per process. Nothing is opened before the
    first line of each process, so forks have files of their own. Whatever keeps the folder from taking a line, the
    next line tries again, so the log heals without a restart; what a process that was killed left is brought in by the
    next one that writes. Usable as a context manager. `PolicyError` for arguments that cannot be used.
    """

    def __init__(self, folder: str | os.PathLike[str], **arguments: Unpack[Arguments]) -> None:
        self.folder: Final = Path(folder)
        self._place: Final = self.folder.absolute()  # threads write there wherever the process goes
        self._settings: Final[Settings] = settings(**arguments)
        given = self._settings
        self._values: Final = Values(self._place, monotonic=given.monotonic)
        self.treatment: Final = Treating(given.fields, given.fields_key, self._values) if given.fields else None
        self._begin()
        os.register_at_fork(after_in_child=self._forked)
        atexit.register(self._end)

    @property
    def durability(self) -> Durability:
        """When a decision is recorded."""
        return self._settings.durability

    def _begin(self) -> None:
        given = self._settings
        self._lock = threading.Lock()
        self._losses = Losses(given.clock)
        self._diverted = 0
        self._tidying = Tidying(self._place, given.tidying, self._tell_now, clock=given.clock)
        told = given.anchoring.tell if given.anchoring is not None else None
        self._habits = replace(given.habits, told=told, finished=lambda _: self._tidying.start())
        self._open()

    def _open(self) -> None:
        """A writer, and with it a chain, that nothing was written to yet."""
        given, writer = self._settings, secrets.token_hex(8)
        self._decisions = self._writer(writer)
        self._refused = Refusals(
            Stream(self._place, "refused", writer, given.refused),
            rate=given.rate, burst=given.burst, monotonic=given.monotonic, clock=given.clock,
        )  # fmt: skip

    def _writer(self, writer: str) -> Decisions:
        given = self._settings
        half = HALF if given.durability == "batched" else 0
        ledger = Ledger(self._place, "decisions", writer, self._habits, opened=self._tidying.start, half=half)
        self._ledger = ledger
        if given.durability == "batched":
            return Batched(ledger, seconds=given.seconds, records=given.records, monotonic=given.monotonic)
        if given.durability == "every-decision":
            return Committed(ledger)
        return BestEffort(ledger, self._losses, records=given.records)

    def _forked(self) -> None:
        """In a child: its own lock, files and counts; the parent's are the parent's to tell."""
        with contextlib.suppress(OSError):
            self._decisions.abandon()
            self._refused.abandon()
        self._values.forked()
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
        """Accept one JSON object in ASCII; `AuditUnavailable` where the folder does not take it.

        Each has an `id` of its own: where a process is killed, one that stands in the log already is not written again.
        A refused line over the limits is counted instead of kept, and that is no error.
        """
        try:
            body = line.encode("ascii")
            if not body or body[0] != _OPENS or body[-1] != _CLOSES or b"\n" in body:
                raise ValueError("a line is one JSON object")
            if refused:
                while not self._refused.write(line, body):
                    pass  # it was closed just now, and there is another one
                return
            while not self._decisions.write(body):
                pass  # it was closed just now, and there is another one
            if self._refused.has_surplus:
                self._refused.tell_if_due()
            if self._losses.untold:
                self._tell_losses()
        except (OSError, ValueError, RuntimeError) as error:
            self._divert(line, error, refused=refused)

    def flush(self) -> None:
        """See what was accepted on the disk; `AuditUnavailable` where it is not."""
        try:
            self._decisions.flush()
        except OSError as error:
            raise self._unavailable(error) from error

    def close(self) -> None:
        """Bring everything to the disk, and end the chains; `AuditUnavailable` where the folder does not take it.

        May be called again. A line that comes later begins another chain.
        """
        if self._losses.untold:
            self._tell_losses()
        with self._lock:
            decisions, refused = self._decisions, self._refused
            self._open()
        try:
            with contextlib.ExitStack() as stack:
                stack.callback(decisions.close)
                self._close_refused(refused)
            if self._settings.anchoring is not None:
                self._settings.anchoring.flush()
        except OSError as error:
            raise self._unavailable(error) from error

    def _close_refused(self, refused: Refusals) -> None:
        try:
            refused.close()
        except OSError:
            self._refused = refused  # its counts are told another time
            raise

    def health(self) -> dict[str, Any]:
        """How this process's part of the log does, as JSON values.

        `pending` records are accepted and not on the disk yet, `failures` is how often the folder took nothing,
        `diverted` and `unrecorded` decisions have their record elsewhere, or none. `unsealed` checkpoints could not be
        made, and `unanchored` heads are told nowhere. `recovered` records were left by others and brought in here.
        """
        decisions = self._decisions
        return {
            "durability": self.durability,
            "standing": "failing" if decisions.is_failing else "good",
            "pending": decisions.pending,
            "failures": decisions.failures,
            "diverted": self._diverted,
            "unrecorded": self._losses.total,
            "unsealed": self._ledger.unsealed,
            "unanchored": given.failures if (given := self._settings.anchoring) is not None else 0,
            "recovered": self._ledger.recovered,
        }

    def _divert(self, line: str, error: Exception, *, refused: bool) -> None:
        """What the application chose for a line that the folder does not take."""
        otherwise = self._settings.if_unavailable
        if otherwise == "refuse":
            raise self._unavailable(error) from error
        logger.critical("%s", self._unavailable(error))
        if isinstance(otherwise, str):
            if not refused:
                self._losses.count(1)
            return
        with self._lock:
            self._diverted += 1
        otherwise.write(line, refused=refused)

    def _tell_now(self, body: bytes) -> None:
        """Put a line of the log's own into it, sealed and on the disk."""
        while not self._decisions.tell(body):
            pass

    def _tell_losses(self) -> None:
        """Write in the log itself that decisions have no record in it, now that it takes lines again."""
        if self.durability == "best-effort":
            return  # that one tells of them itself
        with contextlib.suppress(OSError), self._lock:
            for body in self._losses.told():
                self._decisions.write(body)
            self._losses.clear()

    def _unavailable(self, error: Exception) -> AuditUnavailable:
        return AuditUnavailable(f"the audit folder `{self.folder}` takes no line: {error}")
