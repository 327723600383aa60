"""The lines of refused and absent tokens, which anybody can send: within limits of rate and size."""

import contextlib
import threading
from collections.abc import Callable
from typing import Final

from policy.audit.limiter import Limiter
from policy.audit.stream import Stream
from policy.audit.surplus import Surplus

Clock = Callable[[], float]


class Refusals:
    """Keeps what the limits let pass, and counts the rest by reason until a line tells of it."""

    def __init__(self, stream: Stream, *, rate: float, burst: int, monotonic: Clock, clock: Clock) -> None:
        self._stream: Final = stream
        self._lock: Final = threading.Lock()
        self._limiter: Final = Limiter(rate=rate, burst=burst, clock=monotonic)
        self._surplus: Final = Surplus(monotonic=monotonic, clock=clock)
        self._has_ended = False

    @property
    def has_surplus(self) -> bool:
        """Whether something was counted that is not told yet."""
        return bool(self._surplus)

    def write(self, line: str, body: bytes) -> bool:
        """Keep a line or count it; `OSError` where the folder does not take it, false after `close`."""
        with self._lock:
            if self._has_ended:
                return False
            if not self._limiter.passes():
                self._surplus.count(line)
                return True
            if self._surplus.due():
                self._tell()
            self._stream.append([body], sync=False)
            return True

    def tell_if_due(self) -> None:
        """Tell of what was counted if it is time; where the folder does not take it, another time."""
        if self._surplus and self._surplus.due():
            with self._lock, contextlib.suppress(OSError):
                if not self._has_ended:
                    self._tell()

    def close(self) -> None:
        """Tell of what was counted, and let go of the file; `OSError` where the folder does not take that."""
        with self._lock, contextlib.ExitStack() as stack:
            stack.callback(self._stream.leave)
            if self._surplus:
                self._tell()
            self._stream.close()
            self._has_ended = True

    def abandon(self) -> None:
        """Let go of the file as it is, and of the counts; for a child that was forked."""
        self._stream.leave()

    def _tell(self) -> None:
        if self._surplus:
            self._stream.append([self._surplus.line().encode("ascii")], sync=False)
            self._surplus.clear()
