"""Parts of a page between `<!-- made from … -->` and `<!-- end -->`, and what makes them."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from docs.generate import advisories, commands, profiles, providers, reasons, schema

_PART: Final = re.compile(r"(?<=^<!-- made from )(\S+)( -->\n).*?(?=^<!-- end -->$)", re.MULTILINE | re.DOTALL)
MAKERS: Final[Mapping[str, Callable[[], str]]] = MappingProxyType(
    {
        "policy/cli": commands.as_markdown,
        "policy/policy.schema.json": schema.as_markdown,
        "policy/profiles": profiles.as_markdown,
        "policy/profiles/*.json": providers.as_markdown,
        "policy/reasons.py": reasons.as_markdown,
        "tests/**/*.py": advisories.as_markdown,
    }
)


def pages() -> list[Path]:
    """Every page, wherever it lies below `docs/`."""
    return sorted(Path(__file__).parents[1].rglob("*.md"))


def renewed(page: str) -> str:
    """The page with every made part as it would be made now; `KeyError` for a source that nothing reads."""
    return _PART.sub(lambda part: f"{part[1]}{part[2]}\n{MAKERS[part[1]]()}\n", page)


def by_hand(page: str) -> str:
    """The page without its made parts; what is left stands on the lines where it stood."""
    return _PART.sub(lambda part: f"{part[1]}{part[2]}" + "\n" * (part[0].count("\n") - 1), page)
