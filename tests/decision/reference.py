"""A naive evaluator: the words of the policy language, read sentence by sentence, over the JSON itself.

It shares no code with the library, precomputes nothing, and is as slow as it is plain.
"""

from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


def pattern_matches(pattern: str, permission: str) -> bool:
    """`*` is one whole segment; `**`, only last, is one or more."""
    if pattern == permission:
        return True
    head, _, tail = pattern.partition(":")
    first, _, rest = permission.partition(":")
    if pattern == "**":
        return True
    if head not in ("*", first):
        return False
    if not tail or not rest:
        return not tail and not rest
    return pattern_matches(tail, rest)


@dataclass
class Asker:
    """A subject as the naive evaluator sees it."""

    id: str
    kind: str
    regime: str | None
    tenant: str | None
    roles: set[str]
    bound: set[tuple[str, str]]
    scopes: set[str]
    permissions: set[str]
    acr: str | None
    auth_time: float | None
    leeway: int


class Reference:
    """Decides over one merged document."""

    def __init__(self, document: Json) -> None:
        self.document = document

    def section(self, name: str) -> Any:
        return self.document.get(name, [] if name in ("rules", "assignments", "constraints") else {})

    def closure(self, roles: set[str]) -> set[str]:
        closed = {role for role in roles if role in self.section("roles")}
        while True:
            more = {junior for role in closed for junior in self.section("roles")[role].get("inherits", [])}
            if more <= closed:
                return closed
            closed |= more

    def grants(self, roles: set[str]) -> set[str]:
        patterns = [
            pattern for role in self.closure(roles) for pattern in self.section("roles")[role].get("grants", [])
        ]
        return {name for name in self.section("permissions") if any(pattern_matches(one, name) for one in patterns)}

    def scope_grants(self, scopes: set[str]) -> set[str]:
        found = {scope for scope in scopes if scope in self.section("permissions")}
        for scope in scopes & set(self.section("scopes")):
            patterns = self.section("scopes")[scope]["grants"]
            found |= {
                name for name in self.section("permissions") if any(pattern_matches(one, name) for one in patterns)
            }
        return found

    def may_assert(self, issuer: Json, kind: str, name: str) -> bool:
        if "asserts" not in issuer:
            return True
        patterns = issuer["asserts"].get(kind, [])
        if kind == "permissions":
            return name in self.section("permissions") and any(pattern_matches(one, name) for one in patterns)
        return any(name == one or (one.endswith("*") and name.startswith(one[:-1])) for one in patterns)

    def asker(self, issuer_name: str, claims: Json) -> Asker:
        issuer = self.section("issuers")[issuer_name]
        machine = "client_id" in claims and claims["client_id"] == claims["sub"]
        kind = "machine" if machine else "user"
        tenant = claims.get("tenant")
        roles = {role for role in claims.get("roles", []) if self.may_assert(issuer, "roles", role)}
        bound = {
            (role, where)
            for role, tenants in claims.get("tenant_roles", {}).items()
            for where in tenants
            if self.may_assert(issuer, "roles", role) and self.may_assert(issuer, "tenants", where)
        }
        for given in self.section("assignments"):
            if given["issuer"] == issuer_name and self.is_given(given, claims, machine):
                roles |= set() if "tenant" in given else set(given["roles"])
                bound |= {(role, given["tenant"]) for role in given["roles"]} if "tenant" in given else set()
        return Asker(
            id=issuer.get("id_prefix", "") + claims["sub"],
            kind=kind,
            regime=issuer["authority"].get(kind),
            tenant=tenant if tenant is not None and self.may_assert(issuer, "tenants", tenant) else None,
            roles=roles,
            bound=bound,
            scopes={
                one for one in claims.get("scope", "").split(" ") if one and self.may_assert(issuer, "scopes", one)
            },
            permissions={one for one in claims.get("permissions", []) if self.may_assert(issuer, "permissions", one)},
            acr=claims.get("acr"),
            auth_time=claims.get("auth_time"),
            leeway=issuer.get("leeway", 30),
        )

    def is_given(self, given: Json, claims: Json, machine: bool) -> bool:
        tests = []
        if "subject" in given:
            wanted = given["subject"]
            if wanted.endswith((":*", "/*")):
                tests.append(claims["sub"].startswith(wanted[:-1]) and len(claims["sub"]) > len(wanted) - 1)
            else:
                tests.append(claims["sub"] == wanted)
        if "client" in given:
            tests.append(claims.get("client_id") == given["client"])
            tests.append(machine or "subject" in given or "group" in given)
        if "group" in given:
            tests.append(given["group"] in claims.get("groups", []))
        return all(tests)

    def applies(self, rule: Json, permission: str, held: set[str]) -> bool:
        named = any(pattern_matches(pattern, permission) for pattern in rule["permissions"])
        return named and (not rule.get("roles") or bool(set(rule["roles"]) & held))

    def broken(self, constraint: Json, held: set[str], permissions: set[str]) -> bool:
        counted = set(constraint["roles"]) & held
        for permission in permissions & set(self.section("permissions")):
            granting = [role for role in constraint["roles"] if permission in self.grants({role})]
            if len(granting) == 1:
                counted.add(granting[0])
        return len(counted) > int(constraint["limit"])

    def bears(self, constraint: Json, permission: str) -> bool:
        roles = set(constraint["roles"])
        if permission in self.grants(roles):
            return True
        return any(
            rule["effect"] == "allow" and set(rule.get("roles", [])) & self.closure(roles)
            for rule in self.section("rules")
            if any(pattern_matches(pattern, permission) for pattern in rule["permissions"])
        )

    def stepped_up(self, step_up: Json, asker: Asker, now: float) -> bool:
        if "acr" in step_up and asker.acr not in step_up["acr"]:
            return False
        if "max_age" in step_up:
            if asker.auth_time is None or asker.auth_time > now + asker.leeway:
                return False
            return now - asker.auth_time <= float(step_up["max_age"])
        return True

    def decide(self, asker: Asker, permission: str, now: float, tenant: str | None) -> tuple[str, list[str]]:
        """The reason, and the ids of all rules that apply."""
        if permission not in self.section("permissions"):
            return "unknown-permission", []
        held = self.closure(
            asker.roles | {role for role, where in asker.bound if tenant is not None and where == tenant}
        )
        applying = [rule for rule in self.section("rules") if self.applies(rule, permission, held)]
        return self.reason(asker, permission, now, tenant, held, applying), [rule["id"] for rule in applying]

    def bound_to(self, asker: Asker) -> set[str]:
        return {where for role, where in asker.bound if role in self.section("roles")}

    def reason(
        self, asker: Asker, permission: str, now: float, tenant: str | None, held: set[str], applying: list[Json]
    ) -> str:
        if asker.regime is None:
            return "no-authority"
        if tenant is not None and tenant != asker.tenant and tenant not in self.bound_to(asker):
            return "tenant-mismatch"
        if any(
            self.bears(one, permission) and self.broken(one, held, asker.permissions)
            for one in self.section("constraints")
        ):
            return "separation-of-duty"
        if any(rule["effect"] == "deny" for rule in applying):
            return "denied-by-rule"
        by_roles = (
            permission in self.grants(held)
            or permission in asker.permissions
            or any(rule["effect"] == "allow" for rule in applying)
        )
        if asker.regime in ("roles", "roles-and-scopes") and not by_roles:
            return "no-role-grants-it"
        if asker.regime in ("scopes", "roles-and-scopes") and permission not in self.scope_grants(asker.scopes):
            return "scope-missing"
        declared = self.section("permissions")[permission]
        if (
            isinstance(declared, dict)
            and "step_up" in declared
            and not self.stepped_up(declared["step_up"], asker, now)
        ):
            return "step-up-required"
        return "allowed"
