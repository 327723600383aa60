"""What may well be meant, but is more likely a mistake."""

from collections.abc import Iterator, Sequence

from policy.document.findings import Place
from policy.document.merging import Merged
from policy.document.wording import path_text, quoted


def warnings(merged: Merged, names: Sequence[str]) -> tuple[str, ...]:
    """Sentences, each with its place, about what a sound document would hardly say."""
    return tuple(f"{names[place.source]}, {path_text(place.path)}: {text}" for place, text in _idle(merged))


def _idle(merged: Merged) -> Iterator[tuple[Place, str]]:
    regimes = {regime for each in merged.issuers.values() for regime in each.value.get("authority", {}).values()}
    if regimes != {"scopes"}:
        return
    for place, rule in merged.rules:
        if rule["effect"] == "allow":
            yield place, f"the allow rule {quoted(rule['id'])} can never matter: every authority is `scopes`"
    for name, role in merged.roles.items():
        if "grants" in role.value:
            yield (
                role.place.to("grants"),
                f"what the role {quoted(name)} grants can never matter: every authority is `scopes`",
            )
            return
