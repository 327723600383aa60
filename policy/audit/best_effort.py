"""Records are written when there is time; an answer never waits for one, and what is lost is counted."""

import logging
import threading
from typing import Final

from policy.audit.ledger import Ledger
from policy.audit.losses import Losses

logger: Final = logging.getLogger("policy.log")


class BestEffort:
    """Lines wait in the process's own memory, `records` at most; what comes when there is no room is lost.

    So is what waits when the process is killed, and what the folder does not take.
    """

    def __init__(self, ledger: Ledger, losses: Losses, *, records: int) -> None:
        self._ledger, self._losses, self._records = ledger, losses, records
        self._pending: list[bytes] = []
        self._lock: Final = threading.Lock()
        self._flushing: Final = threading.Lock()
        self._wake: Final = threading.Event()
        self._has_ended = False
        self._thread: threading.Thread | None = None
        self._has_spool = False
        self.failures = 0
        self.is_failing = False

    @property
    def pending(self) -> int:
        """How many lines wait."""
        return len(self._pending)

    def write(self, body: bytes) -> bool:
        """Take a line, or count it as lost; never an error. False after `close`."""
        with self._lock:
            if self._has_ended:
                return False
            if len(self._pending) >= self._records:
                self._losses.count(1)
                return True
            self._pending.append(body)
            is_awaited = self._has_thread()
            self._wake.set()
        if not is_awaited:
            self.flush()
        return True

    def _has_thread(self) -> bool:
        if self._thread is not None and self._thread.is_alive():
            return True
        thread = threading.Thread(target=self._run, name="policy-log", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # then whoever has a record writes it
            return False
        self._thread = thread
        return True

    def flush(self) -> None:
        """Write what waits; what the folder does not take is counted as lost."""
        with self._flushing:
            with self._lock:
                lines, self._pending = self._pending, []
            told = self._losses.told()
            if not lines and not told:
                return
            try:
                self._ledger.append([*lines, *told], sync=False)
            except Exception as error:  # whatever it was: a thread that ends would never write again
                self.failures, self.is_failing = self.failures + 1, True
                self._losses.count(len(lines))
                logger.critical("%d records are lost: %s", len(lines), error)
                return
            self.is_failing = False
            self._losses.clear()
            self._ledger.settle()
            if not self._has_spool:
                self._has_spool = self._ledger.has_spool()

    def tell(self, body: bytes) -> bool:
        """See a line of the log's own on the disk, and sealed; `OSError` where it is not, false after `close`."""
        with self._flushing:
            if self._has_ended:
                return False
            self._ledger.append([body], sync=True)
            self._ledger.seal()
            return True

    def close(self) -> None:
        """Write what waits, end the thread and the chain; `OSError` where the log does not take its last line."""
        with self._lock:
            self._has_ended = True
        self._wake.set()
        self.flush()
        with self._flushing:
            self._ledger.close()

    def abandon(self) -> None:
        """Let go of everything as it is; for a child that was forked."""
        self._has_ended = True
        self._ledger.abandon()

    def _run(self) -> None:
        while not self._has_ended:
            self._wake.wait()
            self._wake.clear()
            self.flush()
