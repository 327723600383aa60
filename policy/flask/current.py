"""What is known of the current request: kept on its request object, where only this library puts it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from flask import Request, current_app, has_request_context, request
from werkzeug.local import LocalProxy

from policy.decision import Decision
from policy.demand import Mark
from policy.guard import Admission, Guard
from policy.subject import Subject
from policy.tokens.presented import Scheme

_ATTRIBUTE: Final = "_claims_policy"


@dataclass(slots=True)
class State:
    """What the hook found out about one request.

    `guard` decides the whole request, also when a newer one has come meanwhile. `enforced` are the marks that were
    demanded and met. `scheme` is the one that the token came by. `tripped` says that a function was about to run
    without its mark having been enforced (`trip_id` is its record); whatever answer comes of that is replaced.
    """

    hook_ran: bool = False
    by: object = None
    enforced: tuple[Mark, ...] = ()
    guard: Guard | None = None
    subject: Subject | None = None
    admission: Admission | None = None
    tenant: str | None = None
    scheme: Scheme | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    resource: Any = None
    tripped: bool = False
    trip_id: str = ""

    def has_enforced(self, mark: Mark) -> bool:
        """Whether this mark or an equal one was enforced, by the very application that runs now."""
        return mark in self.enforced and self.by is current_app.extensions.get("policy")


def current_request() -> Request:
    """The request itself: reaching each of its attributes through Flask's `request` costs as much as a decision."""
    return cast("Request", request._get_current_object())  # type: ignore[attr-defined]  # noqa: SLF001 - documented by Werkzeug


def state() -> State:
    """The state of the current request, made at the first call."""
    return state_of(current_request())


def state_of(asked: Request) -> State:
    """The state of a request, made at the first call."""
    found = asked.__dict__.get(_ATTRIBUTE)
    if found is None:
        found = asked.__dict__[_ATTRIBUTE] = State()
    return cast("State", found)


def known_subject() -> Subject:
    """Who makes the current request; `RuntimeError` where nobody was asked."""
    found = state().subject if has_request_context() else None
    if found is None:
        raise RuntimeError("no subject is known here: outside a request, on a public endpoint, or on one not enforced")
    return found


def _decision() -> Decision:
    known_subject()
    admission = state().admission
    if admission is None or not admission.outcome.decisions:
        raise RuntimeError("the endpoint demands no permission, so there is no decision")
    return admission.outcome.decisions[0]


def _resource() -> Any:
    found = state().resource if has_request_context() else None
    if found is None:
        raise RuntimeError("no resource was loaded: the endpoint's mark names no `resource=`")
    return found


current_subject: Subject = cast("Subject", LocalProxy(known_subject))
"""Who makes the current request; `RuntimeError` where nobody was asked."""

current_decision: Decision = cast("Decision", LocalProxy(_decision))
"""The decision on the first permission that the endpoint demands, as written, outermost mark first."""

current_resource: Any = LocalProxy(_resource)
"""What the mark's `resource=` loaded for the current request."""
