"""OpenTelemetry's instrumentation of Flask: the decision stays first, and its record names the trace."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import flask
import pytest
from flask import Flask
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from policy.audit import records
from policy.flask import Authorizer, requires
from tests.extensions.asking import NO_ROLE, NO_TOKEN, ask, refused_to_seal, three
from tests.flask.conftest import Protect
from tests.issuing import VIEWER, bearer

INSTRUMENTOR: Any = FlaskInstrumentor()
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}


class Telemetry(NamedTuple):
    """Spans and measurements that are kept in memory."""

    providers: dict[str, Any]
    exported: InMemorySpanExporter

    def spans(self) -> list[tuple[str, str]]:
        """The trace and the name of every span that has ended."""
        return [(f"{span.context.trace_id:032x}", span.name) for span in self.exported.get_finished_spans()]


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    exported, spans = InMemorySpanExporter(), TracerProvider()
    spans.add_span_processor(SimpleSpanProcessor(exported))
    measured = MeterProvider([InMemoryMetricReader()])
    yield Telemetry({"tracer_provider": spans, "meter_provider": measured}, exported)
    spans.shutdown()
    measured.shutdown()


def before(app: Flask, protect: Protect, telemetry: Telemetry) -> Authorizer:
    """The application is instrumented first."""
    INSTRUMENTOR.instrument_app(app, **telemetry.providers)
    return protect(app)


def after(app: Flask, protect: Protect, telemetry: Telemetry) -> Authorizer:
    """The application is protected first."""
    authz = protect(app)
    INSTRUMENTOR.instrument_app(app, **telemetry.providers)
    return authz


def add_view(app: Flask) -> None:
    """A view that reads."""
    app.add_url_rule("/data", "data", requires("read:data")(lambda: "the data"))


@pytest.mark.parametrize("order", [before, after])
def test_an_instrumented_application_is_decided_first(
    app: Flask, protect: Protect, telemetry: Telemetry, order: Callable[..., Authorizer]
) -> None:
    """Only what is allowed gets as far as a span."""
    authz = order(app, protect, telemetry)
    add_view(app)
    authz.seal()
    assert three(app, "/data") == [NO_TOKEN, NO_ROLE, (200, "the data")]
    assert [name for _, name in telemetry.spans()] == ["GET /data"]


@pytest.mark.parametrize("order", [before, after])
def test_the_record_names_the_trace_of_the_span(
    app: Flask, protect: Protect, telemetry: Telemetry, order: Callable[..., Authorizer], tmp_path: Path
) -> None:
    """Of a refused request too, which never gets a span."""
    authz = order(app, protect, telemetry)
    add_view(app)
    authz.seal()
    for headers in (PARENT, {**PARENT, **bearer(**VIEWER)}):
        ask(app, "/data", headers)
    assert [(record["reason"], record["trace_id"]) for record in records(tmp_path / "audit")] == [
        ("token-absent", TRACE),
        ("allowed", TRACE),
    ]
    assert telemetry.spans() == [(TRACE, "GET /data")]


def test_applications_made_of_an_instrumented_flask_are_protected(protect: Protect, telemetry: Telemetry) -> None:
    """The package puts a class of its own in the place of `flask.Flask`."""
    INSTRUMENTOR.instrument(**telemetry.providers)
    try:
        app = flask.Flask("shop", static_folder=None)
    finally:
        INSTRUMENTOR.uninstrument()
    authz = protect(app)
    add_view(app)
    authz.seal()
    assert type(app) is not Flask
    assert three(app, "/data") == [NO_TOKEN, NO_ROLE, (200, "the data")]
    assert [name for _, name in telemetry.spans()] == ["GET /data"]


def test_the_seal_names_an_instrumentation_that_put_itself_first(
    app: Flask, protect: Protect, telemetry: Telemetry
) -> None:
    """What runs before the decision could answer in its place, so the application is not sealed."""
    authz = after(app, protect, telemetry)
    add_view(app)
    functions = app.before_request_funcs[None]
    functions.insert(0, functions.pop())
    assert refused_to_seal(authz) == [
        "`before_request` function `_wrapped_before_request.<locals>._before_request` runs before authorization; "
        "register it with `app.before_request`, which appends, instead of inserting it first"
    ]
    assert ask(app, "/data", bearer(**VIEWER)) == (503, "not-sealed")


def test_an_application_that_is_no_longer_instrumented_is_still_protected(
    app: Flask, protect: Protect, telemetry: Telemetry
) -> None:
    """Taking the package's functions out again leaves ours where it was."""
    authz = before(app, protect, telemetry)
    add_view(app)
    authz.seal()
    INSTRUMENTOR.uninstrument_app(app)
    assert three(app, "/data") == [NO_TOKEN, NO_ROLE, (200, "the data")]
    assert telemetry.spans() == []
