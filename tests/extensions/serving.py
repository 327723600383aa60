"""Programs that serve an application from a folder: started, asked over HTTP, and ended with all their processes."""

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self, TypeVar

from tests.extensions.asking import Answer

Found = TypeVar("Found")
PATIENCE: Final = 60
_ADDRESS: Final = re.compile(r"http://127\.0\.0\.1:(\d+)")


class Program:
    """`python -m` something, which serves on a port of its own choice and says so, in a process group of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._output = folder / "output.txt"
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._port = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    @property
    def said(self) -> str:
        """All that it has printed."""
        return self._output.read_text(encoding="utf-8", errors="replace")

    def until(self, find: Callable[[], Found | None]) -> Found:
        """What is found at last; an error where the program ends before, or where that takes all too long."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if found := find():
                return found
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.02)
                break
        raise AssertionError(f"waited in vain for {find.__qualname__}:\n{self.said}")

    def connect(self) -> http.client.HTTPConnection:
        """A connection, made already, on which nothing was asked yet."""
        if not self._port:
            self._port = int(self.until(lambda: _ADDRESS.search(self.said))[1])
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        connection.connect()
        return connection

    def ask(self, path: str, headers: dict[str, str] | None = None) -> Answer:
        """The status, and the reason of a refusal of ours or else the body."""
        with contextlib.closing(self.connect()) as connection:
            return answer(connection, path, headers)

    def ask_until(self, holds: Callable[[Answer], bool], path: str, headers: dict[str, str] | None = None) -> None:
        """Ask until the answer is right: a program that starts again lets some connections go without one."""

        def is_answered() -> bool:
            with contextlib.suppress(OSError, http.client.HTTPException):
                return holds(self.ask(path, headers))
            return False

        self.until(is_answered)


def answer(connection: http.client.HTTPConnection, path: str, headers: dict[str, str] | None = None) -> Answer:
    """Ask on a connection."""
    connection.request("GET", path, headers=headers or {})
    found = connection.getresponse()
    body = found.read().decode()
    if found.headers["Content-Type"] == "application/problem+json":
        return found.status, json.loads(body)["reason"]
    return found.status, body
