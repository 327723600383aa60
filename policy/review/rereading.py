"""A recorded subject as another policy would have read it from the same token, as far as the record tells.

A record holds what the recorded policy read. Another one may read other claims, let the issuer say more, know names
that were cut, and give other roles. What that leaves open makes the subject a `Possible` one, or one of several.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from policy.compile import Compiled
from policy.model import ClaimSource, Issuer, Kind, Target
from policy.review.bounds import Possible
from policy.review.giving import Asking, Given, Giving, holding
from policy.review.saying import KINDS, Listener, Said, all_of, said_by
from policy.subject import NONE, Subject

#: Why something of a subject is not known: `SENTENCES` of the report say it in full.
READING, ASSERTS, CUT, GROUPS, TREATED = "reading", "asserts", "cut", "groups", "treated"


class _Range(NamedTuple):
    """What a token said at least and at most, and why it is not known better."""

    least: Said
    most: Said
    causes: tuple[str, ...] = ()

    def and_perhaps(self, more: Said, cause: str) -> "_Range":
        """Perhaps it said more."""
        most = self.most.with_all(more)
        return self if most == self.most else _Range(self.least, most, (*self.causes, cause))

    def perhaps_without(self, less: Said, cause: str) -> "_Range":
        """Perhaps it did not say all of it."""
        least = self.least.without(less)
        return self if least == self.least else _Range(least, self.most, (*self.causes, cause))

    def and_surely(self, more: Said) -> "_Range":
        """It said more."""
        return _Range(self.least.with_all(more), self.most.with_all(more), self.causes)


class Rereading:
    """How one policy reads the subjects of one issuer from what another one recorded of them.

    `needs_who` says that their ids or clients matter, which stand apart in a record.
    """

    def __init__(self, old: Compiled, new: Compiled, name: str) -> None:
        self._old_rules, self._new_rules = old, new
        self._old, self._new = old.document.issuers[name], new.document.issuers[name]
        self._hears_old, self._hears_new = Listener(old, self._old), Listener(new, self._new)
        self._gave, self._gives = Giving(old, name), Giving(new, name)
        self._old_forms: Final = frozenset(source.format for source in self._old.claims.get("roles", ()))
        asked_login = any(each.step_up for each in old.document.permissions.values())
        self._login: Final = not asked_login or self._differs("acr") or self._differs("auth_time")
        other_kinds = (self._old.kinds, self._old.otherwise) != (self._new.kinds, self._new.otherwise)
        other_overage = self._old.overage != self._new.overage
        self._kinds: Final = KINDS if other_kinds else ()
        self._overages: Final = ((False, True) if self._new.overage else (False,)) if other_overage else ()
        self._refusable: Final = other_kinds or len(self._overages) > 1 or any(map(self._added, self._new.claims))
        self._anew: Final = (
            other_kinds or self._differs("groups") or self._differs("client") or self._gave.pairs != self._gives.pairs
        )
        self._alike: Final = not (
            self._anew or self._refusable or self._overages or _said_apart(old, new, self._old, self._new)
        )
        self.needs_who: Final[bool] = self._anew and self._gives.names_who

    def possible(self, record: Mapping[str, Any], subject: Subject) -> list[Possible]:
        """The subjects that this one may be for the new policy."""
        if self._alike and not record.get("capped"):
            return [Possible(subject, subject, login=self._login)]
        said = self._said(record, subject)
        kinds, overages = self._kinds or (subject.kind,), self._overages or (subject.without_groups,)
        causes = (*said.causes, READING) if self._refusable or len(kinds) * len(overages) > 1 else said.causes
        return [
            self._as(kind, overage, said._replace(causes=causes), record, subject)
            for kind in kinds
            for overage in overages
        ]

    def _as(self, kind: Kind, overage: bool, said: _Range, record: Mapping[str, Any], subject: Subject) -> Possible:
        low, high, causes = self._assigned(record, subject, kind)
        login = {"acr": subject.acr, "auth_time": subject.auth_time}
        least = self._hears_new(said.least, kind=kind, without_groups=overage, **login)
        most = self._hears_new(said.most, kind=kind, without_groups=overage, **login)
        return Possible(
            holding(least, low, subject.id),
            holding(most, high, subject.id),
            login=self._login,
            refusable=self._refusable,
            causes=tuple(dict.fromkeys((*said.causes, *causes))),
        )

    def _differs(self, target: Target) -> bool:
        return self._old.claims.get(target, ()) != self._new.claims.get(target, ())

    def _added(self, target: Target) -> frozenset[ClaimSource]:
        return _sources(self._new, target) - _sources(self._old, target)

    def _said(self, record: Mapping[str, Any], subject: Subject) -> _Range:
        asked, capped = record["tenant"], record.get("capped", ())
        said = said_by(subject)
        found = self._with_unasserted(_Range(said, said), subject, asked)
        known, knew = all_of(self._new_rules, asked), all_of(self._old_rules, asked)
        if "subject.unasserted" in capped:
            found = found.and_perhaps(known.without(said_by(self._hears_old(known))), ASSERTS)
        unknown = known.without(knew)
        for field in ("roles", "scopes", "permissions"):
            if f"subject.{field}" in capped:
                found = found.and_perhaps(Said(**{field: getattr(unknown, field)}), CUT)
        return self._read_elsewhere(found, known)

    def _with_unasserted(self, found: _Range, subject: Subject, asked: str | None) -> _Range:
        """With what the issuer said and might not say; of a bound role, only its halves were noted."""
        bound, plain = "object-tenants" in self._old_forms, bool(self._old_forms - {"object-tenants"})
        roles, scopes, permissions, tenants = (
            frozenset(name for kind, name in subject.unasserted if kind == word)
            for word in ("role", "scope", "permission", "tenant")
        )
        found = found.and_surely(Said(scopes=scopes, permissions=permissions))
        if not bound:
            return found.and_surely(Said(roles=roles, tenant=next(iter(tenants), None)))
        pairs = frozenset((role, asked) for role in roles) if asked is not None else NONE
        found = found.and_perhaps(Said(roles=roles if plain else NONE, bound=pairs), ASSERTS)
        if asked in tenants:
            every = frozenset((role, asked) for role in self._new_rules.closures)
            found = found.and_perhaps(Said(bound=every, tenant=asked), ASSERTS)
        return found

    def _read_elsewhere(self, found: _Range, known: Said) -> _Range:
        """With what the new policy reads from other claims than the recorded one."""
        for field, parts in _PARTS.items():
            if self._added(field):
                found = found.and_perhaps(Said(**{part: getattr(known, part) for part in parts}), READING)
            if _sources(self._old, field) - _sources(self._new, field):
                found = found.perhaps_without(Said(**{part: getattr(found.least, part) for part in parts}), READING)
        if self._differs("tenant"):
            least, most = found.least._replace(tenant=None), found.most._replace(tenant=known.tenant)
            found = _Range(least, most, (*found.causes, READING))
        return found

    def _assigned(self, record: Mapping[str, Any], subject: Subject, kind: Kind) -> tuple[Given, Given, list[str]]:
        """What is assigned at least and at most, and why that is not known better."""
        if not self._anew:
            return subject.assigned, subject.assigned, []
        unknown = {*record.get("treated", ()), *record.get("capped", ())}
        new_client = self._differs("client")
        groups = NONE if self._differs("groups") else subject.groups
        id = None if "subject.id" in unknown else (subject.id or "").removeprefix(self._old.id_prefix)  # noqa: A001
        client = None if new_client or "subject.client" in unknown else subject.client or ""
        perhaps = self._gives.groups - (NONE if self._differs("groups") else self._gave.groups)
        asking = Asking(id, kind, client, groups, perhaps)
        low, high = self._gives.least(asking), self._gives.most(asking)
        return low, high, [] if low == high else self._causes(asking, unknown)

    def _causes(self, asking: Asking, unknown: set[str]) -> list[str]:
        read = self._differs("groups") or self._differs("client")
        return [
            *([TREATED] if {"subject.id", "subject.client"} & unknown else []),
            *([GROUPS] if asking.perhaps and not self._differs("groups") else []),
            *([READING] if read else []),
        ]


_PARTS: Final[Mapping[Target, tuple[str, ...]]] = {
    "roles": ("roles", "bound"),
    "scopes": ("scopes",),
    "permissions": ("permissions",),
}


def _sources(issuer: Issuer, target: Target) -> frozenset[ClaimSource]:
    return frozenset(issuer.claims.get(target, ()))


def _said_apart(old: Compiled, new: Compiled, before: Issuer, after: Issuer) -> bool:
    """Whether a token of the issuer says another thing to one policy than to the other."""
    sets: tuple[Target, ...] = ("roles", "scopes", "permissions")
    elsewhere = any(_sources(before, each) != _sources(after, each) for each in sets)
    by_catalogue = after.asserts.permissions is not None and old.entries.keys() != new.entries.keys()
    other_tenant = before.claims.get("tenant", ()) != after.claims.get("tenant", ())
    return elsewhere or by_catalogue or other_tenant or before.asserts != after.asserts
