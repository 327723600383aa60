"""What a chain's checkpoints say: with whose key they were made, whether they are good, and how far they cover it."""

from collections.abc import Iterator
from typing import Final

from policy.audit.verification.grouping import Group
from policy.audit.verification.report import Finding, Kind
from policy.audit.verification.scanned import Scan, Sealing


class Seals:
    """The checkpoints of one chain. `is_checked` where keys were given."""

    def __init__(self, group: Group, *, is_checked: bool) -> None:
        self._group: Final = group
        self._is_checked: Final = is_checked
        self._all: Final = [
            (scan, each) for scan in group.scans for each in scan.sealings if not _is_stray(group, scan, each.line)
        ]

    @property
    def keys(self) -> tuple[str, ...]:
        """Algorithm and name of each key that sealed."""
        return tuple(dict.fromkeys(f"{each.algorithm} {each.key}" for _, each in self._all if each.key))

    @property
    def covered(self) -> int:
        """The number of the last line that a good code covers; -1 where there is none."""
        return max((each.good for _, each in self._all), default=-1)

    def findings(self) -> Iterator[Finding]:
        """Codes that are wrong or cannot be checked, and where there are none any more."""
        for scan in self._group.scans:
            for bad in scan.bad_seals:
                if not _is_stray(self._group, scan, bad.line):
                    message = f"the code is not what the key {bad.key} makes of the line"
                    yield self._finding(Kind.MAC, message, scan, bad.line, bad.offset, bad.seq)
        sealed = False
        for scan, each in self._all:
            yield from self._of_sealing(scan, each, sealed=sealed)
            sealed |= bool(each.key)
        if self._is_checked and not self._all and self._group.order.path and not self._is_young_refused:
            message = "a key was given, and nothing in this chain is sealed"
            yield self._finding(Kind.UNSEALED, message, self._group.scans[-1])

    def _of_sealing(self, scan: Scan, each: Sealing, *, sealed: bool) -> Iterator[Finding]:
        if not each.key and (sealed or self._is_checked):
            message = "the checkpoint has no code" + (", and earlier ones of the chain have" if sealed else "")
            yield self._finding(Kind.UNSEALED, message, scan, each.line, None, each.seq)
        elif each.key and self._is_checked and not each.is_known:
            message = f"sealed with the key {each.algorithm} {each.key}, which is none of those given"
            yield self._finding(Kind.MAC, message, scan, each.line, None, each.seq)

    @property
    def _is_young_refused(self) -> bool:
        """Refused tokens of a writer that was killed are not brought in, so nobody seals what it left."""
        return self._group.is_refused and not any(scan.ended for scan in self._group.scans)

    def note(self) -> Finding | None:
        """What the last good code leaves open."""
        rest = self._group.last - self.covered
        if not self._is_checked or not (self.keys or self._is_young_refused) or rest <= 0:
            return None
        message = f"the last {rest} lines are not sealed yet" if rest > 1 else "the last line is not sealed yet"
        return self._finding(Kind.UNCOVERED, message, self._group.scans[-1], seq=self.covered + 1)

    def _finding(
        self, kind: Kind, message: str, scan: Scan, line: int = 0, offset: int | None = None, seq: int | None = None
    ) -> Finding:
        writer, stream = self._group.writer, self._group.stream
        return Finding(
            kind=kind, message=message, file=scan.name, line=line, offset=offset, seq=seq, writer=writer, stream=stream
        )


def _is_stray(group: Group, scan: Scan, line: int) -> bool:
    strays = group.order.strays
    return any(group.scans[run.home] is scan and run.line <= line <= run.last_line for run in strays)
