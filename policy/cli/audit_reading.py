"""What commands share that ask something of a whole log: which log, by which engine, and how far that is."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from policy.audit.reader import files
from policy.cli.arguments import Parser
from policy.cli.audit_window import takes_window, window_of
from policy.cli.progress import Progress
from policy.review.grouping import ENGINES, Engine, OnProgress, engine


class Reading(NamedTuple):
    """A log to be asked: its files, and the times between which records count; empty texts bound nothing."""

    engine: Engine
    files: tuple[Path, ...]
    since: str
    until: str


def takes_reading(made: Parser) -> None:
    """Add `--log`, `--since`, `--until` and `--engine`."""
    made.add_argument("--log", default="var/audit", metavar="PATH", help="the log: a folder or a file (var/audit)")
    takes_window(made)
    made.add_argument("--engine", choices=tuple(ENGINES), help="what reads the log (duckdb where it is installed)")


def reading_of(args: argparse.Namespace) -> Reading:
    """The log that is meant; `ClaimsPolicyError` where there is none, or no such engine."""
    return Reading(engine(args.engine or ""), tuple(files(args.log)), *window_of(args))


@contextmanager
def progress_over(found: Reading, what: str) -> Iterator[OnProgress]:
    """A bar for one question; it shows nothing where the question is answered at once."""
    total = 0
    for file in found.files:
        with suppress(FileNotFoundError):
            total += file.stat().st_size
    with Progress(total, what=what) as bar:
        yield lambda part: bar(max(0, int(part * total) - bar.done))
