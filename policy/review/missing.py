"""Why nothing can be concluded from what a log does not hold: everything that says that records are missing."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from policy.audit.verification.report import Finding, Kind, Report
from policy.audit.verifying import verify
from policy.compile import Compiled
from policy.review.columns import Column, between
from policy.review.dimensions import LOST, of_kind
from policy.review.grouping import Engine
from policy.review.usage import Usage

_DAY: Final = 86400
#: What lines tell of the log: few of them have any of it.
_TOLD: Final[Sequence[str | Column]] = (
    "kind",
    "version",
    LOST,
    *(of_kind("begin", between(name, f'"{name}":"', '"')) for name in ("durability", "stream")),
)
#: Reading with several processes is worth their start above this many bytes.
_MANY_BYTES: Final = 64 * 2**20
_SHOWN: Final = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Doubt:
    """One thing that keeps a conclusion from being drawn, and what to do about it."""

    kind: str
    message: str

    def __str__(self) -> str:
        return self.message


def of_the_window(found: Usage, days: float) -> Iterator[Doubt]:
    """Whether it is long enough: what is needed once a month is not needed in a week."""
    if not found.records:
        yield Doubt(kind="window", message="the log has no decisions in this time")
        return
    length = (_moment(found.last) - _moment(found.first)).total_seconds() / _DAY
    if length < days:
        yield Doubt(
            kind="window",
            message=f"the records are of {length:.1f} days, and at least {days:g} are asked for; see `--at-least`",
        )


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)


def of_the_records(found: Usage, rules: Compiled, kept: Mapping[str, Compiled]) -> Iterator[Doubt]:
    """What was read and cannot be judged."""
    missing = {digest: count for digest, count in found.policies.items() if digest not in kept}
    if missing:
        shown = ", ".join(f"`{digest[:12]}`" for digest in sorted(missing)[:_SHOWN])
        yield Doubt(
            kind="policy",
            message=f"{_records(sum(missing.values()))} decided by another policy, which is not kept beside the log "
            f"({shown}); choose a window with `--since` in which it did not decide",
        )
    cut = sum(count for name, count in found.capped.items() if not name.startswith(f"{rules.digest} "))
    if cut:
        yield Doubt(
            kind="capped",
            message=f"{_records(cut)} decided by another policy and cut short, so names that this one knows may lack",
        )
    yield from _of_treated(found, rules)
    if found.unreadable:
        yield Doubt(kind="unreadable", message=f"{_records(found.unreadable)} not whole")


def _of_treated(found: Usage, rules: Compiled) -> Iterator[Doubt]:
    needed = {"subject.id": "subject", "subject.client": "client"}
    for field, word in needed.items():
        by_it = any(getattr(each, word) is not None for each in rules.document.assignments)
        if by_it and found.treated.get(field):
            yield Doubt(
                kind="treated",
                message=f"the policy assigns roles by {word}, and in {_of_records(found.treated[field])} "
                f"`{field}` does not stand as it was",
            )


def _records(count: int) -> str:
    return "1 record was" if count == 1 else f"{count:,} records were"


def _of_records(count: int) -> str:
    return "1 record" if count == 1 else f"{count:,} records"


def of_the_lines(engine: Engine, files: Sequence[Path], since: str, until: str) -> Iterator[Doubt]:
    """What the log itself tells of records that it does not have, and lines that are none."""
    lost, best_effort, unread = 0, 0, 0
    for group in engine.groups(files, _TOLD, kinds=None):
        kind, version, count, durability, stream = group.values
        inside = group.last >= since and (not until or group.first < until)
        if kind == "lost" and count is not None and count.isdecimal() and inside:
            lost += int(count) * group.count
        elif kind == "begin" and durability == "best-effort" and stream != "refused":
            best_effort += group.count
        elif version == "1":
            unread += group.count
    if lost:
        yield Doubt(kind="lost", message=f"{lost:,} decisions were made without a record, as the log itself tells")
    if best_effort:
        yield Doubt(
            kind="durability", message="the log was written at best effort, so records may be missing without a word"
        )
    if unread:
        yield Doubt(kind="version", message=f"{_records(unread)} written by an older version, and not read")


def of_the_chains(report: Report, since: str) -> Iterator[Doubt]:
    """What verifying the log found: only decisions matter, for refused tokens were allowed nothing."""
    found = [each for each in report.findings if not _is_of_refused(each)]
    for each in found[:_SHOWN]:
        yield Doubt(kind="chain", message=f"the log is not whole: {each}; see `policy audit verify`")
    if len(found) > _SHOWN:
        yield Doubt(kind="chain", message=f"... and {len(found) - _SHOWN:,} more findings of `policy audit verify`")
    for each in report.notes:
        if each.kind is Kind.UNRECOVERED:
            yield Doubt(kind="spool", message=f"{each.file}: {each.message}")
    yield from _of_retired(report, since)


def _is_of_refused(found: Finding) -> bool:
    return found.stream == "refused" or (not found.stream and found.file.startswith("refused-"))


def _of_retired(report: Report, since: str) -> Iterator[Doubt]:
    """Files that retention removed hold what came before those that are there."""
    retired = [each for each in report.notes if each.kind is Kind.RETIRED and not _is_of_refused(each)]
    begun = [each.first_time for each in report.chains if each.stream != "refused" and each.first_seq > 0]
    start = max(begun, default="")
    if retired and (not since or since < start):
        names = "1 file" if len(retired) == 1 else f"{len(retired):,} files"
        hint = start[:16] or "a time from which on all files are there"
        yield Doubt(kind="retired", message=f"{names} of the log went by retention; give `--since`, such as {hint}")


def verified(log: str, files: Sequence[Path]) -> Report:
    """The log verified; with several processes where there is much of it."""
    size = sum(file.stat().st_size for file in files if file.exists())
    return verify(log, jobs=min(8, os.cpu_count() or 1) if size > _MANY_BYTES else 1)
