"""How values of a token are shown in a refusal's detail: short, ASCII, on one line, and never any signature."""

import json
from collections.abc import Iterable
from typing import Any, Final

LONGEST: Final = 120


def shown(value: Any) -> str:
    """A JSON value as printable ASCII on one line, cut to a length that suits a log."""
    text = json.dumps(value[: LONGEST + 1] if isinstance(value, (str, list)) else value).replace("\x7f", "\\u007f")
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def listed(values: Iterable[str]) -> str:
    """What would have been accepted."""
    names = [shown(value) for value in values]
    return f"any of {', '.join(names)}" if len(names) > 1 else "".join(names) or "nothing"


def difference(seen: str, expected: Iterable[str]) -> str:
    """The small thing that a name has wrong, as `; it differs … only by …`, or the empty text."""
    for name in expected:
        how = _difference(seen, name)
        if how:
            return f"; it differs from {shown(name)} only by {how}"
    return ""


def _difference(seen: str, name: str) -> str:
    if seen.rstrip("/") == name.rstrip("/"):
        return "a trailing slash"
    if seen.strip() == name.strip():
        return "white space around it"
    if seen.casefold() == name.casefold():
        return "upper and lower case"
    if "://" in seen and seen.split("://", 1)[1] == name.split("://", 1)[-1]:
        return "its scheme"
    return ""


def seconds(number: float) -> str:
    """A length of time, in whole seconds unless it has a fraction."""
    return f"{number:.3f}".rstrip("0").rstrip(".") + " s"
