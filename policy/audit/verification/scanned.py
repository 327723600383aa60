"""What is kept of a file that was read: how its lines follow each other, and what the chain's own lines tell."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from policy.audit.verification import told


class Job(NamedTuple):
    """What to read: a file with its size on disk, how much of its content was accepted, which heads are asked for.

    Runs end with lines of the numbers in `splits`, whatever follows.
    """

    file: Path
    size: int
    accepted: int | None = None
    wanted: frozenset[int] = frozenset()
    splits: frozenset[int] = frozenset()


@dataclass(kw_only=True, slots=True)
class Run:
    """Lines of a file that follow each other; `head` is the hash of the last one.

    `is_beyond` where they stand behind what the next file tells was accepted. `home` is the place of their file.
    """

    line: int
    offset: int
    first: int
    prev: str
    first_hash: str
    last: int = 0
    head: str = ""
    is_beyond: bool = False
    home: int = 0

    @property
    def count(self) -> int:
        """How many lines."""
        return self.last - self.first + 1

    @property
    def last_line(self) -> int:
        """Where the last line stands."""
        return self.line + self.count - 1


@dataclass(kw_only=True, slots=True)
class Stretch:
    """Lines that follow each other and are none of a chain's."""

    line: int
    offset: int
    count: int = 1
    is_beyond: bool = False


@dataclass(kw_only=True, slots=True)
class Sealing:
    """Checkpoints in a row with the same key, or with none (`key` empty): where the first and the last good one are."""

    algorithm: str
    key: str
    line: int
    seq: int
    good: int
    is_known: bool = False


class BadSeal(NamedTuple):
    """A code that is not that of its line."""

    line: int
    seq: int
    offset: int
    key: str


@dataclass(kw_only=True, slots=True)
class Scan:
    """All that is kept of a file that was read."""

    file: Path
    size: int
    length: int = 0
    lines: int = 0
    records: int = 0
    begin: told.Begin | None = None
    runs: list[Run] = field(default_factory=list)
    stretches: list[Stretch] = field(default_factory=list)
    unread_breaks: int = 0
    inner_begins: list[tuple[int, int]] = field(default_factory=list)
    owner: tuple[str, str] | None = None
    strangers: list[tuple[int, int, str]] = field(default_factory=list)
    sealings: list[Sealing] = field(default_factory=list)
    bad_seals: list[BadSeal] = field(default_factory=list)
    ended: tuple[int, int] | None = None
    retired: list[told.Retired] = field(default_factory=list)
    heads: dict[int, set[str]] = field(default_factory=dict)
    last_time: str = ""
    ends_in_record: bool = True
    torn: int = 0
    torn_at: int = 0
    damaged: str = ""
    is_gone: bool = False

    @property
    def name(self) -> str:
        """Of the file."""
        return self.file.name

    @property
    def left_over(self) -> int:
        """Lines that go on behind what was accepted, as a writer leaves them that could not be sure of them."""
        own = [run for run in self.runs if not run.is_beyond]
        beyond = [run for run in self.runs if run.is_beyond]
        goes_on = len(beyond) == 1 and own and (beyond[0].first, beyond[0].prev) == (own[-1].last + 1, own[-1].head)
        return beyond[0].count if goes_on and not any(each.is_beyond for each in self.stretches) else 0
