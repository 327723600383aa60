"""Counters of decisions and of refused tokens; what comes of them is somebody else's, and changes no answer.

No attribute of a measurement is ever taken from a token or an address, so there are few: kinds, outcomes and reasons.
"""

import logging
import weakref
from typing import Final

from flask import Flask, Response
from opentelemetry import metrics
from opentelemetry.metrics import Meter, MeterProvider

from policy.errors import PolicyError, TokenRefused
from policy.flask import signals
from policy.guard import Admission
from policy.observing import spans
from policy.observing.counts import Attributes, Counts, observe
from policy.reasons import Reason
from policy.record import Kind

logger: Final = logging.getLogger("policy.observing")
EXTENSION: Final = "policy.observing"
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
    """All instruments of one application. Whatever fails in them is logged once, and then passed over.

    What only counts is counted here and read when somebody asks: that takes a tenth of the time of handing it over.
    """

    def __init__(self, app: Flask, meter: Meter) -> None:
        self._duration: Final = meter.create_histogram(
            "policy.decision.duration",
            unit="s",
            description="How long it took to decide, in seconds",
            explicit_bucket_boundaries_advisory=BOUNDARIES,
        )
        self.decisions: Final = Counts()
        self.refused: Final = Counts()
        self._attributes: Final[dict[tuple[Kind, Reason], Attributes]] = {}
        self._failed: Final[set[str]] = set()
        observe(meter, weakref.ref(app), decisions=self.decisions, refused=self.refused)
        # these hold no reference to this object: it lives as long as its application
        signals.decision_made.connect(self._decided, sender=app)
        signals.token_refused.connect(self._token_refused, sender=app)
        app.after_request(self._after)

    def _decided(self, _: Flask, *, kind: Kind, admission: Admission) -> None:
        try:
            attributes = self._attributes_of(kind, admission.outcome.reason)
            self.decisions.add(attributes)
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
        self.refused.add({"policy.reason": refusal.reason.value})

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
