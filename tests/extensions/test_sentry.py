"""Sentry's integration for Flask: it wraps the application, changes no answer, and is told of what is wrong."""

import json
import logging
from collections.abc import Iterator
from typing import Any, cast

import pytest
import sentry_sdk
from flask import Flask
from sentry_sdk.envelope import Envelope
from sentry_sdk.integrations.flask import FlaskIntegration
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.transport import Transport

from policy.errors import AuditUnavailable
from policy.flask import requires
from tests.extensions.asking import NO_ROLE, NO_TOKEN, ask, refused_to_seal, three, unmarked
from tests.flask.conftest import Protect
from tests.issuing import VIEWER, bearer

Sent = list[dict[str, Any]]


@pytest.fixture(scope="module")
def sending() -> Iterator[Sent]:
    """All that Sentry would send, kept here; what the package puts in place is taken out again at the end."""
    found: Sent = []

    class Kept(Transport):
        def capture_envelope(self, envelope: Envelope) -> None:
            found.extend(item.payload.json for item in envelope.items if item.payload.json)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Flask, "__call__", Flask.__call__)
        patch.setattr(logging.Logger, "callHandlers", logging.Logger.callHandlers)
        sentry_sdk.init(
            dsn="http://key@127.0.0.1/1",
            transport=Kept,
            traces_sample_rate=1.0,
            attach_stacktrace=True,
            default_integrations=False,
            integrations=[FlaskIntegration(), LoggingIntegration()],
        )
        yield found
        sentry_sdk.get_client().close()
        sentry_sdk.get_global_scope().set_client(None)


@pytest.fixture
def sent(sending: Sent) -> Sent:
    """What it would send in this test."""
    sending.clear()
    return sending


class Log:
    """A log that can be full."""

    full = False

    def write(self, line: str, *, refused: bool = False) -> None:
        if self.full:
            raise AuditUnavailable("the disk is full")


def requests(sent: Sent) -> list[tuple[str, int]]:
    """The endpoint and the status of every request that was told."""
    transactions = [one for one in sent if one.get("type") == "transaction"]
    return [(one["transaction"], one["contexts"]["response"]["status_code"]) for one in transactions]


def faults(sent: Sent) -> list[tuple[str, str]]:
    """The level and the text of everything else."""
    return [(one["level"], one["logentry"]["formatted"]) for one in sent if "logentry" in one]


def frames(told: Any) -> Iterator[dict[str, Any]]:
    """What stood on the stack, with its variables, where the library ran."""
    if isinstance(told, dict) and str(told.get("module", "")).startswith("policy."):
        yield told
    elif isinstance(told, dict | list):
        for value in told.values() if isinstance(told, dict) else told:
            yield from frames(value)


def test_a_refusal_is_an_answer_and_no_error(app: Flask, protect: Protect, sent: Sent) -> None:
    """The request is told with its status, and nothing else is."""
    authz = protect(app)
    app.add_url_rule("/data", "data", requires("read:data")(lambda: "the data"))
    authz.seal()
    assert three(app, "/data") == [NO_TOKEN, NO_ROLE, (200, "the data")]
    assert (requests(sent), len(sent)) == ([("data", 401), ("data", 403), ("data", 200)], 3)


def test_a_tripwire_is_told(app: Flask, protect: Protect, sent: Sent) -> None:
    """It is the application that is wrong."""
    authz = protect(app)
    strict: Any = requires("update:data")(len)
    app.add_url_rule("/data", "data", requires("read:data")(lambda: str(strict("the secret"))))
    authz.seal()
    assert ask(app, "/data", bearer(**VIEWER)) == (500, "mark-not-enforced")
    text = '`builtins.len` was called although its mark `requires("update:data")` was not enforced'
    assert (requests(sent), faults(sent)) == ([("data", 500)], [("fatal", text)])


def test_nothing_that_is_told_holds_the_token(app: Flask, protect: Protect, sent: Sent) -> None:
    """Whatever is wrong: no variable of the library on the stack does, nor what is told of the request."""

    def load() -> None:
        raise LookupError

    log, strict = Log(), cast("Any", requires("update:data")(len))
    authz = protect(app, audit=log)
    app.add_url_rule("/load", "load", requires("read:data", resource=load)(lambda: "the data"))
    app.add_url_rule("/trip", "trip", requires("read:data")(lambda: str(strict("the secret"))))
    authz.seal()
    headers = bearer(**VIEWER)
    assert ask(app, "/load", headers) == (500, "resource-unavailable")
    assert ask(app, "/trip", headers) == (500, "mark-not-enforced")
    log.full = True
    assert ask(app, "/trip", headers) == (503, "audit-unavailable")
    ours = list(frames(sent))
    parts = ("enforcement", "marks", "narrowing", "tripwire")
    assert {frame["module"] for frame in ours} == {f"policy.flask.{part}" for part in parts}
    told = json.dumps([ours, [one["request"] for one in sent]])
    assert [part for part in headers["Authorization"].split(" ")[1].split(".") if part in told] == []


def test_a_forgotten_route_is_told_at_the_first_request(app: Flask, protect: Protect, sent: Sent) -> None:
    """Where nobody called the seal."""
    authz = protect(app)

    @app.get("/data")
    def data() -> str:
        return "the data"

    missing = unmarked("GET /data", data, "data")
    assert ask(app, "/data", bearer(**VIEWER)) == (503, "not-sealed")
    assert faults(sent) == [("fatal", f"the application is not sealed:\n{missing}")]
    assert refused_to_seal(authz) == [missing]
