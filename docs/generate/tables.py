"""Tables of Markdown."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

_CODE_OR_TAG: Final = re.compile(r"(`[^`]*`)|<")


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table. A bar within a cell is kept from ending it, and a `<` outside of code from beginning a tag."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def _cell(text: str) -> str:
    return _CODE_OR_TAG.sub(lambda found: found[1] or "\\<", text).replace("|", "\\|")


def code(text: str) -> str:
    """The text as it is written in code; nothing for an empty one."""
    return f"`{text}`" if text else ""


def one_of(names: Iterable[str]) -> str:
    """`a`, `b` or `c`."""
    *others, last = (code(name) for name in names)
    return f"{', '.join(others)} or {last}" if others else last
