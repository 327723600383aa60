"""What recording costs: handing a record over, and the throughput of a route whose every decision is on the disk.

Run by `python -m benchmarks.durability`. Ratios are of one run; right answers first.
"""

import contextlib
import multiprocessing
import os
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from flask import Flask

from policy import AuditLog, Policy, Subject
from policy.audit import records
from policy.audit.verifying import verify
from policy.demand import Requires, outcome
from policy.flask import Authorizer, requires
from policy.record import About
from policy.recording import Recorder
from tests.issuing import ISSUER, VIEWER, token, write_policy

THREADS: Final = 8
SECONDS: Final = 4.0
ROUNDS: Final = 5
FLOOR, OURS = "floor", "ours"


def create_app(root: str, which: str) -> Flask:
    """One route: behind an authorizer that sees each decision on the disk, or one that does only that."""
    app = Flask("durability", static_folder=None)
    log = AuditLog(Path(root) / which, durability="every-decision")
    if which == OURS:
        authz = Authorizer(app, policy=Path(root) / "policies", audit=log)

        @app.get("/data")
        @requires("read:data")
        def protected() -> str:
            return "data"

        authz.seal()
        return app
    line = Path(root, "line.json").read_text("ascii")

    @app.get("/data")
    def plain() -> str:
        log.write(line)
        return "data"

    return app


def main() -> None:
    """Print all figures."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as root:
        _handing_over(Path(root))
        _throughput(Path(root))


def _handing_over(root: Path) -> None:
    rules = Policy.load(write_policy(root / "policies"))
    marks = (Requires(permissions=("read:data",)),)
    subjects = [
        Subject(id=f"user-{number}", issuer=ISSUER, roles=["editor"], scopes=["read:data"]) for number in range(40_000)
    ]
    found = outcome(marks, lambda name: rules.decide(subjects[0], name, now=time.time()))
    about = About(method="GET", route="/api/data/<int:id>")
    recorder = Recorder(rules)

    def line(subject: Subject) -> str:
        return recorder.decided(
            "0" * 32, "request", subject, found, now=time.time(), tenant=None, about=about, duration=3e-5
        )

    (root / "line.json").write_text(line(subjects[0]), encoding="ascii")
    fresh = iter(subjects)
    print(f"a record of {len(line(subjects[0]))} bytes, microseconds of the request, best of {ROUNDS}:")
    print(f"  its line made, subject known   {_best(lambda: line(subjects[0]), 20_000):6.2f}")
    print(f"  its line made, subject new     {_best(lambda: line(next(fresh)), 4_000):6.2f}")
    for durability in ("batched", "best-effort", "every-decision"):
        count = 2_500 if durability != "every-decision" else 400
        given = line(subjects[0])
        log = AuditLog(root / durability, durability=durability, batch_seconds=1000, batch_records=10**9)
        log.write(given)
        costs = []
        began = time.process_time()
        for _ in range(ROUNDS):
            costs.append(_once(lambda log=log, given=given: log.write(given), count))  # type: ignore[misc]
            log.flush()
        log.close()
        whole = (time.process_time() - began) / (ROUNDS * count) * 1e6
        kept = sum(1 for _ in records(root / durability))
        assert kept == ROUNDS * count + 1, kept
        print(f"  handed over, {durability:15}   {min(costs):6.2f}   all of its processor time {whole:6.2f}")


def _best(call: Callable[[], object], count: int) -> float:
    return min(_once(call, count) for _ in range(ROUNDS))


def _once(call: Callable[[], object], count: int) -> float:
    began = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - began) / count * 1e6


def _throughput(root: Path) -> None:
    """Both servers run all the time, and are asked in turns."""
    header = f"Authorization: Bearer {token(**VIEWER)}\r\n"
    seen: dict[str, list[float]] = {FLOOR: [], OURS: []}
    with _served(root, FLOOR), _served(root, OURS):
        for which in seen:
            _asked(root, which, header, 1.0)
        for _ in range(ROUNDS):
            for which, rates in seen.items():
                rates.append(_asked(root, which, header, SECONDS))
    for which in seen:
        assert verify(root / which).findings == ()
    middle = {which: statistics.median(rates) for which, rates in seen.items()}
    ratios = [ours / floor for ours, floor in zip(seen[OURS], seen[FLOOR], strict=True)]
    print(
        f"requests a second, 1 gthread worker, {THREADS} threads, {ROUNDS} rounds of {SECONDS:g} s in turns, medians:"
    )
    print(f"  a route that flushes in a group, and nothing else   {middle[FLOOR]:8.0f}")
    print(f"  a route with @requires at every-decision            {middle[OURS]:8.0f}")
    print(f"  share kept {statistics.median(ratios):.3f} (from {min(ratios):.3f} to {max(ratios):.3f}); target 0.88")


@contextlib.contextmanager
def _served(root: Path, which: str) -> Iterator[None]:
    command = [
        sys.executable, "-m", "gunicorn", "--workers", "1", "--worker-class", "gthread", "--threads", str(THREADS),
        "--keep-alive", "60", "--bind", f"unix:{root}/{which}.socket", "--log-level", "error",
        f"benchmarks.durability:create_app({str(root)!r}, {which!r})",
    ]  # fmt: skip
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": "."})
    try:
        while not (root / f"{which}.socket").exists():
            assert process.poll() is None
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(30)


def _asked(root: Path, which: str, header: str, seconds: float) -> float:
    """Answers a second, over as many connections as there are threads, from a process of its own."""
    request = f"GET /data HTTP/1.1\r\nHost: x\r\n{header}\r\n".encode("ascii")
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_ask_all, (f"{root}/{which}.socket", request, seconds))


def _ask_all(path: str, request: bytes, seconds: float) -> float:
    """One loop over all connections: each is asked again as soon as it has answered."""
    selector, answered = selectors.DefaultSelector(), 0
    whole: dict[object, bytes] = {}
    for _ in range(THREADS):
        one = socket.socket(socket.AF_UNIX)
        one.connect(path)
        one.sendall(request)
        selector.register(one, selectors.EVENT_READ)
    began = time.perf_counter()
    while (now := time.perf_counter()) - began < seconds:
        for key, _ in selector.select(1):
            one = key.fileobj  # type: ignore[assignment] # it was registered as a socket
            whole[one] = answer = whole.get(one, b"") + one.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200"), answer
            if answer.endswith(b"\r\n\r\ndata"):
                whole[one] = b""
                answered += 1
                one.sendall(request)
    return answered / (now - began)


if __name__ == "__main__":
    main()
