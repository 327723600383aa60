"""Revocations in an SQLite file, shared by all processes of a machine: what is committed holds for the next request."""

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

from policy.errors import Problem, RevocationUnavailable
from policy.revoked import FOREVER, Facts, Key, Revocation, in_words, keys_of

VERSION: Final = 1
APPLICATION: Final = 0x70726576
WAIT: Final = 2.0
TABLE: Final = """
create table revoked (
    issuer text not null, what text not null, value text not null,
    before real, until real, note text not null,
    primary key (issuer, what, value)
) strict, without rowid
"""
COLUMNS: Final = "issuer, what, value, before, until, note"
#: Each key is looked up by itself; an `or` of them would read every entry of the issuer.
FIND: Final = """
with asked(what, value) as (values {})
select what, value, before from asked cross join revoked using (what, value) where issuer = ?
"""


class SqliteRevocations:
    """A store in one file. Each thread of each process has a connection of its own, opened at its first use.

    A file that is missing, damaged, of another version, or locked for two seconds is `RevocationUnavailable`: it is
    never taken for an empty one. Once it is whole again it is used again.
    """

    problems: tuple[Problem, ...] = ()

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path: Final = Path(path)
        self._local = threading.local()

    def find(self, facts: Facts) -> str | None:
        """Why a token is revoked, or `None`; one question to the file."""
        keys = list(keys_of(facts))
        given = [text for _, what, value in keys for text in (what, value)]
        with self._opened() as file:
            rows = file.execute(FIND.format(", ".join(["(?, ?)"] * len(keys))), [*given, facts.issuer]).fetchall()
        found = {(facts.issuer, what, value): FOREVER if before is None else before for what, value, before in rows}
        for key in keys:
            if key in found and facts.issued <= found[key]:
                return in_words(key, found[key])
        return None

    def create(self) -> None:
        """Make the file, where there is none yet."""
        if self.path.exists():
            with self._opened():
                return
        with _unavailable(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=WAIT, isolation_level=None)) as made:
                made.execute("pragma journal_mode = wal")
                made.execute("begin immediate")
                if not _versions(made)[0]:
                    made.execute(TABLE)
                    made.execute(f"pragma application_id = {APPLICATION}")
                    made.execute(f"pragma user_version = {VERSION}")
                made.execute("commit")

    def check(self) -> None:
        """Whether the file is there and sound; keeps nothing open."""
        with _unavailable(self.path):
            self.path.stat()
            _connection(self.path).close()

    def add(self, entry: Revocation) -> Revocation:
        """Revoke; the entry as it stands now, on disk."""
        with self._opened() as file, _transaction(file):
            whole = entry.with_former(_entry(file, entry.key))
            values = (*whole.key, whole.issued_before, whole.until, whole.note)
            file.execute(f"insert or replace into revoked ({COLUMNS}) values (?, ?, ?, ?, ?, ?)", values)
        return whole

    def remove(self, key: Key) -> bool:
        """Take an entry back."""
        with self._opened() as file:
            done = file.execute("delete from revoked where issuer = ? and what = ? and value = ?", key)
            return done.rowcount > 0

    def entries(self) -> Sequence[Revocation]:
        """Everything that is revoked."""
        with self._opened() as file:
            rows = file.execute(f"select {COLUMNS} from revoked order by issuer, what, value").fetchall()
        return [_revocation(row) for row in rows]

    def purge(self, now: float) -> int:
        """Forget what may be forgotten by now."""
        with self._opened() as file:
            return file.execute("delete from revoked where until <= ?", (now,)).rowcount

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """This thread's connection, if it is still to the file that is there."""
        with _unavailable(self.path):
            found = self.path.stat()
            # time and size too: a file that others wrote over is read anew, and not answered for from memory
            identity = (os.getpid(), found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
            before: tuple[int, ...] | None = getattr(self._local, "identity", None)
            if before != identity:
                if before is not None and before[0] != identity[0]:
                    _OF_OTHERS.append(self._local.connection)
                self._local.connection = _connection(self.path)
                self._local.identity = identity
            try:
                yield self._local.connection
            except sqlite3.Error:
                self._local.identity = None
                raise


#: Connections that a fork has copied: they are the parent's, and must not even be closed here.
_OF_OTHERS: Final[list[sqlite3.Connection]] = []


@contextmanager
def _unavailable(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        hint = "; make it with `policy token revoke --create`" if isinstance(error, FileNotFoundError) else ""
        said = "there is no such file" if isinstance(error, FileNotFoundError) else str(error)
        raise RevocationUnavailable(f"the revocations in `{path}` cannot be read: {said}{hint}") from error


def _connection(path: Path) -> sqlite3.Connection:
    address = f"file:{quote(str(path.absolute()))}?mode=rw"
    made = sqlite3.connect(address, uri=True, timeout=WAIT, isolation_level=None)
    versions = _versions(made)
    if versions != (APPLICATION, VERSION):
        made.close()
        raise sqlite3.DatabaseError(f"it is no store of revocations of version {VERSION}")
    made.execute("pragma synchronous = full")
    return made


def _versions(file: sqlite3.Connection) -> tuple[int, int]:
    (application,) = file.execute("pragma application_id").fetchone()
    (version,) = file.execute("pragma user_version").fetchone()
    return application, version


@contextmanager
def _transaction(file: sqlite3.Connection) -> Iterator[None]:
    file.execute("begin immediate")
    try:
        yield
    except BaseException:
        file.execute("rollback")
        raise
    file.execute("commit")


def _entry(file: sqlite3.Connection, key: Key) -> Revocation | None:
    row = file.execute(f"select {COLUMNS} from revoked where issuer = ? and what = ? and value = ?", key).fetchone()
    return None if row is None else _revocation(row)


def _revocation(row: tuple[str, str, str, float | None, float | None, str]) -> Revocation:
    issuer, what, value, before, until, note = row
    return Revocation(issuer=issuer, what=what, value=value, issued_before=before, until=until, note=note)  # type: ignore[arg-type]
