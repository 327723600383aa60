"""Counters of decisions and of refused tokens; what comes of them is somebody else's, and changes no answer.

No attribute of a measurement is ever taken from a token or an address, so there are few: kinds, outcomes and reasons.
"""

import logging
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, cast

from flask import Flask, Response
from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Meter, MeterProvider, Observation

from policy.errors import PolicyError, TokenRefused
from policy.flask import signals
from policy.guard import Admission
from policy.observing import spans
from policy.reasons import Reason
from policy.record import Kind

logger: Final = logging.getLogger("policy.observing")
EXTENSION: Final = "policy.observing"
Attributes = Mapping[str, str]
Callback = Callable[[CallbackOptions], Iterable[Observation]]
#: In seconds, from ten microseconds on: a decision is short, but one that loads a resource or waits for a disk is not.
BOUNDARIES: Final = (
    0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 5.0,
)  # fmt: skip


def instrument(app: Flask, *, meter_provider: MeterProvider | None = None) -> None:
    """Count what the authorizer of an application decides, and tell it to the span that is current then.

    Call it once, before or after `init_app`. The provider is the global one unless given, also one that is set later.
    `PolicyError` where the application is instrumented already.
    """
    if EXTENSION in app.extensions:
        raise PolicyError(f"the application `{app.name}` is instrumented already")
    app.extensions[EXTENSION] = Instruments(app, metrics.get_meter("policy", meter_provider=meter_provider))


class Instruments:
    """All instruments of one application. Whatever fails in them is logged once, and then passed over."""

    def __init__(self, app: Flask, meter: Meter) -> None:
        self._decisions: Final = meter.create_counter(
            "policy.decisions", unit="{decision}", description="Decisions by kind, outcome and reason"
        )
        self._duration: Final = meter.create_histogram(
            "policy.decision.duration",
            unit="s",
            description="How long it took to decide, in seconds",
            explicit_bucket_boundaries_advisory=BOUNDARIES,
        )
        self._refused: Final = meter.create_counter(
            "policy.tokens.refused", unit="{token}", description="Tokens that were not accepted, or were not there"
        )
        self._attributes: Final[dict[tuple[Kind, Reason], Attributes]] = {}
        self._failed: Final[set[str]] = set()
        _observe(meter, weakref.ref(app))
        # these hold no reference to this object: it lives as long as its application
        signals.decision_made.connect(self._decided, sender=app)
        signals.token_refused.connect(self._token_refused, sender=app)
        app.after_request(self._after)

    def _decided(self, _: Flask, *, kind: Kind, admission: Admission) -> None:
        try:
            attributes = self._attributes_of(kind, admission.outcome.reason)
            self._decisions.add(1, attributes)
            self._duration.record(admission.duration, attributes)
        except Exception:  # an instrument of others
            self._fail("a measurement")
        try:
            spans.tell(kind, admission)
        except Exception:
            self._fail("a span")

    def _attributes_of(self, kind: Kind, reason: Reason) -> Attributes:
        found = self._attributes.get((kind, reason))
        if found is None:
            outcome = "allow" if reason is Reason.ALLOWED else "deny"
            found = {"policy.kind": kind, "policy.outcome": outcome, "policy.reason": reason.value}
            self._attributes[kind, reason] = found
        return found

    def _token_refused(self, _: Flask, *, refusal: TokenRefused) -> None:
        try:
            self._refused.add(1, {"policy.reason": refusal.reason.value})
        except Exception:
            self._fail("a measurement")

    def _after(self, response: Response) -> Response:
        try:
            spans.tell_again()
        except Exception:
            self._fail("a span")
        return response

    def _fail(self, what: str) -> None:
        if what not in self._failed:
            self._failed.add(what)
            logger.exception("%s failed; further failures of this kind are passed over", what)


def _observe(meter: Meter, app: weakref.ref[Flask]) -> None:
    """What is counted elsewhere already, read when somebody asks."""
    for name, unit, text in (
        ("failures", "{failure}", "How often the log of decisions took nothing"),
        ("diverted", "{record}", "Records that went elsewhere, because the log took none"),
        ("unrecorded", "{decision}", "Decisions that were made without a record"),
    ):
        meter.create_observable_counter(f"policy.audit.{name}", [_audited(app, name)], unit, text)
    meter.create_observable_up_down_counter(
        "policy.audit.pending", [_audited(app, "pending")], "{record}", "Records that are not on the disk yet"
    )
    meter.create_observable_counter(
        "policy.shadow.decisions", [_shadowed(app, _answers)], "{decision}", "Decisions of the shadow policy"
    )
    meter.create_observable_counter(
        "policy.shadow.disagreements",
        [_shadowed(app, _disagreements)],
        "{decision}",
        "Decisions in which the shadow policy gave the other answer, by that answer",
    )


def _audited(app: weakref.ref[Flask], name: str) -> Callback:
    """What the log of decisions says of itself; one that says nothing has no such measurement."""

    def read(_: CallbackOptions) -> Iterator[Observation]:
        live = _live(app)
        health = getattr(live.guard.audit, "health", None) if live else None
        value = health().get(name) if callable(health) else None
        if isinstance(value, int):
            yield Observation(value)

    return read


def _shadowed(app: weakref.ref[Flask], read: Callable[[Mapping[str, int]], Iterator[Observation]]) -> Callback:
    def observe(_: CallbackOptions) -> Iterator[Observation]:
        live = _live(app)
        if live and live.guard.shadow is not None:
            yield from read(live.guard.shadow.tally.totals())

    return observe


def _answers(totals: Mapping[str, int]) -> Iterator[Observation]:
    for name in ("decided", "failed"):
        yield Observation(totals.get(name, 0), {"policy.shadow.result": name})


def _disagreements(totals: Mapping[str, int]) -> Iterator[Observation]:
    for outcome in ("allow", "deny"):
        yield Observation(totals.get(f"would_{outcome}", 0), {"policy.shadow.outcome": outcome})


def _live(app: weakref.ref[Flask]) -> Any:
    found = app()
    enforcement = found.extensions.get("policy") if found is not None else None
    return cast("Any", enforcement).live if enforcement is not None else None
