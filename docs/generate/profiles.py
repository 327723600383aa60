"""The shipped profiles as a table."""

import json
from importlib.resources import files

from docs.generate.tables import code, one_of, table


def as_markdown() -> str:
    """One line for each profile: what it is for, and what it fills in."""
    found = sorted(files("policy").joinpath("profiles").iterdir(), key=lambda file: file.name)
    read = {file.name.removesuffix(".json"): json.loads(file.read_text("utf-8")) for file in found}
    rows = [
        (
            code(name),
            profile["description"],
            one_of(profile["algorithms"]) if "algorithms" in profile else "yours to name",
            _typ(profile.get("typ", [])),
            ", ".join(code(claim) for claim in profile.get("required", [])) or "none",
        )
        for name, profile in read.items()
    ]
    return table(("profile", "for", "algorithms", "accepted `typ`", "claims demanded besides the five"), rows)


def _typ(given: str | list[str]) -> str:
    names = [given] if isinstance(given, str) else given
    absent = ["absent"] if "" in names else []
    return ", ".join([*(code(name) for name in names if name), *absent]) or "any"
