"""Values that may have to be erased: they lie beside the log, and the log has a digest of each with its own salt."""

import fcntl
import hashlib
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from policy.audit import files

FILE: Final = "values.sqlite"
PREFIX: Final = "erasable:"
REMEMBERED: Final = 4096
#: Seconds between two looks whether something was erased.
LOOK_EVERY: Final = 1.0
_SALT_BYTES: Final = 16
_SCHEMA: Final = """\
CREATE TABLE IF NOT EXISTS value (digest TEXT PRIMARY KEY, field TEXT, value TEXT, salt BLOB) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS value_of ON value (field, value);
CREATE TABLE IF NOT EXISTS erased (digest TEXT, field TEXT, time TEXT, reason TEXT);
"""


#: Connections of parents.
_inherited: list[sqlite3.Connection] = []


class Erased(NamedTuple):
    """A value that was erased: what the log still has of it, when and why."""

    digest: str
    field: str
    time: str
    reason: str


class Values:
    """The file `values.sqlite` of a log's folder, shared by all its writers. Safe for threads and forks.

    A value's digest is the SHA-256 of its salt, its field and itself: with the salt gone, nobody can find it by trying.
    A value that comes again after it was erased gets another salt, so what is written of it cannot be put together with
    what was written before.
    """

    def __init__(self, folder: Path, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.path: Final = folder / FILE
        self._monotonic: Final = monotonic
        self._lock = threading.Lock()
        self._process = 0
        self._connection: sqlite3.Connection | None = None
        self._known: dict[tuple[str, str], str] = {}
        self._identity = (0, 0)
        self._looked_at, self._erasures, self._epoch = 0.0, 0, 0

    @property
    def epoch(self) -> int:
        """A number that changes when something was erased, by whomever; seen within a second."""
        self._look_for_erasures()
        return self._epoch

    def _look_for_erasures(self) -> None:
        if self._monotonic() - self._looked_at >= LOOK_EVERY:
            with self._lock:
                self._look()

    def keep(self, field: str, value: str) -> str:
        """What stands for the value in the log, once the value is on the disk; `OSError` where it is not."""
        self._look_for_erasures()
        known = self._known.get((field, value))
        if known is not None:
            return known
        with self._lock, _as_os_error(self.path), _alone(self.path):
            digest = self._kept(self._open(), field, value)
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[field, value] = digest
            return digest

    def _kept(self, connection: sqlite3.Connection, field: str, value: str) -> str:
        salt = secrets.token_bytes(_SALT_BYTES)
        row = (digest_of(salt, field, value), field, value, salt)
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT OR IGNORE INTO value VALUES (?, ?, ?, ?)", row)
            found = connection.execute("SELECT digest FROM value WHERE field = ? AND value = ?", (field, value))
            return PREFIX + str(found.fetchone()[0])

    def _look(self) -> None:
        self._looked_at = self._monotonic()
        if self._connection is None and not self.path.exists():
            return
        with _as_os_error(self.path):
            (erasures,) = self._open().execute("SELECT count(*) FROM erased").fetchone()
        if erasures != self._erasures:
            self._erasures = erasures
            self._forget()

    def _forget(self) -> None:
        """What stood for values may not be written any more."""
        self._epoch += 1
        self._known.clear()

    def _open(self) -> sqlite3.Connection:
        """The file; opened anew in a fork, and where another one, or none, is in its place."""
        if self._connection is not None and self._process != os.getpid():
            _inherited.append(self._connection)  # the parent's: a child must neither use nor close it
            self._connection = None
        if self._connection is not None and not files.is_there(self.path, self._identity):
            self._connection.close()
            self._connection = None
            self._forget()
        if self._connection is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._connection, self._process = connect(self.path), os.getpid()
            self._identity = files.identity(self.path)
        return self._connection

    def forked(self) -> None:
        """In a child: a lock of its own; the parent's connection is the parent's."""
        self._lock = threading.Lock()


def connect(path: Path) -> sqlite3.Connection:
    """The file, made if it is not there, with what is deleted overwritten."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    os.close(descriptor)
    connection = sqlite3.connect(path, timeout=5, check_same_thread=False)
    connection.executescript(
        f"PRAGMA journal_mode=TRUNCATE; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON; {_SCHEMA}"
    )
    return connection


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Writers wait for each other here, in turn; SQLite would have each try again after a while, and give up."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


@contextmanager
def _as_os_error(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, UnicodeError) as error:
        raise OSError(f"`{path}` does not keep values that may have to be erased: {error}") from error


def digest_of(salt: bytes, field: str, value: str) -> str:
    """The digest of a value, in hexadecimal."""
    return hashlib.sha256(salt + f"{field}={value}".encode("utf-8", "surrogatepass")).hexdigest()


def standing_for(folder: Path, field: str, value: str) -> str | None:
    """What stands for a value in the log of a folder; `None` where it was never kept, or was erased."""
    found = _ask(folder, "SELECT digest FROM value WHERE field = ? AND value = ?", field, value)
    return PREFIX + found[0][0] if found else None


def revealed(folder: Path, text: str) -> str | None:
    """The value for which a text of the log stands; `None` where it stands for none, or for one that was erased."""
    found = _ask(folder, "SELECT value FROM value WHERE digest = ?", text.removeprefix(PREFIX))
    return str(found[0][0]) if found and text.startswith(PREFIX) else None


def erase(folder: Path, value: str, *, reason: str = "") -> list[Erased]:
    """Erase a value, whatever field it was of; what the log still has of it. `OSError` where that fails."""
    if not (folder / FILE).is_file():
        return []
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    path = folder / FILE
    with _as_os_error(path), _alone(path), closing(connect(path)) as connection, connection:
        connection.execute("BEGIN IMMEDIATE")
        rows = connection.execute("SELECT digest, field FROM value WHERE value = ? ORDER BY field", (value,)).fetchall()
        erased = [Erased(PREFIX + digest, field, now, reason) for digest, field in rows]
        connection.executemany("INSERT INTO erased VALUES (?, ?, ?, ?)", erased)
        connection.execute("DELETE FROM value WHERE value = ?", (value,))
    return erased


def erasures(folder: Path) -> list[Erased]:
    """What was erased, in that order."""
    return [Erased(*row) for row in _ask(folder, "SELECT digest, field, time, reason FROM erased ORDER BY rowid")]


def changed(folder: Path) -> list[str]:
    """The digests whose value or salt was changed since it was kept."""
    rows = _ask(folder, "SELECT digest, salt, field, value FROM value ORDER BY digest")
    return [PREFIX + digest for digest, salt, field, value in rows if digest_of(salt, field, value) != digest]


def _ask(folder: Path, question: str, *values: str) -> list[Any]:
    path = folder / FILE
    if not path.is_file():
        return []
    with _as_os_error(path), closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        return connection.execute(question, values).fetchall()
