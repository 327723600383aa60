"""A policy without grants that nobody needed: its documents as they are written, with those cut out; and the proof."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from functools import partial
from pathlib import Path
from typing import Any, Final

from policy.compile import Compiled, Duty
from policy.document import Source, read
from policy.document.wording import JsonPath
from policy.evaluate import decide
from policy.model import Assignment
from policy.reasons import Reason
from policy.review.columns import Column
from policy.review.dimensions import OUTCOME
from policy.review.editing import without
from policy.review.grants import Attributing, Grant, expanded
from policy.review.grouping import Engine
from policy.review.usage import HELD, Asked
from policy.review.usage import read as read_held
from policy.subject import Subject

_ASSIGNED: Final = '"assigned":[['
_NO_END: Final = "\\ No newline at end of file\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """A grant that was not needed, and why it stays all the same."""

    grant: Grant
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Suggestion:
    """Documents without these grants; `before` and `after` are in the same order."""

    removed: tuple[Grant, ...]
    kept: tuple[Kept, ...]
    before: tuple[Source, ...]
    after: tuple[Source, ...]
    rules: Compiled

    def diff(self) -> str:
        """The change as a unified diff; empty where there is none."""
        return "".join(_diff(old, new) for old, new in zip(self.before, self.after, strict=True))


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """What came of deciding a log again: distinct inputs, the records that have them, and those that would change."""

    inputs: int
    records: int
    lost: int
    gained: int

    @property
    def holds(self) -> bool:
        """Whether nobody loses anything, and nobody gains anything."""
        return not (self.lost or self.gained)


def suggested(rules: Compiled, sources: Sequence[Source], grants: Iterable[Grant]) -> Suggestion:
    """Take grants out of the documents of a policy, as far as the result only ever narrows.

    `PolicyError` where it would not load.
    """
    left, kept = list(dict.fromkeys(grants)), list[Kept]()
    for grant, why in list(_widening_assignments(rules, left)):
        kept.append(Kept(grant=grant, why=why))
        left.remove(grant)
    while True:
        after = tuple(_edited(rules, each, left) for each in sources)
        edited = Compiled(read(after))
        widening = dict(_widening(rules, edited, left))
        if not widening:
            return Suggestion(removed=tuple(left), kept=tuple(kept), before=tuple(sources), after=after, rules=edited)
        kept += [Kept(grant=grant, why=why) for grant, why in widening.items()]
        left = [grant for grant in left if grant not in widening]


def _widening_assignments(rules: Compiled, grants: Iterable[Grant]) -> Iterator[tuple[Grant, str]]:
    """A role may be given so that something is denied; to take it away would allow."""
    denying: dict[str, str] = {}
    for rule in rules.document.rules:
        if rule.effect == "deny":
            denying.update(dict.fromkeys(rules.meeting(rule), f"deny rule `{rule.id}` is about it"))
    for duty in rules.duties:
        for holders in duty.holders:
            denying.update(dict.fromkeys(holders, f"constraint `{duty.constraint.id}` counts it"))
    for grant in grants:
        if grant.kind == "assignment" and grant.what in denying:
            yield grant, f"role `{grant.what}` may also deny: {denying[grant.what]}"


def _widening(rules: Compiled, edited: Compiled, grants: Collection[Grant]) -> Iterator[tuple[Grant, str]]:
    """What a constraint forbids depends on what its roles grant: fewer grants may forbid less."""
    granting = [grant for grant in grants if grant.kind in ("role", "rule")]
    for permission, entry in rules.entries.items():
        after = {duty.constraint.id: duty for duty in edited.entries[permission].duties}
        for duty in entry.duties:
            freed = _freed(permission, duty, after.get(duty.constraint.id))
            why = f"what constraint `{duty.constraint.id}` forbids depends on it"
            yield from ((grant, why) for grant in granting if freed and expanded(rules, grant) & freed)
    for standing in edited.regimes.keys() - rules.regimes.keys():
        for grant in grants:
            if grant.kind == "assignment" and rules.document.assignments[int(grant.holder)].group is not None:
                yield grant, f"without it, subjects whose groups are not known have authority ({standing.strip('?')})"


def _freed(permission: str, before: Duty, after: Duty | None) -> frozenset[str]:
    """Permissions that a constraint forbids no more, or that do not count any more as holding one of its roles."""
    if after is None:
        return frozenset((permission,))
    lost = (old - new for old, new in zip(before.direct, after.direct, strict=True))
    return frozenset[str]().union(*lost)


def _edited(rules: Compiled, source: Source, grants: Collection[Grant]) -> Source:
    text = source.text.decode()
    paths = set(_paths(rules, json.loads(text), grants))
    return Source(source.name, without(text, paths).encode(), source.folder) if paths else source


def _paths(rules: Compiled, document: Mapping[str, Any], grants: Collection[Grant]) -> Iterator[JsonPath]:
    """What to cut in one document."""
    for kind, section in (("role", "roles"), ("scope", "scopes")):
        for name, holder in document.get(section, {}).items():
            gone = {grant.what for grant in grants if (grant.kind, grant.holder) == (kind, name)}
            whole: JsonPath = (section, name) if kind == "scope" else (section, name, "grants")
            yield from _of_list(holder.get("grants", ()), gone, (section, name, "grants"), whole)
    rule_ids = {grant.holder for grant in grants if grant.kind == "rule"}
    for at, rule in enumerate(document.get("rules", ())):
        if rule["id"] in rule_ids:
            yield "rules", at
    yield from _of_assignments(rules, document, grants)


def _of_list(names: Sequence[str], gone: Collection[str], path: JsonPath, whole: JsonPath) -> Iterator[JsonPath]:
    """Some items; or what has the list, where none would be left: a list of names is never empty."""
    if gone and set(names) <= set(gone):
        yield whole
    else:
        yield from ((*path, at) for at, name in enumerate(names) if name in gone)


def _of_assignments(rules: Compiled, document: Mapping[str, Any], grants: Collection[Grant]) -> Iterator[JsonPath]:
    gone: dict[Assignment, set[str]] = {}
    for grant in grants:
        if grant.kind == "assignment":
            gone.setdefault(rules.document.assignments[int(grant.holder)], set()).add(grant.what)
    for at, given in enumerate(document.get("assignments", ()) if gone else ()):
        members = {name: given.get(name) for name in ("issuer", "subject", "client", "group", "tenant")}
        key = Assignment(**members, roles=tuple(given["roles"]))
        yield from _of_list(given["roles"], gone.get(key, ()), ("assignments", at, "roles"), ("assignments", at))


def _diff(old: Source, new: Source) -> str:
    if old.text == new.text:
        return ""
    lines = unified_diff(_lines(old.text), _lines(new.text), old.name, new.name)
    return "".join(line if line.endswith("\n") else f"{line}\n{_NO_END}" for line in lines)


def _lines(text: bytes) -> list[str]:
    """As `diff` sees them: a line ends with a line break, and with nothing else."""
    whole = text.decode("utf-8", "surrogateescape").split("\n")
    return [f"{line}\n" for line in whole[:-1]] + ([whole[-1]] if whole[-1] else [])


def proved(
    engine: Engine, files: Sequence[Path], old: Compiled, found: Suggestion, *, since: str = "", until: str = ""
) -> Proof:
    """Decide every distinct input of a log by both policies; nothing may be lost, and nothing gained.

    What is lost counts where the record says that it was allowed. The login counts for both alike.
    """
    ask = partial(engine.groups, files, since=since, until=until)
    by: list[str | Column] = [HELD, OUTCOME]
    assigns = any(grant.kind == "assignment" for grant in found.removed)
    giving = Attributing(found.rules) if assigns else None
    counts = {"inputs": 0, "records": 0, "lost": 0, "gained": 0}
    for group in ask(by):
        held, outcome = group.values
        asked = read_held(held) if held is not None else None
        if asked is not None and not (assigns and asked.subject.assigned):
            _hold(counts, old, found.rules, asked, asked.subject, outcome == "allow", group.count)
    for group in ask([*by, "who"], containing=[_ASSIGNED]) if giving is not None else ():
        held, outcome, who = group.values
        asked = read_held(held, who) if held and who else None
        if asked is not None and giving is not None:
            _hold(counts, old, found.rules, asked, _given(asked.subject, giving), outcome == "allow", group.count)
    return Proof(**counts)


def _given(subject: Subject, giving: Attributing) -> Subject:
    """The subject with what it was assigned as far as an assignment is left that gives it."""
    left = frozenset(pair for pair in subject.assigned if pair in giving.giving(subject))
    held = subject.roles.union(role for role, tenant in left if tenant is None)
    bound = subject.bound_roles.union((role, tenant) for role, tenant in left if tenant is not None)
    return subject._replace(assigned=left, held=held, bound=bound)


def _hold(
    counts: dict[str, int], old: Compiled, new: Compiled, asked: Asked, left: Subject, allowed: bool, number: int
) -> None:
    counts["inputs"] += 1
    counts["records"] += number
    for permission in asked.permissions:
        before = _is_allowed(old, asked.subject, permission, asked.tenant)
        after = _is_allowed(new, left, permission, asked.tenant)
        counts["gained"] += number if after and not before else 0
        counts["lost"] += number if before and not after and allowed and permission in asked.allowed else 0


def _is_allowed(rules: Compiled, subject: Subject, permission: str, tenant: str | None) -> bool:
    found = decide(rules, subject, permission, now=0.0, tenant=tenant)
    return found.allowed or found.reason is Reason.STEP_UP_REQUIRED
