"""A record is accepted into memory that outlives the process; the disk has it a moment later, within a stated bound."""

import logging
import math
import threading
from collections.abc import Callable
from typing import Final

from policy.audit.ledger import Ledger

logger: Final = logging.getLogger("policy.log")
Clock = Callable[[], float]
#: Looks without anything to do before the flushing thread sleeps until it is woken.
_IDLE: Final = 20


class Batched:
    """Lines are put into the spool; a thread brings them to the disk.

    A power cut costs what was accepted in the last `seconds`, and never more than `records`: who comes when either
    bound is reached waits until the disk has them. The end of the process, however it comes, costs nothing. After a
    failed flush nothing is accepted into the spool until a flush succeeds, which each line tries anew.
    """

    def __init__(self, ledger: Ledger, *, seconds: float, records: int, monotonic: Clock) -> None:
        self._ledger: Final = ledger
        self._seconds: Final = seconds
        self._records: Final = records
        self._monotonic: Final = monotonic
        self._lock: Final = threading.Lock()
        self._flushing: Final = threading.Lock()
        self._wake: Final = threading.Event()
        self._pending: list[bytes] = []
        self._taken: list[bytes] = []
        self._room = records
        self._until = math.inf
        self._is_ready = self._is_asleep = self._has_ended = False
        self._thread: threading.Thread | None = None
        self._retry_at = -math.inf
        self.failures = 0
        self.is_failing = False

    @property
    def pending(self) -> int:
        """How many accepted lines the disk does not have yet."""
        return len(self._pending) + len(self._taken)

    def write(self, body: bytes) -> bool:
        """Accept a line; `OSError` where it is not accepted, false after `close`."""
        with self._lock:
            now = self._monotonic()
            if self._is_ready and len(self._pending) < self._room and now < self._until and self._put(body):
                self._pending.append(body)
                if self._until == math.inf:
                    self._until = now + self._seconds
                if self._is_asleep:
                    self._is_asleep = False
                    self._wake.set()
                return True
        with self._flushing:
            if self._has_ended:
                return False
            self._flush((body,))
            return True

    def flush(self) -> None:
        """See everything that was accepted on the disk; `OSError` where it is not."""
        with self._flushing:
            self._flush(())

    def tell(self, body: bytes) -> bool:
        """See a line of the log's own on the disk, and sealed; `OSError` where it is not, false after `close`."""
        with self._flushing:
            if self._has_ended:
                return False
            self._flush((body,))
            self._ledger.seal()
            return True

    def close(self) -> None:
        """Flush, end the thread and the chain; `OSError` where the log does not take it."""
        with self._flushing:
            with self._lock:
                self._is_ready, self._has_ended = False, True
            self._wake.set()
            try:
                self._flush(())
            finally:
                self._ledger.close(keep_spool=bool(self._taken))

    def abandon(self) -> None:
        """Let go of everything as it is; for a child that was forked."""
        self._has_ended = True
        self._ledger.abandon()

    def _flush(self, more: tuple[bytes, ...]) -> None:
        """Bring all that is pending to the disk, and `more` with it: that is accepted by this and by nothing else.

        Between the disk and the note of it there is no call, for a signal's handler may raise wherever there is one.
        """
        try:
            began = self._monotonic()
            generation = self._take()
            lines = [*self._taken, *more]
            if lines:
                self._ledger.append(lines, sync=True)
                self._taken = []
            self._ledger.settle()
            self._settle(generation, began)
        except BaseException:
            self.failures += 1
            with self._lock:
                self._is_ready, self.is_failing = False, True
            raise

    def _take(self) -> int | None:
        """Take what is pending; the generation of the spool that has it, if lines may still be put there."""
        with self._lock:
            spool = self._ledger.spool if self._is_ready else None
            taken = [*self._taken, *self._pending]
            self._room = self._records - len(taken)
            generation = spool.turn() if spool is not None else None
            self._taken, self._pending = taken, []
            return generation

    def _settle(self, generation: int | None, began: float) -> None:
        """The disk has everything that was taken: the spool may forget it, and accepts lines again."""
        with self._lock:
            spool = self._ledger.spool
            if spool is not None:
                spool.release(spool.turn() if generation is None else generation)
            self.is_failing = False
            self._room = self._records
            self._until = began + self._seconds if self._pending else math.inf
            self._make_ready(began)

    def _put(self, body: bytes) -> bool:
        spool = self._ledger.spool
        return spool is not None and spool.put(body)

    def _make_ready(self, now: float) -> None:
        if self._is_ready and self._has_thread() and self._ledger.has_spool():
            return
        if not self._is_ready and now < self._retry_at:
            return
        self._retry_at = now + self._seconds
        self._is_ready = not self._has_ended and self._ledger.has_spool() and self._has_thread()

    def _has_thread(self) -> bool:
        """Whether there is a thread that flushes; without one every line is written at once."""
        if self._thread is not None and self._thread.is_alive():
            return True
        thread = threading.Thread(target=self._run, name="policy-log", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            logger.warning("no thread can be started to write the log, so every record is written at once: %s", error)
            return False
        self._thread = thread
        return True

    def _run(self) -> None:
        idle = 0
        while not self._has_ended:
            self._wake.wait(None if self._is_asleep else self._seconds / 4)
            self._wake.clear()
            idle = 0 if self._flush_quietly() else idle + 1
            if idle >= _IDLE:
                with self._lock:
                    self._is_asleep = not self._pending
                idle = 0

    def _seal_in_time(self) -> bool:
        """Where no more lines come, those that are there are sealed all the same. Whether that is still to be done."""
        if self._ledger.stream.awaits_seal:
            with self._flushing:
                if not self._has_ended:
                    self._ledger.settle()
        return self._ledger.stream.awaits_seal

    def _flush_quietly(self) -> bool:
        """Whether there was something to do. A failure is told by every line that comes until it heals."""
        if not self.pending:
            return self._seal_in_time()
        was_failing = self.is_failing
        try:
            self.flush()
        except Exception as error:  # whatever it was: a thread that ends would leave accepted records where they are
            if not was_failing:
                logger.critical("%d accepted records wait until the disk takes them: %s", self.pending, error)
        return True
