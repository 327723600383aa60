"""A log reduced to groups, by whichever engine there is."""

import sys
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Final

from policy.errors import ClaimsPolicyError
from policy.review.columns import COLUMNS, DECIDED, UNDECIDED, Column
from policy.review.query import LABEL, Engine, Group, OnProgress

__all__ = ["COLUMNS", "DECIDED", "ENGINES", "LABEL", "UNDECIDED", "Column", "Engine", "Group", "OnProgress", "engine"]


#: By name: the module and the class, the package that it needs, and the extra that brings it.
ENGINES: Final[Mapping[str, tuple[str, str, str, str]]] = {
    "duckdb": ("duck", "Duck", "duckdb", "replay"),
    "spark": ("spark", "Spark", "pyspark", "spark"),
    "plain": ("plain", "Plain", "", ""),
}


def engine(name: str = "") -> Engine:
    """The engine of this name; without one DuckDB, and Python alone, with a word about it, where that is missing.

    `ClaimsPolicyError` where there is no such engine, or where what it needs is not installed.
    """
    if not name and find_spec("duckdb") is None:
        print("policy: reading with Python alone; `pip install 'claims-policy[replay]'` is quicker", file=sys.stderr)
        name = "plain"
    if name and name not in ENGINES:
        raise ClaimsPolicyError(f"there is no engine `{name}`; there are {', '.join(ENGINES)}")
    module, kind, needed, extra = ENGINES[name or "duckdb"]
    if needed and find_spec(needed) is None:
        raise ClaimsPolicyError(
            f"engine `{name}` needs {needed}, which is not installed: `pip install 'claims-policy[{extra}]'`"
        )
    made: Engine = getattr(import_module(f"policy.review.{module}"), kind)()
    return made
