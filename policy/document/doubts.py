"""What may well be meant, but is more likely a mistake."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain

from policy.document.findings import Place
from policy.document.merging import Merged
from policy.document.profiles import applied
from policy.document.wording import one_of, path_text, quoted


def warnings(merged: Merged, names: Sequence[str]) -> tuple[str, ...]:
    """Sentences, each with its place, about what a sound document would hardly say."""
    found = chain(_idle(merged), _shed(merged))
    return tuple(f"{names[place.source]}, {path_text(place.path)}: {text}" for place, text in found)


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


def _shed(merged: Merged) -> Iterator[tuple[Place, str]]:
    """Deny rules and constraints that name a role which an issuer's tokens may say, but to no effect."""
    denies = [each for each in merged.rules if each.value["effect"] == "deny" and "roles" in each.value]
    held = _held(merged) if denies or merged.constraints else {}
    for place, each in (*denies, *merged.constraints):
        roles = frozenset(each["roles"])
        left_out = {name: sorted(roles - known) for name, known in held.items() if roles - known}
        if "limit" in each:  # with none of its roles there is nothing to keep apart
            left_out = {name: missing for name, missing in left_out.items() if len(missing) < len(roles)}
        if left_out:
            first, *others = sorted(left_out)
            also = f" and {len(others)} more" if others else ""
            cause = f"`asserts.roles` leaves out {one_of(left_out[first], 'and')}, which no assignment gives either"
            what = "constraint" if "limit" in each else "deny rule"
            yield place, f"the {what} {quoted(each['id'])} is shed for tokens of {quoted(first)}{also}: {cause}"


def _held(merged: Merged) -> Mapping[str, frozenset[str]]:
    """For each issuer whose tokens may say some roles only: every role that its subjects can hold."""
    given: dict[str, set[str]] = {}
    for name, (_, issuer) in merged.issuers.items():
        allowed = issuer.get("asserts", {}).get("roles", ["*"])
        if "*" not in allowed and "roles" in applied(issuer).get("claims", {}):
            given[name] = {role for role in merged.roles if _allows(allowed, role)}
    for each in merged.assignments if given else ():
        for name, roles in set(zip(each.columns.issuers, each.columns.roles, strict=True)):
            given.get(name, set()).update(roles)
    return {name: _inherited(roles, merged) for name, roles in given.items()}


def _allows(allowed: Collection[str], role: str) -> bool:
    return role in allowed or any(each.endswith("*") and role.startswith(each[:-1]) for each in allowed)


def _inherited(roles: Collection[str], merged: Merged) -> frozenset[str]:
    held, waiting = set(roles), list(roles)
    while waiting:
        above = set(merged.roles[waiting.pop()].value.get("inherits", ())) - held
        held |= above
        waiting.extend(above)
    return frozenset(held)
