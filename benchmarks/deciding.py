"""How long a decision takes: every engine's answers verified, then all timed in turn, round by round."""

import gc
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import compress
from pathlib import Path
from random import Random
from statistics import fmean, median
from tempfile import TemporaryDirectory
from time import perf_counter, perf_counter_ns
from typing import Any, Final

from benchmarks.engine import Engine, Way
from benchmarks.workloads import Workload


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How many rounds there are, how many seconds of them one engine gets for allows and for denies, and how many
    seconds verifying a slow engine may take."""

    rounds: int = 25
    slice_s: float = 0.03
    patience_s: float = 10.0


THOROUGH: Final = Effort()
QUICK: Final = Effort(rounds=5, slice_s=0.01, patience_s=0.5)


@dataclass(kw_only=True)
class Row:
    """What came of one way to ask: how many answers were verified and wrong, and microseconds, one for each round."""

    engine: str
    way: str
    verified: int = 0
    wrong: int = 0
    allows_us: list[float] = field(default_factory=list)
    denies_us: list[float] = field(default_factory=list)

    @property
    def allow_us(self) -> float | None:
        """The median of the rounds."""
        return median(self.allows_us) if self.allows_us else None

    @property
    def deny_us(self) -> float | None:
        """The median of the rounds."""
        return median(self.denies_us) if self.denies_us else None

    @property
    def both_us(self) -> float | None:
        """The mean of allow and deny."""
        return None if self.allow_us is None or self.deny_us is None else fmean((self.allow_us, self.deny_us))


@dataclass(kw_only=True)
class _Pool:
    """The prepared requests that are all allowed, or all denied, and the row's list of what they took."""

    way: Way
    items: Sequence[Any]
    size: int = 1
    start: int = 0
    times_us: list[float]

    def batch(self) -> Sequence[Any]:
        """The next of them, from the beginning again after the end."""
        found = self.items[self.start : self.start + self.size]
        self.start = (self.start + self.size) % len(self.items) if len(found) == self.size else 0
        return found


def measure(workload: Workload, engines: Iterable[Engine], effort: Effort) -> list[Row]:
    """One row for every way of every engine; only the ways without a wrong answer have times."""
    ways = [(engine.name, way) for engine in engines for way in _loaded(engine, workload)]
    found = [_verified(engine, way, workload, effort.patience_s) for engine, way in ways]
    pools = [pool for row, pools in found if not row.wrong for pool in pools]
    for pool in pools:
        pool.size = _size(pool, effort.slice_s)
    with _frozen():
        _rounds(pools, effort.rounds)
    return [row for row, _ in found]


def _loaded(engine: Engine, workload: Workload) -> Sequence[Way]:
    with TemporaryDirectory() as name:
        engine.write(workload, Path(name))
        return engine.load(workload.kind, Path(name))


def _verified(engine: str, way: Way, workload: Workload, patience_s: float) -> tuple[Row, Sequence[_Pool]]:
    items = [way.prepare(request) for request in workload.requests]
    expected = [request.allowed for request in workload.requests]
    row = Row(engine=engine, way=way.name)
    until = perf_counter() + patience_s
    for answer, right in zip(way.answers(items), expected, strict=True):
        row.verified += 1
        row.wrong += bool(answer) is not right
        if way.slow and perf_counter() > until:
            break
    allowed = list(compress(items, expected))
    denied = [item for item, right in zip(items, expected, strict=True) if not right]
    return row, (
        _Pool(way=way, items=allowed, times_us=row.allows_us),
        _Pool(way=way, items=denied, times_us=row.denies_us),
    )


def _size(pool: _Pool, slice_s: float) -> int:
    """How many decisions fill a slice of time, at most one for every request."""
    once = min(_time_us(pool.way, pool.items[:5]) for _ in range(2))
    return max(1, min(len(pool.items), int(slice_s * 1e6 / once)))


def _rounds(pools: Sequence[_Pool], rounds: int) -> None:
    """All in turn, in another order each round, lest one always find the caches as the same other left them."""
    random = Random(4)
    for _ in range(rounds):
        for pool in random.sample(pools, len(pools)):
            pool.times_us.append(_time_us(pool.way, pool.batch()))


def _time_us(way: Way, batch: Sequence[Any]) -> float:
    start = perf_counter_ns()
    deque(way.answers(batch), maxlen=0)
    return (perf_counter_ns() - start) / 1000 / len(batch)


@contextmanager
def _frozen() -> Iterator[None]:
    """What was loaded is out of the collector's sight, lest one engine's heap slow another's decisions."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
