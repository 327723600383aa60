"""Walking the tour: every request is sent, its record found in the log, and both compared with what was told."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from demo_app.tour.client import Client, Reply
from demo_app.tour.steps import MADE, PUBLIC, Step
from policy import ClaimsPolicyError
from policy.audit import records

Record = dict[str, Any]


class Visit(NamedTuple):
    """A step that was made: the answer, its record (`None` where there is none), and what is not as told."""

    step: Step
    asked: str
    reply: Reply
    record: Record | None
    faults: tuple[str, ...]

    @property
    def reason(self) -> str:
        """The reason that was recorded, or that nobody was asked."""
        return str(self.record["reason"]) if self.record else PUBLIC


class Walk:
    """One walk; it remembers where the last thing that it made is found."""

    def __init__(self, client: Client, audit: Path) -> None:
        self._client, self._audit, self._made = client, audit, ""

    def visit(self, step: Step) -> Visit:
        """Send one request and look it up in the log."""
        asked = step.asks.replace(MADE, self._made)
        method, _, path = asked.partition(" ")
        credential, request_id = step.credential(self._client), uuid.uuid4().hex
        headers = {"X-Request-ID": request_id, **({"Authorization": credential} if credential else {})}
        reply = self._client.send(method, path, body=step.body, headers=headers)
        self._made = reply.headers.get("Location", self._made)
        record = self._record(request_id)
        return Visit(step, asked, reply, record, tuple(faults(step, reply, record)))

    def _record(self, request_id: str) -> Record | None:
        try:
            return next((found for found in records(self._audit) if found["request_id"] == request_id), None)
        except ClaimsPolicyError:  # no log yet
            return None


def faults(step: Step, reply: Reply, record: Record | None) -> Iterator[str]:
    """Everything about an answer and its record that is not as told."""
    if reply.status != step.status:
        yield f"told status {step.status}, got {reply.status}"
    if step.shows and step.shows not in f"{reply.headers.get('WWW-Authenticate', '')} {json.dumps(reply.body)}":
        yield f"told that the answer shows `{step.shows}`"
    if (record is None) != (step.reason == PUBLIC):
        yield "told of a record, found none" if record is None else "told of no record, found one"
    elif record and record["reason"] != step.reason:
        yield f"told reason {step.reason}, recorded {record['reason']}"
    if record and record["outcome"] == "deny" and _named(reply) != (record["id"], record["reason"]):
        yield "the answer names another decision than the record"


def _named(reply: Reply) -> tuple[Any, Any]:
    body = reply.body if isinstance(reply.body, dict) else {}
    return body.get("decision"), body.get("reason")
