"""Records for other programs: as they are, and by the field names of the Elastic Common Schema (ECS)."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from policy.review.columns import COLUMNS, DECIDED, UNDECIDED
from policy.review.grouping import OnProgress
from policy.review.plain import lines

#: Kinds of records; other lines hold the log together.
KINDS: Final = (*DECIDED, *UNDECIDED, "surplus", "lost")
#: The version of ECS by whose names fields are called.
ECS_VERSION: Final = "8.17.0"
_encode: Final = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode
_NANOSECONDS: Final = 1000
_OUTCOMES: Final = {"allow": ("success", "allowed"), "deny": ("failure", "denied")}
#: What stands under the name of this library, since ECS has no name for it.
_OWN: Final = (
    "permissions", "policy", "token", "standing", "keys", "revocations", "shadow", "attributes", "capped", "treated",
    "since", "counts", "count",
)  # fmt: skip
_OWN_OF_SUBJECT: Final = (
    "issuer", "kind", "tenant", "authority", "scopes", "permissions", "groups", "without_groups", "acr", "auth_time",
    "client",
)  # fmt: skip
#: Pairs, and what their halves are called.
_PAIRS: Final = {"bound_roles": ("role", "tenant"), "assigned": ("role", "tenant"), "unasserted": ("kind", "name")}


def record_lines(
    files: Sequence[Path],
    *,
    since: str = "",
    until: str = "",
    kinds: Collection[str] = KINDS,
    progress: OnProgress | None = None,
) -> Iterator[bytes]:
    """The lines of records in this time, as they stand in the files, without their line breaks."""
    kind_of, time_of = COLUMNS["kind"].read, COLUMNS["time"].read
    wanted = {kind.encode() for kind in kinds}
    first, last = since.encode(), until.encode()
    for line in lines(files, progress):
        if kind_of(line) in wanted:
            time = time_of(line) or b""
            if first <= time and (not last or time < last):
                yield line


def ecs_line(line: bytes) -> bytes | None:
    """One line of a log as one of ECS; `None` where it is not JSON."""
    try:
        record = json.loads(line)
        return _encode(as_ecs(record)).encode("ascii")
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None


def as_ecs(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record by ECS names; what has none is under `claims_policy`. Members that are empty are left out."""
    subject = record.get("subject") or {}
    found = {
        "@timestamp": record.get("time"),
        "ecs": {"version": ECS_VERSION},
        "message": _message(record),
        "event": _filled(_event(record)),
        "http": _filled({"request": _filled({"method": record.get("method"), "id": record.get("request_id")})}),
        "trace": _filled({"id": record.get("trace_id")}),
        "organization": _filled({"id": record.get("tenant")}),
        "user": _filled({"id": subject.get("id"), "roles": _roles(record, subject)}),
        "rule": _filled({"id": _rules(record), "ruleset": record.get("policy")}),
        "claims_policy": _own(record, subject),
    }
    return _filled(found)


def _own(record: Mapping[str, Any], subject: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: subject[name] for name in _OWN_OF_SUBJECT if name in subject}
    for name, words in _PAIRS.items():
        found[name] = [_filled(dict(zip(words, pair, strict=True))) for pair in subject.get(name, ())]
    own = {name: record[name] for name in _OWN if name in record}
    return _filled({"route": record.get("route"), **own, "subject": _filled(found)})


def _event(record: Mapping[str, Any]) -> dict[str, Any]:
    kind, duration = record.get("kind"), record.get("duration_us")
    outcome, type_ = _OUTCOMES.get(str(record.get("outcome")), (None, "info"))
    told = kind in ("surplus", "lost")
    return {
        "id": record.get("id"),
        "kind": "event",
        "category": ["authentication", "api"] if kind in ("refused", "surplus") else ["api"],
        "type": ["info"] if told else ["access", type_],
        "outcome": outcome,
        "action": kind,
        "reason": record.get("detail") or record.get("reason"),
        "code": record.get("reason"),
        "duration": duration * _NANOSECONDS if type(duration) is int else None,
        "sequence": record.get("seq"),
        "module": "claims_policy",
        "dataset": "claims_policy.refused" if kind in ("refused", "surplus") else "claims_policy.decisions",
    }


def _message(record: Mapping[str, Any]) -> str:
    """One line for a person who reads along."""
    words = [
        record.get("outcome") or record.get("kind"),
        record.get("reason"),
        record.get("method"),
        record.get("route"),
    ]
    return " ".join(str(word) for word in words if word)


def _roles(record: Mapping[str, Any], subject: Mapping[str, Any]) -> list[str]:
    """All roles in force: the token's and the assigned ones, and those bound to the tenant that was asked for."""
    tenant = record.get("tenant")
    bound = [(role, where) for name in ("bound_roles", "assigned") for role, where in subject.get(name, ())]
    return sorted({*subject.get("roles", ()), *(role for role, where in bound if where in (None, tenant))})


def _rules(record: Mapping[str, Any]) -> list[str]:
    found = (rule for each in record.get("permissions") or () for rule in each.get("rules", ()))
    return list(dict.fromkeys(found))


def _filled(value: dict[str, Any]) -> dict[str, Any]:
    """Without what is null or empty; a false answer and a nought stay."""
    return {name: each for name, each in value.items() if each or each is False or each == 0}
