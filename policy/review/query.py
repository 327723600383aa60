"""A question to a whole log: its lines reduced to groups by some of their columns."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from policy.review.columns import COLUMNS, DECIDED, Column, columns, quoted, source, text

#: Called with the part that is done, from 0 to 1.
OnProgress = Callable[[float], None]
#: The column that tells the label of a line's inputs, where a question has labels.
LABEL: Final = "label"
_FEW: Final = 16


class Group(NamedTuple):
    """The lines that have the same values in the columns asked for.

    `first` and `last` are the earliest and the latest time; `example` is the smallest id. Both are empty where no line
    of the group has any.
    """

    values: tuple[str | None, ...]
    count: int  # type: ignore[assignment]  # a tuple's own `count` is not missed
    first: str
    last: str
    example: str


class Engine(Protocol):
    """What reduces a log. All engines give the same groups, each of them once, in whatever order."""

    @property
    def name(self) -> str:
        """The word by which the engine is asked for."""

    def groups(
        self,
        files: Sequence[Path],
        by: Sequence[str | Column],
        *,
        kinds: Collection[str] | None = DECIDED,
        since: str = "",
        until: str = "",
        containing: Sequence[str] = (),
        labels: Mapping[str, str] | None = None,
        progress: OnProgress | None = None,
    ) -> Iterator[Group]:
        """The groups of the lines of these files; empty lines are nothing.

        Only lines of these kinds (`None`: any line at all), not before `since`, before `until` (beginnings of times as
        the log has them), and in which all texts of `containing` stand. With `labels`, only lines whose inputs have
        one, and `"label"` is a column too. A line with bytes that are not UTF-8 is no record, and may be left out.
        """


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """What is asked, as every engine takes it."""

    by: tuple[Column, ...]
    kinds: tuple[str, ...] | None = DECIDED
    since: str = ""
    until: str = ""
    containing: tuple[str, ...] = ()
    label: Column | None = None
    asked: tuple[str, ...] = ()

    def sql(self, lines: str, labels: str = "") -> str:
        """The whole question; `lines` is what has the column `line`, `labels` what has `inputs` and `label`."""
        names = [LABEL if each.name == LABEL else f"value_{at}" for at, each in enumerate(self.by)]
        taken = [f"{each.sql} as {name}" for each, name in zip(self.by, names, strict=True) if name != LABEL]
        taken += [f"{COLUMNS['time'].sql} as moment", f"{COLUMNS['id'].sql} as id"]
        taken += ["inputs as labelled"] if labels else []
        inner = f"select {', '.join(taken)} from {source(lines)} where {' and '.join(self._conditions())}"  # noqa: S608
        sums = "count(*), coalesce(min(moment), ''), coalesce(max(moment), ''), coalesce(min(id), '')"
        join = f" join {labels} on labelled = labels_of" if labels else ""
        grouped = f"group by {', '.join(names)}" if names else "having count(*) > 0"
        return f"select {', '.join((*names, sums))} from ({inner}) as taken{join} {grouped}"  # noqa: S608

    def _conditions(self) -> list[str]:
        """What holds of the lines that count."""
        time = COLUMNS["time"].sql
        found = ["1 = 1"]
        if self.kinds is not None:
            found.append(f"({COLUMNS['kind'].sql}) in ({', '.join(map(quoted, self.kinds or ('',)))})")
        found += [f"({time}) >= {quoted(self.since)}"] if self.since else []
        found += [f"({time}) < {quoted(self.until)}"] if self.until else []
        if self.asked:
            found.append(f"({' or '.join(f'contains(line, {quoted(text)})' for text in self.asked)})")
        return found + [f"contains(line, {quoted(text)})" for text in self.containing]

    def takes(self, line: bytes) -> bool:
        """Whether a line counts."""
        if self.kinds is not None and text(COLUMNS["kind"].read(line)) not in self.kinds:
            return False
        if (self.since or self.until) and not self._is_in_time(text(COLUMNS["time"].read(line))):
            return False
        if self.label is not None and self.label.read(line) is None:
            return False
        return bool(line) and all(each.encode() in line for each in self.containing)

    def _is_in_time(self, time: str | None) -> bool:
        return time is not None and self.since <= time and (not self.until or time < self.until)

    def values(self, line: bytes) -> tuple[str | None, ...]:
        """What the line has in the columns."""
        return tuple(text(each.read(line)) for each in self.by)


def _labels(labels: Mapping[str, str]) -> Column:
    def read(line: bytes) -> bytes | None:
        inputs = text(COLUMNS["inputs"].read(line))
        label = None if inputs is None else labels.get(inputs)
        return None if label is None else label.encode()

    return Column(LABEL, LABEL, read)


def place(inputs: str) -> str:
    """The method and the route with which inputs begin."""
    return inputs.partition(',"outcome":')[0]


def _asked(labels: Mapping[str, str]) -> tuple[str, ...]:
    """The methods and routes in labelled inputs, if they are few: other lines then need not be looked at closely."""
    found = set(map(place, labels))
    return tuple(sorted(found)) if len(found) <= _FEW else ()


def query(
    by: Sequence[str | Column],
    kinds: Collection[str] | None,
    since: str,
    until: str,
    containing: Sequence[str],
    labels: Mapping[str, str] | None,
) -> Query:
    """The question as one value."""
    label = _labels(labels or {})
    return Query(
        by=columns([label if each == LABEL else each for each in by]),
        kinds=None if kinds is None else tuple(kinds),
        since=since,
        until=until,
        containing=tuple(containing),
        label=None if labels is None else label,
        asked=_asked(labels or {}),
    )
