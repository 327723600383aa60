"""Which grants of a policy the allowed requests of a log needed."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from policy.compile import Compiled
from policy.record import subject_of
from policy.review.columns import Column
from policy.review.dimensions import OUTCOME, part
from policy.review.grants import OUTSIDE, Attributing, Covering, Grant, Ways, all_grants, expanded
from policy.review.grouping import Engine, Group, OnProgress
from policy.subject import Subject

#: What a decision depends on but for the login, with its verdicts: there are few different ones in a log.
#: Null where no permission was asked for. What is behind `[{` are the verdicts; a subject's permissions are no objects.
HELD: Final = part("held", '"permissions":[{', ',"unasserted":')
_ASSIGNED: Final = '"assigned":[['


class Asked(NamedTuple):
    """What some records have in common, parsed: what was asked for, what of it was allowed, and for whom."""

    permissions: tuple[str, ...]
    allowed: tuple[str, ...]
    tenant: str | None
    policy: str
    subject: Subject
    capped: tuple[str, ...]
    treated: tuple[str, ...]


@dataclass(slots=True)
class Use:
    """How often a grant was needed: `sole` where nothing else covered, `redundant` where something else did too.

    `permissions` are those that it covered in a request that was allowed, `last` is when that was.
    """

    sole: int = 0
    redundant: int = 0
    permissions: set[str] = field(default_factory=set)
    last: str = ""

    @property
    def verdict(self) -> str:
        """`never`, `redundant` or `sole`."""
        return "sole" if self.sole else "redundant" if self.redundant else "never"

    def add(self, permission: str, group: Group, *, sole: bool) -> None:
        """A request was allowed that it covered."""
        if sole:
            self.sole += group.count
        else:
            self.redundant += group.count
        self.permissions.add(permission)
        self.last = max(self.last, group.last)


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """What a log says of a policy's grants.

    `requirements` are sets of grants of which one has to stay, or an allowed request would be denied. `policies` counts
    records by the policy that decided them, `contrary` those allowed ones that this policy would not allow, `capped`
    and `treated` those in which a member was cut or treated, `unreadable` those that are not whole.
    """

    uses: Mapping[Grant, Use]
    requirements: frozenset[Ways]
    records: int
    allowed: int
    first: str
    last: str
    policies: Mapping[str, int]
    contrary: int
    capped: Mapping[str, int]
    treated: Mapping[str, int]
    unreadable: int


@dataclass(slots=True)
class _Tally:
    uses: dict[Grant, Use]
    requirements: set[Ways] = field(default_factory=set)
    records: int = 0
    allowed: int = 0
    first: str = ""
    last: str = ""
    policies: Counter[str] = field(default_factory=Counter)
    contrary: int = 0
    capped: Counter[str] = field(default_factory=Counter)
    treated: Counter[str] = field(default_factory=Counter)
    unreadable: int = 0

    def note(self, ways: Ways, permission: str, group: Group) -> None:
        """One side of a verdict that was allowed."""
        for grant in ways - {OUTSIDE}:
            self.uses[grant].add(permission, group, sole=len(ways) == 1)
        if OUTSIDE not in ways:
            self.requirements.add(ways)


def usage(
    engine: Engine,
    files: Sequence[Path],
    rules: Compiled,
    *,
    since: str = "",
    until: str = "",
    progress: OnProgress | None = None,
) -> Usage:
    """Ask a log which grants were needed: one question, and another one where the policy assigns roles."""
    tally = _Tally({grant: Use() for grant in all_grants(rules)})
    assigns, covering = bool(rules.document.assignments), Covering(rules)
    ask = partial(engine.groups, files, since=since, until=until)
    by: list[str | Column] = [HELD, OUTCOME]
    for group in ask(by, progress=_part(progress, 0, assigns)):
        _count(tally, covering, group)
    if assigns:
        attributing = Attributing(rules)
        for group in ask([*by, "who"], containing=[_ASSIGNED], progress=_part(progress, 1, assigns)):
            _count_assigned(tally, covering, attributing, group)
    members = {name: getattr(tally, name) for name in Usage.__slots__ if name != "requirements"}
    return Usage(**members, requirements=frozenset(tally.requirements))


def _part(progress: OnProgress | None, at: int, halves: bool) -> OnProgress | None:
    return progress and (lambda part: progress((at + part) / (1 + halves)))


def _count(tally: _Tally, covering: Covering, group: Group) -> None:
    held, outcome = group.values
    tally.records += group.count
    tally.first = min(filter(None, (tally.first, group.first)), default="")
    tally.last = max(tally.last, group.last)
    if held is None:
        tally.allowed += group.count if outcome == "allow" else 0
        return
    asked = read(held)
    if asked is None:
        tally.unreadable += group.count
        return
    tally.policies[asked.policy] += group.count
    tally.treated.update(dict.fromkeys(asked.treated, group.count))
    tally.capped.update({f"{asked.policy} {field}": group.count for field in asked.capped})
    if outcome != "allow":
        return
    tally.allowed += group.count
    contrary = False
    for permission in asked.allowed:
        sides = list(covering.sides(asked.subject, permission, asked.tenant))
        contrary = contrary or not all(sides)
        for ways in sides if all(sides) else ():
            tally.note(ways, permission, group)
    tally.contrary += group.count if contrary else 0


def read(held: str, who: str = '"client":null,"id":""}}') -> Asked | None:
    """What stands in a `HELD` text, and of whom it is; `None` where it is not whole."""
    try:
        found = json.loads(f'{{"permissions":[{{{held},"unasserted":[],{who}')
        subject = subject_of({"subject": found["subject"], "token": ""})
        allowed = tuple(each["permission"] for each in found["permissions"] if each["allowed"] is True)
        every = tuple(each["permission"] for each in found["permissions"])
        return Asked(
            every, allowed, found["tenant"], str(found["policy"]), subject,
            tuple(found.get("capped", ())), tuple(found.get("treated", ())),
        )  # fmt: skip
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _count_assigned(tally: _Tally, covering: Covering, attributing: Attributing, group: Group) -> None:
    """The role side once more, by who gave the roles: the token, or which assignment."""
    held, outcome, who = group.values
    asked = read(held, who) if held and who and outcome == "allow" else None
    if asked is None:
        return
    giving = attributing.giving(asked.subject)
    for permission in asked.allowed:
        sides = list(covering.sides(asked.subject, permission, asked.tenant))
        if all(sides) and covering.counts_roles(asked.subject):
            ways = frozenset(_givers(covering, asked, giving, permission))
            if ways:
                tally.note(ways, permission, group)


def _givers(
    covering: Covering, asked: Asked, giving: Mapping[tuple[str, str | None], Ways], permission: str
) -> Iterator[Grant]:
    """The assignments without which nobody would give the permission; `OUTSIDE` for what needs none."""
    subject = asked.subject
    unassigned = subject._replace(held=subject.roles, bound=subject.bound_roles)
    if next(iter(covering.sides(unassigned, permission, asked.tenant))):
        yield OUTSIDE
    for (role, tenant), grants in giving.items():
        if tenant in (None, asked.tenant) and covering.of_role(role, permission):
            yield from grants


def partly_used(rules: Compiled, found: Usage) -> Iterator[tuple[Grant, frozenset[str], frozenset[str]]]:
    """Each grant that gives more than was used, with the permissions that were and those that were not."""
    for grant, use in found.uses.items():
        gives = expanded(rules, grant)
        if use.permissions and gives - use.permissions:
            yield grant, frozenset(use.permissions), gives - use.permissions


def unneeded(found: Usage, grants: Iterable[Grant]) -> frozenset[Grant]:
    """Those that can go together: of any that stand for each other, at least one stays. The first ones go first."""
    gone: set[Grant] = set()
    by_grant: dict[Grant, list[Ways]] = {}
    for ways in found.requirements:
        for grant in ways:
            by_grant.setdefault(grant, []).append(ways)
    for grant in grants:
        if all(ways - gone - {grant} for ways in by_grant.get(grant, ())):
            gone.add(grant)
    return frozenset(gone)
