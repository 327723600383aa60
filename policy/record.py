"""A decision written down: one ASCII JSON object on one line, holding every input of the decision; and read again."""

import json
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

from policy.decision import Decision
from policy.explain import applying_rules
from policy.reasons import Reason
from policy.subject import Subject, standing

VERSION: Final = 1
LONGEST_TEXT: Final = 1024
LONGEST_REQUEST_ID: Final = 128
UNKNOWN_AT_MOST: Final = 50

Kind = Literal["request", "check", "gate", "probe"]
_encode: Final = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), allow_nan=False).encode


@dataclass(frozen=True, kw_only=True, slots=True)
class About:
    """What a record says of the request itself. `route` is the pattern, never the address that was asked for."""

    method: str = ""
    route: str = ""
    request_id: str = ""
    trace_id: str = ""


def line(record: Mapping[str, Any]) -> str:
    """The record as one line of ASCII without its line break; control characters are escaped, so none can forge one."""
    return _encode(record)


def decided(
    *,
    id: str,  # noqa: A002 - the word of the record
    kind: Kind,
    subject: Subject,
    decisions: Sequence[Decision],
    allowed: bool,
    reason: Reason,
    policy: str,
    now: float,
    tenant: str | None,
    about: About,
    duration: float,
    remark: str = "",
    stale_keys: bool = False,
    old_revocations: bool = False,
) -> dict[str, Any]:
    """The record of an enforced request or a checked token; `policy` is the digest, `duration` is in seconds."""
    capped: list[str] = []
    return {
        **_head(id, kind, now),
        "outcome": "allow" if allowed else "deny",
        "reason": reason,
        "permissions": [_verdict(decision) for decision in decisions],
        "subject": _subject(subject, decisions, capped),
        "token": _cut("token", subject.token_id, capped),
        "tenant": tenant,
        "policy": policy,
        **_about(about, capped),
        "duration_us": round(duration * 1e6),
        **({"standing": remark} if remark else {}),
        **({"keys": "stale"} if stale_keys else {}),
        **({"revocations": "last-good"} if old_revocations else {}),
        **({"capped": sorted(set(capped))} if capped else {}),
    }


def refused(
    *,
    id: str,  # noqa: A002 - the word of the record
    reason: Reason,
    detail: str,
    now: float,
    about: About,
) -> dict[str, Any]:
    """The record of a request on which nothing was decided: no good token (`refused`), or a `fault` of ours."""
    capped: list[str] = []
    return {
        **_head(id, "refused" if reason.startswith("token-") else "fault", now),
        "outcome": "deny",
        "reason": reason,
        "detail": _cut("detail", detail, capped),
        **_about(about, capped),
        **({"capped": capped} if capped else {}),
    }


def _head(id: str, kind: str, now: float) -> dict[str, Any]:  # noqa: A002
    time = datetime.fromtimestamp(now, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return {"v": VERSION, "kind": kind, "id": id, "time": time, "now": now}


def _about(about: About, capped: list[str]) -> dict[str, Any]:
    return {
        "method": _cut("method", about.method, capped),
        "route": _cut("route", about.route, capped),
        "request_id": _cut("request_id", about.request_id, capped, LONGEST_REQUEST_ID),
        "trace_id": _cut("trace_id", about.trace_id, capped),
    }


def _verdict(decision: Decision) -> dict[str, Any]:
    rules = applying_rules(decision.policy, decision.subject, decision.permission, decision.tenant)
    return {
        "permission": decision.permission,
        "allowed": decision.allowed,
        "reason": decision.reason,
        "rules": [rule.id for rule in rules],
    }


def _subject(subject: Subject, decisions: Sequence[Decision], capped: list[str]) -> dict[str, Any]:
    policy = decisions[0].policy if decisions else None
    known_roles = policy.closures if policy else {}
    known_permissions = policy.entries if policy else {}
    known_scopes = policy.scope_names if policy else {}
    return {
        "id": _cut("subject.id", subject.id, capped),
        "issuer": subject.issuer,
        "kind": subject.kind,
        "client": _cut("subject.client", subject.client, capped),
        "tenant": subject.tenant,
        **({"authority": subject.authority} if subject.authority else {}),
        "roles": _names("subject.roles", subject.roles, known_roles, capped),
        "bound_roles": sorted(map(list, subject.bound_roles)),
        "scopes": _names("subject.scopes", subject.scopes, known_scopes, capped),
        "permissions": _names("subject.permissions", subject.permissions, known_permissions, capped),
        "groups": sorted(subject.groups),
        **({"without_groups": True} if subject.without_groups else {}),
        "assigned": sorted(map(list, subject.assigned), key=str),
        "unasserted": [list(pair) for pair in subject.unasserted[:UNKNOWN_AT_MOST]],
        **({"acr": subject.acr} if subject.acr is not None else {}),
        **({"auth_time": subject.auth_time} if subject.auth_time is not None else {}),
    }


def _cut(field: str, text: Any, capped: list[str], longest: int = LONGEST_TEXT) -> Any:
    if text is None or len(text) <= longest:
        return text
    capped.append(field)
    return text[:longest]


def _names(field: str, names: Iterable[str], known: Container[str], capped: list[str]) -> list[str]:
    """All names the policy knows, and as many of the others as fit: those grant nothing, and there may be thousands."""
    kept = sorted(name for name in names if name in known)
    unknown = sorted(name for name in names if name not in known)
    if len(unknown) > UNKNOWN_AT_MOST or any(len(name) > LONGEST_TEXT for name in unknown):
        capped.append(field)
    return sorted(kept + [name for name in unknown[:UNKNOWN_AT_MOST] if len(name) <= LONGEST_TEXT])


def subject_of(record: Mapping[str, Any]) -> Subject:
    """The subject of a record, as it stood when the decision was made.

    `ValueError` or `KeyError` where the record is not one of an enforced request.
    """
    given = record["subject"]
    assigned = frozenset((role, tenant) for role, tenant in given["assigned"])
    unbound = frozenset(role for role, tenant in assigned if tenant is None)
    bound = frozenset((role, tenant) for role, tenant in assigned if tenant is not None)
    asserted = frozenset((role, tenant) for role, tenant in given["bound_roles"])
    subject = Subject(
        id=given["id"], issuer=given["issuer"], kind=given["kind"], tenant=given["tenant"], client=given["client"],
        roles=given["roles"], bound_roles=asserted, scopes=given["scopes"], permissions=given["permissions"],
        authority=given.get("authority"), acr=given.get("acr"), auth_time=given.get("auth_time"),
    )  # fmt: skip
    return subject._replace(
        groups=frozenset(given["groups"]),
        standing=standing(subject.issuer, subject.kind, without_groups=True)
        if given.get("without_groups")
        else subject.standing,
        assigned=assigned,
        held=subject.roles | unbound,
        bound=asserted | bound,
        token_id=record["token"],
        unasserted=tuple((kind, name) for kind, name in given["unasserted"]),
    )
