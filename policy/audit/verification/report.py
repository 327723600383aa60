"""What comes of verifying a log."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What a finding or a note is about."""

    CHANGED = "changed"
    GAP = "gap"
    REORDER = "reorder"
    DUPLICATE = "duplicate"
    FOREIGN = "foreign"
    CUT = "cut"
    MISSING = "missing"
    SWAPPED = "swapped"
    DAMAGED = "damaged"
    MAC = "mac"
    UNSEALED = "unsealed"
    UNCHAINED = "unchained"
    # notes
    OPEN = "open"
    TORN = "torn"
    UNACCEPTED = "unaccepted"
    UNCOVERED = "uncovered"
    UNCHECKED = "unchecked"
    RETIRED = "retired"
    LIMITED = "limited"
    UNRECOVERED = "unrecovered"
    RENAMED = "renamed"
    TWICE = "twice"
    EMPTY = "empty"
    ALONE = "alone"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that was seen, and where: `line` counts from 1, `offset` in bytes of the uncompressed file from 0.

    `line` is 0 and `offset` and `seq` are `None` where a whole file or chain is meant.
    """

    kind: Kind
    message: str
    file: str = ""
    line: int = 0
    offset: int | None = None
    seq: int | None = None
    writer: str = ""
    stream: str = ""

    def __str__(self) -> str:
        where = ", ".join(part for part in (self.file, f"line {self.line}" if self.line else "") if part)
        seq = "" if self.seq is None else f" (seq {self.seq})"
        return f"{where}{seq}: {self.kind}: {self.message}" if where else f"{self.kind}: {self.message}"

    def as_dict(self) -> dict[str, Any]:
        """The members, for JSON."""
        return {**asdict(self), "kind": str(self.kind)}


@dataclass(frozen=True, kw_only=True, slots=True)
class ChainReport:
    """One writer's lines of one stream. `records` leaves out the chain's own lines; times are as written, or empty.

    `sealed_by` names the keys of its checkpoints, `checked` tells whether all of them are good with the keys given,
    and `covered` how many of its lines stand before the last good one.
    """

    writer: str
    stream: str
    files: tuple[str, ...]
    lines: int
    records: int
    first_time: str
    last_time: str
    first_seq: int
    last_seq: int
    head: str
    ended: bool
    sealed_by: tuple[str, ...]
    checked: bool
    covered: int

    def as_dict(self) -> dict[str, Any]:
        """The members, for JSON."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """All that was seen. The log is whole, as far as can be shown, if there are no findings.

    Findings are in the order of files and lines; `unlisted` counts those beyond what is listed.
    """

    chains: tuple[ChainReport, ...]
    findings: tuple[Finding, ...]
    notes: tuple[Finding, ...]
    files: int
    lines: int
    records: int
    size: int
    unlisted: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def as_dict(self) -> dict[str, Any]:
        """The members, for JSON."""
        return {
            "whole": self.is_whole,
            "chains": [each.as_dict() for each in self.chains],
            "findings": [each.as_dict() for each in self.findings],
            "unlisted": self.unlisted,
            "notes": [each.as_dict() for each in self.notes],
            "files": self.files,
            "lines": self.lines,
            "records": self.records,
            "bytes": self.size,
        }
