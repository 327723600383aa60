"""What was decided, told to the span that is current: of the request as attributes, of what a view asks as events."""

from typing import Final

from flask import request
from opentelemetry import trace

from policy.decision import Decision
from policy.flask.current import state
from policy.guard import Admission
from policy.record import Kind

Attributes = dict[str, str]
EVENT: Final = "policy.decision"
#: In the environment of a request: the span that its decision was told to.
_TOLD: Final = "policy.observing.span"


def tell(kind: Kind, admission: Admission) -> None:
    """Tell a decision right when it was made. There may be no span yet, as far as a request is concerned."""
    span = trace.get_current_span()
    if not span.is_recording():
        return
    if kind == "request":
        span.set_attributes(_attributes(admission))
        request.environ[_TOLD] = span
    else:
        span.add_event(EVENT, {"policy.kind": kind, **_attributes(admission)})


def tell_again() -> None:
    """Tell the request's decision once the view has run: a span of Flask's instrumentation begins after it was made."""
    admission, span = state().admission, trace.get_current_span()
    if admission is not None and span.is_recording() and request.environ.get(_TOLD) is not span:
        span.set_attributes(_attributes(admission))


def _attributes(admission: Admission) -> Attributes:
    outcome = admission.outcome
    decision = outcome.refused or next(iter(outcome.decisions), None)
    guard = state().guard
    return {
        "policy.outcome": "allow" if outcome.allowed else "deny",
        "policy.reason": outcome.reason.value,
        "policy.decision_id": admission.id,
        **({"policy.digest": guard.rules.digest} if guard is not None else {}),
        **_permission(decision),
    }


def _permission(decision: Decision | None) -> Attributes:
    """The one that was refused, or the first; what a view asks for may be anything, so only what is declared."""
    if decision is None or decision.permission not in decision.policy.entries:
        return {}
    return {"policy.permission": decision.permission}
