"""What the shape of a document does not say: whether names are well formed and known, and whether sections agree."""

from collections.abc import Iterator, Mapping, Sequence

from policy.document.assigning import check_assignments
from policy.document.findings import Findings, Place
from policy.document.issuing import check_issuers
from policy.document.merging import Merged
from policy.document.names import References, acr_fault, permission_fault, role_fault, scope_fault
from policy.document.shapes import ConstraintShape, RuleShape
from policy.document.wording import quoted
from policy.hierarchy import cycles


def check(merged: Merged, findings: Findings) -> None:
    """Add to the findings everything that is wrong with the documents together."""
    declared = merged.declared
    references = References(declared["permissions"].keys(), declared["roles"], whole=merged.whole, out=findings)
    _permissions(merged, references, findings)
    _roles(merged, references, findings)
    _scopes(merged, references, findings)
    for place, rule in merged.rules:
        _rule(rule, place, references, findings)
    for place, constraint in merged.constraints:
        _constraint(constraint, place, references, findings)
    _hierarchy(merged, findings)
    check_issuers(merged, references, findings)
    issuers = {name: merged.issuers[name].value if name in merged.issuers else None for name in declared["issuers"]}
    check_assignments(merged.assignments, issuers, references, findings)


def _permissions(merged: Merged, references: References, findings: Findings) -> None:
    if merged.whole and not merged.declared["permissions"]:
        findings.add(Place(0), "the policy declares no permissions")
    for name, place in merged.declared["permissions"].items():
        if fault := permission_fault(name):
            findings.add(place, fault)
    for place, permission in merged.permissions.values():
        if permission.get("step_up") == {}:
            findings.add(place.to("step_up"), "asks for nothing: give it `acr`, `max_age` or both")
        values = permission.get("step_up", {}).get("acr", ())
        references.once(values, place.to("step_up", "acr"))
        for index, value in enumerate(values):
            if fault := acr_fault(value):
                findings.add(place.to("step_up", "acr", index), fault)


def _roles(merged: Merged, references: References, findings: Findings) -> None:
    for name, place in merged.declared["roles"].items():
        if fault := role_fault(name):
            findings.add(place, fault)
    for place, role in merged.roles.values():
        if "inherits" in role:
            references.roles_known(role["inherits"], place.to("inherits"))
        if "grants" in role:
            references.patterns_match(role["grants"], place.to("grants"))


def _scopes(merged: Merged, references: References, findings: Findings) -> None:
    for name, place in merged.declared["scopes"].items():
        if fault := scope_fault(name):
            findings.add(place, fault)
    for name, (place, scope) in merged.scopes.items():
        references.patterns_match(scope["grants"], place.to("grants"))
        granted = frozenset[str]().union(*map(references.catalogue.expand, scope["grants"]))
        if name in merged.declared["permissions"] and granted != {name}:
            message = f"the scope {quoted(name)} is named like a permission, so it may grant that and nothing else"
            findings.add(place.to("grants"), message)


def _rule(rule: RuleShape, place: Place, references: References, findings: Findings) -> None:
    references.patterns_match(rule["permissions"], place.to("permissions"))
    references.roles_known(rule.get("roles", ()), place.to("roles"))
    everyone, allow = rule.get("everyone", False), rule["effect"] == "allow"
    if everyone and not allow:
        findings.add(place.to("everyone"), "is for allow rules only; a deny rule without `roles` is for everyone")
    elif everyone and "roles" in rule:
        findings.add(place.to("everyone"), "does not go with `roles`")
    elif allow and not everyone and "roles" not in rule:
        findings.add(place, 'an allow rule without `roles` would be for everyone; if so, say `"everyone": true`')
    if "message" in rule and allow:
        findings.add(place.to("message"), "is for deny rules only")


def _constraint(constraint: ConstraintShape, place: Place, references: References, findings: Findings) -> None:
    references.roles_known(constraint["roles"], place.to("roles"))
    number = len(set(constraint["roles"]))
    if constraint["limit"] >= number:
        message = f"must be below the number of the roles, which is {number}, not {quoted(constraint['limit'])}"
        findings.add(place.to("limit"), message)


def _hierarchy(merged: Merged, findings: Findings) -> None:
    """No role inherits itself, and no role breaks a constraint by itself."""
    parents = {
        name: tuple(parent for parent in placed.value.get("inherits", ()) if parent in merged.roles)
        for name, placed in merged.roles.items()
    }
    found = cycles(parents)
    for ring in found:
        place = merged.roles[ring[0]].place.to("inherits")
        findings.add(place, f"role cycle: {' inherits '.join(map(quoted, ring))}")
    if not found and merged.constraints:
        for place, message in _broken(merged, parents):
            findings.add(place, message)


def _broken(merged: Merged, parents: Mapping[str, Sequence[str]]) -> Iterator[tuple[Place, str]]:
    for name, held in _constrained(merged, parents).items():
        for _, constraint in merged.constraints:
            together = held.intersection(constraint["roles"])
            if len(together) > constraint["limit"]:
                listed = ", ".join(map(quoted, sorted(together)))
                words = f"the role {quoted(name)} breaks the constraint {quoted(constraint['id'])} by itself"
                yield merged.roles[name].place, f"{words}: it amounts to {listed}"


def _constrained(merged: Merged, parents: Mapping[str, Sequence[str]]) -> dict[str, set[str]]:
    """For each role the roles under a constraint that it amounts to. Whole closures could be very large."""
    seniors: dict[str, list[str]] = {}
    for name, above in parents.items():
        for parent in above:
            seniors.setdefault(parent, []).append(name)
    held: dict[str, set[str]] = {}
    for role in {role for _, constraint in merged.constraints for role in constraint["roles"] if role in parents}:
        waiting = [role]
        while waiting:
            name = waiting.pop()
            if role not in held.setdefault(name, set()):
                held[name].add(role)
                waiting.extend(seniors.get(name, ()))
    return held
