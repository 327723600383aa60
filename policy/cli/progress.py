"""A bar on standard error for work that takes over a second, with the time that is left."""

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self, TextIO

#: Seconds of work before anything is shown, and between two drawings.
QUIET: Final = 1.0
PAUSE: Final = 0.1
_WIDTH: Final = 24
_UNITS: Final = ("B", "kB", "MB", "GB", "TB")


class Progress:
    """How much of some bytes, or of other things, is done. Shown only where `stream` is a terminal.

    Call it with how many more are done; leave the context and the line is gone. `unit` is the plural of what is
    counted; with none it is bytes.
    """

    def __init__(
        self,
        total: int,
        *,
        what: str = "",
        unit: str = "",
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.total: Final = total
        self.done = 0
        self._what: Final = f"{what}  " if what else ""
        self._unit: Final = unit
        self._stream: Final = sys.stderr if stream is None else stream
        self._clock: Final = clock
        self._shows: Final = self._stream.isatty()
        self._began: Final = clock()
        self._due = self._began + QUIET
        self._drawn = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

    def __call__(self, more: int) -> None:
        """So many more are done."""
        self.done += more
        if self._shows and (now := self._clock()) >= self._due:
            self._due = now + PAUSE
            self._draw(now - self._began)

    def clear(self) -> None:
        """Take the line away, so that something else can be printed."""
        if self._drawn:
            self._stream.write("\r" + " " * self._drawn + "\r")
            self._stream.flush()
            self._drawn = 0

    def _draw(self, seconds: float) -> None:
        text = self._line(seconds)
        self._stream.write("\r" + text.ljust(self._drawn))
        self._stream.flush()
        self._drawn = len(text)

    def _line(self, seconds: float) -> str:
        share = min(1.0, self.done / self.total) if self.total > 0 else 1.0
        full = int(share * _WIDTH)
        left = duration(seconds * (1 - share) / share) if share else "?"
        bar = "#" * full + "." * (_WIDTH - full)
        amounts = f"{self._amount(self.done)} of {self._amount(self.total)}"
        return f"{self._what}[{bar}] {share:4.0%}  {amounts}  {self._amount(self.done / seconds)}/s  {left} left"

    def _amount(self, value: float) -> str:
        return f"{value:,.0f} {self._unit}" if self._unit else size(value)


def size(value: float) -> str:
    """A number of bytes for people: `640 B`, `1.5 GB` (of 1000 MB)."""
    for unit in _UNITS:
        if value < 1000 or unit == _UNITS[-1]:
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"


def duration(seconds: float) -> str:
    """Seconds for people: `0:07`, `1:02:03`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
