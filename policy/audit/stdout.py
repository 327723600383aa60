"""The log of decisions on standard output: one line a record."""

import os
import sys
import threading
from typing import Final

from policy.errors import AuditUnavailable

_lock = threading.Lock()


def _forked() -> None:
    global _lock  # there is one standard output in a process, and so one lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_forked)


class StdoutSink:
    """Standard output, refused tokens included; who collects it limits it.

    A line is accepted when the operating system has taken it. Threads do not mix lines; processes that share a pipe may
    mix those longer than 4096 bytes, and what an application prints itself may come between.
    """

    def __init__(self) -> None:
        self._torn = False

    def write(self, line: str, *, refused: bool = False) -> None:  # noqa: ARG002 - one place for both
        """Print one line; `AuditUnavailable` where standard output is closed, broken or full."""
        with _lock:
            try:
                _put(f"\n{line}\n" if self._torn else f"{line}\n")
            except (OSError, ValueError) as error:
                self._torn = True
                raise AuditUnavailable(f"standard output takes no line: {error}") from error
            self._torn = False


def _put(text: str) -> None:
    """Past Python's buffer where it is the real one: there, a line that was not accepted would be written later."""
    stream: Final = sys.stdout
    if stream is None:
        raise OSError("the process has none")
    stream.flush()
    if sys.__stdout__ is not None and stream is sys.__stdout__:
        _put_all(sys.__stdout__.fileno(), text.encode("ascii"))
    else:
        stream.write(text)
        stream.flush()


def _put_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
