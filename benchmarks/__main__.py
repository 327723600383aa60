"""`python -m benchmarks [--quick] [--only A-small,B] [--json FILE]`: measure, and print tables.

The exit code is 1 where an engine gave a wrong answer, and 0 otherwise: a missed target changes nothing.
"""

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks import deciding, loading, report, tokens
from benchmarks.engine import installed, missing
from benchmarks.results import Decided, Results, targets
from benchmarks.workloads import NAMES, make

PARTS: Final = (*NAMES, "loading", "tokens")
QUICK_PARTS: Final = ("A-small", "B", "tokens")
QUICK_REQUESTS: Final = 1_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for."""
    options = _parser().parse_args(arguments)
    logging.disable(logging.WARNING)  # a peer that logs each decision is not timed for that
    parts = options.only or (QUICK_PARTS if options.quick else PARTS)
    print(report.heading())
    for name in missing():
        print(f"{name} is not installed and left out; `pip install --group peers` adds it\n")
    results = _measured(parts, quick=options.quick)
    print(report.targets(targets(results)))
    if options.json:
        options.json.write_text(json.dumps(results.as_dict(), indent=2) + "\n", encoding="utf-8")
    return 1 if results.wrong else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="How quick is a decision?")
    parser.add_argument("--quick", action="store_true", help="a few seconds: fewer parts, requests and rounds")
    parser.add_argument("--only", type=_parts, metavar="PART,...", help="some of: " + ", ".join(PARTS))
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the raw numbers to a file")
    return parser


def _parts(text: str) -> Sequence[str]:
    parts = text.split(",")
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    return parts


def _measured(parts: Sequence[str], *, quick: bool) -> Results:
    results = Results()
    for name in (name for name in NAMES if name in parts):
        results.decided[name] = _decided(name, quick=quick)
        print(report.decisions(results.decided[name]), flush=True)
    if "loading" in parts:
        results.loads = loading.measure(make("A-large", 0), list(installed()), 1 if quick else 5)
        print(report.loading(results.loads), flush=True)
    if "tokens" in parts:
        results.tokens = tokens.measure(5 if quick else 40)
        print(report.tokens(results.tokens), flush=True)
    return results


def _decided(name: str, *, quick: bool) -> Decided:
    workload = make(name, QUICK_REQUESTS if quick else None)
    rows = deciding.measure(workload, installed(), deciding.QUICK if quick else deciding.THOROUGH)
    return Decided(workload=name, rules=workload.rules, requests=len(workload.requests), rows=rows)


if __name__ == "__main__":
    sys.exit(main())
