"""Where a chain does not hold: what was changed, what is missing, what stands where it does not belong."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Final, NamedTuple

from policy.audit.chain import START
from policy.audit.verification.grouping import Group, Name, strange_stretches
from policy.audit.verification.ordering import Thread, displaced
from policy.audit.verification.report import Finding, Kind
from policy.audit.verification.scanned import Run, Scan
from policy.audit.verification.told import Retired

#: A run of more lines is not looked for elsewhere: nobody copies so much to hide a line.
COPIED_AT_MOST: Final = 1000


class Copy(NamedTuple):
    """Where else the very same line stands."""

    file: str
    line: int
    chain: Name


class Context(NamedTuple):
    """What is known besides the files of the chain: copies by the hash of their first line, files told as removed."""

    copies: Mapping[str, Copy]
    retired: Mapping[tuple[str, str, int], Retired]
    is_alone: bool


def suspects(group: Group) -> list[Run]:
    """Runs that may be copies of lines that stand elsewhere."""
    unlinked = [each.runs[0] for each in _loose(group) if each.count <= COPIED_AT_MOST]
    return [*group.order.strays, *unlinked]


def settle(group: Group, copies: Mapping[str, Copy]) -> None:
    """What is only a copy has no place in the chain."""
    for thread in _loose(group):
        if thread.count <= COPIED_AT_MOST and thread.runs[0].first_hash in copies:
            group.order.put_aside(thread)


def _loose(group: Group) -> list[Thread]:
    """Threads before which lines are missing."""
    return [after for before, after in pairwise(group.order.path) if after.first > before.last + 1]


class Links:
    """The findings of one chain."""

    def __init__(self, group: Group, context: Context) -> None:
        self._group: Final = group
        self._context: Final = context
        #: Places of lines that were told of already, as file and line.
        self._told: Final[set[tuple[int, int]]] = set()

    def findings(self) -> Iterator[Finding]:
        """All, by what they are."""
        if self._group.order.path:
            yield from self._start(self._group.order.path[0])
        yield from self._boundaries()
        for thread in self._group.order.path:
            yield from self._displaced(thread)
        yield from self._strays()
        yield from self._stretches()
        for home, scan in enumerate(self._group.scans):
            yield from self._of_file(home, scan)
        yield from self._last_line()

    def _finding(
        self, kind: Kind, home: int, line: int, message: str, *, offset: int | None = None, seq: int | None = None
    ) -> Finding:
        self._told.add((home, line))
        return Finding(
            kind=kind, message=message, file=self._group.scans[home].name, line=line, offset=offset, seq=seq,
            writer=self._group.writer, stream=self._group.stream,
        )  # fmt: skip

    def _start(self, thread: Thread) -> Iterator[Finding]:
        run = thread.runs[0]
        part = self._group.part(run.home)
        if part is not None and part > 1:
            yield from self._missing_parts(None, run, range(1, part))
        elif run.first > 0:
            numbers = _numbers(0, run.first - 1)
            message = f"a chain begins with seq 0: {numbers} {_are(run.first)} before this line"
            yield self._finding(Kind.GAP, run.home, run.line, message, offset=run.offset, seq=run.first)
        elif run.prev != START:
            message = "the first line of a chain names another line before it: it was changed"
            yield self._finding(Kind.CHANGED, run.home, run.line, message, offset=run.offset, seq=run.first)

    def _boundaries(self) -> Iterator[Finding]:
        threads = self._group.order.path
        at = 1
        while at < len(threads):
            before, far = threads[at - 1], at
            if threads[at].first > before.last + 1:
                yield from self._gap(before.runs[-1], threads[at].runs[0])
            else:
                while threads[far].count == 1 and far + 1 < len(threads) and _touch(threads[far], threads[far + 1]):
                    far += 1
                yield from self._changed(before.runs[-1], [each.runs[0] for each in threads[at : far + 1]])
            at = far + 1

    def _changed(self, before: Run, following: list[Run]) -> Iterator[Finding]:
        """Each of these does not name the line before it as that one stands; the last is vouched for by its next."""
        is_last = following[-1].count == 1 and following[-1] is self._group.order.path[-1].runs[-1]
        if len(following) == 1 and not is_last:
            named = self._line(following[0].home, following[0].line, before.home)
            message = f"the line was changed: {named} names another one before it"
            if (before.home, before.last_line) not in self._told:
                yield self._finding(Kind.CHANGED, before.home, before.last_line, message, seq=before.last)
            return
        changed = following if is_last else following[:-1]
        first, last = changed[0], changed[-1]
        through = self._line(last.home, last.line, first.home)
        span = "the line was" if first is last else f"the lines up to {through} were"
        earlier = self._line(before.home, before.last_line, first.home)
        message = f"{span} changed, or {earlier} was: what is named as the line before does not stand there"
        yield self._finding(Kind.CHANGED, first.home, first.line, message, offset=first.offset, seq=first.first)

    def _gap(self, before: Run, after: Run) -> Iterator[Finding]:
        missing = after.first - before.last - 1
        numbers = _numbers(before.last + 1, after.first - 1)
        if before.home == after.home and after.line - before.last_line - 1 == missing:
            yield self._replaced(before, missing, numbers)
            return
        if self._group.scans[before.home].damaged:
            return
        parts = self._group.part(before.home) or 0, self._group.part(after.home) or 0
        if before.home != after.home and 0 < parts[0] < parts[1] - 1:
            yield from self._missing_parts(before, after, range(parts[0] + 1, parts[1]))
            return
        accepted, length = self._accepted(before.home, after.home), self._group.scans[before.home].length
        if length < accepted:
            message = f"the tail was cut: {accepted} bytes were written, here are {length}; {numbers} {_are(missing)}"
            yield self._finding(Kind.CUT, before.home, before.last_line, message, seq=before.last)
            return
        message = f"{numbers} {_are(missing)} before this line"
        yield self._finding(Kind.GAP, after.home, after.line, message, offset=after.offset, seq=after.first)

    def _replaced(self, before: Run, missing: int, numbers: str) -> Finding:
        first = before.last_line + 1
        self._told.update((before.home, first + each) for each in range(min(missing, COPIED_AT_MOST)))
        message = f"another line stands where {numbers} belongs" if missing == 1 else f"other lines stand for {numbers}"
        return self._finding(Kind.CHANGED, before.home, first, message, seq=before.last + 1)

    def _accepted(self, home: int, following: int) -> int:
        begin = self._group.scans[following].begin
        return 0 if home == following or begin is None else begin.after_size or 0

    def _missing_parts(self, before: Run | None, after: Run, parts: range) -> Iterator[Finding]:
        """Each of them was retired, and so that the lines before and after it fit, or is missing."""
        group = self._group
        rows = {part: self._context.retired.get((group.writer, group.stream, part)) for part in parts}
        if self._context.is_alone or (before is None and group.is_refused):
            return
        last, first = rows[parts[-1]], rows[parts[0]]
        for part in (part for part, row in rows.items() if row is None):
            yield self._missing(part, after.home, part == parts[-1])
        if last is not None and (last.last + 1, last.head) != (after.first, after.prev):
            message = f"the file does not follow `{last.file}`, as that one was when it was retired"
            yield self._finding(Kind.CHANGED, after.home, after.line, message, offset=after.offset, seq=after.first)
        if first is not None and before is not None and first.first != before.last + 1:
            message = f"`{first.file}` followed and was retired, and began with seq {first.first}"
            yield self._finding(Kind.CUT, before.home, before.last_line, message, seq=before.last)

    def _missing(self, part: int, following: int, is_next: bool) -> Finding:
        scan = self._group.scans[following]
        name = scan.begin.after_file if is_next and scan.begin is not None else ""
        message = f"part {part} of the chain, before `{scan.name}`, is missing"
        return Finding(
            kind=Kind.MISSING, message=message, file=name, writer=self._group.writer, stream=self._group.stream
        )

    def _displaced(self, thread: Thread) -> Iterator[Finding]:
        for at in displaced(thread):
            run = thread.runs[at]
            before = thread.runs[at - 1] if at else None
            after = thread.runs[at + 1] if at + 1 < len(thread.runs) else None
            what = "the line belongs" if run.count == 1 else f"the lines {run.line} to {run.last_line} belong"
            message = f"{what} {self._between(before, after, run.home)}"
            yield self._finding(Kind.REORDER, run.home, run.line, message, offset=run.offset, seq=run.first)

    def _between(self, before: Run | None, after: Run | None, home: int) -> str:
        words = []
        if before is not None:
            self._told.add((before.home, before.last_line))
            words.append(f"{self._line(before.home, before.last_line, home)} (seq {before.last})")
        if after is not None:
            self._told.add((after.home, after.line))
            words.append(f"{self._line(after.home, after.line, home)} (seq {after.first})")
        return f"between {' and '.join(words)}" if len(words) > 1 else f"{'after' if before else 'before'} {words[0]}"

    def _strays(self) -> Iterator[Finding]:
        for run in joined(self._group.order.strays):
            copy = self._context.copies.get(run.first_hash)
            if copy is None and (run.home, run.line) in self._told:
                continue
            many = "" if run.count == 1 else f" (and the {run.count - 1} after it)"
            own = copy is not None and copy.chain == (self._group.writer, self._group.stream)
            if copy is not None:
                where = f"`{copy.file}`, line {copy.line}"
                message = f"the line{many} repeats {where}" if own else f"the line{many} is of another chain: {where}"
            else:
                message = f"the line{many} is none of this chain"
            kind = Kind.DUPLICATE if own else Kind.FOREIGN
            yield self._finding(kind, run.home, run.line, message, offset=run.offset, seq=run.first)

    def _stretches(self) -> Iterator[Finding]:
        for home, each in strange_stretches(self._group):
            if (home, each.line) not in self._told:
                many = "" if each.count == 1 else f" (and the {each.count - 1} after it)"
                yield self._finding(
                    Kind.FOREIGN, home, each.line, f"the line{many} is not of the form of a chain's", offset=each.offset
                )

    def _of_file(self, home: int, scan: Scan) -> Iterator[Finding]:
        inner = [*((line, seq, "a file begins inside this one") for line, seq in scan.inner_begins)]
        inner += [(line, seq, f"a checkpoint of another writer, {writer}") for line, seq, writer in scan.strangers]
        for line, seq, message in inner:
            if (home, line) not in self._told and not self._is_stray(home, line):
                yield self._finding(Kind.FOREIGN, home, line, message, seq=seq)
        if scan.begin is None and (home, 1) not in self._told:
            yield self._finding(Kind.CHANGED, home, 1, "the file does not begin with a line of kind `begin`", offset=0)
        yield from self._behind_end(home, scan)
        yield from self._beyond(home, scan)

    def _last_line(self) -> Iterator[Finding]:
        """No line after it vouches for its content."""
        last = self._group.order.path[-1].runs[-1] if self._group.order.path else None
        if last is not None and last.home == len(self._group.scans) - 1:
            scan = self._group.scans[last.home]
            if last.last_line == scan.lines and not scan.ends_in_record and (last.home, scan.lines) not in self._told:
                message = "the line was changed: it is the last one, and no record"
                yield self._finding(Kind.CHANGED, last.home, scan.lines, message, seq=last.last)

    def _is_stray(self, home: int, line: int) -> bool:
        return any(run.home == home and run.line <= line <= run.last_line for run in self._group.order.strays)

    def _behind_end(self, home: int, scan: Scan) -> Iterator[Finding]:
        if scan.ended is None:
            return
        seq, line = scan.ended
        if self._is_stray(home, line):
            return
        if self._group.last > seq:
            yield self._finding(Kind.FOREIGN, home, line, "the chain was ended by this line, and goes on", seq=seq)
        elif scan.torn:
            message = f"{scan.torn} bytes follow the end of the chain"
            yield self._finding(Kind.FOREIGN, home, scan.lines + 1, message, offset=scan.torn_at)

    def _beyond(self, home: int, scan: Scan) -> Iterator[Finding]:
        """What was added where nothing comes any more, apart from what a writer leaves that could not be sure of it."""
        places = [(run.line, run.offset) for run in scan.runs if run.is_beyond]
        places += [(each.line, each.offset) for each in scan.stretches if each.is_beyond]
        if places and not scan.left_over:
            line, offset = min(places)
            message = "the line was added behind what the writer had written when it began the next file"
            yield self._finding(Kind.FOREIGN, home, line, message, offset=offset)

    def _line(self, home: int, line: int, seen_from: int) -> str:
        return f"line {line}" if home == seen_from else f"line {line} of `{self._group.scans[home].name}`"


def joined(runs: Iterable[Run]) -> list[Run]:
    """By their places, those as one that were split only to compare them with others."""
    made: list[Run] = []
    for run in sorted(runs, key=lambda each: (each.home, each.line)):
        last = made[-1] if made else None
        if last is not None and (last.home, last.last_line + 1, last.last + 1, last.head) == (
            run.home, run.line, run.first, run.prev,
        ):  # fmt: skip
            made[-1] = replace(last, last=run.last, head=run.head)
        else:
            made.append(run)
    return made


def _touch(before: Thread, after: Thread) -> bool:
    return after.first == before.last + 1


def _numbers(first: int, last: int) -> str:
    return f"seq {first}" if first == last else f"seq {first} to {last}"


def _are(count: int) -> str:
    return "is missing" if count == 1 else "are missing"
