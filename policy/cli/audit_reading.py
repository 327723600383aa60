"""What commands share that ask something of a whole log: which log, by which engine, and how far that is."""

import argparse
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from policy.audit.reader import BROKEN, files
from policy.audit.recovery import left_behind
from policy.cli.arguments import CannotRun, Parser
from policy.cli.audit_window import takes_window, window_of
from policy.cli.progress import Progress
from policy.cli.style import warn
from policy.review.columns import Column
from policy.review.grouping import DECIDED, ENGINES, Engine, Group, OnProgress, engine


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
    """The log that is meant; `ClaimsPolicyError` where there is none, or no such engine. Warns of what is not read."""
    left = left_behind(Path(args.log))
    if left:
        warn(f"{left} records of processes that were killed are not in the files yet; run `policy audit recover` first")
    return Reading(_Told(engine(args.engine or ""), args.log), tuple(files(args.log)), *window_of(args))


class _Told:
    """An engine whose failures are told in words."""

    def __init__(self, inner: Engine, log: str) -> None:
        self._inner, self._log, self.name = inner, log, inner.name

    def groups(
        self,
        files: Sequence[Path],
        by: Sequence[str | Column],
        *,
        kinds: Collection[str] | None = DECIDED,
        since: str = "",
        until: str = "",
        containing: Sequence[str] = (),
        labels: Mapping[str, str] | None = None,
        progress: OnProgress | None = None,
    ) -> Iterator[Group]:
        """The groups, as `Engine.groups` says; `CannotRun` where the files cannot be read."""
        with told(self._log):
            yield from self._inner.groups(
                files, by, kinds=kinds, since=since, until=until, containing=containing, labels=labels,
                progress=progress,
            )  # fmt: skip


@contextmanager
def told(log: str) -> Iterator[None]:
    """Say in words that a log could not be read, as far as that is what an error is about."""
    try:
        yield
    except Exception as error:
        if not isinstance(error, (*BROKEN, *_errors_of_duckdb())):
            raise
        first = str(error).partition("\n")[0]
        raise CannotRun(f"`{log}` cannot be read: {first}; `policy audit verify` says which file is damaged") from error


def _errors_of_duckdb() -> tuple[type[Exception], ...]:
    """It may not be installed, and is loaded only where it is used."""
    module = sys.modules.get("duckdb")
    return (module.Error,) if module is not None else ()


@contextmanager
def progress_over(found: Reading, what: str) -> Iterator[OnProgress]:
    """A bar for one question; it shows nothing where the question is answered at once."""
    with progress_over_files(found.files, what) as progress:
        yield progress


@contextmanager
def progress_over_files(log: Sequence[Path], what: str) -> Iterator[OnProgress]:
    """A bar that is told the part of these files that is done."""
    total = 0
    for file in log:
        with suppress(FileNotFoundError):
            total += file.stat().st_size
    with Progress(total, what=what) as bar:
        yield lambda part: bar(max(0, int(part * total) - bar.done))
