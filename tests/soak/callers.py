"""Processes that call the service without a pause, and remember what it answered."""

import json
import multiprocessing
import os
import socket
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

REPORT_EVERY: Final = 20
RECONNECT_EVERY: Final = 500
"""So that no worker is left without a connection."""


@dataclass(kw_only=True)
class Answers:
    """What one caller, or all of them, saw. `last` is when the last request was begun that a policy decided.

    `by` counts answers by worker process and policy, `others` what was not an answer of the view, `mixtures` are
    policies with an answer that is not theirs, `cut` counts connections that ended without an answer.
    """

    by: Counter[tuple[int, str]] = field(default_factory=Counter)
    last: dict[str, float] = field(default_factory=dict)
    seen: dict[str, list[str]] = field(default_factory=dict)
    mixtures: set[str] = field(default_factory=set)
    others: Counter[int] = field(default_factory=Counter)
    cut: int = 0

    def take(self, status: int, body: bytes, began: float) -> None:
        if status != 200:
            self.others[status] += 1
            return
        state = json.loads(body)
        digest = state["policy"]
        self.by[state["process"], digest] += 1
        self.last[digest] = began
        if self.seen.setdefault(digest, state["may"]) != state["may"]:
            self.mixtures.add(digest)

    def add(self, other: "Answers") -> None:
        self.by += other.by
        self.others += other.others
        self.cut += other.cut
        self.mixtures |= other.mixtures
        for digest, when in other.last.items():
            self.last[digest] = max(when, self.last.get(digest, 0.0))
        for digest, may in other.seen.items():
            if self.seen.setdefault(digest, may) != may:
                self.mixtures.add(digest)


class Connection:
    """One connection that is kept, opened again where it was cut."""

    def __init__(self, path: Path, request: bytes) -> None:
        self._path, self._request = str(path), request
        self._socket: socket.socket | None = None
        self._rest = b""

    def ask(self) -> tuple[int, bytes]:
        """Status and body of one answer; `OSError` where the connection was cut."""
        if self._socket is None:
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.settimeout(30)
            self._socket.connect(self._path)
            self._rest = b""
        self._socket.sendall(self._request)
        head, _, rest = self._until(b"\r\n\r\n").partition(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        while len(rest) < length:
            rest += self._more()
        self._rest = rest[length:]
        if b"connection: close" in head.lower():
            self.close()
        return int(head[9:12]), rest[:length]

    def _until(self, mark: bytes) -> bytes:
        found = self._rest
        while mark not in found:
            found += self._more()
        return found

    def _more(self) -> bytes:
        more = self._socket.recv(65536) if self._socket else b""
        if not more:
            raise ConnectionResetError("cut")
        return more

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = None


class Callers:
    """Several processes, calling until told to stop; a context manager."""

    def __init__(self, path: Path, token: str, *, number: int) -> None:
        request = f"GET /state HTTP/1.1\r\nHost: service\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        context = multiprocessing.get_context("spawn")
        self._stop = context.Event()
        self._answered = context.Value("q", 0)
        self._results: Any = context.Queue()
        arguments = (path, request, self._stop, self._answered, self._results)
        self._processes = [context.Process(target=_call, args=arguments, daemon=True) for _ in range(number)]

    def __enter__(self) -> "Callers":
        for process in self._processes:
            process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()

    def moment(self) -> None:
        """Let the others work for a moment."""
        self._stop.wait(0.005)

    def answered(self) -> int:
        """How many answers there have been, about."""
        return int(self._answered.value)

    def stop(self) -> Answers:
        """Stop, and give everything that was seen."""
        self._stop.set()
        total = Answers()
        for _ in self._processes:
            total.add(self._results.get(timeout=60))
        for process in self._processes:
            process.join(60)
        return total


def _call(path: Path, request: bytes, stop: Any, answered: Any, results: Any) -> None:
    connection, answers, done = Connection(path, request), Answers(), 0
    parent = os.getppid()
    while not stop.is_set() and os.getppid() == parent:
        began = time.monotonic()
        try:
            answers.take(*connection.ask(), began)
        except OSError:
            answers.cut += 1
            with suppress(OSError):
                connection.close()
            continue
        done += 1
        if done % REPORT_EVERY == 0:
            with answered.get_lock():
                answered.value += REPORT_EVERY
        if done % RECONNECT_EVERY == 0:
            connection.close()
    connection.close()
    results.put(answers)
