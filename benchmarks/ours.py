"""This library, asked in three ways: with the subject made already, from verified claims, and for an explanation."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.engine import Engine, Way
from benchmarks.workloads import AUDIENCE, EVERYONE, ISSUER, NOW, Claims, Kind, Request, Role, Workload
from policy import Decision, Policy, Subject

SUBJECT_MADE, FROM_CLAIMS, EXPLAINED = "policy, subject made", "policy, from claims", "policy, explaining only"

#: Where the tokens of B name roles and permissions; those of A name neither.
CLAIMS_OF_B: Final = {
    "roles": {"path": ["roles"], "format": "list"},
    "permissions": {"path": ["scope"], "format": "space-delimited"},
}
ISSUER_OF_ALL: Final[Mapping[str, Any]] = {
    "audience": AUDIENCE,
    "algorithms": ["HS256"],
    "keys": {"env": "BENCHMARK_SECRET"},
    "authority": {"user": "roles", "machine": "roles"},
    "kinds": {"machine": [{"path": ["sub"], "same_as": ["client_id"]}], "user": "otherwise"},
}


def write(workload: Workload, folder: Path) -> None:
    """The policy as one document."""
    claims = CLAIMS_OF_B if workload.kind == "B" else {}
    whole = {
        "permissions": dict.fromkeys(workload.permissions, ""),
        "roles": {name: _role(role) for name, role in workload.roles.items()},
        "rules": [_deny(number, *deny) for number, deny in enumerate(workload.denies)],
        "assignments": [{"issuer": ISSUER, "subject": user, "roles": roles} for user, roles in workload.users.items()],
        "issuers": {ISSUER: {**ISSUER_OF_ALL, "claims": claims}},
    }
    (folder / "policy.json").write_text(json.dumps(whole), encoding="utf-8")


def _role(role: Role) -> dict[str, tuple[str, ...]]:
    return {"inherits": role.inherits, "grants": role.grants} if role.inherits else {"grants": role.grants}


def _deny(number: int, role: str, pattern: str) -> dict[str, Any]:
    deny = {"id": f"deny-{number}", "effect": "deny", "permissions": [pattern]}
    return deny if role == EVERYONE else {**deny, "roles": [role]}


def load(kind: Kind, folder: Path) -> Sequence[Way]:  # noqa: ARG001 - the documents say all
    """The policy as its users load it."""
    rules = Policy.load(folder)

    def made(request: Request) -> tuple[Subject, str]:
        return rules.subject(ISSUER, request.claims), request.permission

    def decided(request: Request) -> Decision:
        subject, permission = made(request)
        return rules.decide(subject, permission, now=NOW)

    def of_subjects(batch: Sequence[tuple[Subject, str]]) -> Iterator[Decision]:
        return (rules.decide(subject, permission, now=NOW) for subject, permission in batch)

    def of_claims(batch: Sequence[tuple[Claims, str]]) -> Iterator[Decision]:
        return (rules.decide(rules.subject(ISSUER, claims), permission, now=NOW) for claims, permission in batch)

    def explained(batch: Sequence[Decision]) -> Iterator[bool]:
        return (decision.explain().allowed for decision in batch)

    return (
        Way(SUBJECT_MADE, made, of_subjects),
        Way(FROM_CLAIMS, lambda request: (request.claims, request.permission), of_claims),
        Way(EXPLAINED, decided, explained, slow=True),
    )


ENGINE: Final = Engine("policy", write, load)
