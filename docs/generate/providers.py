"""The identity providers that have a profile, each with the page about it."""

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final, get_args

from docs.generate.tables import code, table
from policy.model import Regime

#: Profiles of no provider.
OF_NOBODY: Final = ("plain", "rfc9068")


def as_markdown() -> str:
    """One line for each profile of a provider."""
    found = sorted(files("policy").joinpath("profiles").iterdir(), key=lambda file: file.name.lower())
    read = {file.name.removesuffix(".json"): json.loads(file.read_text("utf-8")) for file in found}
    rows = [_row(name, profile) for name, profile in read.items() if name not in OF_NOBODY]
    return table(("provider", "profile", "keys", "kinds", "authority"), rows)


def _row(name: str, profile: Mapping[str, Any]) -> tuple[str, ...]:
    provider = profile["description"].partition(":")[0]
    return (
        f"[{provider}]({page_of(name)}.md)",
        code(name),
        _keys(profile.get("keys")),
        _listed(profile["kinds"]),
        _listed(profile.get("regimes", get_args(Regime))),
    )


def page_of(profile: str) -> str:
    """The page about a profile; versions of one provider share it."""
    return profile.partition("-v")[0]


def _keys(source: Mapping[str, Any] | None) -> str:
    if source is None:
        return "yours to name"
    return code(source["jwks_uri"]) if "jwks_uri" in source else "discovery"


def _listed(names: Any) -> str:
    return ", ".join(code(name) for name in names)
