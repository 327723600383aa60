"""Revocations in documents, read again when a document has changed: no thread, and no wait for the policy."""

import logging
import os
import threading
import time
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Final

from policy.document import Source
from policy.document.revoking import read_revocations
from policy.errors import PolicyError, Problem
from policy.files import revocation_files, source
from policy.revocation.accepted import Accepted
from policy.revoked import Facts, RevocationList

logger: Final = logging.getLogger("policy.revocation")
LOOK_EVERY: Final = 0.5
Stat = tuple[str, int, int, int, int]
Clock = Callable[[], float]


class RevocationDocuments:
    """What the `revocations.json` and `*.revocations.json` of a policy's folder revoke, or one document by its path.

    Before a token is looked up, the documents are looked at if the last look was half a second ago. A change is taken
    at once, whole. One that cannot be read changes nothing: what was revoked stays so, `problems` say what is wrong,
    and the log does. The same goes for a document that is gone; to revoke nothing, let it say so with an empty list.
    At the start, what was read last and kept in the folder `keep` stands in for what cannot be read or is gone;
    without it there is a `PolicyError`.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        issuers: Collection[str],
        *,
        keep: Path | None = None,
        monotonic: Clock = time.monotonic,
    ) -> None:
        self._path, self._issuers, self._monotonic = Path(path), frozenset(issuers), monotonic
        self._lock, self._process = threading.Lock(), os.getpid()
        self._accepted = Accepted(keep, self._path) if keep else None
        self.problems: tuple[Problem, ...] = ()
        self._files = self._found()
        self._stats: tuple[Stat, ...] | None = _stats(self._files)
        self._list = self._first()
        self._next_look = monotonic() + LOOK_EVERY

    def _first(self) -> RevocationList:
        kept = self._accepted.sources() if self._accepted else None
        try:
            self._full = _with_entries(kept or ())
            return self._read(self._files)
        except PolicyError as error:
            if kept is None:
                raise
            self._refuse(error)
            return RevocationList(read_revocations(kept, _Any()))

    @property
    def number(self) -> int:
        """How many entries are in force."""
        return len(self._list.entries)

    def of(self, issuers: Collection[str]) -> None:
        """Take the issuers of another policy: the documents are read again with the next token."""
        self._issuers = frozenset(issuers)
        self._stats, self._next_look = None, 0.0

    def find(self, facts: Facts) -> str | None:
        """Why a token is revoked, or `None`."""
        if self._monotonic() >= self._next_look:
            self.look()
        return self._list.find(facts)

    def look(self) -> None:
        """One look at the documents; whoever comes while another one looks does not wait."""
        if self._process != os.getpid():  # a fork may have copied a lock that somebody else held
            self._lock, self._process = threading.Lock(), os.getpid()
        if not self._lock.acquire(blocking=False):
            return
        try:
            self._look()
        finally:
            self._next_look = self._monotonic() + LOOK_EVERY
            self._lock.release()

    def _look(self) -> None:
        try:
            files = self._found()
            stats = _stats(files)
            if stats == self._stats:
                return
            self._stats = stats
            self._list = self._read(files)
        except (PolicyError, OSError) as error:
            self._refuse(error)
        else:
            self.problems = ()
            logger.warning("what is revoked has changed: %d entries", self.number)

    def _refuse(self, error: PolicyError | OSError) -> None:
        found = error.problems if isinstance(error, PolicyError) else (Problem(message=str(error)),)
        if found != self.problems:
            text = "\n".join(map(str, found))
            logger.critical("a change of what is revoked is refused, what was revoked stays so:\n%s", text)
        self.problems, self._stats = found, None  # what could not be read is tried again with the next look

    def _found(self) -> tuple[Path, ...]:
        return revocation_files(self._path) if self._path.is_dir() else (self._path,)

    def _read(self, files: tuple[Path, ...]) -> RevocationList:
        if gone := sorted(self._full - {file.name for file in files}):
            folder = self._path if self._path.is_dir() else self._path.parent
            raise PolicyError(Problem(file=str(folder / name), message="the document is gone") for name in gone)
        sources = [source(file) for file in files]
        found = RevocationList(read_revocations(sources, self._issuers))
        self._full = _with_entries(sources)
        if self._accepted is not None:
            self._accepted.keep(sources)
        return found


class _Any(frozenset[str]):
    """Every issuer: what was accepted once may name some that the policy has no more, and those have no tokens here."""

    def __contains__(self, _: object) -> bool:
        return True


def _with_entries(sources: Iterable[Source]) -> frozenset[str]:
    """The names of documents that revoke anything: those must not just vanish."""
    return frozenset(Path(each.name).name for each in sources if read_revocations([each], _Any()))


def _stats(files: tuple[Path, ...]) -> tuple[Stat, ...]:
    return tuple(_stat(file) for file in files)


def _stat(file: Path) -> Stat:
    try:
        found = file.stat()
    except OSError:
        return str(file), 0, 0, 0, 0
    return str(file), found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino
