"""What an application decides, as measurements of OpenTelemetry and on a page for Prometheus."""

import gc
import re
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from prometheus_client import CollectorRegistry, Counter

from policy import PolicyError
from policy.errors import AuditUnavailable
from policy.flask import Authorizer, authenticated, public, requires
from policy.observing import instrument
from policy.observing.prometheus import serve_metrics
from tests.flask.conftest import Protect
from tests.issuing import DOCUMENT, VIEWER, bearer, write_policy

EDITOR = {"roles": ["editor"], "scope": "data.full"}


class Meters:
    """Measurements that are kept in memory."""

    def __init__(self) -> None:
        self._reader = InMemoryMetricReader()
        self.provider = MeterProvider([self._reader])

    def points(self) -> dict[str, list[tuple[dict[str, Any], Any]]]:
        """By instrument, each measurement's attributes and value; of a histogram how many there were."""
        data = self._reader.get_metrics_data()
        return {
            metric.name: [
                (dict(point.attributes or {}), getattr(point, "value", getattr(point, "count", None)))
                for point in metric.data.data_points
            ]
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


@pytest.fixture
def meters() -> Iterator[Meters]:
    made = Meters()
    yield made
    made.provider.shutdown()


class Sink:
    """Takes lines, and tells of itself as a log does."""

    def __init__(self, **told: Any) -> None:
        self.told = told

    def write(self, line: str, *, refused: bool = False) -> None:
        if self.told.get("down"):
            raise AuditUnavailable("down")

    def health(self) -> dict[str, Any]:
        return {"durability": "batched", **self.told}


def routes(app: Flask, authz: Authorizer) -> None:
    """Views that read, change and ask."""

    @app.get("/data/<int:number>")
    @requires("read:data")
    def data(number: int) -> dict[str, Any]:
        return {"may": authz.can("update:data")}

    @app.put("/data/<int:number>")
    @authenticated
    def change(number: int) -> str:
        authz.require("update:data")
        return "done"

    authz.seal()


def decided(kind: str, reason: str) -> dict[str, str]:
    outcome = "allow" if reason == "allowed" else "deny"
    return {"policy.kind": kind, "policy.outcome": outcome, "policy.reason": reason}


def ask(app: Flask) -> None:
    """Requests with every outcome."""
    client = app.test_client()
    for number in range(3):
        client.get(f"/data/{number}", headers=bearer(**VIEWER, sub=f"user{number}"))
    client.get("/data/1", headers=bearer(scope="read:data"))
    client.put("/data/1", headers=bearer(**VIEWER))
    client.put("/data/1", headers=bearer(**EDITOR))
    client.get("/data/1")
    client.get("/data/1", headers=bearer(**VIEWER, aud="other"))


@pytest.mark.parametrize("first", [True, False])
def test_decisions_and_refused_tokens_are_counted(app: Flask, protect: Protect, meters: Meters, *, first: bool) -> None:
    """By kind, outcome and reason, whichever came first, the authorizer or the instruments."""
    if first:
        instrument(app, meter_provider=meters.provider)
    authz = protect(app, audit=None)
    if not first:
        instrument(app, meter_provider=meters.provider)
    routes(app, authz)
    ask(app)
    counted = [
        (decided("request", "allowed"), 5),
        (decided("probe", "no-role-grants-it"), 3),
        (decided("request", "no-role-grants-it"), 1),
        (decided("gate", "no-role-grants-it"), 1),
        (decided("gate", "allowed"), 1),
    ]
    found = meters.points()
    key = lambda point: str(point)  # noqa: E731
    assert sorted(found.pop("policy.decisions"), key=key) == sorted(counted, key=key)
    assert sorted(found.pop("policy.decision.duration"), key=key) == sorted(counted, key=key)
    assert found == {
        "policy.tokens.refused": [({"policy.reason": "token-absent"}, 1), ({"policy.reason": "token-audience"}, 1)]
    }


def test_durations_fall_into_buckets_that_fit(app: Flask, protect: Protect, meters: Meters) -> None:
    """A decision takes microseconds, for which the usual buckets, in seconds, are of no use."""
    instrument(app, meter_provider=meters.provider)
    routes(app, protect(app, audit=None))
    ask(app)
    data = meters._reader.get_metrics_data()
    assert data is not None
    (metric,) = [
        metric
        for metric in data.resource_metrics[0].scope_metrics[0].metrics
        if metric.name == "policy.decision.duration"
    ]
    points: Any = metric.data.data_points
    assert metric.unit == "s"
    assert {point.explicit_bounds[0] for point in points} == {0.00001}
    assert all(0 < point.sum < 5 and point.bucket_counts[-1] == 0 for point in points)


def test_what_is_counted_has_few_attributes_whatever_is_asked(app: Flask, protect: Protect, meters: Meters) -> None:
    """A thousand callers, addresses and permissions that nobody declared make no more series than one."""
    instrument(app, meter_provider=meters.provider)
    authz = protect(app, audit=None)

    @app.get("/ask/<name>")
    @requires("read:data")
    def view(name: str) -> dict[str, bool]:
        return {"may": authz.can(f"read:{name}")}

    authz.seal()
    client = app.test_client()
    for number in range(200):
        headers = {**bearer(**VIEWER, sub=f"u{number}", jti=str(number)), "X-Request-ID": f"r{number}"}
        client.get(f"/ask/x{number}", headers=headers)
        client.get(f"/ask/x{number}", headers={"Authorization": f"Bearer {number}"})
    found = meters.points()
    assert found["policy.decisions"] == [
        (decided("request", "allowed"), 200),
        (decided("probe", "unknown-permission"), 200),
    ]
    assert {name: len(points) for name, points in found.items()} == {
        "policy.decisions": 2, "policy.decision.duration": 2, "policy.tokens.refused": 1,
    }  # fmt: skip


def test_the_log_tells_how_it_does(app: Flask, protect: Protect, meters: Meters) -> None:
    """Whatever it knows of itself; what it does not tell is not measured."""
    sink = Sink(failures=2, unrecorded=3, pending=4, extra=5)
    instrument(app, meter_provider=meters.provider)
    protect(app, audit=sink)
    assert meters.points() == {
        "policy.audit.failures": [({}, 2)], "policy.audit.unrecorded": [({}, 3)], "policy.audit.pending": [({}, 4)],
    }  # fmt: skip


def test_disagreements_of_the_shadow_policy_are_measured(
    app: Flask, protect: Protect, meters: Meters, tmp_path: Path
) -> None:
    """In both directions, with how many were compared."""
    write_policy(tmp_path / "next", roles={**DOCUMENT["roles"], "viewer": {}})
    instrument(app, meter_provider=meters.provider)
    routes(app, protect(app, audit=None, shadow=tmp_path / "next", reload=None))
    ask(app)
    found = meters.points()
    assert found["policy.shadow.decisions"] == [
        ({"policy.shadow.result": "decided"}, 11), ({"policy.shadow.result": "failed"}, 0),
    ]  # fmt: skip
    assert found["policy.shadow.disagreements"] == [
        ({"policy.shadow.outcome": "allow"}, 0), ({"policy.shadow.outcome": "deny"}, 3),
    ]  # fmt: skip


def fail(*_: object, **__: object) -> Any:
    raise RuntimeError("no")


@pytest.mark.parametrize(("method", "told"), [("record", "a measurement failed"), ("", "a span failed")])
def test_an_instrument_that_fails_changes_no_answer_and_is_told_once(
    app: Flask,
    protect: Protect,
    meters: Meters,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    method: str,
    told: str,
) -> None:
    """Whatever others have put there."""
    instrument(app, meter_provider=meters.provider)
    if method:
        monkeypatch.setattr(type(app.extensions["policy.observing"]._duration), method, fail)
    else:
        monkeypatch.setattr("policy.observing.spans.trace", SimpleNamespace(get_current_span=fail))
    routes(app, protect(app, audit=None))
    client = app.test_client()
    answers = [
        client.get("/data/1", headers=headers).status_code
        for headers in (bearer(**VIEWER), bearer(scope="read:data"), {}, bearer(**VIEWER))
    ]
    assert answers == [200, 403, 401, 200]
    assert caplog.messages == [f"{told}; further failures of this kind are passed over"]


def test_a_log_that_cannot_tell_of_itself_hurts_nobody(app: Flask, protect: Protect, meters: Meters) -> None:
    """The other measurements are there all the same."""
    sink = Sink(failures=1)
    sink.health = fail  # type: ignore[method-assign]
    instrument(app, meter_provider=meters.provider)
    routes(app, protect(app, audit=sink))
    app.test_client().get("/data/1", headers=bearer(**EDITOR))
    found = meters.points()
    assert sorted(name for name, points in found.items() if points) == ["policy.decision.duration", "policy.decisions"]


def test_an_application_is_instrumented_once(app: Flask, meters: Meters) -> None:
    """Twice, everything would count twice."""
    instrument(app, meter_provider=meters.provider)
    with pytest.raises(PolicyError) as caught:
        instrument(app, meter_provider=meters.provider)
    assert str(caught.value) == "the application `shop` is instrumented already"


def test_applications_are_counted_apart_and_are_not_kept(protect: Protect, meters: Meters, tmp_path: Path) -> None:
    """Only the one that was instrumented is; and an application that is gone is not held by its instruments."""
    one, other = Flask("one", static_folder=None), Flask("other", static_folder=None)
    for app in (one, other):
        routes(app, protect(app, audit=None))
    instrument(one, meter_provider=meters.provider)
    for app in (other, one, other):
        app.test_client().get("/data/1", headers=bearer(scope="read:data"))
    assert meters.points()["policy.decisions"] == [(decided("request", "no-role-grants-it"), 1)]
    gone = weakref.ref(one)
    del one, app
    gc.collect()
    assert gone() is None
    meters.points()


@pytest.fixture
def page(app: Flask, protect: Protect) -> Iterator[Callable[..., Any]]:
    """A page for Prometheus, which those who may read records may see."""
    from opentelemetry.exporter.prometheus import PrometheusMetricReader

    provider = MeterProvider([PrometheusMetricReader()])
    instrument(app, meter_provider=provider)
    authz = protect(app, audit=None)
    serve_metrics(app, "/metrics", requires("read:data"))
    routes(app, authz)
    yield app.test_client().get
    provider.shutdown()


def test_prometheus_has_a_page_that_is_protected_like_any_other(app: Flask, page: Callable[..., Any]) -> None:
    """The same instruments, under the names that Prometheus gives them."""
    app.test_client().get("/data/1", headers=bearer(scope="read:data"))
    assert page("/metrics").status_code == 401
    answer = page("/metrics", headers=bearer(**VIEWER))
    lines = [line for line in answer.text.splitlines() if line.startswith("policy_") and "_bucket" not in line]
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert answer.content_type.startswith("text/plain")
    labels = 'policy_kind="request",policy_outcome="deny",policy_reason="no-role-grants-it"'
    told = [re.sub(r"otel_scope_\w+=\"\w*\",", "", line.rpartition(" ")[0]) for line in lines if "allow" not in line]
    assert sorted(told) == [
        f"policy_decision_duration_seconds_count{{{labels}}}",
        f"policy_decision_duration_seconds_sum{{{labels}}}",
        f"policy_decisions_total{{{labels}}}",
        'policy_tokens_refused_total{policy_reason="token-absent"}',
    ]


def test_prometheus_may_ask_for_its_other_format(page: Callable[..., Any]) -> None:
    """OpenMetrics, if it says so."""
    headers = {**bearer(**VIEWER), "Accept": "application/openmetrics-text; version=1.0.0"}
    answer = page("/metrics", headers=headers)
    assert answer.content_type.startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


def test_a_page_shows_the_registry_that_is_given(app: Flask, protect: Protect) -> None:
    """Not what else a process has measured."""
    registry = CollectorRegistry()
    Counter("of_my_own", "Counted elsewhere", registry=registry).inc()
    authz = protect(app, audit=None)
    serve_metrics(app, "/mine", public(reason="a test"), registry=registry)
    authz.seal()
    lines = app.test_client().get("/mine").text.splitlines()
    assert [line for line in lines if not line.startswith("#") and "_created" not in line] == ["of_my_own_total 1.0"]


def test_a_page_without_a_mark_is_refused(app: Flask) -> None:
    """It is a route, and each route says who may call it."""
    marker: Any = "public"
    with pytest.raises(TypeError) as caught:
        serve_metrics(app, "/metrics", marker)
    assert str(caught.value) == ('serve_metrics takes a mark: serve_metrics(app, "/metrics", requires("read:metrics"))')
    serve_metrics(app, "/metrics", public(reason="only the port of the operators leads here"))
