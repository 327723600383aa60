"""What loading costs: milliseconds and memory, each time in a process of its own that has imported the engine already.

As a program, `python -m benchmarks.loading ENGINE KIND FOLDER` loads once and prints what it took as JSON.
"""

import gc
import json
import resource
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final, NamedTuple

from benchmarks.engine import Engine, find
from benchmarks.workloads import Kind, Workload

KINDS: Final[dict[str, Kind]] = {"A": "A", "B": "B"}
ROOT: Final = Path(__file__).parents[1]


class Load(NamedTuple):
    """Medians of some processes; `mib` is the memory still held once everything is loaded and garbage is collected."""

    engine: str
    ms: float
    mib: float


def measure(workload: Workload, engines: Iterable[Engine], runs: int) -> list[Load]:
    """Every engine loads the workload's policy so often; the engines take turns."""
    with TemporaryDirectory() as name:
        folders = {engine.name: Path(name) / engine.name for engine in engines}
        for engine in engines:
            folders[engine.name].mkdir()
            engine.write(workload, folders[engine.name])
        found = [_in_process(name, workload.kind, folder) for _ in range(runs) for name, folder in folders.items()]
    return [_middle([each for each in found if each.engine == engine.name]) for engine in engines]


def _middle(loads: list[Load]) -> Load:
    return Load(loads[0].engine, median(each.ms for each in loads), median(each.mib for each in loads))


def _in_process(engine: str, kind: Kind, folder: Path) -> Load:
    command = [sys.executable, "-m", "benchmarks.loading", engine, kind, str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return Load(engine, *json.loads(done.stdout))


def once(name: str, kind: Kind, folder: Path) -> tuple[float, float]:
    """Milliseconds and MiB of one load in this process."""
    engine = find(name)
    assert engine is not None, f"{name} is not installed"
    gc.collect()
    before = _resident_mib()
    start = perf_counter()
    ways = engine.load(kind, folder)
    ms = (perf_counter() - start) * 1000
    gc.collect()
    mib = _resident_mib() - before
    assert ways
    return ms, mib


def _resident_mib() -> float:
    """Memory in use now; where there is no `/proc`, the most that ever was."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * resource.getpagesize() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


if __name__ == "__main__":
    _, _engine, _kind, _folder = sys.argv
    print(json.dumps(once(_engine, KINDS[_kind], Path(_folder))))
