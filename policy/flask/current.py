"""What is known of the current request: kept on its request object, where only this library puts it."""

from dataclasses import dataclass
from typing import Final, cast

from flask import Request, has_request_context, request
from werkzeug.local import LocalProxy

from policy.decision import Decision
from policy.demand import Mark
from policy.guard import Admission
from policy.subject import Subject

_ATTRIBUTE: Final = "_claims_policy"


@dataclass(slots=True)
class State:
    """What the hook found out about one request.

    `enforced` are the marks that were demanded and met; `tripped` says that a function was about to run without its
    mark having been enforced (`trip_id` is its record); whatever answer comes of that is replaced.
    """

    hook_ran: bool = False
    enforced: tuple[Mark, ...] = ()
    admission: Admission | None = None
    tripped: bool = False
    trip_id: str = ""


def state() -> State:
    """The state of the current request, made at the first call."""
    current = cast("Request", request._get_current_object())  # type: ignore[attr-defined]  # noqa: SLF001 - documented by Werkzeug
    found = current.__dict__.get(_ATTRIBUTE)
    if found is None:
        found = current.__dict__[_ATTRIBUTE] = State()
    return cast("State", found)


def _admission() -> Admission:
    found = state().admission if has_request_context() else None
    if found is None:
        raise RuntimeError("no subject is known here: outside a request, on a public endpoint, or on one not enforced")
    return found


def _decision() -> Decision:
    decisions = _admission().outcome.decisions
    if not decisions:
        raise RuntimeError("the endpoint demands no permission, so there is no decision: it is marked `@authenticated`")
    return decisions[0]


current_subject: Subject = cast("Subject", LocalProxy(lambda: _admission().subject))
"""Who makes the current request; `RuntimeError` where nobody was asked."""

current_decision: Decision = cast("Decision", LocalProxy(_decision))
"""The decision on the first permission that the endpoint demands, as written, outermost mark first."""
