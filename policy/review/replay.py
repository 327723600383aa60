"""A whole log decided again: first proved with the policies that decided it, then decided with a new one."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from policy.engine import Policy
from policy.review.ages import Ages
from policy.review.columns import COLUMNS, DECIDED, LOGIN, UNDECIDED, Column, where
from policy.review.grouping import LABEL, Engine, Group, OnProgress
from policy.review.query import place
from policy.review.recorded import Finder
from policy.review.tally import CHAIN_LINES, LOST, OLDER, UNDECIDED_LINES, UNREADABLE, Report, Sum
from policy.review.weighing import Label, Weighed, Weigher, id_in

_CHAIN: Final = frozenset({"begin", "checkpoint", "end", "retired"})
#: What part of a log is read first, and from how many places on who asked is not read along.
_FIRST: Final = 0.05
_PLACES_AT_MOST: Final = 16
_KNOWN_AT_MOST: Final = 20_000


class Window(NamedTuple):
    """Records not before `since` and before `until`, as beginnings of times; empty where there is no such bound."""

    since: str = ""
    until: str = ""


ALWAYS: Final = Window()


def replay(
    files: Sequence[Path],
    new: Policy,
    finder: Finder,
    engine: Engine,
    *,
    window: Window = ALWAYS,
    progress: OnProgress | None = None,
) -> Report:
    """Decide all records of these files again.

    `ClaimsPolicyError` where a place of policies, or a file, cannot be read.
    """
    return _Replay(files, new, finder, engine, window, progress).run()


class _Replay:
    """The readings of a log: one of all of it, and others only of what changed, or depends on who asked and when."""

    def __init__(
        self,
        files: Sequence[Path],
        new: Policy,
        finder: Finder,
        engine: Engine,
        window: Window,
        progress: OnProgress | None,
    ) -> None:
        self._files, self._engine = files, engine
        self._window, self._progress = window, progress
        self._report: Final = Report(new.digest)
        self._weigher: Final = Weigher(new, finder)
        self._known: dict[str, Weighed] = {}
        self._places: set[str] = set()

    def run(self) -> Report:
        """Read the log as often as it takes. What changes in its first files tells where to look in the others."""
        first, rest = _parted(self._files)
        share = _size(first) / (_size(self._files) or 1)
        self._read(first, self._part(0, share))
        if rest:
            self._read(rest, self._part(share, 1))
        if self._weigher.apart:
            self._read_apart()
        self._report.notes = self._weigher.notes()
        return self._report

    def _part(self, start: float, end: float) -> OnProgress | None:
        progress = self._progress
        return progress and (lambda part: progress(start + part * (end - start)))

    def _groups(
        self, files: Sequence[Path], by: Sequence[str | Column], progress: OnProgress | None, **others: Any
    ) -> Iterator[Group]:
        since, until = self._window
        return self._engine.groups(files, by, since=since, until=until, progress=progress, **others)

    def _read(self, files: Sequence[Path], progress: OnProgress | None) -> None:
        """Read some files; who asked is read along where changes are known of, and afterwards where they are new."""
        who = where(COLUMNS["who"], sorted(self._places) if len(self._places) <= _PLACES_AT_MOST else ())
        numbers: dict[Label, str] = {}
        new: dict[str, str] = {}
        for group in self._groups(files, ["version", "kind", "timeless", who], progress, kinds=None):
            label, inputs = self._take(group), group.values[2] or ""
            if label is not None and group.values[3] is not None:
                self._see(label, id_in(group.values[3]), group.example)
            elif label is not None:
                new[inputs] = numbers.setdefault(label, str(len(numbers)))
                self._places.add(place(inputs))
        if new:
            labels = list(numbers)
            for group in self._groups(files, [LABEL, "who"], self._progress, labels=new):
                number, told = group.values
                self._see(labels[int(number or 0)], id_in(told), group.example)

    def _take(self, group: Group) -> Label | None:
        version, kind, inputs, _ = group.values
        if kind not in DECIDED:
            self._report.skipped[_word(version, kind)] += group.count
            return None
        weighed = self._known.get(inputs or "") or self._weigh(inputs or "")
        if weighed is None:
            self._report.skipped[UNREADABLE] += group.count
            return None
        self._report.records += group.count
        self._count(weighed, group)
        return weighed.label

    def _weigh(self, inputs: str) -> Weighed | None:
        """What comes of some inputs; they come again with everybody who asked so, and in other files."""
        weighed = self._weigher.weigh(inputs)
        if len(self._known) >= _KNOWN_AT_MOST:
            self._known.clear()
        if weighed is not None:
            self._known[inputs] = weighed
        return weighed

    def _count(self, weighed: Weighed, group: Group) -> None:
        record, judge, wrong, judgement = weighed
        if judge is None:
            self._report.unproved.setdefault(record["policy"], Sum()).add(group.count, group.example)
        elif wrong:
            self._report.disagreements += group.count
            for each in wrong:
                self._report.disagreeing.setdefault(each, Sum()).add(group.count, group.example)
        elif judgement is not None:
            self._report.proved += group.count
            self._report.add(record, judgement, group.count, group.example)

    def _read_apart(self) -> None:
        """Weigh the records of which it matters who asked, or when; other lines come as one group of nothing.

        Who asked is read along where it matters, and afterwards where something changes.
        """
        ages = self._weigher.ages()
        places: set[str] = set()
        for group, weighed in self._weighed_apart(ages, self._weigher.apart, self._weigher.apart - {LOGIN}):
            inputs, who, _ = group.values
            self._count(weighed, group)
            if (label := weighed.label) is not None and who is not None:
                self._see(label, id_in(who), group.example)
            elif label is not None:
                places.add(place(inputs or ""))
        self._report.give_up(UNREADABLE)  # what has not come out by now has a login that is no moment
        if places:
            texts = places if len(places) <= _PLACES_AT_MOST else self._weigher.apart
            for group, weighed in self._weighed_apart(ages, texts, texts):
                if (label := weighed.label) is not None and not weighed.needs_who:
                    self._see(label, id_in(group.values[1]), group.example)

    def _weighed_apart(
        self, ages: Ages, texts: Collection[str], who: Collection[str]
    ) -> Iterator[tuple[Group, Weighed]]:
        """The records in whose lines one of these texts stands, with who asked where another one stands."""
        timeless, told = where(COLUMNS["timeless"], sorted(texts)), where(COLUMNS["who"], sorted(who))
        known: dict[tuple[str | None, ...], Weighed | None] = {}
        for group in self._groups(self._files, [timeless, told, where(ages.column, sorted(texts))], self._progress):
            inputs, person, kind = group.values
            if (inputs, kind) not in known:
                known[inputs, kind] = self._weigher.weigh_apart(ages, inputs, None, kind)
            weighed = known[inputs, kind]
            if weighed is not None and weighed.needs_who:
                weighed = self._weigher.weigh_apart(ages, inputs, person, kind)
            if weighed is not None:
                yield group, weighed

    def _see(self, label: Label, subject: str | None, example: str) -> None:
        for key in label.keys:
            self._report.changes[key].see(label.issuer, None if label.alike else subject, example)


def _parted(files: Sequence[Path]) -> tuple[Sequence[Path], Sequence[Path]]:
    """So many of the first files that they are a small part of all; and the others."""
    enough = _size(files) * _FIRST
    for at in range(1, len(files)):
        if _size(files[:at]) >= enough:
            return files[:at], files[at:]
    return files, ()


def _size(files: Sequence[Path]) -> int:
    return sum(file.stat().st_size for file in files if file.exists())


def _word(version: str | None, kind: str | None) -> str:
    if kind == "lost":
        return LOST
    if kind in (*UNDECIDED, "surplus"):
        return UNDECIDED_LINES
    if kind in _CHAIN:
        return CHAIN_LINES
    return OLDER if version == "1" else UNREADABLE
