"""The nearest likely name, for messages."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The name that was probably meant, or `None` where none is near."""
    return next(iter(get_close_matches(name, tuple(names), n=1)), None)


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """The ending of a message: `; did you mean `x`?`, or nothing."""
    found = nearest(name, names)
    return f"; did you mean `{found}`?" if found else ""
