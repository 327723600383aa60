"""The decision: one pure function over flat sets. It reads no clock, no file and no log, and it never raises."""

from collections.abc import Mapping
from typing import Any

from policy.compile import Compiled
from policy.decision import Decision
from policy.reasons import Reason
from policy.subject import Subject, standing

# Looked up once: reaching an enumeration's member through its class costs as much as the rest of a decision.
UNKNOWN_PERMISSION, NO_AUTHORITY, TENANT_MISMATCH = (
    Reason.UNKNOWN_PERMISSION,
    Reason.NO_AUTHORITY,
    Reason.TENANT_MISMATCH,
)
SEPARATION_OF_DUTY, DENIED_BY_RULE = Reason.SEPARATION_OF_DUTY, Reason.DENIED_BY_RULE
NO_ROLE_GRANTS_IT, SCOPE_MISSING = Reason.NO_ROLE_GRANTS_IT, Reason.SCOPE_MISSING
GROUPS_OVERAGE = Reason.GROUPS_OVERAGE
STEP_UP_REQUIRED, ALLOWED = Reason.STEP_UP_REQUIRED, Reason.ALLOWED
_new = tuple.__new__


def decide(
    policy: Compiled,
    subject: Subject,
    permission: str,
    *,
    now: float,
    resource: Mapping[str, Any] | None = None,  # noqa: ARG001 - for conditions, which this version does not have
    context: Mapping[str, Any] | None = None,  # noqa: ARG001
    tenant: str | None = None,
) -> Decision:
    """Decide whether the subject may use the permission; `now` is in seconds since 1970.

    With a `tenant`, the roles bound to it count too, and the subject must belong to it. `resource` and `context` are
    for conditions; a policy of this version cannot have any, so they are neither read nor kept.
    """
    try:
        entry, regime = policy.entries[permission], policy.regimes[subject.standing]
    except KeyError:
        reason = _beforehand(policy, subject, permission)
        return _new(Decision, (False, reason, permission, subject, tenant, now, policy))
    held = subject.held if tenant is None else subject.held_in(tenant)
    if tenant is not None and not policy.belongs(subject, tenant):
        reason = TENANT_MISMATCH
    elif entry.duties and any(duty.is_broken(held, subject.permissions) for duty in entry.duties):
        reason = SEPARATION_OF_DUTY
    elif entry.denies and (entry.denied_all or not entry.denied.isdisjoint(held)):
        reason = DENIED_BY_RULE
    elif (
        regime != "scopes"
        and entry.roles.isdisjoint(held)
        and permission not in subject.permissions
        and not entry.everyone
    ):
        reason = NO_ROLE_GRANTS_IT
    elif regime != "roles" and entry.scopes.isdisjoint(subject.scopes):
        reason = SCOPE_MISSING
    elif entry.step_up is not None and not policy.is_stepped_up(entry.step_up, subject, now):
        reason = STEP_UP_REQUIRED
    else:
        return _new(Decision, (True, ALLOWED, permission, subject, tenant, now, policy))
    return _new(Decision, (False, reason, permission, subject, tenant, now, policy))


def _beforehand(policy: Compiled, subject: Subject, permission: str) -> Reason:
    """Why there is nothing to decide."""
    if permission not in policy.entries:
        return UNKNOWN_PERMISSION
    has_authority = standing(subject.issuer, subject.kind) in policy.regimes
    return GROUPS_OVERAGE if subject.without_groups and has_authority else NO_AUTHORITY
