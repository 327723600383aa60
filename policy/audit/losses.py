"""How many decisions were made without a record, until the log itself tells of it."""

import threading
from collections.abc import Callable
from typing import Final

from policy.audit.ids import new_id
from policy.record import VERSION, line, moment

Clock = Callable[[], float]


class Losses:
    """Counts decisions that have no record; a line of kind `lost` tells of them once the log takes lines again."""

    def __init__(self, clock: Clock) -> None:
        self._clock: Final = clock
        self._lock: Final = threading.Lock()
        self.untold = self._telling = 0
        self._since = 0.0
        self.total = 0

    def count(self, number: int) -> None:
        """Count decisions whose record is lost."""
        with self._lock:
            if not self.untold:
                self._since = self._clock()
            self.untold += number
            self.total += number

    def told(self) -> tuple[bytes, ...]:
        """The line to write, if there is something to tell; `clear` when it was taken."""
        with self._lock:
            self._telling = self.untold
            if not self._telling:
                return ()
            found = {
                "v": VERSION, "kind": "lost", "id": new_id(), "time": moment(self._clock()),
                "since": moment(self._since), "count": self._telling,
            }  # fmt: skip
            return (line(found).encode("ascii"),)

    def clear(self) -> None:
        """What `told` last gave stands in the log."""
        with self._lock:
            self.untold -= self._telling
            self._telling = 0
