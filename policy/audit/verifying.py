"""Whether a log is whole: everything is worked out anew from the bytes that are there."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from policy.audit.anchors import Head
from policy.audit.seals import Checker
from policy.audit.verification.anchored import by_chain
from policy.audit.verification.grouping import Name, grouped, overlaps
from policy.audit.verification.pool import scan_all
from policy.audit.verification.reading import Progress, base_name, first_line, log_files
from policy.audit.verification.report import Report
from policy.audit.verification.scanned import Job
from policy.audit.verification.scanning import scan
from policy.audit.verification.told import Begin, begin
from policy.audit.verification.verdict import Verdict


def verify(
    path: str | os.PathLike[str],
    *,
    checker: Checker | None = None,
    anchors: Iterable[Head] = (),
    progress: Progress | None = None,
    jobs: int = 1,
) -> Report:
    """Read a log, a folder or one file of it, and say what is wrong with it and where.

    With a `checker`, every chain has to be sealed with one of its keys. `anchors` are heads that were kept elsewhere.
    `progress` is called with how many bytes more were read of the files as they are on disk. `jobs` processes read
    files at once. `ClaimsPolicyError` where there is no log to read. Memory does not depend on the size of files.
    """
    files = log_files(path)
    told = by_chain(anchors)
    todo = _jobs(files, told)
    scans = scan_all(todo, checker, progress, jobs)
    groups = grouped(scans)
    again = overlaps(groups)
    if again:
        scans = [
            scan(job._replace(splits=again[job.file]), checker) if job.file in again else each
            for job, each in zip(todo, scans, strict=True)
        ]
        groups = grouped(scans)
    return Verdict(Path(path), scans, groups, told, checker).report()


def _jobs(files: Sequence[Path], anchors: Mapping[Name, Sequence[Head]]) -> list[Job]:
    """First lines tell what was accepted of the files before, and whose heads are asked for."""
    begun: dict[Path, Begin | None] = {}
    sizes: dict[Path, int] = {}
    for file in files:
        try:
            begun[file] = begin(first_line(file))
            sizes[file] = file.stat().st_size
        except FileNotFoundError:
            begun[file], sizes[file] = None, 0
    accepted = {each.after_file: each.after_size for each in begun.values() if each is not None and each.after_file}
    every = frozenset(head.seq for heads in anchors.values() for head in heads)
    made = []
    for file in files:
        first = begun[file]
        heads = anchors.get((first.writer, first.stream), ()) if first is not None else ()
        wanted = frozenset(head.seq for head in heads) if first is not None else every
        made.append(Job(file, sizes[file], accepted.get(base_name(first.file if first else file.name)), wanted))
    return made
