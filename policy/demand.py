"""What an endpoint demands, as data; and what decisions on it amount to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, NamedTuple

from policy.decision import Decision
from policy.reasons import Reason


class Unsaid(Enum):
    """Says that something was not said, where `None` is an answer."""

    UNSAID = "unsaid"


UNSAID: Final = Unsaid.UNSAID


@dataclass(frozen=True, kw_only=True, slots=True)
class Requires:
    """All of these permissions, or any one of them.

    `tenant` and `subject` name arguments of the address that must equal the subject's tenant and id; `tenant=None`
    says that no tenant is asked for. `resource` loads what the permission is asked on. Two marks are equal when all of
    this is.
    """

    permissions: tuple[str, ...]
    any_of: bool = False
    tenant: str | Unsaid | None = UNSAID
    subject: str | None = None
    resource: Callable[..., Any] | None = None

    def __hash__(self) -> int:
        return hash(self.permissions)  # equal marks have equal permissions, and each request looks its marks up

    def refused(self, decisions: Sequence[Decision]) -> Decision | None:
        """The first decision that refuses this mark, as written; `None` where it is met."""
        refused = [decision for decision in decisions if not decision]
        met = len(refused) < len(decisions) if self.any_of else not refused
        return None if met else refused[0]

    def scopes_would_do(self, decisions: Sequence[Decision]) -> bool:
        """Whether more scopes alone would meet this mark."""
        near = [decision.allowed or decision.reason is Reason.SCOPE_MISSING for decision in decisions]
        return any(near) if self.any_of else all(near)

    def __str__(self) -> str:
        names = ", ".join(f'"{name}"' for name in self.permissions)
        said = [f"any_of=({names})" if self.any_of else names]
        said += [] if self.tenant is UNSAID else [f'tenant="{self.tenant}"' if self.tenant else "tenant=None"]
        said += [f'subject="{self.subject}"'] if self.subject else []
        said += [f"resource={getattr(self.resource, '__name__', '...')}"] if self.resource else []
        return f"requires({', '.join(said)})"


@dataclass(frozen=True, kw_only=True, slots=True)
class Authenticated:
    """Any valid token."""

    def __str__(self) -> str:
        return "authenticated"


@dataclass(frozen=True, kw_only=True, slots=True)
class Public:
    """Nobody is asked who they are. `reason` says why; with `identify`, a token that is there is looked at."""

    reason: str
    identify: bool = False

    def __str__(self) -> str:
        return f'public(reason="{self.reason}"{", identify=True" if self.identify else ""})'


Mark = Requires | Authenticated | Public


class Outcome(NamedTuple):
    """What the decisions on all marks of an endpoint amount to.

    `refused` is the decision that the answer gives as its reason; `missing_scopes` is not empty only where more scopes
    alone would allow the whole. `narrowed` is a reason of the endpoint's own to refuse what the decisions allow.
    """

    decisions: tuple[Decision, ...]
    refused: Decision | None
    missing_scopes: tuple[str, ...]
    narrowed: Reason | None = None

    @property
    def allowed(self) -> bool:
        """Whether every mark is met."""
        return self.refused is None and self.narrowed is None

    @property
    def reason(self) -> Reason:
        """The first refused permission's reason, as written, outermost mark first; or `allowed`."""
        return self.refused.reason if self.refused is not None else self.narrowed or Reason.ALLOWED

    def but(self, reason: Reason | None) -> "Outcome":
        """The same, refused for this reason where it is allowed so far."""
        return self._replace(narrowed=reason) if reason and self.allowed else self


def outcome(marks: Sequence[Mark], decide: Callable[[str], Decision]) -> Outcome:
    """Decide every permission of every mark, each once, and sum up."""
    if len(marks) == 1 and isinstance(marks[0], Requires) and len(marks[0].permissions) == 1:
        only = decide(marks[0].permissions[0])
        return Outcome((only,), None, ()) if only.allowed else _summed(marks, {only.permission: only})
    names = dict.fromkeys(name for mark in marks if isinstance(mark, Requires) for name in mark.permissions)
    return _summed(marks, {name: decide(name) for name in names})


def _summed(marks: Sequence[Mark], decided: Mapping[str, Decision]) -> Outcome:
    required = [mark for mark in marks if isinstance(mark, Requires)]
    answers = [(mark, [decided[name] for name in mark.permissions]) for mark in required]
    refusals = [refusal for mark, given in answers if (refusal := mark.refused(given)) is not None]
    refused = refusals[0] if refusals else None
    missing: tuple[str, ...] = ()
    if (
        refused is not None
        and refused.reason is Reason.SCOPE_MISSING
        and all(mark.scopes_would_do(given) for mark, given in answers)
    ):
        missing = tuple(decision.permission for decision in decided.values() if decision.reason is Reason.SCOPE_MISSING)
    return Outcome(tuple(decided.values()), refused, missing)
