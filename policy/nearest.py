"""The nearest likely name, for messages."""

from collections.abc import Iterable
from difflib import get_close_matches
from heapq import nsmallest
from itertools import chain, islice
from typing import Final

#: Comparing takes long: no more names than these are compared, and none that is longer.
COMPARED_AT_MOST: Final = 100
LONGEST_COMPARED: Final = 256
#: Sorting out which to compare takes a while too.
SORTED_AT_MOST: Final = 5000


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The name that was probably meant, or `None` where none is near.

    Of many names only those are compared that begin and end most alike; of very many only some that begin or end with
    half of the name, as all do from which it differs in one place, and then with a quarter of it.
    """
    if len(name) > LONGEST_COMPARED:
        return None
    known = [each for each in names if len(each) <= LONGEST_COMPARED]
    if len(known) > SORTED_AT_MOST:
        known = list(islice(chain(_alike(name, known, 2), _alike(name, known, 4)), SORTED_AT_MOST))
    alike = nsmallest(COMPARED_AT_MOST, known, key=lambda each: _apart(name, each))
    return next(iter(get_close_matches(name, alike, n=1)), None)


def _alike(name: str, names: Iterable[str], parts: int) -> Iterable[str]:
    size = len(name) // parts or 1
    head, tail = name[:size], name[-size:]
    return (each for each in names if each.startswith(head) or each.endswith(tail))


def _apart(name: str, other: str) -> int:
    """How many characters are in neither the common beginning nor the common end, in both together."""
    shorter = min(len(name), len(other))
    begin, end = _equal(name, other), _equal(reversed(name), reversed(other))
    return len(name) + len(other) - 2 * min(begin + end, shorter)


def _equal(one: Iterable[str], other: Iterable[str]) -> int:
    return next((place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), LONGEST_COMPARED)


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """The ending of a message: `; did you mean `x`?`, or nothing."""
    found = nearest(name, names)
    return f"; did you mean `{found}`?" if found else ""
