"""The smallest change to a subject that would turn a denial into an allow."""

from collections.abc import Iterable
from dataclasses import dataclass

from policy.compile import Compiled, Entry
from policy.reasons import Reason
from policy.subject import Subject

#: Reasons that no change of roles or scopes can mend.
_BEYOND = {
    Reason.UNKNOWN_PERMISSION: "No change of roles or scopes helps: the permission must be declared first.",
    Reason.NO_AUTHORITY: "No change of roles or scopes helps: the issuer gives this kind of subject no authority.",
    Reason.GROUPS_OVERAGE: "No change of roles or scopes helps: the token must name the subject's groups.",
    Reason.TENANT_MISMATCH: "No change of scopes helps: the subject must belong to the tenant asked for.",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What to change so that the answer becomes an allow.

    `drop_roles` are roles to take away, `add_role` is one role to give, `add_scopes` are scopes of which one is
    needed. `impossible` says why no such change exists; `also` names what else stands in the way.
    """

    drop_roles: tuple[str, ...] = ()
    add_role: str | None = None
    add_scopes: tuple[str, ...] = ()
    impossible: str = ""
    also: tuple[str, ...] = ()

    def sentences(self) -> list[str]:
        """The change in plain sentences."""
        steps = [f"take away role {_quoted(self.drop_roles, ' and ')}"] if self.drop_roles else []
        steps += [f"give role `{self.add_role}`"] if self.add_role else []
        steps += [f"ask for scope {_quoted(self.add_scopes, ' or ')}"] if self.add_scopes else []
        lines = [f"Smallest change that would allow: {', and '.join(steps)}."] if steps and not self.impossible else []
        return [*lines, *([self.impossible] if self.impossible else []), *self.also]


def smallest_change(
    policy: Compiled, subject: Subject, permission: str, reason: Reason, *, now: float, tenant: str | None
) -> Change | None:
    """The smallest change that would allow, or why there is none; `None` where the answer is an allow already."""
    if reason is Reason.ALLOWED:
        return None
    entry = policy.entries.get(permission)
    if entry is None or reason in _BEYOND:
        return Change(impossible=_BEYOND[reason])
    if entry.denied_all:
        ids = tuple(rule.id for rule in entry.rules if rule.effect == "deny" and not rule.roles)
        return Change(impossible=f"No change of roles helps: deny rule {_quoted(ids, ' and ')} names no role.")
    return _change(policy, subject, permission, entry, now, tenant)


def _change(
    policy: Compiled, subject: Subject, permission: str, entry: Entry, now: float, tenant: str | None
) -> Change:
    held = subject.held_in(tenant)
    regime = policy.regimes[subject.standing]
    dropped = held & entry.denied
    kept = held - dropped
    scopes = () if regime == "roles" or entry.scopes & subject.scopes else tuple(sorted(entry.scopes))
    covered = entry.everyone or permission in subject.permissions or not entry.roles.isdisjoint(kept)
    added = None if regime == "scopes" or covered else _role_to_add(policy, subject, entry, kept)
    stuck = regime != "scopes" and not covered and added is None
    return Change(
        drop_roles=tuple(sorted(dropped)),
        add_role=added,
        add_scopes=scopes,
        impossible="No single added role suffices." if stuck else "",
        also=(*_constraints(entry, subject, kept), *_login(policy, entry, subject, now)),
    )


def _role_to_add(policy: Compiled, subject: Subject, entry: Entry, kept: frozenset[str]) -> str | None:
    """The role with the fewest permissions that covers, is not denied, can be given, and breaks no constraint anew."""
    candidates = entry.roles - entry.denied
    in_order = sorted(candidates, key=lambda role: (policy.reach[role], role))
    return next((role for role in in_order if _can_be_given(policy, subject, role, kept)), None)


def _can_be_given(policy: Compiled, subject: Subject, role: str, kept: frozenset[str]) -> bool:
    newly_broken = (
        not duty.is_broken(kept, subject.permissions) and duty.is_broken(kept | {role}, subject.permissions)
        for duty in policy.duties
    )
    return _may_come(policy, subject, role) and not any(newly_broken)


def _may_come(policy: Compiled, subject: Subject, role: str) -> bool:
    if not subject.issuer:
        return True
    return policy.readers[subject.issuer].may_assert_role(role) or role in policy.assigned[subject.issuer].roles


def _constraints(entry: Entry, subject: Subject, kept: frozenset[str]) -> Iterable[str]:
    broken = (duty.constraint for duty in entry.duties if duty.is_broken(kept, subject.permissions))
    return [
        f"Constraint `{one.id}` must hold again: at most {one.limit} of {_quoted(one.roles, ' and ')}."
        for one in broken
    ]


def _login(policy: Compiled, entry: Entry, subject: Subject, now: float) -> Iterable[str]:
    if entry.step_up is None or policy.is_stepped_up(entry.step_up, subject, now):
        return []
    return ["The login must satisfy the permission's step-up."]


def _quoted(names: tuple[str, ...], last: str) -> str:
    quoted = [f"`{name}`" for name in names]
    return ", ".join(quoted[:-1]) + last + quoted[-1] if len(quoted) > 1 else "".join(quoted)
