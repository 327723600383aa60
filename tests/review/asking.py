"""A policy with every kind of grant, and a log of what was asked of it, made by the recorder that applications use."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from policy.demand import Requires, outcome
from policy.engine import Policy
from policy.model import Kind
from policy.reasons import Reason
from policy.record import About
from policy.record import Kind as RecordKind
from policy.recording import Recorder
from policy.subject import Subject
from policy.treating import Treatment
from tests.review.lines import BEGAN, write

HOME: Final = "https://id.example.com/"
DAY: Final = 86400.0
DOCUMENT: Final[dict[str, Any]] = {
    "permissions": {"read:a": "", "read:b": "", "write:a": "", "write:b": "", "pay:x": "", "approve:x": ""},
    "roles": {
        "viewer": {"grants": ["read:*", "read:a"]},
        "editor": {"inherits": ["viewer"], "grants": ["write:a", "write:b"]},
        "payer": {"grants": ["pay:x"]},
        "approver": {"grants": ["approve:x"]},
        "guest": {},
    },
    "scopes": {"all": {"grants": ["**"]}, "reading": {"grants": ["read:a", "read:b"]}},
    "rules": [
        {"id": "guests-read", "effect": "allow", "permissions": ["read:b"], "roles": ["guest"]},
        {"id": "no-guests", "effect": "deny", "permissions": ["write:*"], "roles": ["guest"]},
    ],
    "constraints": [{"id": "four-eyes", "kind": "separation-of-duty", "roles": ["payer", "approver"], "limit": 1}],
    "assignments": [
        {"issuer": HOME, "subject": "u:alice", "roles": ["viewer", "payer"]},
        {"issuer": HOME, "subject": "u:*", "roles": ["editor"]},
        {"issuer": HOME, "group": "staff", "tenant": "acme", "roles": ["editor"]},
        {"issuer": HOME, "client": "robot", "roles": ["editor"]},
    ],
    "issuers": {
        HOME: {
            "profile": "plain", "audience": "api", "algorithms": ["HS256"], "keys": {"env": "SECRET"},
            "authority": {"user": "roles-and-scopes", "machine": "roles"}, "asserts": {}, "id_prefix": "home|",
        }
    },
}  # fmt: skip


def policy_of(folder: Path, **changes: Any) -> Policy:
    """The policy with some sections changed, in a folder of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "policy.json").write_text(json.dumps({**DOCUMENT, **changes}, indent=2) + "\n")
    return Policy.load(folder)


class Asking:
    """Asks a policy, and notes what a log would hold."""

    def __init__(self, rules: Policy, treatment: Treatment | None = None) -> None:
        self.rules: Final = rules
        self.records: Final[list[dict[str, Any]]] = []
        self._recorder: Final = Recorder(rules, treatment=treatment)

    def __call__(
        self,
        *permissions: str,
        day: float = 0,
        kind: RecordKind = "request",
        any_of: bool = False,
        but: Reason | None = None,
        tenant: str | None = None,
        id: str = "u:bob",  # noqa: A002
        person: Kind = "user",
        groups: Iterable[str] = (),
        client: str | None = None,
        assigned: bool = True,
        **held: Any,
    ) -> bool:
        """Ask for permissions on a day, as somebody who holds something; whether it is allowed."""
        subject = Subject(id=f"home|{id}", issuer=HOME, kind=person, client=client, **held)
        pairs, names, bound = self.rules.assigned[HOME].find(id, person, client, frozenset(groups))
        if assigned:
            subject = subject._replace(
                groups=frozenset(groups), assigned=pairs, held=subject.roles | names, bound=subject.bound_roles | bound
            )
        now, number = BEGAN + day * DAY, len(self.records) + 1
        found = outcome(
            [Requires(permissions=permissions, any_of=any_of)] if permissions else [],
            lambda name: self.rules.decide(subject, name, now=now, tenant=tenant),
        ).but(but)
        line = self._recorder.decided(
            f"{number:032x}", kind, subject, found, now=now, tenant=tenant, about=About(), duration=0
        )
        self.records.append(json.loads(line))
        return found.allowed

    def write(self, folder: Path, name: str = "decisions-1-1.jsonl") -> Path:
        """The log."""
        return write(folder / name, self.records)
