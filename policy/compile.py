"""A checked document to flat sets: per permission the roles and scopes that cover it and the roles denied it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from policy import hierarchy
from policy.assignments import Assigned
from policy.model import Assignment, Constraint, Document, Issuer, Regime, Rule, StepUp
from policy.permissions import Catalogue
from policy.reader import ClaimReader
from policy.subject import NONE, Subject, standing

Names = frozenset[str]


class Duty(NamedTuple):
    """A constraint, compiled: per role its holders, and the direct permissions that count as holding it."""

    constraint: Constraint
    holders: tuple[Names, ...]
    direct: tuple[Names, ...]

    def counted(self, held: Names, permissions: Names) -> tuple[str, ...]:
        """The roles of the constraint that count as held."""
        return tuple(
            role
            for role, holders, direct in zip(self.constraint.roles, self.holders, self.direct, strict=True)
            if not (holders.isdisjoint(held) and direct.isdisjoint(permissions))
        )

    def is_broken(self, held: Names, permissions: Names) -> bool:
        """Whether more of its roles are held, or stood for by a direct permission, than it allows."""
        return len(self.counted(held, permissions)) > self.constraint.limit


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What decides one permission.

    `roles` are the assigned roles whose closure covers it, by a grant or by an allow rule; `everyone` says that an
    allow rule covers it for every subject. `denies` says that deny rules name it, and `denied` and `denied_all` are
    the same for those. `scopes` cover it.
    `duties` are the constraints that bear on it, and `rules` those that name it, in document order.
    """

    roles: Names
    everyone: bool
    denies: bool
    denied: Names
    denied_all: bool
    scopes: Names
    duties: tuple[Duty, ...]
    step_up: StepUp | None
    rules: tuple[Rule, ...]


class Compiled:
    """A policy ready to decide. Immutable by agreement: nothing in this library assigns to it after its making."""

    __slots__ = ("assigned", "catalogue", "closures", "digest", "document", "duties", "entries", "granted",
                 "leeways", "reach", "readers", "regimes", "scope_names", "seniors")  # fmt: skip

    def __init__(self, document: Document) -> None:
        roles = document.roles
        self.document: Final = document
        self.digest: Final = document.digest
        self.catalogue: Final = Catalogue(document.permissions)
        self.closures: Final = hierarchy.closures({name: role.inherits for name, role in roles.items()})
        self.seniors: Final = _inverted(self.closures)
        self.granted: Final = self._grants_of_closures()
        self.duties: Final = tuple(self._duty(constraint) for constraint in document.constraints)
        self.entries: Final = self._entries()
        self.scope_names: Final = frozenset((*self.entries, *document.scopes))
        self.reach: Final = Counter(role for entry in self.entries.values() for role in entry.roles)
        self.leeways: Final = {name: issuer.leeway for name, issuer in document.issuers.items()}
        self.assigned: Final = _assigned(document.issuers, document.assignments)
        self.regimes: Final[Mapping[str, Regime]] = _regimes(document.issuers.values(), self.assigned)
        asked = any(permission.step_up for permission in document.permissions.values())
        self.readers: Final = {
            name: ClaimReader(issuer, self.assigned[name], self.catalogue, step_up=asked)
            for name, issuer in document.issuers.items()
        }

    def _grants_of_closures(self) -> Mapping[str, Names]:
        own = {name: self._expanded(role.grants) for name, role in self.document.roles.items()}
        return {
            name: own[name] if len(closure) == 1 else NONE.union(*(own[junior] for junior in closure))
            for name, closure in self.closures.items()
        }

    def _expanded(self, patterns: Iterable[str]) -> Names:
        found = [self.catalogue.expand(pattern) for pattern in patterns]
        return found[0] if len(found) == 1 else NONE.union(*found)

    def _entries(self) -> Mapping[str, Entry]:
        covering = _transposed(self.granted)
        scopes = _transposed({name: self._expanded(scope.grants) for name, scope in self.document.scopes.items()})
        rules: dict[str, list[Rule]] = {}
        for rule in self.document.rules:
            for name in self._expanded(rule.permissions):
                rules.setdefault(name, []).append(rule)
        duties: dict[str, list[Duty]] = {}
        for duty in self.duties:
            for name in self._borne(duty.constraint):
                duties.setdefault(name, []).append(duty)
        shared: dict[Names, Names] = {}
        return {
            name: self._entry(
                name,
                shared.setdefault(found := frozenset(covering.get(name, ())), found),
                frozenset(scopes.get(name, ())),
                tuple(rules.get(name, ())),
                tuple(duties.get(name, ())),
            )
            for name in self.document.permissions
        }

    def _entry(
        self, name: str, roles: Names, scopes: Names, rules: tuple[Rule, ...], duties: tuple[Duty, ...]
    ) -> Entry:
        allows = [rule for rule in rules if rule.effect == "allow"]
        denies = [rule for rule in rules if rule.effect == "deny"]
        return Entry(
            roles=roles.union(*map(self.meeting, allows)) if allows else roles,
            everyone=any(not rule.roles for rule in allows),
            denies=bool(denies),
            denied=NONE.union(*map(self.meeting, denies)),
            denied_all=any(not rule.roles for rule in denies),
            scopes=scopes | {name},
            duties=duties,
            step_up=self.document.permissions[name].step_up,
            rules=rules,
        )

    def meeting(self, rule: Rule) -> Names:
        """The roles whose closure meets the roles of a rule."""
        return NONE.union(*(self.seniors[role] for role in rule.roles))

    def belongs(self, subject: Subject, tenant: str) -> bool:
        """Whether the tenant is the subject's own, or one that a role of it is bound to; unknown roles bind to none."""
        return tenant == subject.tenant or any(
            where == tenant and role in self.closures for role, where in subject.bound
        )

    def is_stepped_up(self, step_up: StepUp, subject: Subject, now: float) -> bool:
        """Whether the subject's login is strong and recent enough (RFC 9470)."""
        if step_up.acr and subject.acr not in step_up.acr:
            return False
        if step_up.max_age is None:
            return True
        if subject.auth_time is None or type(subject.auth_time) not in (int, float):  # by hand it may be anything
            return False
        return -self.leeways.get(subject.issuer, 30) <= now - subject.auth_time <= step_up.max_age

    def _duty(self, constraint: Constraint) -> Duty:
        granted = [self.granted[role] for role in constraint.roles]
        seen: dict[str, int] = {}
        for permissions in granted:
            for name in permissions:
                seen[name] = seen.get(name, 0) + 1
        direct = tuple(frozenset(name for name in permissions if seen[name] == 1) for permissions in granted)
        return Duty(constraint, tuple(self.seniors[role] for role in constraint.roles), direct)

    def _borne(self, constraint: Constraint) -> Names:
        """The permissions a broken constraint denies: all its roles grant, and all an allow rule could give them."""
        closure = NONE.union(*(self.closures[role] for role in constraint.roles))
        named = [rule for rule in self.document.rules if rule.effect == "allow" and not closure.isdisjoint(rule.roles)]
        by_rules = [self._expanded(rule.permissions) for rule in named]
        return NONE.union(*(self.granted[role] for role in constraint.roles), *by_rules)


def _regimes(issuers: Iterable[Issuer], assigned: Mapping[str, Assigned]) -> dict[str, Regime]:
    """By standing: what an issuer says of a kind of subject, and what a subject without an issuer says itself.

    Subjects whose groups are not known have a standing only where no group of their issuer is given roles.
    """
    found: dict[str, Regime] = {"roles-and-scopes": "roles-and-scopes", "roles": "roles", "scopes": "scopes"}
    for issuer in issuers:
        for kind, regime in issuer.authority.items():
            found[standing(issuer.name, kind)] = regime
            if issuer.overage and not assigned[issuer.name].groups:
                found[standing(issuer.name, kind, without_groups=True)] = regime
    return found


def _transposed(sets: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, members in sets.items():
        for member in members:
            found.setdefault(member, []).append(name)
    return found


def _inverted(closures: Mapping[str, Names]) -> Mapping[str, Names]:
    return {name: frozenset(seniors) for name, seniors in _transposed(closures).items()}


def _assigned(issuers: Mapping[str, Issuer], assignments: Iterable[Assignment]) -> Mapping[str, Assigned]:
    by_issuer: dict[str, list[Assignment]] = {name: [] for name in issuers}
    for given in assignments:
        by_issuer[given.issuer].append(given)
    return {name: Assigned(given) for name, given in by_issuer.items()}
