"""`policy audit export`: the records for other programs."""

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Final

from policy.audit.reader import files
from policy.cli.arguments import CannotRun, Commands, command
from policy.cli.audit_reading import progress_over_files, told
from policy.cli.audit_window import takes_window, window_of
from policy.cli.style import complain
from policy.review.export import ecs_line, record_lines
from policy.review.grouping import OnProgress

FORMATS: Final = ("jsonl", "ecs", "parquet")
_STANDARD_OUTPUT: Final = "-"
_MODE: Final = 0o640


def add(commands: Commands) -> None:
    """Add the command's own parser."""
    made = command(
        commands, "export", run,
        summary="write the records for other programs: JSON lines, Elastic Common Schema, or a Parquet file",
        example="policy audit export --format parquet --to decisions.parquet\n"
        "policy audit export --format ecs --since 1d --to - | filebeat …",
    )  # fmt: skip
    made.add_argument("--log", default="var/audit", metavar="PATH", help="the log: a folder or a file (var/audit)")
    takes_window(made)
    made.add_argument("--format", choices=FORMATS, required=True, help="what to write")
    made.add_argument(
        "--to", required=True, metavar="PATH", help="a file that is not there yet; `-` is standard output"
    )


def run(args: argparse.Namespace) -> int:
    """Write every record once; the file is there when it is whole, and not before."""
    found = files(args.log)
    since, until = window_of(args)
    with progress_over_files(found, "export") as progress, told(args.log):
        if args.format == "parquet":
            count = _write_parquet(found, args.to, since, until, progress)
        else:
            make = ecs_line if args.format == "ecs" else _as_it_is
            count = _write_lines(found, args.to, since, until, progress, make)
    complain(f"wrote {'1 record' if count == 1 else f'{count:,} records'} to {args.to}")
    return 0


def _as_it_is(line: bytes) -> bytes:
    return line


def _write_lines(
    log: list[Path], to: str, since: str, until: str, progress: OnProgress, make: Callable[[bytes], bytes | None]
) -> int:
    if to == _STANDARD_OUTPUT:
        sys.stdout.flush()
        return _put(log, since, until, progress, make, sys.stdout.buffer)
    with _draft(to) as draft, open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE), "wb") as file:  # noqa: PTH123
        return _put(log, since, until, progress, make, file)


def _put(
    log: list[Path],
    since: str,
    until: str,
    progress: OnProgress,
    make: Callable[[bytes], bytes | None],
    file: IO[bytes],
) -> int:
    count = 0
    for line in record_lines(log, since=since, until=until, progress=progress):
        made = make(line)
        if made is not None:
            file.write(made + b"\n")
            count += 1
    file.flush()
    return count


def _write_parquet(log: list[Path], to: str, since: str, until: str, progress: OnProgress) -> int:
    if to == _STANDARD_OUTPUT:
        raise CannotRun("a Parquet file cannot be written to standard output; give a file with `--to`")
    if find_spec("duckdb") is None:
        raise CannotRun("Parquet needs duckdb, which is not installed: `pip install 'claims-policy[replay]'`")
    write = importlib.import_module("policy.review.parquet").write_parquet
    with _draft(to) as draft:
        count: int = write(log, draft, since=since, until=until, progress=progress)
        draft.chmod(_MODE)
    return count


@contextmanager
def _draft(to: str) -> Iterator[Path]:
    """A file beside the one that is meant, which gets its name once it is whole."""
    path = Path(to)
    if path.exists():
        raise CannotRun(f"`{to}` is there already; give another name, or remove it first")
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield draft
        os.link(draft, path)  # unlike a rename, it replaces nothing that came to be meanwhile
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()
