"""Whole records through logging and the formatters that people run already: as objects, whatever names hold."""

import io
import json
import logging
import logging.config
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from pythonjsonlogger.json import JsonFormatter

from policy import Guard, Policy, TokenRefused, TokenVerifier
from policy.record import About
from policy.tokens.issue import sign
from tests.issuing import DOCUMENT, ISSUER, PRIVATE, write_policy

NOW = 1_900_000_000.25
MOMENT = "2030-03-17T17:46:40.250000Z"
#: Names as nobody would choose them, which an issuer may let somebody choose all the same.
SUBJECT = 'al"ice\n{"outcome":"allow"} \u00e4 %s'
ABOUT = About(method="GET", route="/data/<int:id>", request_id="r-1", trace_id="4bf92f3577b34da6a3ce929d0e0e4736")
logger = logging.getLogger("policy.audit")


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    """The logger afterwards."""
    kept = logger.handlers[:], logger.level, logger.propagate, logger.disabled
    yield
    logger.handlers[:], logger.level, logger.propagate, logger.disabled = kept


@pytest.fixture
def guard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Guard:
    """A guard that logs, with a shadow, whose ids and times are known."""
    monkeypatch.setattr("policy.guard.new_id", lambda: "0" * 32)
    monkeypatch.setattr("policy.guard.time", SimpleNamespace(perf_counter=lambda: 1.0))
    rules = Policy.load(write_policy(tmp_path / "policies"))
    shadow = Policy.load(write_policy(tmp_path / "next", roles={**DOCUMENT["roles"], "viewer": {}}))
    return Guard(rules, TokenVerifier(rules), "logging", clock=lambda: NOW, shadow=shadow)


def token(**claims: Any) -> str:
    given = {"iss": ISSUER, "sub": SUBJECT, "aud": "https://api.example.com", "iat": 1_900_000_000, "jti": "t1"}
    return sign({**given, "exp": 1_900_000_600, **claims}, key=PRIVATE, algorithm="ES256", kid="test-key", typ="at+jwt")


def decide(guard: Guard) -> None:
    """An allow, a denial, and a token that is not accepted."""
    for claims in ({"roles": ["viewer"], "scope": "read:data odd"}, {"scope": "read:data"}):
        guard.check(token(**claims), "read:data")
    with pytest.raises(TokenRefused):
        guard.identify("no token", about=ABOUT)


def records(guard: Guard) -> list[dict[str, Any]]:
    """The three records, whole."""
    assert guard.shadow is not None
    assert guard.shadow.rules is not None
    digest = guard.shadow.rules.digest
    common: dict[str, Any] = {"v": 2, "kind": "check", "id": "0" * 32, "time": MOMENT, "now": NOW}
    empty = {"request_id": "", "trace_id": "", "method": "", "route": ""}
    subject: dict[str, Any] = {
        "issuer": ISSUER, "kind": "user", "tenant": None, "bound_roles": [], "permissions": [], "groups": [],
        "assigned": [], "unasserted": [], "client": None, "id": SUBJECT,
    }  # fmt: skip
    refusal = "no-role-grants-it"
    shadow = {"policy": digest, "outcome": "deny", "reason": refusal}
    allowed = {"permission": "read:data", "allowed": True, "reason": "allowed", "rules": []}
    common |= {"duration_us": 0, "token": "jti:t1", "tenant": None, "policy": guard.rules.digest, "shadow": shadow}
    return [
        {**common, **empty, "outcome": "allow", "reason": "allowed", "permissions": [allowed],
         "subject": {**subject, "roles": ["viewer"], "scopes": ["odd", "read:data"]}},
        {**common, **empty, "outcome": "deny", "reason": refusal,
         "permissions": [{**allowed, "allowed": False, "reason": refusal}],
         "subject": {**subject, "roles": [], "scopes": ["read:data"]}},
        {"v": 2, "kind": "refused", "id": "0" * 32, "time": MOMENT, "now": NOW, "outcome": "deny",
         "reason": "token-parts", "detail": "expected 3 parts, seen 1",
         "request_id": "r-1", "trace_id": ABOUT.trace_id, "method": "GET", "route": "/data/<int:id>"},
    ]  # fmt: skip


LEVELS = ["INFO", "WARNING", "WARNING"]


def lines(guard: Guard, formatter: logging.Formatter) -> list[str]:
    """What a handler with this formatter writes of the three."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(formatter)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    decide(guard)
    return out.getvalue().splitlines()


def test_the_message_is_the_line_itself(guard: Guard) -> None:
    """One line a record, in ASCII, whatever a name holds; and no field of it was left out."""
    found = lines(guard, logging.Formatter("%(levelname)s %(message)s"))
    assert [line.partition(" ")[0] for line in found] == LEVELS
    assert [json.loads(line.partition(" ")[2]) for line in found] == records(guard)
    assert "".join(found).isascii()


def test_python_json_logger_writes_records_as_objects(guard: Guard) -> None:
    """Nested as they are, beside the message and whatever else the format names."""
    found = lines(guard, JsonFormatter("%(levelname)s %(name)s %(message)s"))
    whole = [json.loads(line) for line in found]
    messages = [each.pop("message") for each in whole]
    assert whole == [
        {"levelname": level, "name": "policy.audit", "policy": record}
        for level, record in zip(LEVELS, records(guard), strict=True)
    ]
    assert [json.loads(message) for message in messages] == records(guard)


def test_python_json_logger_can_leave_the_message_out(guard: Guard) -> None:
    """So that nothing stands there twice, under names that a collector of logs expects."""
    formatter = JsonFormatter("%(levelname)s", rename_fields={"levelname": "log.level", "policy": "decision"})
    assert [json.loads(line) for line in lines(guard, formatter)] == [
        {"log.level": level, "decision": record} for level, record in zip(LEVELS, records(guard), strict=True)
    ]


def unwrapped(_: Any, __: str, event: dict[str, Any]) -> dict[str, Any]:
    """A processor of one's own: the record's fields at the top, and a short event."""
    event.update({**event.pop("policy"), "event": "decision"})
    return event


def structured(*processors: Any) -> logging.Formatter:
    """Structlog's formatter for records of others, as its documentation has it."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_log_level, structlog.stdlib.ExtraAdder(), *processors],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(),
        ],
    )


def test_structlog_writes_records_as_objects(guard: Guard) -> None:
    """Nested as they are; its event is the line."""
    whole = [json.loads(line) for line in lines(guard, structured())]
    events = [each.pop("event") for each in whole]
    assert whole == [
        {"level": level.lower(), "policy": record} for level, record in zip(LEVELS, records(guard), strict=True)
    ]
    assert [json.loads(event) for event in events] == records(guard)


def test_a_processor_of_structlog_may_shape_the_record(guard: Guard) -> None:
    """Fields at the top, in the place of a text that holds them again."""
    assert [json.loads(line) for line in lines(guard, structured(unwrapped))] == [
        {**record, "event": "decision", "level": level.lower()}
        for level, record in zip(LEVELS, records(guard), strict=True)
    ]


def test_a_configuration_of_logging_is_enough(guard: Guard, tmp_path: Path) -> None:
    """As an application has one: a file of decisions apart from everything else."""
    logging.config.dictConfig({
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "pythonjsonlogger.json.JsonFormatter", "fmt": "%(levelname)s"}},
        "handlers": {
            "decisions": {
                "class": "logging.FileHandler", "filename": str(tmp_path / "decisions.log"), "formatter": "json"
            }
        },
        "loggers": {"policy.audit": {"level": "INFO", "handlers": ["decisions"], "propagate": False}},
    })  # fmt: skip
    decide(guard)
    for handler in logger.handlers:
        handler.close()
    written = (tmp_path / "decisions.log").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["policy"] for line in written] == records(guard)
