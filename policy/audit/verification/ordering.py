"""From the runs of a chain's files to the order that their numbers and hashes prove, and what has no place in it."""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from policy.audit.verification.scanned import Run

#: Above this, which of some runs are out of place is not worked out to the fewest.
_FEW: Final = 1000


@dataclass(kw_only=True, slots=True)
class Thread:
    """Runs of which each names the hash of the one before it, in this order."""

    runs: list[Run] = field(default_factory=list)

    @property
    def first(self) -> int:
        """The number of its first line."""
        return self.runs[0].first

    @property
    def last(self) -> int:
        """The number of its last line."""
        return self.runs[-1].last

    @property
    def count(self) -> int:
        """How many lines."""
        return self.last - self.first + 1

    @property
    def place(self) -> tuple[int, int]:
        """Where most of it stands."""
        return _place(max(self.runs, key=lambda run: run.count))


@dataclass(kw_only=True, slots=True)
class Arrangement:
    """`path` is the chain as far as it can be shown, by number; `strays` have no place in it."""

    path: list[Thread]
    strays: list[Run]

    def put_aside(self, thread: Thread) -> None:
        """It has no place after all."""
        self.path.remove(thread)
        self.strays.extend(thread.runs)


def arrange(runs: Sequence[Run]) -> Arrangement:
    """Of several threads that claim the same numbers, the longest has them."""
    path: list[Thread] = []
    strays: list[Run] = []
    for thread in sorted(_threads(runs), key=lambda each: (-each.count, _place(each.runs[0]))):
        if _fits(thread, path):
            path.append(thread)
            path.sort(key=lambda each: each.first)
        else:
            strays.extend(thread.runs)
    return Arrangement(path=path, strays=strays)


def _threads(runs: Sequence[Run]) -> list[Thread]:
    """By their numbers, so a thread is as long as it can be when its next run is looked for."""
    made: list[Thread] = []
    ends: dict[tuple[int, str], list[Thread]] = defaultdict(list)
    for run in sorted(runs, key=lambda each: (each.first, _place(each))):
        waiting = ends.get((run.first - 1, run.prev))
        if waiting:
            thread = max(waiting, key=lambda each: each.count)
            waiting.remove(thread)
        else:
            thread = Thread()
            made.append(thread)
        thread.runs.append(run)
        ends[run.last, run.head].append(thread)
    return made


def _fits(thread: Thread, path: list[Thread]) -> bool:
    """Neither are its numbers taken, nor does it stand before a lower one or behind a higher one."""
    for other in path:
        if thread.first <= other.last and other.first <= thread.last:
            return False
        if (thread.first < other.first) != (thread.place < other.place):
            return False
    return True


def displaced(thread: Thread) -> list[int]:
    """Which runs of a thread are out of place: the fewest lines without which the others are in order."""
    places = [_place(run) for run in thread.runs]
    if all(before < after for before, after in itertools.pairwise(places)):
        return []
    if len(places) > _FEW:
        return [at for at in range(1, len(places)) if places[at] < places[at - 1]]
    kept = set(_heaviest_rising(places, [run.count for run in thread.runs]))
    return [at for at in range(len(places)) if at not in kept]


def _heaviest_rising(places: Sequence[tuple[int, int]], weights: Sequence[int]) -> Iterable[int]:
    best: list[int] = []
    before: list[int] = []
    for at, place in enumerate(places):
        lower = [other for other in range(at) if places[other] < place]
        found = max(lower, key=lambda other: best[other], default=-1)
        before.append(found)
        best.append(weights[at] + (best[found] if found >= 0 else 0))
    at = max(range(len(best)), key=lambda other: best[other])
    while at >= 0:
        yield at
        at = before[at]


def _place(run: Run) -> tuple[int, int]:
    return run.home, run.line
