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
SOURCES: Final[Mapping[How, str]] = MappingProxyType(
    {How.DIRECT: "granted by", How.PATTERN: "granted by pattern", How.RULE: "allowed by rule"}
)


def detail(cell: Cell) -> str:
    """How a role comes by a permission, in full."""
    words = [f"denied by rule {', '.join(f'`{rule}`' for rule in cell.denied_by)}"] if cell.denied_by else []
    if cell.source is not How.NONE:
        words.append(f"otherwise {_source(cell)}" if words else _source(cell))
    return "; ".join(words) or WORDS[How.NONE]


def _source(cell: Cell) -> str:
    if cell.source is How.INHERITED:
        return f"inherited from `{cell.via}`, which grants `{cell.by}`"
    return f"{SOURCES[cell.source]} `{cell.by}`"
