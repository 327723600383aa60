"""A decision on a subject of which not everything is known: allowed, denied, or either."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from policy.compile import Compiled, Entry
from policy.evaluate import decide
from policy.reasons import Reason
from policy.subject import Subject


class Possible(NamedTuple):
    """A subject between two: it holds at least what `least` holds, and at most what `most` does.

    Both have the same standing. `login` says that nothing is known of the login, and `refusable` that the token might
    not be accepted at all. `causes` tell why it is not known better.
    """

    least: Subject
    most: Subject
    login: bool = False
    refusable: bool = False
    causes: tuple[str, ...] = ()

    def is_exact(self, entry: Entry | None) -> bool:
        """Whether all is known of it that this permission's decision depends on."""
        asks_login = entry is not None and entry.step_up is not None
        return self.least == self.most and not self.refusable and not (self.login and asks_login)


class Answer(NamedTuple):
    """What is decided; `allowed` is `None` where that depends on what is not known. Then `causes` tell what that is."""

    allowed: bool | None
    reason: str
    causes: tuple[str, ...] = ()


class _Condition(NamedTuple):
    """One thing that has to hold: whether it certainly does, whether it possibly does, and the reason if not."""

    certain: bool
    possible: bool
    reason: Reason


LOGIN = "login"


def answer(rules: Compiled, subject: Possible, permission: str, *, tenant: str | None, now: float) -> Answer:
    """Decide as `decide` does, for every subject that it may be."""
    found = decide(rules, subject.least, permission, now=now, tenant=tenant)
    entry = rules.entries.get(permission)
    if subject.is_exact(entry) or entry is None or subject.least.standing not in rules.regimes:
        return Answer(found.allowed, found.reason)
    conditions = list(_conditions(rules, entry, subject, permission, tenant, now))
    impossible = [each for each in conditions if not each.possible]
    if impossible:
        return Answer(False, impossible[0].reason)
    open_ones = [each.reason for each in conditions if not each.certain]
    if not open_ones:
        return Answer(True, Reason.ALLOWED)
    asks_login = [LOGIN] if Reason.STEP_UP_REQUIRED in open_ones else []
    others = subject.causes if len(open_ones) > len(asks_login) else ()
    return Answer(None, "", (*asks_login, *others))


def _conditions(
    rules: Compiled, entry: Entry, subject: Possible, permission: str, tenant: str | None, now: float
) -> Iterator[_Condition]:
    """In the order in which `decide` looks at them."""
    least, most = subject.least, subject.most
    held, perhaps, regime = least.held_in(tenant), most.held_in(tenant), rules.regimes[least.standing]
    yield _Condition(not subject.refusable, True, Reason.TOKEN_CLAIM_TYPE)
    if tenant is not None:
        yield _Condition(rules.belongs(least, tenant), rules.belongs(most, tenant), Reason.TENANT_MISMATCH)
    broken = any(duty.is_broken(held, least.permissions) for duty in entry.duties)
    breakable = any(duty.is_broken(perhaps, most.permissions) for duty in entry.duties)
    yield _Condition(not breakable, not broken, Reason.SEPARATION_OF_DUTY)
    denied = entry.denied_all or not entry.denied.isdisjoint(held)
    deniable = entry.denied_all or not entry.denied.isdisjoint(perhaps)
    yield _Condition(not deniable, not denied, Reason.DENIED_BY_RULE)
    if regime != "scopes":
        certain = entry.everyone or permission in least.permissions or not entry.roles.isdisjoint(held)
        possible = entry.everyone or permission in most.permissions or not entry.roles.isdisjoint(perhaps)
        yield _Condition(certain, possible, Reason.NO_ROLE_GRANTS_IT)
    if regime != "roles":
        yield _Condition(
            not entry.scopes.isdisjoint(least.scopes), not entry.scopes.isdisjoint(most.scopes), Reason.SCOPE_MISSING
        )
    if entry.step_up is not None:
        met = not subject.login and rules.is_stepped_up(entry.step_up, least, now)
        yield _Condition(met, met or subject.login, Reason.STEP_UP_REQUIRED)


def united(subjects: Sequence[Possible], answers: Sequence[Answer]) -> Answer:
    """The answer where the subject is one of several: that of all of them, or none."""
    if all(each.allowed is answers[0].allowed for each in answers) and answers[0].allowed is not None:
        return answers[0]
    causes = [cause for each in answers for cause in each.causes] or [
        cause for each in subjects for cause in each.causes
    ]
    return Answer(None, "", tuple(dict.fromkeys(causes)))
