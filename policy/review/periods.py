"""Time in equal parts: what was counted by hour or minute, gathered into no more columns than there is room for."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_UNITS: Final = (
    *(each * _MINUTE for each in (1, 2, 5, 10, 15, 30)),
    *(each * _HOUR for each in (1, 2, 3, 6, 12)),
    *(each * _DAY for each in (1, 2, 7, 14, 28, 91, 364)),
)
_START: Final = datetime(1, 1, 1, tzinfo=UTC)  # a Monday, so that weeks begin with one


class Period(NamedTuple):
    """What was counted from a time on, for as long as all periods are."""

    start: datetime
    counts: Mapping[str, int]

    @property
    def time(self) -> str:
        """Its start as the log has times, to the minute."""
        return self.start.strftime("%Y-%m-%dT%H:%MZ")


class Periods(NamedTuple):
    """The whole time, without gaps; `seconds` is how long each part is."""

    seconds: int
    parts: tuple[Period, ...]


def periods(by_time: Mapping[str, Mapping[str, int]], at_most: int) -> Periods:
    """Gather what was counted by hours (`2026-11-28T08`) or minutes (`2026-11-28T08:30`); other texts are left out."""
    found = [(moment, counts) for text, counts in by_time.items() if (moment := _moment(text)) is not None]
    if not found:
        return Periods(_HOUR, ())
    smallest = _MINUTE if any(":" in text for text in by_time) else _HOUR
    first, last = min(moment for moment, _ in found), max(moment for moment, _ in found)
    seconds = _unit(first, last, smallest, max(1, at_most))
    gathered: dict[int, Counter[str]] = {}
    for moment, counts in found:
        gathered.setdefault(_place(moment, seconds), Counter()).update(counts)
    places = range(_place(first, seconds), _place(last, seconds) + 1)
    return Periods(
        seconds,
        tuple(Period(_START + timedelta(seconds=at * seconds), dict(gathered.get(at, ()))) for at in places),
    )


def in_words(seconds: int) -> str:
    """How long that is: `1 hour`, `2 days`."""
    for size, name in ((7 * _DAY, "week"), (_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        if seconds % size == 0:
            count = seconds // size
            return f"{count} {name}" + ("" if count == 1 else "s")
    return f"{seconds} seconds"


def _unit(first: datetime, last: datetime, smallest: int, at_most: int) -> int:
    fitting = (unit for unit in _units(smallest) if _place(last, unit) - _place(first, unit) < at_most)
    return next(iter(fitting))


def _units(smallest: int) -> Iterable[int]:
    yield from (unit for unit in _UNITS if unit >= smallest)
    unit = _UNITS[-1]
    while True:
        unit *= 2
        yield unit


def _place(moment: datetime, seconds: int) -> int:
    return (moment - _START) // timedelta(seconds=seconds)


def _moment(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M" if ":" in text else "%Y-%m-%dT%H").replace(tzinfo=UTC)
    except ValueError:
        return None
