"""Decisions inside a view: a gate refuses and is recorded as a gate, a probe only asks and is recorded as a probe."""

import logging
from collections.abc import Iterable
from typing import Any, Final, NoReturn

from flask import Flask, abort, current_app

from policy.demand import UNSAID, Requires, Unsaid
from policy.errors import AuditUnavailable
from policy.flask import http, signals
from policy.flask.current import known_subject, state
from policy.flask.enforcement import Enforcement
from policy.guard import Admission
from policy.reasons import Reason
from policy.record import Kind

logger: Final = logging.getLogger("policy.flask")


def gate(permissions: tuple[str, ...], tenant: str | Unsaid | None) -> None:
    """Go on only if all permissions are allowed; else the request is answered as a refused endpoint is."""
    admission = _ask(permissions, "gate", tenant)
    if not admission.outcome.allowed:
        enforcement = _enforcement()
        abort(enforcement.shaped(http.refused(admission.outcome, admission.id, enforcement.challenges())))


def probe(permissions: Iterable[str], tenant: str | Unsaid | None) -> dict[str, bool]:
    """What would be allowed, by permission."""
    found = _ask(tuple(permissions), "probe", tenant).outcome.decisions
    return {decision.permission: decision.allowed for decision in found}


def _ask(permissions: tuple[str, ...], kind: Kind, tenant: str | Unsaid | None) -> Admission:
    subject, current = known_subject(), state()
    if not permissions:
        raise TypeError("at least one permission is asked for")
    guard = current.guard or _enforcement().guard
    where = current.tenant if tenant is UNSAID else tenant
    marks = (Requires(permissions=permissions),)
    try:
        admission = guard.admit(subject, marks, kind=kind, tenant=where, about=_enforcement().about())
    except AuditUnavailable as error:
        _unrecorded(error)
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - documented by Werkzeug
    signals.send(signals.decision_made, app, kind=kind, admission=admission)
    return admission


def _unrecorded(error: AuditUnavailable) -> NoReturn:
    logger.critical("%s", error)
    abort(_enforcement().shaped(http.unavailable(Reason.AUDIT_UNAVAILABLE)))


def _enforcement() -> Enforcement:
    found: Enforcement = current_app.extensions["policy"]
    return found


def resource_is_unread(resource: Any) -> None:
    """Resources are read by conditions, which this version does not have; a `None` is a mistake even so."""
    if resource is None:
        raise TypeError("the resource is None: check that it was found before asking")
