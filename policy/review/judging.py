"""One record decided again: by the recorded policy, which has to give what is recorded, and by a new one."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from policy.claims import LATEST
from policy.compile import Compiled
from policy.evaluate import decide
from policy.explain import applying_rules
from policy.reasons import Reason
from policy.record import subject_of
from policy.review.bounds import Answer, Possible, answer, united
from policy.review.giving import holding
from policy.review.rereading import CUT, Rereading
from policy.review.saying import Said, all_of, said_by
from policy.subject import Subject

Record = Mapping[str, Any]
#: Reasons of an endpoint's own, asked only where the policy allows; no other policy changes them.
NARROWED: Final = frozenset({Reason.SUBJECT_MISMATCH, Reason.RESOURCE_NOT_FOUND, Reason.RESOURCE_UNAVAILABLE})
COMBINATION: Final = "combination"
_NOBODY: Final = '"client":null,"id":null}}'


class Verdict(NamedTuple):
    """What was answered of one permission, and what the new policy answers."""

    permission: str
    allowed: bool
    reason: str
    now: Answer


class Judgement(NamedTuple):
    """What the new policy makes of a record; `allowed` is its outcome as it was, and `now` as it would be."""

    verdicts: tuple[Verdict, ...]
    allowed: bool
    now: Answer

    @property
    def changed(self) -> bool:
        """Whether any answer changes for certain."""
        return self.now.allowed is (not self.allowed) or any(
            each.now.allowed is (not each.allowed) for each in self.verdicts
        )


class Disagreement(NamedTuple):
    """What is recorded, and what the recorded policy answers instead; without a permission it is about the outcome."""

    permission: str
    recorded: str
    derived: str


class Decided(NamedTuple):
    """A record, as far as its decision goes, and its subject."""

    record: Record
    subject: Subject


def decided(inputs: str, who: str | None = None, now: str | None = None) -> Decided | None:
    """The record of these texts; `None` where they are none. Without `who`, its subject has no id."""
    try:
        found = json.loads(f'{{"token":"","now":{now or 0},{inputs},{who or _NOBODY}')
        subject = subject_of(found)
        sound = _is_sound(found, subject)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return Decided(found, subject) if sound else None


def _is_sound(record: Record, subject: Subject) -> bool:
    """Whether everything has the type that this library writes; what else may stand in a file."""
    texts = [
        *(record[each] for each in ("method", "route", "outcome", "reason", "policy")),
        *(each[part] for each in record["permissions"] for part in ("permission", "reason")),
        *(rule for each in record["permissions"] for rule in each["rules"]),
        *subject.roles, *subject.scopes, *subject.permissions, *subject.groups, *subject.held, subject.issuer,
        *(text for pair in (*subject.bound, *subject.unasserted) for text in pair), *record.get("capped", []),
    ]  # fmt: skip
    maybe = (record["tenant"], subject.tenant, subject.client, subject.id, subject.acr)
    return (
        all(type(each) is str for each in texts)
        and all(each is None or type(each) is str for each in maybe)
        and (subject.auth_time is None or 0 <= subject.auth_time <= LATEST)
        and all(type(each["allowed"]) is bool for each in record["permissions"])
        and type(record.get("treated", {})) is dict
        and type(record["now"]) in (int, float)
    )


def disagreements(rules: Compiled, found: Decided) -> Iterator[Disagreement]:
    """Where the recorded policy does not give what is recorded."""
    record, subject = found
    tenant, now = record["tenant"], record["now"]
    for each in record["permissions"]:
        again = decide(rules, subject, each["permission"], now=now, tenant=tenant)
        applied = [rule.id for rule in applying_rules(rules, subject, each["permission"], tenant)]
        if (each["allowed"], each["reason"], each["rules"]) != (again.allowed, again.reason, applied):
            recorded = _said(each["allowed"], each["reason"], each["rules"])
            yield Disagreement(each["permission"], recorded, _said(again.allowed, again.reason, applied))
    if not _fits(record):
        yield Disagreement("", f"{record['outcome']} ({record['reason']})", "an outcome that its verdicts give")


def _said(allowed: bool, reason: str, rules: Sequence[str]) -> str:
    by = f" by {', '.join(rules)}" if rules else ""
    return f"{'allow' if allowed else 'deny'} ({reason}){by}"


def _fits(record: Record) -> bool:
    """Whether the outcome can be one of its verdicts."""
    verdicts = [each["allowed"] for each in record["permissions"]]
    if record["outcome"] == "allow":
        return record["reason"] == Reason.ALLOWED and (any(verdicts) or not verdicts)
    if record["reason"] in NARROWED:
        return any(verdicts) or not verdicts
    return any(not each["allowed"] and each["reason"] == record["reason"] for each in record["permissions"])


class Judge:
    """Decides records of one policy again, with a new one. `needs_who` tells of which issuers ids or clients matter."""

    def __init__(self, old: Compiled, new: Compiled) -> None:
        self.old, self.new = old, new
        both = old.document.issuers.keys() & new.document.issuers.keys()
        self._readings = {name: Rereading(old, new, name) for name in both}
        self.needs_who: Final = frozenset(name for name, reading in self._readings.items() if reading.needs_who)

    def judge(self, found: Decided) -> Judgement:
        """What the new policy makes of the record."""
        record, subject = found
        gone = subject.issuer in self.old.document.issuers and subject.issuer not in self.new.document.issuers
        subjects = [] if gone else self._subjects(record, subject)
        verdicts = tuple(
            Verdict(
                each["permission"], each["allowed"], each["reason"], self._answer(subjects, each["permission"], record)
            )
            for each in record["permissions"]
        )
        was = record["outcome"] == "allow"
        return Judgement(verdicts, was, _outcome(record, verdicts, gone=gone, subjects=subjects))

    def _subjects(self, record: Record, subject: Subject) -> list[Possible]:
        reading = self._readings.get(subject.issuer)
        if reading is not None:
            return reading.possible(record, subject)
        return [Possible(subject, self._with_cut(record, subject), causes=(CUT,))]

    def _with_cut(self, record: Record, subject: Subject) -> Subject:
        """With the names that a record has no room for, of a subject that no issuer of the policy vouches for."""
        cut = [field for field in ("roles", "scopes", "permissions") if f"subject.{field}" in record.get("capped", ())]
        unknown = all_of(self.new, None).without(all_of(self.old, None))
        said = said_by(subject).with_all(Said(**{field: getattr(unknown, field) for field in cut}))
        more = subject._replace(roles=said.roles, scopes=said.scopes, permissions=said.permissions)
        return holding(more, subject.assigned, subject.id)

    def _answer(self, subjects: Sequence[Possible], permission: str, record: Record) -> Answer:
        if not subjects:
            known = permission in self.new.entries
            return Answer(False, Reason.NO_AUTHORITY if known else Reason.UNKNOWN_PERMISSION)
        tenant, now = record["tenant"], record["now"]
        return united(subjects, [answer(self.new, each, permission, tenant=tenant, now=now) for each in subjects])


def _outcome(record: Record, verdicts: Sequence[Verdict], *, gone: bool, subjects: Sequence[Possible]) -> Answer:
    """The outcome of all verdicts: a record does not tell whether all or any one of its permissions were asked for."""
    if gone or (record["outcome"] == "deny" and record["reason"] in NARROWED):
        return Answer(False, Reason.NO_AUTHORITY if gone else record["reason"])
    if not verdicts:
        refusable = any(each.refusable for each in subjects)
        return Answer(None, "", subjects[0].causes) if refusable else Answer(True, Reason.ALLOWED)
    was = record["outcome"] == "allow"
    if _combined(was, [(each.allowed, each.now.allowed is True) for each in verdicts]):
        return Answer(True, Reason.ALLOWED)
    if _combined(was, [(each.allowed, each.now.allowed is not False) for each in verdicts]) is False:
        return Answer(False, next(each.now.reason for each in verdicts if each.now.allowed is False))
    causes = [cause for each in verdicts for cause in each.now.causes] or [COMBINATION]
    return Answer(None, "", tuple(dict.fromkeys(causes)))


def _combined(was: bool, verdicts: Sequence[tuple[bool, bool]]) -> bool | None:
    """The outcome where these verdicts change so; `None` where the recorded ones do not tell.

    Whatever is asked for, more verdicts that allow never make it less: so more than what was allowed is allowed, and
    less than what was denied is denied.
    """
    if all(now for _, now in verdicts):
        return True
    if not any(now for _, now in verdicts):
        return False
    if was and all(now or not before for before, now in verdicts):
        return True
    if not was and all(before or not now for before, now in verdicts):
        return False
    return None
