"""The nearest likely name, for messages."""

from collections.abc import Iterable
from difflib import get_close_matches
from heapq import nsmallest
from typing import Final

COMPARED_AT_MOST: Final = 1000


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The name that was probably meant, or `None` where none is near.

    Comparing takes long, so of very many names only those are compared that begin alike or are about as long.
    """
    known = tuple(names)
    if len(known) > COMPARED_AT_MOST:
        known = tuple(nsmallest(COMPARED_AT_MOST, known, key=lambda one: _apart(name, one)))
    return next(iter(get_close_matches(name, known, n=1)), None)


def _apart(name: str, other: str) -> tuple[int, bool]:
    alike = next((place for place, (a, b) in enumerate(zip(name, other, strict=False)) if a != b), len(name))
    return abs(len(name) - len(other)) - alike, name[-1:] != other[-1:]


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """The ending of a message: `; did you mean `x`?`, or nothing."""
    found = nearest(name, names)
    return f"; did you mean `{found}`?" if found else ""
