"""Lines of a log as the format has them, made without a guard: also those that no guard would write."""

import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from policy.audit.chain import Chain

BEGAN: Final = 1_795_824_000.0
ISSUER: Final = "https://idp.example"
Verdict = tuple[str, bool, str]


def head(kind: str, number: int, now: float, version: int = 2) -> dict[str, Any]:
    time = datetime.fromtimestamp(now, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return {"v": version, "kind": kind, "id": f"{number:032x}", "time": time}


def decided(
    number: int,
    *,
    kind: str = "request",
    now: float = BEGAN,
    method: str = "GET",
    route: str = "/api/data",
    outcome: str = "allow",
    reason: str = "allowed",
    verdicts: Sequence[Verdict] = (("read:data", True, "allowed"),),
    tenant: str | None = None,
    digest: str = "d" * 64,
    more: Mapping[str, Any] | None = None,
    subject: Mapping[str, Any] | None = None,
    client: str | None = "app",
    id: str | None = "alice",  # noqa: A002
) -> dict[str, Any]:
    """A record with a decision, its members in order; `subject` replaces what its subject holds."""
    return {
        **head(kind, number, now), "now": now, "duration_us": 31, "token": "jti:1", "request_id": "", "trace_id": "",
        "method": method, "route": route, "outcome": outcome, "reason": reason,
        "permissions": [{"permission": name, "allowed": allowed, "reason": why, "rules": []}
                        for name, allowed, why in verdicts],
        "tenant": tenant, "policy": digest, **(more or {}),
        "subject": {
            "issuer": ISSUER, "kind": "user", "tenant": None, "roles": [], "bound_roles": [], "scopes": [],
            "permissions": [], "groups": [], "assigned": [], "unasserted": [], **(subject or {}),
            "client": client, "id": id,
        },
    }  # fmt: skip


def refused(number: int, *, kind: str = "refused", now: float = BEGAN, reason: str = "token-absent") -> dict[str, Any]:
    """A record without a decision."""
    return {
        **head(kind, number, now), "now": now, "request_id": "", "trace_id": "", "method": "GET",
        "route": "/api/data", "outcome": "deny", "reason": reason, "detail": "no token",
    }  # fmt: skip


def line(record: Mapping[str, Any]) -> bytes:
    """A record as it stands outside a chain."""
    return json.dumps(record, ensure_ascii=True, separators=(",", ":")).encode()


def begun(number: int) -> dict[str, Any]:
    """The first line of a file."""
    return {**head("begin", number, BEGAN), "writer": "ab" * 8, "stream": "decisions", "part": 1, "after": None}


def write(file: Path, records: Iterable[Mapping[str, Any]], *, torn: bytes = b"") -> Path:
    """A file of a log, chained and begun as one; compressed if its name says so."""
    chain = Chain()
    text = b"".join([chain.link(line(record)) for record in (begun(0), *records)]) + torn
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(gzip.compress(text) if file.suffix == ".gz" else text)
    return file
