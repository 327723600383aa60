"""One writer's chain together with its spool: what stands in the log, and what is on its way there."""

import logging
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from policy.audit.recovery import recover
from policy.audit.spool import HALF, PREFIX, Spool
from policy.audit.stream import Habits, Stream

Opened = Callable[[], object]
#: Seconds between two tries.
RECOVER_EVERY: Final = 10.0
logger: Final = logging.getLogger("policy.log")


class Ledger:
    """Not for several threads at once. Nothing is opened before the first line; `opened` is called with that."""

    def __init__(
        self, folder: Path, name: str, writer: str, habits: Habits, *, opened: Opened, half: int = HALF
    ) -> None:
        self.stream: Final = Stream(folder, name, writer, habits)
        self.spool: Spool | None = None
        self.recovered = self.unsealed = 0
        self._half: Final = half
        self._opened: Final = opened
        self._has_recovered, self._tried_at = False, -math.inf

    def append(self, bodies: Sequence[bytes], *, sync: bool) -> None:
        """Add lines to the log; `OSError` where they were not taken, and then none is. `settle` comes after it."""
        self._recover()
        self.stream.append(bodies, sync=sync)

    def settle(self) -> None:
        """What is to be done once lines were taken, and undoes nothing of that where it fails: a checkpoint."""
        try:
            self.stream.checkpoint(sync=False, always=not self.stream.is_sealed)
        except Exception as error:  # the sealer's too: the lines before it stand, and it is tried again
            self.unsealed += 1
            logger.critical("the log in `%s` is not sealed: %s", self.stream.folder, error)

    def seal(self) -> None:
        """Seal the chain now, on the disk; `OSError` where that line was not taken."""
        self.stream.checkpoint(sync=True, always=True)

    def has_spool(self) -> bool:
        """Whether there is a spool in its place; where there is none, one is made if the folder takes it."""
        if self.spool is not None and self.spool.is_in_place():
            return True
        if self.spool is not None:
            self.spool.close(remove=False)
            self.spool = None
        stream = self.stream
        path = stream.folder / f"{PREFIX}{stream.writer}"
        try:
            stream.folder.mkdir(parents=True, exist_ok=True)
            about = {"writer": stream.writer, "stream": stream.name, "process": os.getpid()}
            self.spool = Spool(path, about, half=self._half)
        except OSError as error:
            logger.warning("no spool can be made at `%s`, so every record is written at once: %s", path, error)
        return self.spool is not None

    def close(self, *, keep_spool: bool = False) -> None:
        """End the chain; `OSError` where its last line was not taken. With `keep_spool`, for who comes next."""
        try:
            if keep_spool:
                self.stream.leave()
            else:
                self.stream.close()
        finally:
            self._close_spool(remove=not keep_spool)

    def abandon(self) -> None:
        """Let go of everything as it is; for a child that was forked."""
        self.stream.leave()
        self._close_spool(remove=False)

    def _close_spool(self, *, remove: bool) -> None:
        if self.spool is not None:
            self.spool.close(remove=remove)
            self.spool = None

    def _recover(self) -> None:
        """Before the first line: go on with what ended writers left; where that fails, a while later again."""
        now = self.stream.habits.clock()
        if self._has_recovered or abs(now - self._tried_at) < RECOVER_EVERY:
            return
        self._tried_at = now
        try:
            found = recover(self.stream.folder, self.stream.habits)
            self._has_recovered = True
        except OSError as error:
            logger.critical("what an ended writer left in `%s` cannot be recovered: %s", self.stream.folder, error)
            return
        for each in found:
            logger.log(logging.WARNING if each.lines or each.torn else logging.INFO, "%s", each)
        self.recovered = sum(each.lines for each in found)
        self._opened()
