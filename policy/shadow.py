"""A second policy that is decided beside the enforced one: its answers are compared and noted, and change nothing."""

import logging
import os
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from json.encoder import encode_basestring_ascii
from typing import Any, Final, NamedTuple
from weakref import WeakSet

from policy.demand import Mark, Outcome, Requires, outcome
from policy.engine import Policy
from policy.errors import TokenRefused
from policy.reasons import Reason
from policy.subject import Subject
from policy.tokens.second_look import SecondLook
from policy.tokens.verified import Verified

logger: Final = logging.getLogger("policy.shadow")
Clock = Callable[[], float]
Arguments = Mapping[str, Any]
SUBJECTS_REMEMBERED: Final = 4096
FAILURES_LOGGED: Final = 20
LONGEST_FAILURE: Final = 100
#: Reasons that pass with time; all others stay what they are until the token expires.
_PASSING: Final = (Reason.TOKEN_EXPIRED, Reason.TOKEN_NOT_YET_VALID, Reason.TOKEN_ISSUED_IN_FUTURE)
_ALLOWED: Final = Reason.ALLOWED
_NEVER: Final = float("-inf")


class _Judge:
    """One shadow policy, with what it looks at tokens with, and the texts of its answers."""

    def __init__(self, rules: Policy) -> None:
        self.rules: Final = rules
        self._tokens: Final = SecondLook(rules.issuers)
        self._texts: Final[dict[Reason, str]] = {}

    def read(self, verified: Verified, now: float) -> tuple[Subject | Reason, float]:
        """Who the token speaks of for this policy, or why it is not accepted, and until when that holds."""
        try:
            self._tokens.check(verified, now)
            return verified.subject_by(self.rules), self._tokens.until(verified)
        except TokenRefused as refusal:
            return refusal.reason, _NEVER if refusal.reason in _PASSING else self._tokens.until(verified)

    def reason(self, subject: Subject, marks: Sequence[Mark], now: float, tenant: str | None) -> Reason:
        """What it says to all the marks."""
        first = marks[0] if len(marks) == 1 else None
        if type(first) is Requires and len(first.permissions) == 1:
            return self.rules.decide(subject, first.permissions[0], now=now, tenant=tenant).reason
        return outcome(marks, lambda name: self.rules.decide(subject, name, now=now, tenant=tenant)).reason

    def text(self, reason: Reason) -> str:
        """The answer as JSON."""
        found = self._texts.get(reason)
        if found is None:
            word = "allow" if reason is _ALLOWED else "deny"
            found = f'{{"policy":"{self.rules.digest}","outcome":"{word}","reason":"{reason.value}"}}'
            self._texts[reason] = found
        return found

    def failed(self, text: str) -> str:
        """As JSON, that there is no answer."""
        return f'{{"policy":"{self.rules.digest}","failed":{encode_basestring_ascii(text)}}}'


class _Known(NamedTuple):
    """A subject of the enforced policy, the token that it was read from, and what the shadow policy read there."""

    subject: Subject
    verified: Verified
    judge: _Judge | None = None
    other: Subject | Reason | None = None
    since: float = 0
    until: float = 0


class _ClaimsUnknown(Exception):
    """The claims that a subject was read from are not at hand."""


class Shadow:
    """Decides by a policy beside the enforced one. Safe to share between threads, and for whoever forks.

    Whatever goes wrong here is noted as `failed`, in records and counts, and never reaches the caller. Without `rules`
    nothing is decided until `take` gives some. `clock` is in seconds since 1970.

    An answer is what the policy would say if it were enforced: it reads the token's claims by itself and checks them as
    its issuers ask, all but signature, proof of possession and revocation. A subject that was made by hand is decided
    as it is. A resource counts as found unless the enforced policy was told otherwise.
    """

    def __init__(self, rules: Policy | None = None, *, clock: Clock = time.time) -> None:
        self._judge = _Judge(rules) if rules is not None else None
        self._seen: dict[int, _Known] = {}
        self._before: dict[int, _Known] = {}
        self.tally: Final = Tally(clock)
        self._logged: Final[set[str]] = set()

    @property
    def rules(self) -> Policy | None:
        """The policy that is decided by, if there is one."""
        judge = self._judge
        return judge.rules if judge is not None else None

    def take(self, rules: Policy) -> None:
        """Decide by another policy from now on; the counts begin anew."""
        self._judge = _Judge(rules)
        self.tally.begin_anew()

    def saw(self, subject: Subject, verified: Verified) -> None:
        """Note from which token a subject was read: the shadow policy may read another one there."""
        known = self._seen.get(id(subject))
        if known is None or known.subject is not subject:
            self._note(_Known(subject, verified))

    def _note(self, known: _Known) -> None:
        """Bounded: the ones before are still found until there is no room again."""
        if len(self._seen) >= SUBJECTS_REMEMBERED:
            with self.tally.lock:
                if len(self._seen) >= SUBJECTS_REMEMBERED:
                    self._before, self._seen = self._seen, {}
        self._seen[id(known.subject)] = known

    def answer(
        self,
        subject: Subject,
        marks: Sequence[Mark],
        enforced: Outcome,
        *,
        now: float,
        tenant: str | None,
        arguments: Arguments | None = None,
    ) -> str:
        """What the shadow policy answers where the enforced one gave this outcome, as JSON; it is counted too.

        `arguments` are those of the address, if there is one. The empty text where there is no shadow policy.
        """
        judge = self._judge
        if judge is None:
            return ""
        try:
            other = self._read(judge, subject, now)
            if isinstance(other, Reason):
                reason = other
            else:
                reason = judge.reason(other, marks, now, tenant)
                if reason is _ALLOWED:
                    reason = _narrowed(other, marks, enforced, arguments)
            self.tally.count(enforced.reason, reason)
            return judge.text(reason)
        except Exception as error:  # whatever it is: the enforced policy has answered, and that is the answer
            return self._failed(judge, error)

    def _read(self, judge: _Judge, subject: Subject, now: float) -> Subject | Reason:
        known = self._seen.get(id(subject)) or self._before.get(id(subject))
        if known is None or known.subject is not subject:
            if subject.token_id or subject.assigned:
                raise _ClaimsUnknown
            return subject
        if known.judge is judge and known.since <= now < known.until and known.other is not None:
            return known.other
        other, until = judge.read(known.verified, now)
        self._note(_Known(subject, known.verified, judge, other, now, until))
        return other

    def _failed(self, judge: _Judge, error: Exception) -> str:
        try:
            text = _said(error)
            self.tally.fail()
            if text not in self._logged and len(self._logged) < FAILURES_LOGGED:
                self._logged.add(text)
                where = "".join(traceback.format_tb(error.__traceback__))
                logger.error("the shadow policy %s has no answer: %s\n%s", judge.rules.digest, text, where)
            return judge.failed(text)
        except Exception:  # also a logger that fails hurts nobody
            return ""


def _narrowed(subject: Subject, marks: Sequence[Mark], enforced: Outcome, arguments: Arguments | None) -> Reason:
    """What the endpoint asks beyond permissions: whose address it is is known here, a resource is not loaded again."""
    if arguments is not None:
        for mark in marks:
            if type(mark) is Requires and mark.subject and str(arguments[mark.subject]) != subject.id:
                return Reason.SUBJECT_MISMATCH
        if enforced.narrowed is Reason.SUBJECT_MISMATCH:
            return _ALLOWED
    return enforced.narrowed or _ALLOWED


def _said(error: Exception) -> str:
    """Which error, and where: never its message, which may hold anything that a token says."""
    if isinstance(error, _ClaimsUnknown):
        return "the claims of the subject are not at hand"
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f" in {place.tb_frame.f_code.co_name}" if place is not None else ""
    return f"{type(error).__name__}{where}"[:LONGEST_FAILURE]


class Tally:
    """How often the shadow policy answered as the enforced one did, in this process; a fork begins anew.

    `lock` may be held for a moment. `clock` is in seconds since 1970.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock: Final = clock
        self._begin()
        _living.add(self)

    def _begin(self) -> None:
        self.lock = threading.Lock()
        self._decided = 0  # by itself, for it is counted at every decision
        self._counts: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._past: Counter[str] = Counter()
        self._since = self._clock()

    def forked(self) -> None:
        """In a child: the parent's counts are the parent's, and whoever held its lock is not here."""
        self._begin()

    def begin_anew(self) -> None:
        """Another pair of policies is compared from now on."""
        with self.lock:
            self._past += self._all()
            self._decided, self._counts, self._reasons, self._since = 0, Counter(), Counter(), self._clock()

    def count(self, enforced: Reason, shadow: Reason) -> None:
        """Count one answer that was compared."""
        with self.lock:
            self._decided += 1
            if enforced is not shadow:
                self._differing(enforced, shadow)

    def _all(self) -> Counter[str]:
        return self._counts + Counter(decided=self._decided)

    def _differing(self, enforced: Reason, shadow: Reason) -> None:
        if shadow is not _ALLOWED and enforced is not _ALLOWED:
            self._counts["other_reason"] += 1
            return
        denies = enforced is _ALLOWED
        self._counts["would_deny" if denies else "would_allow"] += 1
        self._reasons[shadow if denies else enforced] += 1

    def fail(self) -> None:
        """Count one answer that there is not."""
        with self.lock:
            self._counts["failed"] += 1

    def as_dict(self) -> dict[str, Any]:
        """The counts since these two policies are compared, as JSON values.

        `reasons` are those of whichever of the two denies; `since` is in seconds since 1970.
        """
        with self.lock:
            found, reasons, since = self._all(), dict(self._reasons), self._since
        return {
            "decided": found["decided"],
            "disagreed": {name: found[name] for name in ("would_deny", "would_allow")},
            "other_reason": found["other_reason"],
            "reasons": {str(name): reasons[name] for name in sorted(reasons)},
            "failed": found["failed"],
            "since": since,
        }

    def totals(self) -> Mapping[str, int]:
        """All counts of this process, whatever the policies: they only grow."""
        with self.lock:
            return self._past + self._all()


_living: Final[WeakSet[Tally]] = WeakSet()


def _forked() -> None:
    for tally in list(_living):
        tally.forked()


os.register_at_fork(after_in_child=_forked)
