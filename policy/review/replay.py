"""A whole log decided again: first proved with the policies that decided it, then decided with a new one."""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from policy.engine import Policy
from policy.review.ages import Ages
from policy.review.columns import COLUMNS, DECIDED, LOGIN, UNDECIDED, Column, where
from policy.review.grouping import LABEL, Engine, Group, OnProgress
from policy.review.judging import Decided, Disagreement, Judge, Judgement, Record, decided, disagreements
from policy.review.query import place
from policy.review.recorded import Finder
from policy.review.tally import CHAIN_LINES, OLDER, UNDECIDED_LINES, UNREADABLE, Key, Report, Sum, keys

_CHAIN: Final = frozenset({"begin", "checkpoint", "end", "retired", "surplus"})
#: What is written in place of an id that tells subjects apart no more.
_ALIKE: Final = frozenset({"masked", "dropped"})
#: What part of a log is read first, and from how many places on who asked is not read along.
_FIRST: Final = 0.05
_PLACES_AT_MOST: Final = 16
_KNOWN_AT_MOST: Final = 100_000


class Window(NamedTuple):
    """Records not before `since` and before `until`, as beginnings of times; empty where there is no such bound."""

    since: str = ""
    until: str = ""


ALWAYS: Final = Window()


class _Label(NamedTuple):
    """What the subjects of some changed records are counted for."""

    keys: tuple[Key, ...]
    issuer: str
    alike: bool


class _Weighed(NamedTuple):
    """What comes of some inputs. Without a judgement they are not proved, or it has to be known who asked and when."""

    record: Record
    judge: Judge | None = None
    wrong: tuple[Disagreement, ...] = ()
    judgement: Judgement | None = None

    @property
    def needs_who(self) -> bool:
        """Whether it matters who asked."""
        return self.judge is not None and self.record["subject"]["issuer"] in self.judge.needs_who

    @property
    def label(self) -> _Label | None:
        """For what its subjects are counted; `None` where nothing changes."""
        if self.judgement is None or not self.judgement.changed:
            return None
        treated = self.record.get("treated", {}).get("subject.id")
        return _Label(tuple(keys(self.judgement)), self.record["subject"]["issuer"], treated in _ALIKE)


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
        self._files, self._new, self._finder, self._engine = files, new, finder, engine
        self._window, self._progress = window, progress
        self._report: Final = Report(new.digest)
        self._judges: dict[str, Judge] = {}
        self._known: dict[str, _Weighed | None] = {}
        self._apart: set[str] = set()
        self._places: set[str] = set()

    def run(self) -> Report:
        """Read the log as often as it takes. What changes in its first files tells where to look in the others."""
        first, rest = _parted(self._files)
        share = _size(first) / (_size(self._files) or 1)
        self._read(first, self._part(0, share))
        if rest:
            self._read(rest, self._part(share, 1))
        if self._apart:
            self._read_apart()
        self._report.notes = tuple(_notes(self._judges.values()))
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
        numbers: dict[_Label, str] = {}
        new: dict[str, str] = {}
        for group in self._groups(files, ["version", "kind", "timeless", who], progress, kinds=None):
            label, inputs = self._take(group), group.values[2] or ""
            if label is not None and group.values[3] is not None:
                self._see(label, _id_in(group.values[3]), group.example)
            elif label is not None:
                new[inputs] = numbers.setdefault(label, str(len(numbers)))
                self._places.add(place(inputs))
        if new:
            labels = list(numbers)
            for group in self._groups(files, [LABEL, "who"], self._progress, labels=new):
                number, told = group.values
                self._see(labels[int(number or 0)], _id_in(told), group.example)

    def _take(self, group: Group) -> _Label | None:
        version, kind, inputs, who = group.values
        if kind not in DECIDED:
            self._report.skipped[_word(version, kind)] += group.count
            return None
        weighed = self._known.get(inputs or "") if who is not None else None
        if weighed is None:
            weighed = self._weigh(_given(inputs))
            self._keep(inputs or "", weighed, repeated=who is not None)
        if weighed is None:
            self._report.skipped[UNREADABLE] += group.count
            return None
        self._report.records += group.count
        self._count(weighed, group)
        return weighed.label

    def _keep(self, inputs: str, weighed: _Weighed | None, *, repeated: bool) -> None:
        """Inputs come again with everybody who asked so."""
        if len(self._known) >= _KNOWN_AT_MOST:
            self._known.clear()
        if repeated:
            self._known[inputs] = weighed

    def _weigh(self, given: Decided | None, *, knows_who: bool = False) -> _Weighed | None:
        if given is None:
            return None
        judge = self._judge_of(given.record)
        if judge is None:
            return _Weighed(given.record)
        if not knows_who and _is_apart(given, judge):
            self._apart.add(_apart_by(given, judge))
            return _Weighed(given.record, judge)
        wrong = tuple(disagreements(judge.old, given))
        return _Weighed(given.record, judge, wrong, None if wrong else judge.judge(given))

    def _judge_of(self, record: Record) -> Judge | None:
        digest = record["policy"]
        if digest not in self._judges and (old := self._finder.find(digest)) is not None:
            self._judges[digest] = Judge(old, self._new)
        return self._judges.get(digest)

    def _count(self, weighed: _Weighed, group: Group) -> None:
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
        ages = Ages([self._new, *(judge.old for judge in self._judges.values())])
        places: set[str] = set()
        for group, given, weighed in self._weighed_apart(ages, self._apart, self._apart - {LOGIN}):
            self._count(weighed, group)
            if (label := weighed.label) is not None and group.values[1] is not None:
                self._see(label, given.subject.id, group.example)
            elif label is not None:
                places.add(place(group.values[0] or ""))
        self._report.give_up(UNREADABLE)  # what has not come out by now has a login that is no moment
        if places:
            for group, given, weighed in self._weighed_apart(ages, places, places):
                if (label := weighed.label) is not None and not weighed.needs_who:
                    self._see(label, given.subject.id, group.example)

    def _weighed_apart(
        self, ages: Ages, texts: Collection[str], who: Collection[str]
    ) -> Iterator[tuple[Group, Decided, _Weighed]]:
        """The records in whose lines one of these texts stands, with who asked where another one stands."""
        by = [where(each, sorted(texts)) for each in (COLUMNS["timeless"], ages.column)]
        by.insert(1, where(COLUMNS["who"], sorted(who)))
        for group in self._groups(self._files, by, self._progress):
            inputs, told, kind = group.values
            age = None if kind is None else ages.one_of(kind)
            given = None if age is None and (inputs or "").endswith(LOGIN) else _given(inputs, told, age)
            judge = self._judge_of(given.record) if given is not None else None
            if given is not None and judge is not None and _is_apart(given, judge):
                weighed = self._weigh(given, knows_who=True)
                if weighed is not None:
                    yield group, given, weighed

    def _see(self, label: _Label, subject: str | None, example: str) -> None:
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


def _is_apart(given: Decided, judge: Judge) -> bool:
    """Whether it matters who asked, or when."""
    return given.subject.auth_time is not None or given.subject.issuer in judge.needs_who


def _given(inputs: str | None, who: str | None = None, age: float | None = None) -> Decided | None:
    """The record of these inputs, with a login so many seconds ago if they tell of one."""
    whole = inputs or ""
    return decided(f"{whole}0" if whole.endswith(LOGIN) else whole, who, None if age is None else repr(age))


def _apart_by(given: Decided, judge: Judge) -> str:
    """What stands in the lines of such records."""
    if given.subject.issuer in judge.needs_who:
        return f'"subject":{{"issuer":{json.dumps(given.subject.issuer)},'
    return LOGIN


def _word(version: str | None, kind: str | None) -> str:
    if kind in UNDECIDED:
        return UNDECIDED_LINES
    if kind in _CHAIN:
        return CHAIN_LINES
    return OLDER if version == "1" else UNREADABLE


def _id_in(who: str | None) -> str | None:
    """The subject's id at the end of a record."""
    try:
        found = json.loads("{" + (who or "")[:-1]).get("id")
    except ValueError:
        return None
    return found if isinstance(found, str) else None


#: What decides whether a token is accepted, and nothing that its subject may do.
_ACCEPTANCE: Final = (
    "audience", "audience_claim", "algorithms", "keys", "types", "required", "rejected", "in_name", "proof",
)  # fmt: skip


def _notes(judges: Iterable[Judge]) -> Iterator[str]:
    """What else differs, of which a log of decisions tells nothing."""
    found: dict[str, None] = {}
    for judge in judges:
        for name in sorted(judge.old.document.issuers.keys() & judge.new.document.issuers.keys()):
            old, new = judge.old.document.issuers[name], judge.new.document.issuers[name]
            if any(getattr(old, each) != getattr(new, each) for each in _ACCEPTANCE):
                found[f"issuer `{name}` has its tokens accepted by other rules, which is not looked at here"] = None
    yield from found
