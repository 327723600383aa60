"""Heads of the chain are told elsewhere while it grows; a place that takes none is loud, and holds up nothing."""

import logging
import os
import threading
from collections import deque
from typing import Final

from policy.audit.anchors import Anchor, Head, Target, anchor

logger: Final = logging.getLogger("policy.log")
#: Heads that wait; where there are more the oldest go, for a later head vouches for all lines before it.
_WAITING_AT_MOST: Final = 100


class Anchoring:
    """Tells heads in a thread of its own. One that was not taken is counted, and followed by the next one."""

    def __init__(self, target: Target) -> None:
        self._anchor: Final[Anchor] = anchor(target)
        self.failures = 0
        self._begin()

    def _begin(self) -> None:
        self._heads: deque[Head] = deque(maxlen=_WAITING_AT_MOST)
        self._telling = threading.Lock()
        self._wake = threading.Event()
        self._process = 0

    def tell(self, head: Head) -> None:
        """Have a head told soon."""
        if self._process != os.getpid():
            self._begin()  # threads do not survive a fork, and what waits is the parent's to tell
            try:
                threading.Thread(target=self._run, name="policy-anchor", daemon=True).start()
            except RuntimeError as error:
                self._failed(head, error)
                return
            self._process = os.getpid()
        self._heads.append(head)
        self._wake.set()

    def flush(self) -> None:
        """Tell what waits, and return when it was told."""
        if self._process == os.getpid():
            self._tell_all()

    def _run(self) -> None:
        while self._wake.wait():
            self._wake.clear()
            self._tell_all()

    def _tell_all(self) -> None:
        with self._telling:
            while self._heads:
                head = self._heads.popleft()
                try:
                    self._anchor(head)
                except OSError as error:
                    self._failed(head, error)

    def _failed(self, head: Head, error: Exception) -> None:
        self.failures += 1
        logger.critical("line %d of the chain %s is anchored nowhere: %s", head.seq, head.writer, error)
