"""`python -m benchmarks.observing [--quick]`: what a request costs with a shadow policy, and with measurements.

All variants of an application are timed in turn, round by round, so that they share whatever the machine does; a
request is a call of its WSGI function, with a token that is known. The numbers are medians over the rounds.
"""

import argparse
import gc
import io
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

from flask import Flask
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider

from policy.flask import Authorizer, requires
from policy.observing import instrument
from tests.issuing import DOCUMENT, VIEWER, token, write_policy

Ask = Callable[[], object]
BATCH: Final = 100


class Variant(NamedTuple):
    """One way to run the application, and how it is asked."""

    name: str
    ask: Ask


class Cost(NamedTuple):
    """Medians in microseconds: of a request, and of what it takes more than the plain one in the same round."""

    name: str
    request_us: float
    more_us: float
    ratio: float


class Nowhere:
    """A log that takes everything and keeps nothing, so that records are made."""

    def write(self, line: str, *, refused: bool = False) -> None:
        """Take a line."""


def measure(rounds: int) -> list[Cost]:
    """One row for every variant; the first is the plain one."""
    with TemporaryDirectory() as name, _frozen():
        variants = _variants(Path(name))
        times: dict[str, list[float]] = {each.name: [] for each in variants}
        random = Random(4)
        for number in range(rounds + 1):
            for each in random.sample(variants, len(variants)):
                taken = _time_us(each.ask)
                if number:  # the first round is for what is made once
                    times[each.name].append(taken)
    return [_cost(name, found, times[variants[0].name]) for name, found in times.items()]


def _cost(name: str, found: Sequence[float], plain: Sequence[float]) -> Cost:
    pairs = list(zip(found, plain, strict=True))
    return Cost(name, median(found), median(a - b for a, b in pairs), median(a / b for a, b in pairs))


def _variants(folder: Path) -> list[Variant]:
    same = write_policy(folder / "same")
    other = write_policy(folder / "other", roles={**DOCUMENT["roles"], "viewer": {}})
    meters = MeterProvider([InMemoryMetricReader()])
    spans = TracerProvider().get_tracer("benchmark")
    return [
        Variant("plain", _asking(_app(folder))),
        Variant("shadow that agrees", _asking(_app(folder, shadow=same))),
        Variant("shadow that disagrees", _asking(_app(folder, shadow=other))),
        Variant("instrumented, no SDK", _asking(_app(folder, meters=None))),
        Variant("instrumented, SDK", _asking(_app(folder, meters=meters))),
        Variant("instrumented, SDK and span", _asking(_app(folder, meters=meters), spans)),
        Variant("plain, span", _asking(_app(folder), spans)),
    ]


def _app(folder: Path, *, shadow: Path | None = None, **meters: Any) -> Flask:
    app = Flask("shop", static_folder=None)
    authz = Authorizer(app, policy=write_policy(folder / "policies"), audit=Nowhere(), shadow=shadow, reload=None)
    app.add_url_rule("/read", "read", requires("read:data")(lambda: "the data"))
    if meters:
        instrument(app, meter_provider=meters["meters"])
    authz.seal()
    return app


def _asking(app: Flask, tracer: Any = None) -> Ask:
    environ = {
        "REQUEST_METHOD": "GET", "PATH_INFO": "/read", "SERVER_NAME": "localhost", "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr, "HTTP_AUTHORIZATION": f"Bearer {token(**VIEWER)}",
    }  # fmt: skip

    def ask() -> bytes:
        return b"".join(app.wsgi_app({**environ}, lambda *_: None))  # type: ignore[arg-type]

    def traced() -> bytes:
        with tracer.start_as_current_span("server"):
            return ask()

    chosen = ask if tracer is None else traced
    if chosen() != b"the data":
        raise RuntimeError("the benchmark is not allowed what it asks for")
    return chosen


def _time_us(ask: Ask) -> float:
    began = time.perf_counter_ns()
    for _ in range(BATCH):
        ask()
    return (time.perf_counter_ns() - began) / 1000 / BATCH


@contextmanager
def _frozen() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.observing")
    parser.add_argument("--quick", action="store_true", help="a few rounds only")
    rounds = 5 if parser.parse_args(arguments).quick else 60
    print(f"{'':28}{'µs a request':>14}{'µs more':>10}{'x plain':>9}")
    for cost in measure(rounds):
        print(f"{cost.name:28}{cost.request_us:14.1f}{cost.more_us:10.1f}{cost.ratio:9.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
