"""What is printed: control characters escaped, tokens left out, colour only for a terminal."""

import json
import os
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any, Final

from policy.document.wording import printable

#: A signed token begins with an object's `{"` or `{ "` in base64url.
TOKEN: Final = re.compile(r"(?<![A-Za-z0-9_-])ey[JA][A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*")
_COLOURS: Final = {"red": "31", "green": "32", "yellow": "33", "dim": "2", "bold": "1"}


def clean(text: str) -> str:
    """The text with control characters escaped, so that it can't forge a line, and without any token in it."""
    return printable(TOKEN.sub("<token>", text))


class Painted(str):
    """Text that was made printable already, perhaps with colour around it; `width` is what it takes on a screen."""

    __slots__ = ("width",)

    width: int


def paint(text: str, colour: str) -> Painted:
    """The text in a colour, where standard output is a terminal and `NO_COLOR` is not set."""
    shown = clean(text)
    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    found = Painted(f"\x1b[{_COLOURS[colour]}m{shown}\x1b[0m" if coloured else shown)
    found.width = len(shown)
    return found


def verdict(word: str, *, good: bool) -> Painted:
    """A verdict: green if it is good, red if it is not."""
    return paint(word, "green" if good else "red")


def say(*parts: str) -> None:
    """Print one line made of these parts."""
    print("".join(part if isinstance(part, Painted) else clean(part) for part in parts))


def say_all(lines: Iterable[str], *, indent: int = 0) -> None:
    """Print each of these on a line of its own."""
    for line in lines:
        say(" " * indent, line)


def say_json(value: Any) -> None:
    """Print one JSON document, in ASCII."""
    print(TOKEN.sub("<token>", json.dumps(value, indent=2, ensure_ascii=True)))


def say_columns(rows: Sequence[Sequence[str]], *, indent: int = 0) -> None:
    """Print rows whose columns stand under each other, two spaces apart; empty cells at a row's end are left out."""
    shown = [[cell if isinstance(cell, Painted) else _plain(cell) for cell in row] for row in rows]
    widths: dict[int, int] = {}
    for row in shown:
        widths.update({at: max(widths.get(at, 0), cell.width) for at, cell in enumerate(row)})
    for row in shown:
        cells = [cell + " " * (widths[at] - cell.width) for at, cell in enumerate(row)]
        print((" " * indent + "  ".join(cells)).rstrip())


def _plain(text: str) -> Painted:
    found = Painted(clean(text))
    found.width = len(found)
    return found


def complain(text: str) -> None:
    """Print an error on standard error, each line beginning with the program's name, without any token in it."""
    for line in text.split("\n"):
        print(f"policy: {clean(line)}", file=sys.stderr)


def warn(text: str) -> None:
    """Print a warning on standard error."""
    complain(f"warning: {text}")
