"""The end of a log: its last records over all files, and those that come."""

import contextlib
import heapq
import itertools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from policy.audit.reader import OnBad, Record, files, is_compressed, opened, readable, records_in
from policy.audit.waiting import Waiting
from policy.errors import ClaimsPolicyError
from policy.record import moment

Wanted = Callable[[Record], bool]
BLOCK: Final = 2**14
#: Enough of a file's beginning to tell it from another one that got its inode: it has the first record's id.
_HEAD: Final = 256
#: Seconds by which the clock of a compressed file's records may be ahead of the one that dates files.
_AHEAD: Final = 3600.0


@dataclass(kw_only=True, slots=True)
class _Place:
    """How far a file was read. It is known again by its inode and its beginning, whatever it is called."""

    head: bytes = b""
    position: int = 0


class Tail:
    """Reads a log from its end. Files are opened for as long as it takes to read a block of them.

    With `chain`, the lines that hold the log together are records too.
    """

    def __init__(self, path: str | os.PathLike[str], *, on_bad: OnBad | None = None, chain: bool = False) -> None:
        self.path: Final = Path(path)
        self._on_bad: Final = on_bad
        self._chain: Final = chain
        self._places: dict[tuple[int, int], _Place] = {}
        self._compressed: set[tuple[int, ...]] = set()
        self._early: set[str] = set()

    def last(self, count: int, wanted: Wanted, since: str = "") -> list[Record]:
        """The last wanted records, none of them from before `since`, in the order of their times; `more` goes on.

        `ClaimsPolicyError` where there is no log. Memory depends on `count` and the number of files, not on their
        sizes. Within a file, records are taken to be in the order of time, as far as one process writes them so.
        """
        waiting = Waiting(self.path)
        present = files(self.path)
        compressed = [dated for file in present if is_compressed(file) and (dated := self._dated(file)) is not None]
        ends = [(file, self._end(file)) for file in present if not is_compressed(file)]
        found = heapq.merge(*(self._from_end(*each) for each in ends), key=_time, reverse=True)
        recent: Iterator[Record] = itertools.takewhile(lambda record: _time(record) >= since, found)
        last = list(itertools.islice(filter(wanted, recent), count))
        for date, file in sorted(compressed, reverse=True):
            if count == 0 or moment(date + _AHEAD) < (_time(last[-1]) if len(last) == count else since):
                break
            last = sorted([*last, *self._last_of_compressed(file, count, wanted, since)], key=_time, reverse=True)[
                :count
            ]
        return self._with_waiting(last[::-1], waiting, count, wanted, since)

    def more(self, wanted: Wanted) -> list[Record]:
        """The wanted records that came since, in the order of their times; from all files there are now."""
        try:
            present = files(self.path)
        except ClaimsPolicyError:
            present = []
        before, self._places = self._places, {}
        known, self._compressed = self._compressed, set()
        found: list[Record] = []
        for file in present:
            came = self._decompressed(file, known, before) if is_compressed(file) else self._since(file, before)
            found += filter(wanted, came)
        shown = {record["id"] for record in found if record["id"] in self._early}
        self._early -= shown
        return sorted((record for record in found if record["id"] not in shown), key=_time)

    def _with_waiting(
        self, last: list[Record], waiting: Waiting, count: int, wanted: Wanted, since: str
    ) -> list[Record]:
        """Those that stand in no file yet are later than all others; `more` does not give them again."""
        for record in last:
            waiting.seen(record)
        early = [record for record in waiting.rest() if _time(record) >= since and wanted(record)]
        self._early = {record["id"] for record in early}
        return sorted([*last, *early], key=_time)[-count:] if count else []

    def _records(self, lines: Iterable[bytes], file: Path) -> Iterator[Record]:
        return records_in(readable(lines, file, self._on_bad), file, self._on_bad, chain=self._chain)

    def _end(self, file: Path) -> int:
        """The size of a file, from whose last whole line on `more` reads; 0 where it was removed meanwhile."""
        with contextlib.suppress(FileNotFoundError), file.open("rb") as content:
            found, head = os.fstat(content.fileno()), content.read(_HEAD)
            torn = len(next(_backwards(file, found.st_size)))
            self._places[found.st_dev, found.st_ino] = _Place(head=head, position=found.st_size - torn)
            return found.st_size
        return 0

    def _dated(self, file: Path) -> tuple[float, Path] | None:
        """When a compressed file was made, whose records count as read from now on; `None` if it was just removed."""
        with contextlib.suppress(FileNotFoundError):
            found = file.stat()
            self._compressed.add(_identity(found))
            return found.st_mtime, file
        return None

    def _from_end(self, file: Path, size: int) -> Iterator[Record]:
        with contextlib.suppress(FileNotFoundError):
            yield from self._records(_backwards(file, size), file)

    def _last_of_compressed(self, file: Path, count: int, wanted: Wanted, since: str) -> Iterable[Record]:
        """Such a file can only be read from its beginning; what does not count is dropped on the way."""
        with contextlib.suppress(FileNotFoundError), opened(file) as content:
            found = (record for record in self._records(content, file) if _time(record) >= since and wanted(record))
            return deque(found, maxlen=count)
        return ()

    def _decompressed(
        self, file: Path, known: set[tuple[int, ...]], before: dict[tuple[int, int], _Place]
    ) -> Iterator[Record]:
        """What was not read yet of a file that was compressed since; its beginning tells which one it was."""
        with contextlib.suppress(FileNotFoundError):
            identity = _identity(file.stat())
            self._compressed.add(identity)
            if identity not in known:
                with opened(file) as content:
                    yield from self._records(_rest(content, before.values()), file)

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
            return list(self._records(whole.split(b"\n"), file))
        return []


def _rest(content: IO[bytes], places: Iterable[_Place]) -> Iterator[bytes]:
    """The lines of a decompressed file behind the place up to which it was read before it was compressed."""
    head = content.read(_HEAD)
    known = [place.position for place in places if place.head and head.startswith(place.head)]
    content.seek(max(known, default=0))
    yield from content


def _identity(found: os.stat_result) -> tuple[int, ...]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


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
