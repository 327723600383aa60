"""What was not kept of refused tokens, counted by reason until it is told in a line of its own."""

import json
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from policy import record

#: Seconds between two such lines.
WINDOW: Final = 1.0
Clock = Callable[[], float]


class Surplus:
    """Counts lines that were not kept. `monotonic` measures how long ago the first was, `clock` tells the time."""

    def __init__(self, *, monotonic: Clock, clock: Clock) -> None:
        self._monotonic: Final = monotonic
        self._clock: Final = clock
        self._counts: Counter[str] = Counter()
        self._began = self._since = 0.0

    def __bool__(self) -> bool:
        return bool(self._counts)

    def count(self, line: str) -> None:
        """Count a line that is not kept."""
        if not self._counts:
            self._began, self._since = self._monotonic(), self._clock()
        self._counts[_reason(line)] += 1

    def due(self) -> bool:
        """Whether it is time to tell: once in a while, however many there are."""
        return bool(self._counts) and self._monotonic() - self._began >= WINDOW

    def line(self) -> str:
        """The record of what was counted."""
        return record.line({
            "v": record.VERSION,
            "kind": "surplus",
            "id": uuid.uuid4().hex,
            "time": _moment(self._clock()),
            "since": _moment(self._since),
            "counts": dict(sorted(self._counts.items())),
        })  # fmt: skip

    def clear(self) -> None:
        """Begin again, once the line was kept."""
        self._counts.clear()


def _reason(line: str) -> str:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return "other"
    reason = found.get("reason") if isinstance(found, dict) else None
    return reason if isinstance(reason, str) else "other"


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
