"""A decision: the answer, its reason, and the frozen inputs that led to it."""

from typing import Any, NamedTuple

from policy.compile import Compiled
from policy.explain import Explanation, explain
from policy.reasons import Reason
from policy.subject import Subject


class Decision(NamedTuple):
    """The answer with its reason; false in a boolean context unless it allows. Immutable.

    `now` is in seconds since 1970; `tenant` is the tenant asked for, if one was.
    """

    allowed: bool
    reason: Reason
    permission: str
    subject: Subject
    tenant: str | None
    now: float
    policy: Compiled

    def __bool__(self) -> bool:
        return self.allowed

    def explain(self) -> Explanation:
        """Why: the rules, roles and scopes that led here, and the smallest change that would allow."""
        return explain(self.policy, self.subject, self.permission, self.reason, now=self.now, tenant=self.tenant)

    def as_dict(self) -> dict[str, Any]:
        """The decision and its explanation as JSON values."""
        return {"policy": self.policy.digest, **self.explain().as_dict()}
