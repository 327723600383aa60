"""The grants of a policy as they are written, and which of them cover what somebody asks for."""

from collections.abc import Iterator, Mapping
from typing import Final, Literal, NamedTuple

from policy.compile import Compiled
from policy.model import Assignment
from policy.subject import Subject

GrantKind = Literal["role", "scope", "rule", "assignment"]


class Grant(NamedTuple):
    """Something that gives: a pattern of a role or a scope, an allow rule, or a role in an assignment.

    `holder` is the role, the scope, the rule's id, or the assignment's place in the policy; `what` the pattern, nothing
    for a rule, or the role that is assigned.
    """

    kind: GrantKind
    holder: str
    what: str = ""


#: Any way that no grant of the policy gives: a permission in the token, or a scope of the permission's own name.
OUTSIDE: Final = Grant("role", "", "")
Ways = frozenset[Grant]
NO_WAY: Final[Ways] = frozenset()


def all_grants(rules: Compiled) -> tuple[Grant, ...]:
    """Every grant, in the order of the documents."""
    return tuple(dict.fromkeys(_every(rules)))


def _every(rules: Compiled) -> Iterator[Grant]:
    document = rules.document
    for role in document.roles.values():
        yield from (Grant("role", role.name, pattern) for pattern in role.grants)
    for scope in document.scopes.values():
        yield from (Grant("scope", scope.name, pattern) for pattern in scope.grants)
    yield from (Grant("rule", rule.id) for rule in document.rules if rule.effect == "allow")
    for at, assignment in enumerate(document.assignments):
        yield from (Grant("assignment", str(at), role) for role in assignment.roles)


def expanded(rules: Compiled, grant: Grant) -> frozenset[str]:
    """The permissions that a grant gives."""
    if grant.kind == "rule":
        patterns = next(rule.permissions for rule in rules.document.rules if rule.id == grant.holder)
        return frozenset[str]().union(*map(rules.catalogue.expand, patterns))
    if grant.kind == "assignment":
        entries = rules.entries.items()
        return frozenset(name for name, entry in entries if grant.what in entry.roles)
    return rules.catalogue.expand(grant.what)


class Covering:
    """Finds the grants by which a subject comes to a permission. What was found is remembered."""

    def __init__(self, rules: Compiled) -> None:
        self._rules: Final = rules
        self._by_role: Final[dict[tuple[str, str], Ways]] = {}
        self._by_scope: Final[dict[tuple[str, str], Ways]] = {}

    def counts_roles(self, subject: Subject) -> bool:
        """Whether the roles of this subject count; then theirs is the first side."""
        return self._rules.regimes.get(subject.standing) in ("roles", "roles-and-scopes")

    def sides(self, subject: Subject, permission: str, tenant: str | None) -> Iterator[Ways]:
        """One set of ways for each side that counts: a role must grant it, a scope must cover it, or both.

        `OUTSIDE` is among them where the token itself says so. A side without any way is one that refuses.
        """
        regime = self._rules.regimes.get(subject.standing)
        if regime is None or permission not in self._rules.entries:
            yield NO_WAY
            return
        if regime != "scopes":
            yield self._role_side(subject, permission, tenant)
        if regime != "roles":
            yield self._scope_side(subject, permission)

    def _role_side(self, subject: Subject, permission: str, tenant: str | None) -> Ways:
        held = subject.held_in(tenant)
        ways = NO_WAY.union(*(self.of_role(role, permission) for role in held))
        everyone = (rule for rule in self._rules.entries[permission].rules if rule.effect == "allow" and not rule.roles)
        ways |= {Grant("rule", rule.id) for rule in everyone}
        return ways | {OUTSIDE} if permission in subject.permissions else ways

    def of_role(self, role: str, permission: str) -> Ways:
        """By which patterns, along what it inherits, and by which rules a role gives a permission."""
        found = self._by_role.get((role, permission))
        if found is None:
            found = self._by_role[role, permission] = frozenset(self._ways_of_role(role, permission))
        return found

    def _ways_of_role(self, role: str, permission: str) -> Iterator[Grant]:
        rules = self._rules
        for junior in rules.closures.get(role, ()):
            for pattern in rules.document.roles[junior].grants:
                if permission in rules.catalogue.expand(pattern):
                    yield Grant("role", junior, pattern)
        for rule in rules.entries[permission].rules:
            if rule.effect == "allow" and rule.roles and role in rules.meeting(rule):
                yield Grant("rule", rule.id)

    def _scope_side(self, subject: Subject, permission: str) -> Ways:
        ways = NO_WAY.union(*(self._of_scope(scope, permission) for scope in subject.scopes))
        return ways | {OUTSIDE} if permission in subject.scopes else ways

    def _of_scope(self, scope: str, permission: str) -> Ways:
        found = self._by_scope.get((scope, permission))
        if found is None:
            named = self._rules.document.scopes.get(scope)
            patterns = named.grants if named is not None else ()
            expand = self._rules.catalogue.expand
            ways = (Grant("scope", scope, each) for each in patterns if permission in expand(each))
            found = self._by_scope[scope, permission] = frozenset(ways)
        return found


class Attributing:
    """Finds the assignments that give somebody a role; without walking over all of them."""

    def __init__(self, rules: Compiled) -> None:
        self._rules: Final = rules
        self._places: Final[dict[tuple[str, str, str], list[int]]] = {}
        for at, given in enumerate(rules.document.assignments):
            key = _key(given)
            self._places.setdefault((given.issuer, *key), []).append(at)

    def giving(self, subject: Subject) -> Mapping[tuple[str, str | None], Ways]:
        """By (role, tenant) the grants of the policy's assignments that match the subject, whose id is as recorded."""
        found: dict[tuple[str, str | None], set[Grant]] = {}
        for at in self._matching(subject):
            given = self._rules.document.assignments[at]
            for role in given.roles:
                found.setdefault((role, given.tenant), set()).add(Grant("assignment", str(at), role))
        return {pair: frozenset(grants) for pair, grants in found.items()}

    def _matching(self, subject: Subject) -> Iterator[int]:
        issuer = self._rules.document.issuers.get(subject.issuer)
        prefix = issuer.id_prefix if issuer is not None else ""
        sub = str(subject.id).removeprefix(prefix)
        for key in _keys(sub, subject):
            for at in self._places.get((subject.issuer, *key), ()):
                if _fits(self._rules.document.assignments[at], subject):
                    yield at


def _key(given: Assignment) -> tuple[str, str]:
    """What an assignment is found by: its subject, else its group, else its client."""
    if given.subject is not None:
        return "subject", given.subject
    return ("group", given.group) if given.group is not None else ("client", str(given.client))


def _keys(sub: str, subject: Subject) -> Iterator[tuple[str, str]]:
    yield "subject", sub
    for place, letter in enumerate(sub[:-1]):
        if letter in ":/":
            yield "subject", f"{sub[: place + 1]}*"
    yield from (("group", group) for group in subject.groups)
    if subject.kind == "machine" and subject.client is not None:
        yield "client", subject.client


def _fits(given: Assignment, subject: Subject) -> bool:
    return given.client in (None, subject.client) and (given.group is None or given.group in subject.groups)
