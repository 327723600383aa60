"""How a profile says that the names of its issuers read: as `https://login.example.com/{tid}/`, claims in braces."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final

PLACE: Final = re.compile(r"\{([A-Za-z0-9_]+)\}")


def claims_in(name: str, templates: Iterable[str]) -> Mapping[str, str] | None:
    """What the name of an issuer says in the place of claims; `None` where it reads like none of the templates."""
    found = (_pattern(template).fullmatch(name) for template in templates)
    return next((match.groupdict() for match in found if match), None)


def example(template: str) -> str:
    """A name that reads like the template."""
    return PLACE.sub("00000000-0000-0000-0000-000000000000", template)


@cache
def _pattern(template: str) -> re.Pattern[str]:
    """A name in which every place holds some text without a slash, and the same text wherever it is the same claim."""
    literal, seen, parts = True, set[str](), list[str]()
    for part in PLACE.split(template):
        if literal:
            parts.append(re.escape(part))
        else:
            parts.append(f"(?P={part})" if part in seen else f"(?P<{part}>[^/]+)")
            seen.add(part)
        literal = not literal
    return re.compile("".join(parts))
