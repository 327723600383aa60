"""The record of a decision: what its line holds, and the subject read again from it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal, NamedTuple

from policy.reasons import Reason
from policy.subject import Subject, standing

VERSION: Final = 2
LONGEST_TEXT: Final = 1024
LONGEST_REQUEST_ID: Final = 128
UNKNOWN_AT_MOST: Final = 50

Kind = Literal["request", "check", "gate", "probe"]
_encode: Final = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), allow_nan=False).encode


class About(NamedTuple):
    """What a record says of the request itself. `route` is the pattern, never the address that was asked for."""

    method: str = ""
    route: str = ""
    request_id: str = ""
    trace_id: str = ""


def line(record: Mapping[str, Any]) -> str:
    """The record as one line of ASCII without its line break; control characters are escaped, so none can forge one."""
    return _encode(record)


def moment(seconds: float) -> str:
    """A time as records have it: RFC 3339, in UTC, to the microsecond."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def kind_without_decision(reason: Reason) -> str:
    """`refused` where there was no good token, `fault` where a refusal is the application's own doing."""
    return "refused" if reason.startswith("token-") else "fault"


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
