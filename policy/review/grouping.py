"""A log reduced to groups, by whichever engine there is."""

import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Final

from policy.errors import ClaimsPolicyError
from policy.review.columns import COLUMNS, DECIDED, UNDECIDED, Column
from policy.review.query import LABEL, Engine, Group, OnProgress

__all__ = ["COLUMNS", "DECIDED", "ENGINES", "LABEL", "UNDECIDED", "Column", "Engine", "Group", "OnProgress", "engine"]


def _plain() -> Engine:
    from policy.review.plain import Plain

    return Plain()


def _duck() -> Engine:
    from policy.review.duck import Duck

    return Duck()


def _spark() -> Engine:
    from policy.review.spark import Spark

    return Spark()


ENGINES: Final[Mapping[str, tuple[Callable[[], Engine], str, str]]] = {
    "duckdb": (_duck, "duckdb", "replay"),
    "spark": (_spark, "pyspark", "spark"),
    "plain": (_plain, "", ""),
}


def engine(name: str = "") -> Engine:
    """The engine of this name; without one DuckDB, and Python alone, with a word about it, where that is missing.

    `ClaimsPolicyError` where there is no such engine, or where what it needs is not installed.
    """
    if not name and find_spec("duckdb") is None:
        print("policy: reading with Python alone; `pip install 'claims-policy[replay]'` is quicker", file=sys.stderr)
        return _plain()
    if name and name not in ENGINES:
        raise ClaimsPolicyError(f"there is no engine `{name}`; there are {', '.join(ENGINES)}")
    make, needed, extra = ENGINES[name or "duckdb"]
    if needed and find_spec(needed) is None:
        raise ClaimsPolicyError(
            f"engine `{name}` needs {needed}, which is not installed: `pip install 'claims-policy[{extra}]'`"
        )
    return make()
