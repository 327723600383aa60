"""Real requests to real workers that are killed at random moments; then the log is held against the answers."""

import contextlib
import http.client
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from policy.audit import AuditLog, records
from policy.audit.verifying import verify
from policy.audit.waiting import spools
from tests.issuing import VIEWER, bearer, write_policy

CALLERS: Final = 4
PATIENCE: Final = 120.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What a run showed: requests by what came of them, and what the log has of those that were answered."""

    kills: int
    answered: int
    cut: int
    missing: int
    twice: int
    torn: int
    files: int
    findings: tuple[str, ...]
    seconds: float


class Connection(http.client.HTTPConnection):
    """HTTP over a socket in the file system."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=30)
        self._path = path

    def connect(self) -> None:
        """Connect to the path."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        try:
            self.sock.connect(self._path)
        except OSError:
            self.close()
            raise


class Callers:
    """Threads that ask all the time, each request by an id of its own, and note which were answered."""

    def __init__(self, address: str) -> None:
        self._address, self._headers = address, bearer(**VIEWER)
        self._stop = threading.Event()
        self.answered: set[str] = set()
        self.refused: Counter[int] = Counter()
        self.cut = 0
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(CALLERS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let all of them come to an end."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, caller: int) -> None:
        number, connection = 0, Connection(self._address)
        while not self._stop.is_set():
            number += 1
            name = f"{caller}-{number}"
            try:
                connection.request("GET", "/data", headers={**self._headers, "X-Request-ID": name})
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException):
                self.cut += 1
                connection.close()
                self._stop.wait(0.005)
            else:
                if answer.status == 200:
                    self.answered.add(name)
                else:
                    self.refused[answer.status] += 1
        connection.close()


def run(root: Path, *, durability: str, kills: int, workers: int = 1, seed: int = 0) -> Seen:
    """Kill a worker so many times while it answers; `seed` gives the same moments again."""
    write_policy(root / "policies")
    began, moments = time.monotonic(), random.Random(seed)
    with _served(root, durability, workers) as arbiter:
        callers = Callers(f"{root}/socket")
        try:
            for _ in range(kills):
                _kill_one(arbiter, callers, moments)
            _until(lambda: len(callers.answered) > 20)
        finally:
            callers.stop()
    assert not callers.refused, callers.refused
    return _compared(root, callers, kills, time.monotonic() - began)


def _compared(root: Path, callers: Callers, kills: int, seconds: float) -> Seen:
    """The next writer brings in what the last ones left; then the log has to have everything."""
    with AuditLog(root / "audit") as log:
        log.write('{"v":2,"kind":"probe","id":"the next writer"}')
    assert not spools(root / "audit")
    found = Counter(record.get("request_id") for record in records(root / "audit"))
    return Seen(
        kills=kills,
        answered=len(callers.answered),
        cut=callers.cut,
        missing=len(callers.answered - found.keys()),
        twice=sum(1 for name, count in found.items() if name and count > 1),
        torn=len(list((root / "audit").glob("*.torn"))),
        files=len(list((root / "audit").glob("*.jsonl"))),
        findings=tuple(str(finding) for finding in verify(root / "audit").findings),
        seconds=seconds,
    )


def _kill_one(arbiter: int, callers: Callers, moments: random.Random) -> None:
    """At a random moment after a worker has answered again."""
    before = len(callers.answered)
    _until(lambda: len(callers.answered) > before + 5)
    threading.Event().wait(moments.uniform(0, 0.08))
    children = _children(arbiter)
    if children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(moments.choice(children), signal.SIGKILL)


def _children(process: int) -> list[int]:
    text = Path(f"/proc/{process}/task/{process}/children").read_text("ascii")
    return sorted(map(int, text.split()))


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "the workers do not answer"
        threading.Event().wait(0.002)


@contextlib.contextmanager
def _served(root: Path, durability: str, workers: int) -> Iterator[int]:
    """gunicorn over a socket in the folder; forked workers, so that a new one is there at once."""
    command = [
        sys.executable, "-m", "gunicorn", "--preload", "--workers", str(workers), "--worker-class", "gthread",
        "--threads", "8", "--bind", f"unix:{root}/socket", "--log-level", "warning",
        f"tests.kills.service:create_app({str(root)!r}, {durability!r})",
    ]  # fmt: skip
    with (root / "server.log").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=Path(__file__).parents[2])
    try:
        _until(lambda: (root / "socket").exists() and process.poll() is None)
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)
