"""What is measured: an engine, and the ways in which it can be asked."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks.workloads import Kind, Request, Workload


class Way(NamedTuple):
    """One way to ask a loaded engine.

    `prepare` turns a request into what the engine takes, beforehand and untimed; `answers` decides each of them in
    turn, and is both what is verified and what is timed. Where an engine is so slow that verifying every answer would
    take minutes, it is `slow` and has as many verified as a time allows.
    """

    name: str
    prepare: Callable[[Request], Any]
    answers: Callable[[Sequence[Any]], Iterator[Any]]
    slow: bool = False


class Engine(NamedTuple):
    """An engine: `write` puts a policy into a folder in the engine's own form, `load` makes it ready to decide."""

    name: str
    write: Callable[[Workload, Path], None]
    load: Callable[[Kind, Path], Sequence[Way]]


MODULES: Final = {
    "floor": "benchmarks.floor",
    "policy": "benchmarks.ours",
    "cedarpy": "benchmarks.peer_cedarpy",
    "pycasbin": "benchmarks.peer_pycasbin",
}
PEERS: Final = ("cedarpy", "casbin")


def find(name: str) -> Engine | None:
    """The engine of this name, or `None` where it is a peer that is not installed."""
    try:
        engine: Engine = import_module(MODULES[name]).ENGINE
    except ModuleNotFoundError as error:
        if error.name not in PEERS:
            raise
        return None
    return engine


def installed() -> Iterable[Engine]:
    """All engines but the peers that are not installed."""
    return [engine for engine in map(find, MODULES) if engine is not None]


def missing() -> Iterable[str]:
    """The peers that are not installed."""
    return [name for name in MODULES if find(name) is None]
