"""Spans tell what was decided: those of OpenTelemetry's instrumentation of Flask, and any that is around it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from policy.flask import Authorizer, authenticated, requires
from policy.observing import instrument
from tests.flask.conftest import Protect
from tests.issuing import VIEWER, bearer

INSTRUMENTOR: Any = FlaskInstrumentor()


class Spans:
    """Keeps what has ended."""

    def __init__(self) -> None:
        self._exported = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self._exported))

    def only(self) -> ReadableSpan:
        (found,) = self._exported.get_finished_spans()
        return found

    def count(self) -> int:
        return len(self._exported.get_finished_spans())


@pytest.fixture
def spans() -> Iterator[Spans]:
    made = Spans()
    yield made
    made.provider.shutdown()


def told(attributes: Any) -> dict[str, Any]:
    """What is ours, without what differs each time."""
    found = {name: value for name, value in (attributes or {}).items() if name.startswith("policy.")}
    if "policy.decision_id" in found:
        assert len(found.pop("policy.decision_id")) == 32
        assert len(found.pop("policy.digest")) == 64
    return found


ALLOWED = {"policy.outcome": "allow", "policy.reason": "allowed", "policy.permission": "read:data"}
DENIED = {"policy.outcome": "deny", "policy.reason": "no-role-grants-it"}


def add_views(app: Flask, authz: Authorizer) -> None:
    @app.get("/data")
    @requires("read:data", "read:data")
    def data() -> dict[str, Any]:
        return {"may": [authz.can("update:data"), authz.can("invented:data")]}

    @app.get("/me")
    @authenticated
    def me() -> str:
        authz.require("update:data")
        return "me"

    authz.seal()


@pytest.mark.parametrize("first", [True, False])
def test_the_span_of_an_allowed_request_tells_the_decision(
    app: Flask, protect: Protect, spans: Spans, *, first: bool
) -> None:
    """It begins after the decision was made, in whatever order the two were put around the application."""
    if first:
        instrument(app)
        INSTRUMENTOR.instrument_app(app, tracer_provider=spans.provider)
    authz = protect(app, audit=None)
    if not first:
        INSTRUMENTOR.instrument_app(app, tracer_provider=spans.provider)
        instrument(app)
    add_views(app, authz)
    answer = app.test_client().get("/data", headers=bearer(**VIEWER, sub="alice"))
    assert (answer.status_code, answer.json) == (200, {"may": [False, False]})
    span = spans.only()
    attributes = dict(span.attributes or {})
    assert told(attributes) == ALLOWED
    assert attributes["policy.digest"] == authz.health()["policy"]
    assert attributes["http.route"] == "/data"
    assert [(event.name, told(event.attributes)) for event in span.events] == [
        ("policy.decision", {"policy.kind": "probe", "policy.permission": "update:data", **DENIED}),
        ("policy.decision", {"policy.kind": "probe", **DENIED, "policy.reason": "unknown-permission"}),
    ]
    assert "alice" not in str(attributes)


def test_a_gate_is_an_event_of_the_span(app: Flask, protect: Protect, spans: Spans) -> None:
    """What the endpoint demanded stays what the attributes tell."""
    INSTRUMENTOR.instrument_app(app, tracer_provider=spans.provider)
    instrument(app)
    add_views(app, protect(app, audit=None))
    assert app.test_client().get("/me", headers=bearer(**VIEWER)).status_code == 403
    span = spans.only()
    assert told(span.attributes) == {"policy.outcome": "allow", "policy.reason": "allowed"}
    assert [told(event.attributes) for event in span.events] == [
        {"policy.kind": "gate", "policy.permission": "update:data", **DENIED}
    ]


def test_a_refused_request_is_told_to_the_span_around_the_application(
    app: Flask, protect: Protect, spans: Spans
) -> None:
    """The instrumentation of Flask makes none for it, but a server or a middleware may."""
    instrument(app)
    add_views(app, protect(app, audit=None))
    plain: Callable[..., Any] = app.wsgi_app

    def traced(environ: Any, start_response: Any) -> Any:
        with spans.provider.get_tracer("server").start_as_current_span("server"):
            return plain(environ, start_response)

    app.wsgi_app = traced  # type: ignore[method-assign]
    assert app.test_client().get("/data", headers=bearer(scope="read:data")).status_code == 403
    assert told(spans.only().attributes) == {**DENIED, "policy.permission": "read:data"}


def test_without_a_span_nothing_is_told(app: Flask, protect: Protect, spans: Spans) -> None:
    """And nothing fails."""
    instrument(app)
    add_views(app, protect(app, audit=None))
    client = app.test_client()
    assert [client.get("/data", headers=headers).status_code for headers in (bearer(**VIEWER), {})] == [200, 401]
    assert spans.count() == 0
