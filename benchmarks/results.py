"""All that one run measured, and the targets it is held against."""

import os
import platform
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, Literal, NamedTuple

from benchmarks.deciding import Row
from benchmarks.loading import Load
from benchmarks.ours import FROM_CLAIMS, SUBJECT_MADE
from benchmarks.tokens import Verification
from benchmarks.workloads import ROLES_OF_A

PACKAGES: Final = ("claims-policy", "PyJWT", "cryptography", "pydantic", "cedarpy", "pycasbin")


@dataclass(kw_only=True)
class Decided:
    """The rows of one workload."""

    workload: str
    rules: int
    requests: int
    rows: list[Row]

    def multiple(self, way: str) -> float | None:
        """How many times the floor's time a decision takes."""
        return ratio(self._both_us("floor", None), self._both_us("policy", way))

    def gain(self, way: str) -> float | None:
        """How many times faster than cedarpy a decision is."""
        return ratio(self._both_us("policy", way), self._both_us("cedarpy", None))

    def as_dict(self) -> dict[str, Any]:
        """Every round's time, and the medians."""
        rows = [
            {**asdict(row), "allow_us": row.allow_us, "deny_us": row.deny_us, "both_us": row.both_us}
            for row in self.rows
        ]
        return {"workload": self.workload, "rules": self.rules, "requests": self.requests, "rows": rows}

    def _both_us(self, engine: str, way: str | None) -> float | None:
        return next((row.both_us for row in self.rows if row.engine == engine and way in (None, row.way)), None)


@dataclass(kw_only=True)
class Results:
    """Everything measured; parts that were left out are empty."""

    decided: dict[str, Decided] = field(default_factory=dict)
    loads: list[Load] = field(default_factory=list)
    tokens: list[Verification] = field(default_factory=list)

    @property
    def wrong(self) -> bool:
        """Whether any engine gave a wrong answer."""
        return any(row.wrong for decided in self.decided.values() for row in decided.rows)

    def as_dict(self) -> dict[str, Any]:
        """The numbers as they were measured, and on what."""
        return {
            "machine": machine(),
            "decisions": {name: decided.as_dict() for name, decided in self.decided.items()},
            "loading": [each._asdict() for each in self.loads],
            "tokens": [each._asdict() for each in self.tokens],
            "targets": [{**each._asdict(), "met": each.met} for each in targets(self)],
        }


class Target(NamedTuple):
    """A bound on a number; `measured` is `None` where it was not."""

    what: str
    sign: Literal["<=", ">=", "<"]
    bound: float
    unit: str
    measured: float | None

    @property
    def met(self) -> bool | None:
        """Whether the number keeps to its bound."""
        if self.measured is None:
            return None
        if self.sign == ">=":
            return self.measured >= self.bound
        return self.measured < self.bound or (self.sign == "<=" and self.measured == self.bound)


def ratio(base: float | None, value: float | None) -> float | None:
    """The value as a multiple of the base, where both are known."""
    return None if base is None or value is None else value / base


def machine() -> dict[str, Any]:
    """What the numbers depend on besides the code."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return {
        "python": python,
        "system": platform.platform(),
        "cpus": os.cpu_count(),
        "load": os.getloadavg()[0],
        "versions": dict(_versions()),
    }


def _versions() -> Iterator[tuple[str, str]]:
    for name in PACKAGES:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue


def targets(results: Results) -> Iterable[Target]:
    """What the library sets itself, each with what was measured."""
    return (
        *_multiples(results),
        _growth(results),
        *_gains(results),
        *_loading(results.loads),
        *_tokens(results.tokens),
    )


def _tokens(verifications: Iterable[Verification]) -> Iterator[Target]:
    by_name = {each.algorithm: each for each in verifications}
    for name, bound in (("HS256", 0.30), ("RS256", 0.45)):
        found = by_name.get(name)
        yield Target(f"{name}: a new token", "<=", bound, "x PyJWT", found and found.ratio)
        yield Target(f"{name}: known again", "<=", 0.03, "x PyJWT", found and found.known_ratio)


def _multiples(results: Results) -> Iterator[Target]:
    for way, of_a, of_b in ((SUBJECT_MADE, 2.0, 1.0), (FROM_CLAIMS, 4.0, 2.5)):
        for name in (*ROLES_OF_A, "B"):
            decided = results.decided.get(name)
            measured = decided.multiple(way) if decided else None
            yield Target(f"{name}: {way}", "<=", of_b if name == "B" else of_a, "x floor", measured)


def _growth(results: Results) -> Target:
    small, large = (results.decided.get(name) for name in ("A-small", "A-large"))
    measured = ratio(small.multiple(SUBJECT_MADE), large.multiple(SUBJECT_MADE)) if small and large else None
    return Target(f"A-large: {SUBJECT_MADE}", "<=", 1.2, "x A-small's multiple", measured)


def _gains(results: Results) -> Iterator[Target]:
    for name in (*ROLES_OF_A, "B"):
        decided = results.decided.get(name)
        measured = decided.gain(SUBJECT_MADE) if decided else None
        yield Target(
            f"{name}: {SUBJECT_MADE}", ">=", 4.0 if name == "A-large" else 20.0, "x faster than cedarpy", measured
        )


def _loading(loads: Iterable[Load]) -> Iterator[Target]:
    by_name = {each.engine: each for each in loads}
    floor, ours = by_name.get("floor"), by_name.get("policy")
    yield Target("A-large: loading", "<=", 4.0, "x floor", ratio(floor and floor.ms, ours and ours.ms))
    yield Target("A-large: loading", "<", 80.0, "MiB", ours.mib if ours else None)
