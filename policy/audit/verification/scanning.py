"""One file, from its bytes: stretches of lines each of which names the line before it, and what lies between them."""

import re
from hashlib import sha256
from typing import Final

from policy.audit.seals import Checker
from policy.audit.verification import told
from policy.audit.verification.reading import LONGEST_LINE, Damaged, Progress, blocks
from policy.audit.verification.scanned import BadSeal, Job, Run, Scan, Sealing, Stretch

#: What is kept of one file with many breaks; behind them it is only counted.
RUNS_AT_MOST: Final = 400
_KEPT: Final = 100
_FORM: Final = re.compile(rb'\{"seq":(0|[1-9]\d{0,17}),"prev":"([0-9a-f]{64})"[,}]')
_OWN: Final = re.compile(rb',"v":\d+,"kind":"(?:(begin)|(checkpoint)|(end)|(retired))"')
_TIME: Final = re.compile(rb'"time":"([^"\\]{1,40})"')
_BEGIN, _END, _RETIRED = 1, 3, 4
_NO_RUN: Final = -1, ""


def scan(job: Job, checker: Checker | None = None, progress: Progress | None = None) -> Scan:
    """Read a file. Memory does not depend on its size."""
    reader = _Scanner(job, checker)
    try:
        _feed(reader, job, progress)
    except Damaged as error:
        reader.found.damaged = str(error)
    except FileNotFoundError:
        reader.found.is_gone = True
    reader.finish()
    return reader.found


def _feed(reader: "_Scanner", job: Job, progress: Progress | None) -> None:
    rest, position, found = b"", 0, reader.found
    try:
        for block in blocks(job.file, size=job.size, limit=job.accepted, progress=progress):
            *lines, rest = (rest + block).split(b"\n")
            reader.take(lines, position)
            found.length += len(block)
            position = found.length - len(rest)
            if position == job.accepted:
                reader.go_beyond()
            if len(rest) > LONGEST_LINE:
                raise Damaged(f"line {found.lines + 1} is longer than any record; nothing behind it was read")
    finally:
        found.torn, found.torn_at = len(rest), position


class _Scanner:
    """Takes the lines of one file."""

    def __init__(self, job: Job, checker: Checker | None) -> None:
        self.found: Final = Scan(file=job.file, size=job.size)
        self._job: Final = job
        self._stops: Final = job.wanted | job.splits
        self._checker: Final = checker
        self._run: Run | None = None
        self._next, self._head = _NO_RUN
        self._is_beyond = False
        self._last = b""
        self._block: tuple[list[bytes], int] = ([], 0)

    def take(self, lines: list[bytes], position: int) -> None:
        """Whole lines without their breaks, the first of which stands at this position. What takes long is here."""
        self._block = lines, position
        own, stops, number, head = _OWN.match, self._stops, self._next, self._head
        for at, line in enumerate(lines):
            start = f'{{"seq":{number},"prev":"{head}"'.encode()
            if not line.startswith(start):
                number, start = self._break(line, at, number, head)
                if number < 0:
                    continue
            head = sha256(line).hexdigest()
            kind = own(line, len(start))
            if kind is not None:
                self._own_line(line, kind.lastindex or 0, number, at)
            number += 1
            if number - 1 in stops:
                number, head = self._stop(number, head)
        self._next, self._head = number, head
        self._last = lines[-1] if lines else self._last
        self.found.lines += len(lines)
        self.found.records += len(lines)

    def _stop(self, number: int, head: str) -> tuple[int, str]:
        if number - 1 in self._job.wanted:
            self.found.heads.setdefault(number - 1, set()).add(head)
        if number - 1 not in self._job.splits:
            return number, head
        self._end_run(number, head)
        self._run = None
        return _NO_RUN

    def go_beyond(self) -> None:
        """What follows was never accepted by the writer."""
        self._end_run(self._next, self._head)
        self._next, self._head = _NO_RUN
        self._is_beyond = True

    def finish(self) -> None:
        """There are no more lines."""
        self._end_run(self._next, self._head)
        self.found.ends_in_record = told.is_record(self._last)
        found = _TIME.search(self._last, 0, 400)
        self.found.last_time = found[1].decode("ascii", "replace") if found else ""

    def _end_run(self, number: int, head: str) -> None:
        if self._run is not None and number >= 0:
            self._run.last, self._run.head = number - 1, head

    def _break(self, line: bytes, at: int, number: int, head: str) -> tuple[int, bytes]:
        """A line that does not follow: it begins another run, or is none of a chain (then the number is negative)."""
        found, form = self.found, _FORM.match(line)
        if len(found.runs) >= RUNS_AT_MOST and form is not None:
            found.unread_breaks += 1
            return int(form[1]), line[: form.end() - 1]
        self._end_run(number, head)
        self._run = None
        place = found.lines + at + 1
        if form is None:
            found.records -= 1
            self._strange(place, at)
            return _NO_RUN[0], b""
        self._run = Run(
            line=place, offset=self._offset(at), first=int(form[1]), prev=form[2].decode(),
            first_hash=sha256(line).hexdigest(), is_beyond=self._is_beyond,
        )  # fmt: skip
        found.runs.append(self._run)
        return self._run.first, line[: form.end() - 1]

    def _strange(self, place: int, at: int) -> None:
        stretches = self.found.stretches
        if stretches and stretches[-1].line + stretches[-1].count == place:
            stretches[-1].count += 1
        elif len(stretches) < RUNS_AT_MOST:
            stretches.append(Stretch(line=place, offset=self._offset(at), is_beyond=self._is_beyond))
        else:
            self.found.unread_breaks += 1

    def _offset(self, at: int) -> int:
        lines, position = self._block
        return position + sum(map(len, lines[:at])) + at

    def _own_line(self, line: bytes, kind: int, number: int, at: int) -> None:
        found, place = self.found, self.found.lines + at + 1
        found.records -= 1
        if self._is_beyond:
            return
        if kind == _BEGIN:
            if place == 1:
                found.begin = told.begin(line)
                found.owner = found.begin and (found.begin.writer, found.begin.stream)
            elif len(found.inner_begins) < _KEPT:
                found.inner_begins.append((place, number))
        elif kind == _RETIRED:
            row = told.retired(line, found.owner or ("", ""), number)
            found.retired += [row] if row else []
        else:
            self._seal(line, number, place, at)
            if kind == _END:
                found.ended = number, place

    def _seal(self, line: bytes, number: int, place: int, at: int) -> None:
        found, seal = self.found, told.seal(line)
        if seal is None:
            return
        found.owner = found.owner or (seal.writer, seal.stream)
        if found.owner != (seal.writer, seal.stream):
            found.strangers += [(place, number, seal.writer)] if len(found.strangers) < _KEPT else []
            return
        verdict = self._verdict(seal)
        if verdict is False and len(found.bad_seals) < _KEPT:
            found.bad_seals.append(BadSeal(place, number, self._offset(at), seal.key))
        self._note_sealing(seal, number, place, verdict)

    def _verdict(self, seal: told.Seal) -> bool | None:
        if self._checker is None or seal.mac is None:
            return None
        return self._checker.check(seal.algorithm, seal.key, seal.data, seal.mac)

    def _note_sealing(self, seal: told.Seal, number: int, place: int, verdict: bool | None) -> None:
        """Also a code without its key's name is kept under a name, so that it is not taken for none."""
        sealings, key = self.found.sealings, seal.key or "?" if seal.mac is not None else ""
        if not sealings or (sealings[-1].algorithm, sealings[-1].key) != (seal.algorithm, key):
            if len(sealings) >= _KEPT:
                return
            sealings.append(Sealing(algorithm=seal.algorithm, key=key, line=place, seq=number, good=-1))
        sealings[-1].is_known |= verdict is not None
        if verdict:
            sealings[-1].good = number
