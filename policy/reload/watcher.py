"""Looks at a policy's path at intervals; hands over what has changed once two looks in a row agree."""

import logging
import os
import threading
import weakref
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from policy.errors import PolicyError
from policy.reload.snapshot import Snapshot, Stat, stats, take, unreadable

logger: Final = logging.getLogger("policy.reload")
Change = Callable[[Snapshot | PolicyError], None]
CATCHING_UP: Final = 6
LONGEST_WAIT: Final = 1.0


class Watcher:
    """Watches one path for one process; `changed` gets each new state of it, a snapshot or why there is none.

    `seen` is the fingerprint of what is in force already, `keys` tells which key files to watch with the documents,
    `interval` is in seconds. A change is handed over after two looks that agree, so within two intervals of its end.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        changed: Change,
        *,
        seen: str,
        keys: Callable[[], Iterable[Path]] = tuple,
        interval: float = 0.5,
    ) -> None:
        self._path, self._changed, self._keys = path, changed, keys
        self._interval: Final = interval
        self._handed, self._pending = seen, seen
        self._stats: tuple[Stat, ...] | None = None
        self._process = 0
        self._lock = threading.Lock()
        self._stop = threading.Event()

    def step(self) -> None:
        """One look."""
        keys = tuple(self._keys())
        looked = stats(self._path, keys)
        if looked == self._stats:
            return
        try:
            found: Snapshot | PolicyError = take(self._path, keys)
        except PolicyError as error:
            found = error
        fingerprint = unreadable(found) if isinstance(found, PolicyError) else found.fingerprint
        if fingerprint != self._pending:
            self._pending = fingerprint  # the first look at something new: the next one has to agree
            return
        self._stats = looked
        if fingerprint != self._handed:
            self._handed = fingerprint
            self._changed(found)

    def ensure_running(self) -> bool:
        """Start watching in this process, if it does not yet: threads do not survive a fork. Whether it has to start.

        Whatever has changed since the start is caught up with first, so a worker that was idle until now does not
        begin with an old state. Who comes meanwhile waits.
        """
        if self._process == os.getpid():
            return False
        with self._lock:
            if self._process == os.getpid():
                return False
            self._catch_up()
            self._stop = threading.Event()
            watching = (weakref.ref(self), self._stop, self._interval)
            threading.Thread(target=_watch, args=watching, name="policy-watcher", daemon=True).start()
            self._process = os.getpid()
            return True

    def _catch_up(self) -> None:
        """Look until two looks agree, a few times at most; usually the first sees that nothing has changed."""
        for _ in range(CATCHING_UP):
            _look(self)
            if self._pending == self._handed:
                return
            self._stop.wait(min(self._interval, LONGEST_WAIT))

    def close(self) -> None:
        """Stop watching."""
        self._stop.set()
        self._process = 0


def _watch(reference: weakref.ref[Watcher], stop: threading.Event, interval: float) -> None:
    """Look until told to stop, or until nobody else knows the watcher: an application that is gone is not watched."""
    while not stop.wait(interval):
        watcher = reference()
        if watcher is None:
            return
        _look(watcher)
        del watcher


def _look(watcher: Watcher) -> None:
    try:
        watcher.step()
    except Exception:  # a look that fails must not end the looking
        logger.exception("looking at the policy failed")
