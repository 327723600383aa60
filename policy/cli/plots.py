"""Numbers as plots of text: bars, and heights over time; with block characters where the terminal has them."""

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
_HEIGHTS: Final = " ▁▂▃▄▅▆▇█"
_ASCII_HEIGHTS: Final = " .:-=+*%@"
_NARROWEST: Final = 40
_WIDEST: Final = 120


@dataclass(frozen=True, kw_only=True, slots=True)
class Terminal:
    """How wide what is printed may be, and whether block characters can be."""

    width: int
    blocks: bool


def terminal() -> Terminal:
    """That of standard output; `COLUMNS` says how wide it is where it is none."""
    width = shutil.get_terminal_size((80, 24)).columns
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    try:
        (_EIGHTHS + _HEIGHTS).encode(encoding)
        blocks = os.environ.get("TERM") != "dumb"
    except (UnicodeEncodeError, LookupError):
        blocks = False
    return Terminal(width=max(_NARROWEST, min(_WIDEST, width)), blocks=blocks)


def bar(value: float, most: float, width: int, *, blocks: bool) -> str:
    """A bar of up to `width` characters; what is above 0 is never nothing."""
    if value <= 0 or most <= 0 or width <= 0:
        return ""
    share = min(1.0, value / most) * width
    if not blocks:
        return "#" * max(1, round(share))
    full, rest = divmod(max(1, round(share * 8)), 8)
    return "█" * full + _EIGHTHS[rest].strip()


def heights(values: Sequence[float], most: float, *, blocks: bool) -> str:
    """One character a value, as high as the value is; what is above 0 is never nothing."""
    steps = _HEIGHTS if blocks else _ASCII_HEIGHTS
    last = len(steps) - 1
    places = (max(1, round(value / most * last)) if value > 0 and most > 0 else 0 for value in values)
    return "".join(steps[place] for place in places)
