"""The end of a log: its last records over all files, and those that come."""

import contextlib
import heapq
import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from policy.audit.reader import OnBad, Record, files, records_in
from policy.errors import ClaimsPolicyError

Wanted = Callable[[Record], bool]
BLOCK: Final = 2**14
#: Enough of a file's beginning to tell it from another one that got its inode: it has the first record's id.
_HEAD: Final = 128


@dataclass(kw_only=True, slots=True)
class _Place:
    """How far a file was read. It is known again by its inode and its beginning, whatever it is called."""

    head: bytes = b""
    position: int = 0


class Tail:
    """Reads a log from its end. Files are opened for as long as it takes to read a block of them."""

    def __init__(self, path: str | os.PathLike[str], *, on_bad: OnBad | None = None) -> None:
        self.path: Final = Path(path)
        self._on_bad: Final = on_bad
        self._places: dict[tuple[int, int], _Place] = {}

    def last(self, count: int, wanted: Wanted) -> list[Record]:
        """The last wanted records, in the order of their times; `more` goes on from here.

        `ClaimsPolicyError` where there is no log. Memory depends on `count` and the number of files, not on their
        sizes. Within a file, records are taken to be in the order of time, as far as one process writes them so.
        """
        ends = [(file, self._end(file)) for file in files(self.path)]
        found = heapq.merge(*(self._from_end(*each) for each in ends), key=_time, reverse=True)
        return sorted(itertools.islice(filter(wanted, found), count), key=_time)

    def more(self, wanted: Wanted) -> list[Record]:
        """The wanted records that came since, in the order of their times; from all files there are now."""
        try:
            present = files(self.path)
        except ClaimsPolicyError:
            present = []
        before, self._places = self._places, {}
        found = [record for file in present for record in self._since(file, before)]
        return sorted(filter(wanted, found), key=_time)

    def _end(self, file: Path) -> int:
        """The size of a file, from whose last whole line on `more` reads; 0 where it was removed meanwhile."""
        with contextlib.suppress(FileNotFoundError), file.open("rb") as content:
            found, head = os.fstat(content.fileno()), content.read(_HEAD)
            torn = len(next(_backwards(file, found.st_size)))
            self._places[found.st_dev, found.st_ino] = _Place(head=head, position=found.st_size - torn)
            return found.st_size
        return 0

    def _from_end(self, file: Path, size: int) -> Iterator[Record]:
        with contextlib.suppress(FileNotFoundError):
            yield from records_in(_backwards(file, size), file, self._on_bad)

    def _since(self, file: Path, before: dict[tuple[int, int], _Place]) -> list[Record]:
        """The records of whole lines that were added to a file."""
        with contextlib.suppress(FileNotFoundError), file.open("rb") as content:
            found = os.fstat(content.fileno())
            place = before.get((found.st_dev, found.st_ino), _Place())
            head = content.read(_HEAD)
            if found.st_size < place.position or not head.startswith(place.head):
                place = _Place()
            content.seek(place.position)
            added = content.read()
            whole = added[: added.rfind(b"\n") + 1]
            self._places[found.st_dev, found.st_ino] = _Place(head=head, position=place.position + len(whole))
            return list(records_in(whole.split(b"\n"), file, self._on_bad))
        return []


def _backwards(file: Path, end: int) -> Iterator[bytes]:
    """The lines that end before this position, the last one first; what follows the last line break counts as one."""
    rest = b""
    while end > 0:
        start = max(0, end - BLOCK)
        with file.open("rb") as content:
            content.seek(start)
            rest, *lines = (content.read(end - start) + rest).split(b"\n")
        yield from reversed(lines)
        end = start
    yield rest


def _time(record: Record) -> str:
    """Times are written in one format, so they are in order as texts."""
    return str(record.get("time", ""))
