"""Which proofs were seen already: each may be used once (RFC 9449 section 11.1), and only once it is noted."""

import contextlib
import os
import sqlite3
import threading
import time
import weakref
from hashlib import sha256
from heapq import heappop, heappush
from pathlib import Path
from typing import Final, Protocol

from policy.errors import ProofsUnavailable

KEPT_AT_MOST: Final = 131072
BUSY_SECONDS: Final = 1.0
PAUSE: Final = 0.005
TIDY_EVERY: Final = 10.0
"""Seconds between two removals of what has expired."""
_TABLE: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "CREATE TABLE IF NOT EXISTS seen (proof BLOB PRIMARY KEY, until REAL NOT NULL) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS seen_until ON seen (until)",
)
_NOTE: Final = (
    "INSERT INTO seen (proof, until) VALUES (?1, ?2) "
    "ON CONFLICT (proof) DO UPDATE SET until = excluded.until WHERE seen.until < ?3"
)


class SeenProofs(Protocol):
    """A memory of proofs, for as long as each of them could be used again."""

    def is_first(self, thumbprint: str, jti: str, *, now: float, until: float) -> bool:
        """Note a proof by its key and its id, and say whether it was not noted yet; it is kept until a time.

        Times are in seconds since 1970. `ProofsUnavailable` where nobody can say.
        """


class SeenInMemory:
    """The proofs that one process has seen. When `at_most` are kept, more are not accepted until some expire."""

    def __init__(self, at_most: int = KEPT_AT_MOST) -> None:
        self._at_most: Final = at_most
        self._until: Final[dict[bytes, float]] = {}
        self._by_time: Final[list[tuple[float, bytes]]] = []
        self.after_fork()
        _ALL.add(self)

    def after_fork(self) -> None:
        """Forget a lock that a fork has copied."""
        self._lock = threading.Lock()

    def is_first(self, thumbprint: str, jti: str, *, now: float, until: float) -> bool:
        """Whether this process has not seen the proof."""
        name = _name(thumbprint, jti)
        with self._lock:
            while self._by_time and self._by_time[0][0] < now:
                del self._until[heappop(self._by_time)[1]]
            if name in self._until:
                return False
            if len(self._until) >= self._at_most:
                raise ProofsUnavailable(f"{self._at_most} proofs are remembered, and more have no room")
            self._until[name] = until
            heappush(self._by_time, (until, name))
        return True

    def __len__(self) -> int:
        return len(self._until)


class SeenInFile:
    """The proofs that any process of this machine has seen that names the same file: an SQLite database.

    It is opened at the first use in a process, and again in a child after a fork, or when it was taken away.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path: Final = Path(path)
        self._inherited: Final[list[_Database]] = []
        self._open: _Database | None = None
        self.after_fork()
        _ALL.add(self)

    def after_fork(self) -> None:
        """Forget what a fork has copied; SQLite forbids to use a connection in a child, or to close it there."""
        self._lock = threading.Lock()
        if self._open is not None:
            self._inherited.append(self._open)
            self._open = None

    def is_first(self, thumbprint: str, jti: str, *, now: float, until: float) -> bool:
        """Whether no process has seen the proof."""
        try:
            with self._lock:
                return self._database().note(_name(thumbprint, jti), now, until)
        except (sqlite3.Error, OSError) as error:
            with self._lock:
                self._let_go()
            raise ProofsUnavailable(f"`{self.path}` does not take proofs: {error}") from error

    def _database(self) -> "_Database":
        if self._open is not None and not self._open.is_in_place():
            self._let_go()
        if self._open is None:
            self._open = _Database(self.path)
        return self._open

    def _let_go(self) -> None:
        found, self._open = self._open, None
        if found is not None:
            found.close()

    def close(self) -> None:
        """Let go of the file; the next use opens it again."""
        with self._lock:
            self._let_go()


class _Database:
    """One open file. Whoever calls holds the lock."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._tidied = float("-inf")
        self._connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            self._prepare()
            self._identity = _identity(path)
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        """Make the table; SQLite does not wait by itself while another process changes how the file is written."""
        until = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                for statement in _TABLE:
                    self._connection.execute(statement)
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
            time.sleep(PAUSE)

    def note(self, name: bytes, now: float, until: float) -> bool:
        """Note a name; false where it is there and has not expired. Now and then what has expired is removed."""
        if not self._tidied <= now < self._tidied + TIDY_EVERY:
            self._connection.execute("DELETE FROM seen WHERE until < ?", (now,))
            self._tidied = now
        return self._connection.execute(_NOTE, (name, until, now)).rowcount == 1

    def is_in_place(self) -> bool:
        with contextlib.suppress(OSError):
            return _identity(self._path) == self._identity
        return False

    def close(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()

    def __del__(self) -> None:
        if hasattr(self, "_connection"):
            self.close()


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def _name(thumbprint: str, jti: str) -> bytes:
    """The key's thumbprint has a fixed length, so no two pairs are one text."""
    return sha256(f"{thumbprint}{jti}".encode("utf-8", "surrogatepass")).digest()


_ALL: Final["weakref.WeakSet[SeenInMemory | SeenInFile]"] = weakref.WeakSet()


def _after_fork() -> None:
    for seen in list(_ALL):
        seen.after_fork()


os.register_at_fork(after_in_child=_after_fork)
