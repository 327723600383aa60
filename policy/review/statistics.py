"""Who was refused what, by reason and over time: a log counted, by one or two questions to an engine."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from policy.review.columns import DECIDED, UNDECIDED, Column
from policy.review.dimensions import COUNTS, DIMENSIONS, OUTCOME, SAID, Said, counts, denied, parted, said, said_of
from policy.review.grouping import Engine, Group, OnProgress

#: What becomes of a request, in the order in which it is told. `surplus` are refused tokens without a record.
OUTCOMES: Final = ("allowed", "denied", "refused", "surplus", "fault")
#: By what rows are made in the first question already.
AT_ONCE: Final = ("reason", "permission", "route", "kind")
#: Records of `authz.can`, which asks and refuses nobody.
PROBE: Final = "probe"
_ANSWERED: Final = tuple(kind for kind in DECIDED if kind != PROBE)
_WITH_ANSWERS: Final = (*DECIDED, *UNDECIDED)
_CHAIN: Final = frozenset({"begin", "checkpoint", "end", "retired"})
#: Rows of one kind beyond these are counted together: nobody reads them, and they take memory.
_ROWS_AT_MOST: Final = 20_000
OTHERS: Final = "(others)"

Causes = tuple[tuple[str, int], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """How often something occurred, by outcome; `causes` are why it was not allowed, the most frequent first."""

    name: str
    counts: Mapping[str, int]
    causes: Causes = ()

    @property
    def against(self) -> int:
        """How often it was not allowed."""
        return sum(self.counts.values()) - self.counts.get("allowed", 0)

    def as_dict(self) -> dict[str, Any]:
        """The row as JSON values."""
        return {"name": self.name, **{each: self.counts.get(each, 0) for each in OUTCOMES}, "causes": dict(self.causes)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Statistics:
    """A log counted. `first` and `last` are times of records, empty where there is none.

    `by_time` has the outcomes by hour, or by `minute` where the log is short; `rows` has the rows by what they are of.
    `probes` were asked beside, `lost` are decisions that have no record, as the log itself tells, and `unread` are
    lines that are no records, or of another version.
    """

    first: str
    last: str
    totals: Mapping[str, int]
    probes: int
    lost: int
    unread: int
    by_time: Mapping[str, Mapping[str, int]]
    rows: Mapping[str, tuple[Row, ...]]
    cells: Mapping[tuple[str, str], int]


@dataclass(slots=True)
class _Counting:
    """What is known so far; one row is a counter by outcome, and one by cause."""

    rows: dict[str, dict[str, Counter[str]]] = field(default_factory=dict)
    causes: dict[str, dict[str, Counter[str]]] = field(default_factory=dict)
    totals: Counter[str] = field(default_factory=Counter)
    by_time: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    cells: Counter[tuple[str, str]] = field(default_factory=Counter)
    times: list[str] = field(default_factory=list)
    probes: int = 0
    lost: int = 0
    unread: int = 0

    def add(self, by: str, name: str, outcome: str, count: int, cause: str = "") -> None:
        rows = self.rows.setdefault(by, {})
        name = name if name in rows or len(rows) < _ROWS_AT_MOST else OTHERS
        rows.setdefault(name, Counter())[outcome] += count
        if cause:
            self.causes.setdefault(by, {}).setdefault(name, Counter())[cause] += count

    def rows_by(self, by: str) -> tuple[Row, ...]:
        causes = self.causes.get(by, {})
        found = (
            Row(name=name, counts=dict(row), causes=_ranked(causes.get(name, Counter())))
            for name, row in self.rows.get(by, {}).items()
        )
        return tuple(sorted(found, key=lambda row: (-row.against, -sum(row.counts.values()), row.name)))


def _ranked(found: Counter[str]) -> Causes:
    return tuple(sorted(found.items(), key=lambda each: (-each[1], each[0])))


def measured(
    engine: Engine, files: Sequence[Path], *, since: str = "", until: str = "", progress: OnProgress | None = None
) -> Statistics:
    """Count everything that one question answers."""
    by: list[str | Column] = ["kind", "hour", SAID, COUNTS]
    found = _Counting()
    for group in engine.groups(files, by, kinds=None, since=since, until=until, progress=progress):
        _count(found, group)
    times = [time for time in found.times if time]
    return Statistics(
        first=min(times, default=""),
        last=max(times, default=""),
        totals={each: found.totals[each] for each in OUTCOMES},
        probes=found.probes,
        lost=found.lost,
        unread=found.unread,
        by_time={time: dict(row) for time, row in sorted(found.by_time.items())},
        rows={by: found.rows_by(by) for by in AT_ONCE},
        cells=dict(found.cells),
    )


def by_minute(engine: Engine, files: Sequence[Path], *, since: str = "", until: str = "") -> Mapping[str, Counter[str]]:
    """The outcomes of each minute, for a log that is short."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    by: list[str | Column] = ["kind", OUTCOME, "minute", COUNTS]
    for group in engine.groups(files, by, kinds=None, since=since, until=until):
        kind, outcome, minute, told = group.values
        if minute is not None and kind not in _CHAIN and kind != PROBE:
            for name, count in _outcomes(kind, outcome, told, group.count):
                found[minute][name] += count
    return found


def _outcomes(kind: str | None, outcome: str | None, told: str | None, count: int) -> Iterator[tuple[str, int]]:
    if kind == "surplus":
        yield "surplus", count * sum(counts(told).values())
    elif kind in ("refused", "fault"):
        yield kind, count
    elif kind in _ANSWERED:
        yield ("allowed" if outcome == "allow" else "denied"), count


def _count(found: _Counting, group: Group) -> None:
    kind, hour, text, told = group.values
    if kind in _CHAIN:
        return
    answer = said(text) if text is not None else None
    if kind is None or (answer is None and kind in _WITH_ANSWERS):
        found.unread += group.count
        return
    found.times += [min([group.first, *found.times]), max([group.last, *found.times])]
    del found.times[:-2]
    if kind == PROBE:
        found.probes += group.count
        return
    for name, count in _outcomes(kind, answer.outcome if answer else None, told, group.count):
        found.totals[name] += count
        found.by_time[hour or ""][name] += count
        found.add("kind", kind, name, count)
        if answer is not None:
            _count_answer(found, name, answer, count)
    if kind == "lost" and told is not None and told.isdecimal():
        found.lost += group.count * int(told)
    elif kind == "surplus":
        for cause, count in counts(told).items():
            found.add("reason", cause, "surplus", group.count * count)


def _count_answer(found: _Counting, name: str, answer: Said, count: int) -> None:
    """What was allowed has no cause, and is no reason among those for which something was not."""
    cause = "" if name == "allowed" else answer.reason
    found.add("route", answer.route, name, count, cause)
    if cause:
        found.add("reason", cause, name, count)
        found.cells[answer.route, cause] += count
    for permission, allowed, why in answer.verdicts:
        found.add("permission", permission, "allowed" if allowed else "denied", count, "" if allowed else why)


def ranked(
    engine: Engine,
    files: Sequence[Path],
    by: str,
    *,
    most: int,
    since: str = "",
    until: str = "",
    progress: OnProgress | None = None,
) -> tuple[Row, ...]:
    """The rows of what was denied most often: subjects, clients and whatever else there may be any number of.

    Two questions: which ones those are, and what became of them. Memory depends on `most` alone.
    """
    dimension = DIMENSIONS[by]
    groups = engine.groups(
        files, [denied(dimension.column)], kinds=_ANSWERED, since=since, until=until,
        progress=progress and (lambda part: progress(part / 2)),
    )  # fmt: skip
    those = (group for group in groups if group.values[0] is not None)
    worst = heapq.nsmallest(most, those, key=lambda group: (-group.count, str(group.values[0])))
    wanted = dimension.shown([value for (value,), *_ in worst if value is not None])
    if not wanted:
        return ()
    found = _Counting()
    column = said_of(dimension.column, sorted(wanted))
    for group in engine.groups(
        files, [column], kinds=_ANSWERED, since=since, until=until,
        progress=progress and (lambda part: progress((1 + part) / 2)),
    ):  # fmt: skip
        value, answer = parted(group.values[0] or "")
        if value in wanted and answer is not None:
            cause = "" if answer.outcome == "allow" else _cause(answer)
            found.add(by, wanted[value], "denied" if cause else "allowed", group.count, cause)
    return found.rows_by(by)


def _cause(answer: Said) -> str:
    """The reason with the permissions that were refused for it."""
    refused = [permission for permission, allowed, why in answer.verdicts if not allowed and why == answer.reason]
    return f"{answer.reason} {', '.join(refused)}".strip()
