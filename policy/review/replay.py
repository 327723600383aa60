"""A whole log decided again: first proved with the policies that decided it, then decided with a new one."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from policy.engine import Policy
from policy.review.columns import COLUMNS, DECIDED, UNDECIDED, Column, where
from policy.review.grouping import LABEL, Engine, Group, OnProgress
from policy.review.judging import Decided, Judge, Judgement, Record, decided, disagreements
from policy.review.recorded import Finder
from policy.review.tally import CHAIN_LINES, OLDER, UNDECIDED_LINES, UNREADABLE, Key, Report, Sum, keys

_CHAIN: Final = frozenset({"begin", "checkpoint", "end", "retired", "surplus"})
#: What is written in place of an id that tells subjects apart no more.
_ALIKE: Final = frozenset({"masked", "dropped"})


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
    """The passes over a log: one over all of it, and others only where something changed, or depends on who asked."""

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
        self._apart: set[str] = set()
        self._labels: dict[_Label, str] = {}
        self._labelled: dict[str, str] = {}
        self._timed: dict[str, str] = {}

    def run(self) -> Report:
        """Read the log as often as it takes."""
        for group in self._groups(["version", "kind", "inputs", "login_now"], kinds=None):
            self._take(group)
        if self._apart:
            self._read_who()
        if self._labelled:
            self._count_subjects()
        if self._timed:
            self._count_timed_subjects()
        self._report.notes = tuple(_notes(self._judges.values()))
        return self._report

    def _groups(self, by: Sequence[str | Column], **others: Any) -> Iterator[Group]:
        since, until = self._window
        return self._engine.groups(self._files, by, since=since, until=until, progress=self._progress, **others)

    def _take(self, group: Group) -> None:
        version, kind, inputs, now = group.values
        if kind not in DECIDED:
            self._report.skipped[_word(version, kind)] += group.count
        elif (found := decided(inputs or "", now=now)) is None:
            self._report.skipped[UNREADABLE] += group.count
        else:
            self._report.records += group.count
            self._prove(found, group, inputs or "")

    def _prove(self, given: Decided, group: Group, inputs: str) -> None:
        judge = self._judge_of(given.record)
        if judge is None:
            self._report.unproved.setdefault(given.record["policy"], Sum()).add(group.count, group.example)
        elif found := list(disagreements(judge.old, given)):
            self._report.disagreements += group.count
            for each in found:
                self._report.disagreeing.setdefault(each, Sum()).add(group.count, group.example)
        else:
            self._report.proved += group.count
            self._judge(judge, given, group, inputs)

    def _judge_of(self, record: Record) -> Judge | None:
        digest = record["policy"]
        if digest not in self._judges and (old := self._finder.find(digest)) is not None:
            self._judges[digest] = Judge(old, self._new)
        return self._judges.get(digest)

    def _judge(self, judge: Judge, given: Decided, group: Group, inputs: str) -> None:
        """Judge proved records, unless it has to be known who asked."""
        if given.subject.issuer in judge.needs_who:
            self._apart.add(given.subject.issuer)
            return
        judgement = judge.judge(given)
        self._report.add(given.record, judgement, group.count, group.example)
        if judgement.changed and given.subject.auth_time is not None:
            self._timed[inputs] = ""
        elif judgement.changed:
            label = _label(given.record, judgement)
            self._labelled[inputs] = self._labels.setdefault(label, str(len(self._labels)))

    def _read_who(self) -> None:
        """Judge the records of issuers of which ids and clients matter; other lines come as one group of nothing."""
        issuers = [f'"subject":{{"issuer":{json.dumps(name)},' for name in self._apart]
        by = [where(COLUMNS[name], issuers) for name in ("inputs", "who", "login_now")]
        for group in self._groups(by):
            judge, given = self._proved(group)
            if judge is not None and given is not None and given.subject.issuer in judge.needs_who:
                judgement = judge.judge(given)
                self._report.add(given.record, judgement, group.count, group.example)
                self._see(_label(given.record, judgement), given.subject.id, group.example)

    def _proved(self, group: Group) -> tuple[Judge, Decided] | tuple[None, None]:
        inputs, who, now = group.values
        given = decided(inputs, who, now) if inputs else None
        judge = self._judge_of(given.record) if given is not None else None
        if given is None or judge is None or any(disagreements(judge.old, given)):
            return None, None
        return judge, given

    def _count_subjects(self) -> None:
        """Count the subjects of what changed, whenever they asked."""
        labels = list(self._labels)
        for group in self._groups([LABEL, "who"], labels=self._labelled):
            label, who = group.values
            self._see(labels[int(label or 0)], _id_in(who), group.example)

    def _count_timed_subjects(self) -> None:
        """Count the subjects of what changed for some moments, and perhaps not for others."""
        for group in self._groups(["inputs", "who", "login_now"], labels=self._timed):
            judge, given = self._proved(group)
            if judge is not None and given is not None:
                self._see(_label(given.record, judge.judge(given)), given.subject.id, group.example)

    def _see(self, label: _Label, subject: str | None, example: str) -> None:
        for key in label.keys:
            self._report.changes[key].see(label.issuer, None if label.alike else subject, example)


def _word(version: str | None, kind: str | None) -> str:
    if kind in UNDECIDED:
        return UNDECIDED_LINES
    if kind in _CHAIN:
        return CHAIN_LINES
    return OLDER if version == "1" else UNREADABLE


def _label(record: Record, judgement: Judgement) -> _Label:
    treated = record.get("treated", {}).get("subject.id")
    return _Label(tuple(keys(judgement)), record["subject"]["issuer"], treated in _ALIKE)


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
