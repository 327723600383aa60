"""Which files of decisions may go: the oldest, verified, and told in the log before they are removed."""

import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from policy.audit.chain import START
from policy.audit.compression import compress, unfinished
from policy.audit.files import keep_entry
from policy.audit.seals import Checker
from policy.audit.verification import told
from policy.audit.verification.reading import Damaged, base_name, blocks, first_line, log_files
from policy.audit.verification.scanned import Job, Run, Scan
from policy.audit.verification.scanning import scan

__all__ = ["Retired", "compress", "retire"]

DAY: Final = 86_400
STREAM: Final = "decisions"
_LINE: Final = re.compile(rb'\{"seq":(\d+),"prev":"([0-9a-f]{64})"')
_RETIRED: Final = b',"kind":"retired",'
#: Called with a file that would go, and why it is kept.
Kept = Callable[[Path, str], object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Retired:
    """A file that may go. `file` is the name that it was begun with, `size` what it takes on the disk."""

    path: Path
    file: str
    writer: str
    stream: str
    part: int
    first: int
    last: int
    head: str
    lines: int
    size: int

    def as_dict(self) -> dict[str, Any]:
        """The members of the record that has to be in the log before the file is removed."""
        return {
            "file": self.file, "writer": self.writer, "stream": self.stream, "part": self.part,
            "first": self.first, "last": self.last, "head": self.head, "lines": self.lines,
        }  # fmt: skip

    def remove(self) -> None:
        """Remove the file; one that is gone already is no error, anything else is an `OSError`."""
        self.path.unlink(missing_ok=True)
        unfinished(self.path).unlink(missing_ok=True)
        keep_entry(self.path.parent)


class _Part(NamedTuple):
    """A file with its first line, as read before anything is verified."""

    path: Path
    begin: told.Begin
    first: int
    prev: str
    size: int


class _Kept(Exception):
    """Why a file, and those after it in its chain, are kept."""


def retire(
    folder: str | os.PathLike[str],
    *,
    keep_days: float | None = None,
    keep_bytes: int | None = None,
    checker: Checker | None = None,
    now: float,
    kept: Kept | None = None,
) -> list[Retired]:
    """Files of decisions that may go, the oldest first: write a `retired` record for each, then `remove` it.

    A file may go when its last record is older than `keep_days`, or while all files of decisions together are larger
    than `keep_bytes`. It has to be closed, to verify by itself, and to fit the file before and after it; with a
    `checker` all of its lines have to be sealed with one of those keys. Where one is not so, neither it nor a later
    file of its chain goes, and `kept` is called with it and the reason. Files without their first line never go. Only
    the files that may go, and sometimes the one after, are read. `ClaimsPolicyError` where the folder cannot be read.
    """
    chains = _chains(Path(folder))
    old = now - keep_days * DAY if keep_days is not None else None
    total = sum(part.size for parts in chains.values() for part in parts)
    found: list[Retired] = []
    over = total - keep_bytes if keep_bytes is not None else 0
    shelf = _Shelf(Path(folder), chains, checker)
    for part, following in _by_age(chains):
        begun = _seconds(part.begin.time)
        is_old = old is not None and begun is not None and begun < old
        if not (is_old or over > 0) or shelf.is_blocked(part):
            shelf.block(part)
            continue
        try:
            one = shelf.judged(part, following, None if over > 0 else old)
        except _Kept as reason:
            shelf.block(part)
            if kept is not None and str(reason):
                kept(part.path, str(reason))
            continue
        over -= one.size
        found.append(one)
    return found


def _chains(folder: Path) -> dict[str, list[_Part]]:
    found: dict[str, list[_Part]] = defaultdict(list)
    for path in log_files(folder):
        try:
            line, size = first_line(path), path.stat().st_size
        except FileNotFoundError:
            continue
        begin, form = told.begin(line), _LINE.match(line)
        if begin is not None and form is not None and begin.stream == STREAM:
            found[begin.writer].append(_Part(path, begin, int(form[1]), form[2].decode(), size))
    return {writer: sorted(parts, key=lambda part: (part.begin.part, part.path)) for writer, parts in found.items()}


def _by_age(chains: Mapping[str, Sequence[_Part]]) -> list[tuple[_Part, _Part | None]]:
    """Each with the file after it, by the times at which they were begun; of one chain always by their parts."""
    pairs = [
        (max(each.begin.time for each in parts[: at + 1]), part, parts[at + 1] if at + 1 < len(parts) else None)
        for parts in chains.values()
        for at, part in enumerate(parts)
    ]
    pairs.sort(key=lambda each: (each[0], each[1].begin.writer, each[1].begin.part))
    return [(part, following) for _, part, following in pairs]


class _Shelf:
    """Judges files in their order."""

    def __init__(self, folder: Path, chains: Mapping[str, Sequence[_Part]], checker: Checker | None) -> None:
        self._folder: Final = folder
        self._first: Final = {writer: parts[0] for writer, parts in chains.items()}
        self._checker: Final = checker
        self._blocked: Final[set[str]] = set()
        #: Of each chain, what the file that goes next has to follow.
        self._ends: Final[dict[str, tuple[int, int, str]]] = {}

    def is_blocked(self, part: _Part) -> bool:
        """Whether an earlier file of the chain is kept."""
        return part.begin.writer in self._blocked

    def block(self, part: _Part) -> None:
        """Keep the later files of its chain too."""
        self._blocked.add(part.begin.writer)

    def judged(self, part: _Part, following: _Part | None, older_than: float | None) -> Retired:
        """The file as one that may go; raises why it may not, with no word where it is only too young."""
        begin = part.begin
        accepted = following.begin.after_size if following is not None else None
        found = scan(Job(part.path, part.size, accepted), self._checker)
        run = _only_run(found)
        self._check_before(part)
        _check_after(found, run, part, following)
        if self._checker is not None:
            self._check_seals(found, run, following)
        last = _seconds(found.last_time)
        if older_than is not None and (last is None or last >= older_than):
            raise _Kept
        self._ends[begin.writer] = begin.part + 1, run.last + 1, run.head
        return Retired(
            path=part.path, file=begin.file or base_name(part.path.name), writer=begin.writer, stream=begin.stream,
            part=begin.part, first=run.first, last=run.last, head=run.head, lines=run.count, size=part.size,
        )  # fmt: skip

    def _check_before(self, part: _Part) -> None:
        writer = part.begin.writer
        if writer not in self._ends:
            self._ends[writer] = self._removed_before(part) if part.begin.part > 1 else (1, 0, START)
        if self._ends[writer] != (part.begin.part, part.first, part.prev):
            raise _Kept("it does not follow the file before it")

    def _removed_before(self, part: _Part) -> tuple[int, int, str]:
        """Where the part before it ended, as told when that one was removed."""
        for row in _told_removed(self._folder, self._checker):
            if (row.writer, row.stream, row.part) == (part.begin.writer, part.begin.stream, part.begin.part - 1):
                return part.begin.part, row.last + 1, row.head
        raise _Kept("the file before it is missing, and no record tells that it was removed in order")

    def _check_seals(self, found: Scan, run: Run, following: _Part | None) -> None:
        _check_seals_of(found)
        if max((each.good for each in found.sealings), default=-1) == run.last:
            return
        after = None if following is None else scan(Job(following.path, following.size), self._checker)
        if after is None or not any(each.good >= 0 for each in after.sealings):
            raise _Kept("its last lines are not sealed")
        _check_seals_of(after)
        if not after.runs or max(each.good for each in after.sealings) > after.runs[0].last:
            raise _Kept("its last lines are sealed only by a file that does not verify")


def _only_run(found: Scan) -> Run:
    runs = [run for run in found.runs if not run.is_beyond]
    strange = found.stretches or found.inner_begins or found.strangers or found.unread_breaks
    beyond = len(found.runs) > 1 and not found.left_over
    if found.is_gone or found.damaged or len(runs) != 1 or runs[0].line != 1 or strange or beyond:
        raise _Kept("it does not verify")
    return runs[0]


def _check_after(found: Scan, run: Run, part: _Part, following: _Part | None) -> None:
    if following is None:
        if found.ended is None:
            raise _Kept
        if found.ended[0] != run.last or found.torn:
            raise _Kept("something follows the end of its chain")
    elif following.begin.part == part.begin.part:
        raise _Kept(f"`{following.path.name}` is the same part of its chain")
    elif (following.begin.part, following.first, following.prev) != (part.begin.part + 1, run.last + 1, run.head):
        raise _Kept(f"`{following.path.name}` does not follow it")


def _check_seals_of(found: Scan) -> None:
    if found.bad_seals:
        raise _Kept(f"the checkpoint in line {found.bad_seals[0].line} of `{found.name}` is not what its key makes")
    for each in found.sealings:
        if not each.key or not each.is_known:
            told_so = f"sealed with the key {each.key}, which is not at hand" if each.key else "not sealed"
            raise _Kept(f"the checkpoint in line {each.line} of `{found.name}` is {told_so}")


def _told_removed(folder: Path, checker: Checker | None) -> Iterator[told.Retired]:
    """Every `retired` record of a log; with a checker those that are sealed. Files without any are not parsed."""
    for path in log_files(folder):
        size = path.stat().st_size if path.exists() else 0
        if _may_tell(path, size):
            found = scan(Job(path, size), checker)
            good = max((each.good for each in found.sealings), default=-1)
            yield from (row for row in found.retired if checker is None or row.told_at <= good)


def _may_tell(path: Path, size: int) -> bool:
    rest = b""
    try:
        for block in blocks(path, size=size):
            rest += block
            if _RETIRED in rest:
                return True
            rest = rest[-len(_RETIRED) :]
    except (Damaged, FileNotFoundError):
        return False
    return False


def _seconds(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        return None
