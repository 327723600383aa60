"""What is only counted: read when a reader of measurements asks for it."""

import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, cast

from flask import Flask
from opentelemetry.metrics import CallbackOptions, Meter, Observation

Attributes = Mapping[str, str]
Callback = Callable[[CallbackOptions], Iterable[Observation]]


class Counts:
    """Numbers that grow, by attributes. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock: Final = threading.Lock()
        self._counts: Final[dict[tuple[str, ...], list[Any]]] = {}

    def add(self, attributes: Attributes) -> None:
        """Count one."""
        with self._lock:
            found = self._counts.setdefault(tuple(attributes.values()), [attributes, 0])
            found[1] += 1

    def read(self, _: CallbackOptions) -> Iterator[Observation]:
        """All that was counted."""
        with self._lock:
            found = [(attributes, number) for attributes, number in self._counts.values()]
        for attributes, number in found:
            yield Observation(number, attributes)


def observe(meter: Meter, app: weakref.ref[Flask], *, decisions: Counts, refused: Counts) -> None:
    """Make the instruments that read what is counted, here or elsewhere; none of them holds the application."""
    meter.create_observable_counter(
        "policy.decisions", [decisions.read], "{decision}", "Decisions by kind, outcome and reason"
    )
    meter.create_observable_counter(
        "policy.tokens.refused", [refused.read], "{token}", "Tokens that were not accepted, or were not there"
    )
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
