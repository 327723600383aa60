"""The matrix as text: each column stands under its name, and each cell is one character."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from policy.analysis import Column, How, Matrix
from policy.cli.matrix_words import WORDS
from policy.cli.reporters import plural
from policy.cli.style import clean

#: Text in a colour, made printable.
Shade = Callable[[str, str], str]

SYMBOLS: Final[Mapping[How, tuple[str, str]]] = MappingProxyType(
    {
        How.DIRECT: ("+", "green"),
        How.PATTERN: ("*", "green"),
        How.INHERITED: ("^", "green"),
        How.RULE: ("r", "yellow"),
        How.DENIED: ("x", "red"),
        How.NONE: (".", "dim"),
    }
)
STEP_UP: Final = "!"
#: So many columns, each two characters wide, and the last one's name fit on most screens.
COLUMNS_AT_ONCE: Final = 30


def plain(text: str, _: str) -> str:
    """No colour: for a file."""
    return clean(text)


def as_text(matrix: Matrix, shade: Shade) -> str:
    """Legend and blocks of at most thirty columns, all of them with every role."""
    return "".join(f"{line}\n" for line in _lines(matrix, shade))


def _lines(matrix: Matrix, shade: Shade) -> Iterator[str]:
    yield f"{plural(len(matrix.roles), 'role')}, {plural(len(matrix.permissions), 'permission')}"
    yield "   ".join(f"{shade(symbol, colour)} {WORDS[how]}" for how, (symbol, colour) in SYMBOLS.items())
    if any(permission.step_up for permission in matrix.permissions):
        yield f"{STEP_UP} asks for a stronger or more recent login"
    for start in range(0, len(matrix.permissions), COLUMNS_AT_ONCE):
        yield ""
        yield from _block(matrix, matrix.permissions[start : start + COLUMNS_AT_ONCE], shade)


def _block(matrix: Matrix, columns: Sequence[Column], shade: Shade) -> Iterator[str]:
    width = max((len(clean(role.name)) for role in matrix.roles), default=0) + 2
    for place, column in enumerate(columns):
        mark = f" {STEP_UP}" if column.step_up else ""
        yield " " * width + "| " * place + column.name + mark
    for role in matrix.roles:
        found = (SYMBOLS[matrix.cell(role.name, column.name).how] for column in columns)
        yield clean(role.name).ljust(width) + " ".join(shade(symbol, colour) for symbol, colour in found)
