"""What a cell of the matrix is called, and what it says."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from policy.analysis import Cell, How

WORDS: Final[Mapping[How, str]] = MappingProxyType(
    {
        How.DIRECT: "granted by name",
        How.PATTERN: "granted by a pattern",
        How.INHERITED: "inherited",
        How.RULE: "by an allow rule",
        How.DENIED: "denied by a rule",
        How.NONE: "nothing",
    }
)


def detail(cell: Cell) -> str:
    """How a role comes by a permission, in full."""
    if not cell.denied_by:
        return _source(cell)
    names = ", ".join(f"`{rule}`" for rule in cell.denied_by)
    without = f"; otherwise {_source(cell)}" if cell.source is not How.NONE else ""
    return f"denied by rule {names}{without}"


def _source(cell: Cell) -> str:
    match cell.source:
        case How.DIRECT:
            return f"granted by `{cell.by}`"
        case How.PATTERN:
            return f"granted by pattern `{cell.by}`"
        case How.INHERITED:
            return f"inherited from `{cell.via}`, which grants `{cell.by}`"
        case How.RULE:
            return f"allowed by rule `{cell.by}`"
        case how:
            return WORDS[how]
