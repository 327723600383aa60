"""How many lines of refused tokens are kept: a bucket that fills at a steady rate."""

from collections.abc import Callable
from typing import Final


class Limiter:
    """Lets `burst` lines pass at once, and `rate` lines a second in the long run.

    Pure over its clock, which returns seconds and never has to be the time of day. Not for several threads at once.
    """

    def __init__(self, *, rate: float, burst: int, clock: Callable[[], float]) -> None:
        self._rate: Final = rate
        self._burst: Final = float(burst)
        self._clock: Final = clock
        self._level = self._burst
        self._at = clock()

    def passes(self) -> bool:
        """Whether one more line may pass now; if so, it has."""
        now = self._clock()
        self._level = min(self._burst, self._level + max(0.0, now - self._at) * self._rate)
        self._at = now
        if self._level < 1:
            return False
        self._level -= 1
        return True
