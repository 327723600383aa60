"""`policy audit verify`: is the log whole?"""

import argparse
import itertools
import time
from collections.abc import Iterable
from typing import Final

from policy.audit.anchors import read_anchors
from policy.audit.seals import Checker, checker
from policy.audit.verification.reading import log_files
from policy.audit.verification.report import ChainReport, Finding, Report
from policy.audit.verifying import verify
from policy.cli.arguments import Commands, command, takes_json
from policy.cli.audit_keys import key_source
from policy.cli.progress import Progress, duration
from policy.cli.style import Painted, paint, say, say_columns, say_json, verdict

_PROOFLESS: Final = (
    "No key and no anchor was given. A chain without them shows accidents and careless edits,\n"
    "but whoever may write the folder could have written all of it anew."
)
_ANCHORLESS: Final = "No anchor was given, so a tail that was cut shows only where another file tells of it."


def add(commands: Commands) -> None:
    """Add the command's own parser."""
    made = command(
        commands, "verify", run,
        summary="say whether the log is whole, and what was changed or is missing where",
        example="policy audit verify --key env:LOG_KEY --anchors /mnt/other/heads.jsonl",
    )  # fmt: skip
    made.add_argument("--log", default="var/audit", metavar="PATH", help="the log: a folder or a file (var/audit)")
    made.add_argument(
        "--key", action="append", default=[], metavar="KEY",
        help="a file with the secret or the public key of the log, or `env:NAME`; may be repeated",
    )  # fmt: skip
    made.add_argument(
        "--anchors", action="append", default=[], metavar="FILE", help="heads that were kept elsewhere; may be repeated"
    )
    made.add_argument("--jobs", type=_processes, default=1, metavar="COUNT", help="processes that read at once (1)")
    made.add_argument("--strict", action="store_true", help="notes count as findings")
    takes_json(made)


def run(args: argparse.Namespace) -> int:
    """Verify, and print chains, findings, notes and a sum."""
    keys = checker(map(key_source, args.key)) if args.key else None
    began = time.monotonic()
    report = _verified(args, keys)
    seconds = time.monotonic() - began
    if args.json:
        say_json({**report.as_dict(), "seconds": round(seconds, 3)})
    else:
        _print(report, seconds, has_keys=keys is not None, has_anchors=bool(args.anchors))
    return 1 if report.findings or (args.strict and report.notes) else 0


def _processes(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:4]) <= 64):
        raise argparse.ArgumentTypeError(f"`{text}` is not a number of processes from 1 to 64")
    return int(text)


def _verified(args: argparse.Namespace, keys: Checker | None) -> Report:
    anchors = itertools.chain.from_iterable(map(read_anchors, args.anchors))
    total = sum(file.stat().st_size for file in log_files(args.log))
    with Progress(total, what="verify") as progress:
        return verify(args.log, checker=keys, anchors=anchors, progress=progress, jobs=args.jobs)


def _print(report: Report, seconds: float, *, has_keys: bool, has_anchors: bool) -> None:
    say_columns([_chain(each, has_keys=has_keys) for each in report.chains])
    _print_all("findings", report.findings, "red", report.unlisted)
    _print_all("notes", report.notes, "yellow", 0)
    say()
    amount = f"{_count(len(report.chains), 'chain')} in {_count(report.files, 'file')}"
    took = f"{seconds:.1f} s" if seconds < 60 else duration(seconds)
    rate = f"{took}, {report.records / max(seconds, 0.001):,.0f} records/s"
    word = "whole" if report.is_whole else _count(len(report.findings) + report.unlisted, "finding")
    say(verdict(word, good=report.is_whole), f": {amount}, {_count(report.records, 'record')}; {rate}")
    if not has_anchors:
        for line in (_ANCHORLESS if has_keys else _PROOFLESS).split("\n"):
            say(line)


def _chain(chain: ChainReport, *, has_keys: bool) -> list[str]:
    times = f"{_second(chain.first_time)} to {_second(chain.last_time)}"
    amounts = _count(len(chain.files), "file"), _count(chain.records, "record")
    return [chain.stream, chain.writer or "?", *amounts, times, _sealed(chain, has_keys=has_keys), _end(chain)]


def _second(time_text: str) -> str:
    return f"{time_text[:19]}Z" if len(time_text) > 19 else time_text or "?"


def _sealed(chain: ChainReport, *, has_keys: bool) -> Painted:
    if not chain.sealed_by:
        return paint("not sealed", "yellow")
    names = ", ".join(chain.sealed_by)
    if chain.covered >= 0:
        return paint(f"sealed with {names}", "green")
    return paint(f"sealed with {names}, {'not proved' if has_keys else 'not checked'}", "yellow")


def _end(chain: ChainReport) -> str:
    return "ended" if chain.ended else "open"


def _print_all(title: str, found: Iterable[Finding], colour: str, unlisted: int) -> None:
    lines = [str(each) for each in found]
    if lines:
        say()
        say(paint(title, "bold"))
        for line in lines:
            say("  ", paint(line, colour))
    if unlisted:
        say(f"  ... and {unlisted:,} more")


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"
