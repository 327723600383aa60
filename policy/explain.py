"""Why a decision came out as it did, derived on demand from its inputs; and the smallest change that would allow."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from policy.change import Change, smallest_change
from policy.compile import Compiled, Entry
from policy.model import Regime, Rule
from policy.reasons import SENTENCES, Reason
from policy.subject import Subject

REGIMES: dict[Regime, str] = {
    "roles-and-scopes": "a role must grant it and a scope must cover it",
    "roles": "a role must grant it; scopes do not count",
    "scopes": "a scope must cover it; roles do not grant",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class RoleGrant:
    """How a held role comes to cover the permission: along `path`, by the pattern or the allow rule `by`."""

    path: tuple[str, ...]
    by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BrokenConstraint:
    """A separation-of-duty constraint that bears on the permission, with the roles that count as held."""

    id: str
    limit: int
    roles: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """Everything that led to an answer. `str()` gives it as sentences, one a line.

    `rules` are the ids of the rules that apply, in document order; `message` is that of the first applying deny.
    `covering_scopes` are the subject's scopes that cover the permission, `missing_scopes` those that would.
    """

    allowed: bool
    reason: Reason
    permission: str
    subject: Subject
    tenant: str | None
    regime: Regime | None
    held: tuple[str, ...]
    granted_by: tuple[RoleGrant, ...]
    direct: bool
    covering_scopes: tuple[str, ...]
    missing_scopes: tuple[str, ...]
    denied_by: tuple[str, ...]
    message: str
    rules: tuple[str, ...]
    broken: tuple[BrokenConstraint, ...]
    step_up: str
    change: Change | None

    def __str__(self) -> str:
        return "\n".join(sentences(self))

    def as_dict(self) -> dict[str, Any]:
        """The explanation as JSON values."""
        found = {each.name: getattr(self, each.name) for each in fields(self)}  # asdict cannot copy a subject
        subject = {"id": self.subject.id, "issuer": self.subject.issuer or None, "kind": self.subject.kind}
        return {
            **found,
            "subject": subject,
            "granted_by": [asdict(grant) for grant in self.granted_by],
            "broken": [asdict(constraint) for constraint in self.broken],
            "change": self.change and asdict(self.change),
            "sentences": sentences(self),
        }


def explain(
    policy: Compiled, subject: Subject, permission: str, reason: Reason, *, now: float, tenant: str | None
) -> Explanation:
    """Explain a decision that these inputs led to. Pure: the same inputs give the same explanation."""
    entry = policy.entries.get(permission)
    held = subject.held_in(tenant)
    applying = _applying(policy, entry, held)
    scopes = entry.scopes if entry else frozenset[str]()
    regime = policy.regimes.get(subject.standing)
    return Explanation(
        allowed=reason is Reason.ALLOWED,
        reason=reason,
        permission=permission,
        subject=subject,
        tenant=tenant,
        regime=regime,
        held=tuple(sorted(held)),
        granted_by=_granting(policy, permission, held, applying),
        direct=permission in subject.permissions and entry is not None,
        covering_scopes=tuple(sorted(scopes & subject.scopes)),
        missing_scopes=() if scopes & subject.scopes else tuple(sorted(scopes)),
        denied_by=tuple(rule.id for rule in applying if rule.effect == "deny"),
        message=next((rule.message for rule in applying if rule.message), ""),
        rules=tuple(rule.id for rule in applying),
        broken=_broken(entry, subject, held),
        step_up=_step_up(policy, entry, subject, now),
        change=smallest_change(policy, subject, permission, reason, now=now, tenant=tenant),
    )


def applying_rules(policy: Compiled, subject: Subject, permission: str, tenant: str | None) -> tuple[Rule, ...]:
    """Every rule that applies, in document order: all of them are looked at, also after a deny."""
    return _applying(policy, policy.entries.get(permission), subject.held_in(tenant))


def _applying(policy: Compiled, entry: Entry | None, held: frozenset[str]) -> tuple[Rule, ...]:
    rules = entry.rules if entry else ()
    return tuple(rule for rule in rules if not rule.roles or not policy.meeting(rule).isdisjoint(held))


def _granting(
    policy: Compiled, permission: str, held: frozenset[str], applying: tuple[Rule, ...]
) -> tuple[RoleGrant, ...]:
    found = [grant for role in sorted(held) if (grant := _way(policy, role, permission)) is not None]
    by_rules = [RoleGrant(path=(), by=rule.id) for rule in applying if rule.effect == "allow"]
    return (*found, *by_rules)


def _way(policy: Compiled, role: str, permission: str) -> RoleGrant | None:
    """The shortest way from a role along what it inherits to a pattern that grants the permission."""
    if permission not in policy.granted.get(role, ()):
        return None
    ways: list[tuple[str, ...]] = [(role,)]
    seen = {role}
    for way in ways:  # grows while it is walked: breadth first, so the first hit is the shortest
        last = policy.document.roles[way[-1]]
        for pattern in last.grants:
            if permission in policy.catalogue.expand(pattern):
                return RoleGrant(path=way, by=pattern)
        fresh = [parent for parent in last.inherits if permission in policy.granted[parent] and parent not in seen]
        seen.update(fresh)
        ways.extend((*way, parent) for parent in fresh)
    return None


def _broken(entry: Entry | None, subject: Subject, held: frozenset[str]) -> tuple[BrokenConstraint, ...]:
    return tuple(
        BrokenConstraint(
            id=duty.constraint.id, limit=duty.constraint.limit, roles=duty.counted(held, subject.permissions)
        )
        for duty in (entry.duties if entry else ())
        if duty.is_broken(held, subject.permissions)
    )


def _step_up(policy: Compiled, entry: Entry | None, subject: Subject, now: float) -> str:
    """What the permission asks of the login and the subject's did not give; empty where nothing is missing."""
    step_up = entry.step_up if entry else None
    if step_up is None or policy.is_stepped_up(step_up, subject, now):
        return ""
    wanted = [f"a login with {' or '.join(f'`{acr}`' for acr in step_up.acr)}"] if step_up.acr else []
    if step_up.max_age is not None:
        wanted.append(f"one no older than {step_up.max_age} seconds")
    return " and ".join(wanted)


def sentences(found: Explanation) -> list[str]:
    """The explanation in plain sentences, from the question to the answer."""
    where = f" in tenant `{found.tenant}`" if found.tenant is not None else ""
    lines = [f"{_who(found.subject)} asks for `{found.permission}`{where}."]
    if found.reason is Reason.GROUPS_OVERAGE:
        lines.append("The policy gives roles to groups of this issuer, and the token does not name the subject's.")
    elif found.regime is None:
        lines.append("No authority is declared for this kind of subject.")
    else:
        lines += [f"Authority is `{found.regime}`: {REGIMES[found.regime]}.", *_roles(found)]
        lines += _scopes(found) if found.regime != "roles" else []
    lines += [_broken_sentence(constraint) for constraint in found.broken]
    lines += [f"Deny rule `{rule}` applies." for rule in found.denied_by]
    if found.step_up:
        lines.append(f"The permission asks for {found.step_up}; {_login(found.subject)}.")
    answer = "Allowed" if found.allowed else "Denied"
    lines.append(f"{answer} ({found.reason}): {SENTENCES[found.reason]}.")
    return [*lines, *(found.change.sentences() if found.change else ())]


def _who(subject: Subject) -> str:
    kind = {"user": "User", "machine": "Machine", "unknown": "A subject of unknown kind,"}[subject.kind]
    return f"{kind} `{subject.id}`" + (f" of `{subject.issuer}`" if subject.issuer else "")


def _roles(found: Explanation) -> list[str]:
    lines = [f"Roles held: {_listed(found.held)}."]
    assigned = tuple(sorted({role for role, _ in found.subject.assigned} & set(found.held)))
    if assigned:
        lines.append(f"Given by an assignment: {_listed(assigned)}.")
    lines += [f"{kind.capitalize()} `{name}` is not the issuer's to assert." for kind, name in found.subject.unasserted]
    if found.regime == "scopes":
        return lines if found.held else lines[1:]
    if found.direct:
        lines.append("The token names the permission directly.")
    lines += [_grant_sentence(grant) for grant in found.granted_by]
    if not (found.granted_by or found.direct):
        lines.append(f"No role held grants `{found.permission}`.")
    return lines


def _grant_sentence(grant: RoleGrant) -> str:
    if not grant.path:
        return f"Allow rule `{grant.by}` applies."
    inherited = "".join(f", which inherits `{role}`" for role in grant.path[1:])
    return f"Role `{grant.path[0]}`{inherited}{',' if inherited else ''} grants it by `{grant.by}`."


def _scopes(found: Explanation) -> list[str]:
    if found.covering_scopes:
        return [f"Covered by scope {_listed(found.covering_scopes)}."]
    return (
        [f"No scope of the subject covers it; {_listed(found.missing_scopes, ' or ')} would."]
        if (found.missing_scopes)
        else []
    )


def _broken_sentence(broken: BrokenConstraint) -> str:
    return (
        f"Constraint `{broken.id}` is broken: {_listed(broken.roles)} are held, "
        f"and at most {broken.limit} of its roles may be held together."
    )


def _login(subject: Subject) -> str:
    acr = f"the token's is `{subject.acr}`" if subject.acr is not None else "the token names none"
    return acr + ("" if subject.auth_time is None else f", of {subject.auth_time:.0f}")


def _listed(names: tuple[str, ...], last: str = " and ") -> str:
    quoted = [f"`{name}`" for name in names]
    return ", ".join(quoted[:-1]) + last + quoted[-1] if len(quoted) > 1 else "".join(quoted) or "none"
