"""A server with several workers under load, while its policy is changed in every way that has gone wrong elsewhere."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from policy.audit import records
from tests.issuing import token
from tests.soak import variants
from tests.soak.callers import Answers, Callers, Connection

WORKERS: Final = 4
PATIENCE: Final = 60.0
BETWEEN_FILES: Final = 0.1
"""Seconds; a pause as long as that between two looks cannot be told from the end of the copying."""


@dataclass(kw_only=True)
class Report:
    """What a run showed. `lags` are seconds from a change to the last request begun under the policy before it."""

    answers: Answers
    accepted: list[str]
    stale: list[str] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)
    replaced: int = 0
    recorded: int = 0
    seconds: float = 0.0

    @property
    def answered(self) -> int:
        """How many requests were answered by the view."""
        return sum(self.answers.by.values())

    @property
    def foreign(self) -> set[str]:
        """Policies that decided and were never accepted: half-copied folders, bad edits."""
        return {digest for _, digest in self.answers.by} - set(self.accepted)


class Run:
    """One server, its folder, and the changes made to it."""

    def __init__(self, root: Path, server: subprocess.Popen[bytes], callers: Callers) -> None:
        self._root, self._policies, self._server, self._callers = root, root / "policies", server, callers
        self._health = Connection(root / "socket", b"GET /health HTTP/1.1\r\nHost: service\r\n\r\n")
        self._variant = 0
        self.accepted = [variants.write(root / "expected-0", 0)]
        self._changes: list[tuple[str, str, float, float]] = []

    def swap(self) -> None:
        """Put the next variant in place file by file, as fast as it goes."""
        self._change(lambda folder: [shutil.copy(file, self._policies / file.name) for file in folder.iterdir()])

    def copy_slowly(self) -> None:
        """Put the next variant in place file by file over more than two looks: each state on the way would load."""
        pause = threading.Event()

        def copy(folder: Path) -> None:
            for file in sorted(folder.iterdir()):
                shutil.copy(file, self._policies / file.name)
                pause.wait(BETWEEN_FILES)

        self._change(copy)

    def break_it_and_kill(self) -> int:
        """A bad edit; a worker is killed after it; its successor has to decide. The number of the killed process."""
        whole = (self._policies / "role-0.json").read_text("utf-8")
        (self._policies / "role-0.json").write_text(whole[:-3], encoding="utf-8")
        self._wait("last-good", lambda health: health["standing"] == "last-good")
        killed = min(int(process) for process in self.health()["workers"])
        os.kill(killed, signal.SIGKILL)
        self._wait("a successor", lambda health: str(killed) not in health["workers"] and _whole(health))
        self.answer(200)
        (self._policies / "role-0.json").write_text(whole, encoding="utf-8")
        self._wait("current again", lambda health: health["standing"] == "current" and _whole(health))
        return killed

    def drop_what_is_demanded(self) -> None:
        """A policy that loads, but without the permission of the route: it must be refused."""
        kept = {file: file.read_text("utf-8") for file in self._policies.iterdir()}
        for name in ("permissions.json", "issuer.json"):
            text = (self._policies / name).read_text("utf-8").replace("read:data", "look:data")
            (self._policies / name).write_text(text, encoding="utf-8")
        self._wait("refused", lambda health: any("read:data" in problem for problem in health["problems"]))
        self.answer(200)
        for file, text in kept.items():
            file.write_text(text, encoding="utf-8")
        self._wait("current again", lambda health: health["standing"] == "current")

    def answer(self, number: int) -> None:
        """Let the callers be answered so many times."""
        until, limit = self._callers.answered() + number, time.monotonic() + PATIENCE
        while self._callers.answered() < until:
            assert time.monotonic() < limit, "the service does not answer"
            self._callers.moment()

    def health(self) -> dict[str, Any]:
        """What one of the workers says."""
        while True:
            try:
                status, body = self._health.ask()
            except OSError:
                self._health.close()
                continue
            assert status == 200, body
            return dict(json.loads(body))

    def report(self, answers: Answers) -> Report:
        """All that was seen, held against the changes that were made."""
        self._health.close()
        found = Report(answers=answers, accepted=self.accepted)
        for old, new, changed, settled in self._changes:
            last = answers.last.get(old, 0.0)
            found.lags.append(max(0.0, last - changed))
            if last > settled:
                found.stale.append(f"{old} decided {last - settled:.3f} s after all workers had {new}")
        found.recorded = sum(record["kind"] == "request" for record in records(self._root / "audit"))
        return found

    def _change(self, put: Callable[[Path], object]) -> None:
        self._variant += 1
        folder = self._root / f"expected-{self._variant}"
        self.accepted.append(variants.write(folder, self._variant))
        put(folder)
        changed, new = time.monotonic(), self.accepted[-1]
        self._wait(new, lambda health: _whole(health) and set(health["workers"].values()) == {new})
        self._changes.append((self.accepted[-2], new, changed, time.monotonic()))
        self.answer(100)

    def _wait(self, what: str, holds: Callable[[dict[str, Any]], bool]) -> None:
        limit = time.monotonic() + PATIENCE
        while not holds(found := self.health()):
            assert time.monotonic() < limit, f"waited for {what}, found {found}"


def _whole(health: dict[str, Any]) -> bool:
    return len(health["workers"]) == WORKERS and not health["drift"]


@contextmanager
def _server(root: Path) -> Iterator[subprocess.Popen[bytes]]:
    """gunicorn over a socket in the folder."""
    command = [
        sys.executable, "-m", "gunicorn", "--workers", str(WORKERS), "--threads", "4", "--bind", f"unix:{root}/socket",
        "--log-level", "error", "--keep-alive", "30", f"tests.soak.service:create_app({str(root)!r})",
    ]  # fmt: skip
    with (
        (root / "server.log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True) as server,
    ):
        try:
            yield server
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(30)


def run(root: Path, *, requests: int, flips: int) -> Report:
    """Change the policy in every way, then `flips` times more, until so many requests have been answered."""
    variants.write(root / "policies", 0)
    held = token(roles=["reader", *variants.HELD], exp=int(time.time()) + 86400)
    began = time.monotonic()
    with _server(root) as server:
        _opened(root / "socket")
        with Callers(root / "socket", held, number=2 * WORKERS) as callers:
            made = Run(root, server, callers)
            killed = _scenario(made, callers, requests=requests, flips=flips)
            answers = callers.stop()
    found = made.report(answers)
    found.replaced = int(killed not in {process for process, digest in answers.by if digest == made.accepted[-1]})
    found.seconds = time.monotonic() - began
    return found


def _scenario(made: Run, callers: Callers, *, requests: int, flips: int) -> int:
    made.answer(200)
    made.swap()
    made.copy_slowly()
    killed = made.break_it_and_kill()
    made.drop_what_is_demanded()
    for done in range(flips):
        made.answer(max(0, requests * (done + 1) // (flips + 1) - callers.answered()))
        made.swap()
    made.answer(max(0, requests - callers.answered()))
    return killed


def _opened(path: Path) -> None:
    limit = time.monotonic() + PATIENCE
    connection = Connection(path, b"GET /health HTTP/1.1\r\nHost: service\r\n\r\n")
    while True:
        try:
            connection.ask()
        except OSError:
            assert time.monotonic() < limit, "the service does not open its socket"
        else:
            return
        finally:
            connection.close()
