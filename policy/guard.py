"""The straight line from a token to a logged decision."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any, Final, NamedTuple

from policy.audit import AuditSink, sink
from policy.audit.ids import new_id
from policy.decision import Decision
from policy.demand import Mark, Outcome, Requires, outcome
from policy.engine import Policy
from policy.errors import AuditUnavailable, TokenRefused, Unavailable
from policy.reasons import Reason
from policy.record import About, Kind
from policy.recording import Recorder
from policy.shadow import Shadow
from policy.subject import Subject
from policy.tokens import Presented, TokenVerifier
from policy.tokens.verified import Verified
from policy.tokens.verifier import KeysOf

Clock = Callable[[], float]
Narrow = Callable[[], Reason | None]
NOT_A_REQUEST: Final = About()
SUBJECTS_REMEMBERED: Final = 4096


class Admission(NamedTuple):
    """What came of a request: its record's id, who asked, the outcome, and how many seconds it took to decide."""

    id: str
    subject: Subject
    outcome: Outcome
    duration: float = 0


class Guard:
    """Policy, verifier, log and clock together. `audit` is what `policy.audit.sink` takes; `None` keeps nothing.

    `remark` stands in every record: how the policy in force stands to the one on disk, where they differ. `shadow` is
    a policy that is decided beside the one in force, without any bearing on the answer.
    """

    def __init__(
        self,
        rules: Policy,
        verifier: TokenVerifier,
        audit: str | os.PathLike[str] | AuditSink | None,
        *,
        clock: Clock = time.time,
        remark: str = "",
        shadow: Policy | Shadow | None = None,
    ) -> None:
        self.rules: Final = rules
        self.verifier: Final = verifier
        self.audit: Final = sink(audit)
        self.clock: Final = clock
        self.remark: Final = remark
        self.shadow: Final = Shadow(shadow, clock=clock) if isinstance(shadow, Policy) else shadow
        self._recorder: Final = Recorder(rules, treatment=getattr(self.audit, "treatment", None), remark=remark)
        self._subjects: Final[dict[int, tuple[Verified, Subject]]] = {}

    def with_keys(self, keys_of: KeysOf) -> "Guard":
        """The same guard, with the same log, whose verifier has other keys. For `policy.testing`."""
        other = copy(self)
        vars(other).update(verifier=self.verifier.with_keys(keys_of))
        return other

    def check(
        self, token: str, permission: str, *, tenant: str | None = None, presented: Presented | None = None
    ) -> Decision:
        """Decide one permission for the bearer of a token, and record it; `presented` is how it came, if not alone.

        Raises `TokenRefused` for a token that is not accepted, which is recorded too, and `AuditUnavailable` where
        the record cannot be kept: then there is no decision.
        """
        subject = self.identify(token, presented=presented)
        marks = (Requires(permissions=(permission,)),)
        (decision,) = self.admit(subject, marks, kind="check", tenant=tenant).outcome.decisions
        return decision

    def identify(self, token: str, *, about: About = NOT_A_REQUEST, presented: Presented | None = None) -> Subject:
        """Verify a token and read its subject; a token that is not accepted is recorded. Raises as `check` does."""
        now = self.clock()
        try:
            return self._subject(self.verifier.verify(token, now=now, presented=presented))
        except TokenRefused as refusal:
            self.refuse(refusal, about=about, now=now)
            raise
        except Unavailable as error:
            error.id = self.note(error.reason, str(error), about=about, apart=True)
            raise

    def _subject(self, verified: Verified) -> Subject:
        """The subject of verified claims: of a token that is known again, the one that was made before."""
        known = self._subjects.get(id(verified))
        if known is not None and known[0] is verified:
            subject = known[1]
        else:
            subject = verified.subject_by(self.rules)
            if len(self._subjects) >= SUBJECTS_REMEMBERED:
                self._subjects.clear()
            self._subjects[id(verified)] = verified, subject
        if self.shadow is not None:
            self.shadow.saw(subject, verified)
        return subject

    def admit(
        self,
        subject: Subject,
        marks: Sequence[Mark],
        *,
        kind: Kind = "request",
        tenant: str | None = None,
        about: About = NOT_A_REQUEST,
        narrow: Narrow | None = None,
        arguments: Mapping[str, Any] | None = None,
    ) -> Admission:
        """Decide all marks for a subject, and record it; `AuditUnavailable` where the record cannot be kept.

        `narrow` is asked only where the decisions allow, and may give a reason to refuse all the same. `arguments` are
        those of the address, for the shadow policy.
        """
        now, began = self.clock(), time.perf_counter()
        found = outcome(marks, lambda name: self.rules.decide(subject, name, now=now, tenant=tenant))
        found = found.but(narrow()) if narrow and found.allowed else found
        admission = Admission(new_id(), subject, found, time.perf_counter() - began)
        shadow = ""
        if self.shadow is not None:
            shadow = self.shadow.answer(subject, marks, found, now=now, tenant=tenant, arguments=arguments)
        self._keep(admission, kind, now, tenant, about, shadow)
        return admission

    def _keep(
        self, admission: Admission, kind: Kind, now: float, tenant: str | None, about: About, shadow: str
    ) -> None:
        if self.audit is None:
            return
        verifier, decided = self.verifier, self._recorder.decided
        self._write(
            lambda: decided(
                admission.id,
                kind,
                admission.subject,
                admission.outcome,
                now=now,
                tenant=tenant,
                about=about,
                duration=admission.duration,
                stale_keys=verifier.has_stale_keys(admission.subject.issuer),
                old_revocations=verifier.has_old_revocations,
                shadow=shadow,
            )
        )

    def _write(self, line: Callable[[], str], *, refused: bool = False) -> None:
        """Make a line and hand it over. Making it may fail too: an erasable value is kept before it is written."""
        try:
            if self.audit is not None:
                self.audit.write(line(), refused=refused)
        except AuditUnavailable:
            raise
        except OSError as error:
            raise AuditUnavailable(f"the record cannot be made: {error}") from error
        except Exception as error:  # whatever a sink of one's own raises: what is not recorded is not decided
            raise AuditUnavailable(f"the audit sink failed: {error!r}") from error

    def refuse(self, refusal: TokenRefused, *, about: About = NOT_A_REQUEST, now: float | None = None) -> None:
        """Record a token that was not accepted, or that was not there; `refusal.id` is then the record's id."""
        refusal.id = new_id()
        if self.audit is None:
            return
        when = self.clock() if now is None else now
        undecided = self._recorder.undecided
        self._write(lambda: undecided(refusal.id, refusal.reason, refusal.detail, now=when, about=about), refused=True)

    def note(self, reason: Reason, detail: str, *, about: About = NOT_A_REQUEST, apart: bool = False) -> str:
        """Record a refusal that no token led to; the id of the record.

        Among the decisions, or `apart` with the refused tokens where anybody at all can bring it about.
        """
        id = new_id()  # noqa: A001 - the word of the record
        if self.audit is not None:
            now, undecided = self.clock(), self._recorder.undecided
            self._write(lambda: undecided(id, reason, detail, now=now, about=about), refused=apart)
        return id
