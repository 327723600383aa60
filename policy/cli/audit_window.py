"""A part of a log by its time: the arguments that name one."""

import argparse
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from policy.cli.arguments import Parser
from policy.record import moment

_AGO: Final = re.compile(r"(\d{1,6})([smhdw])", re.ASCII)
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_MOMENT: Final = re.compile(
    r"(\d{4})-(\d\d)(?:-(\d\d)(?:[T ](\d\d)(?::(\d\d)(?::(\d\d)(\.\d{1,6})?)?)?)?)?Z?", re.ASCII
)
_HINT: Final = "give one such as 2026-11-28, 2026-11-28T08:30 in UTC, or 7d ago as `7d`, also with h, m, s or w"
_clock: Callable[[], float] = time.time


def window_of(args: argparse.Namespace) -> tuple[str, str]:
    """Since when and until when, as beginnings of times; empty where that is not said."""
    return args.since or "", args.until or ""


def takes_since(made: Parser) -> None:
    """Add `--since`."""
    made.add_argument(
        "--since", type=log_time, metavar="TIME", help="not before this: 2026-11-28T08:30 in UTC, or 7d ago"
    )


def takes_window(made: Parser) -> None:
    """Add `--since` and `--until`."""
    takes_since(made)
    made.add_argument("--until", type=log_time, metavar="TIME", help="before this, written likewise")


def log_time(text: str) -> str:
    """The beginning of a time as the log has it: `2026-11`, `2026-11-28`, `2026-11-28T08:30:00`; or so long ago."""
    if ago := _AGO.fullmatch(text):
        try:
            return moment(_clock() - int(ago[1]) * _SECONDS[ago[2]])
        except (ValueError, OverflowError):
            pass
    found = _MOMENT.fullmatch(text)
    if found is None or not _is_date(found):
        raise argparse.ArgumentTypeError(f"`{text}` is not a time; {_HINT}")
    return text.removesuffix("Z").replace(" ", "T")


def _is_date(found: re.Match[str]) -> bool:
    year, month, day, hour, minute, second = (int(part or at < 3) for at, part in enumerate(found.groups()[:6]))
    try:
        datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return False
    return True
