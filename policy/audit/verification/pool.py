"""Several files read at once, each by a process of its own."""

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from multiprocessing.sharedctypes import Synchronized
from typing import Final

from policy.audit.seals import Checker
from policy.audit.verification.reading import Progress
from policy.audit.verification.scanned import Job, Scan
from policy.audit.verification.scanning import scan

_PAUSE: Final = 0.1


class _Reader:
    """What a process has besides its files: keys cannot be sent, so they are there before it is forked."""

    checker: Checker | None = None
    read: "Synchronized[int] | None" = None


def scan_all(jobs: Sequence[Job], checker: Checker | None, progress: Progress | None, processes: int) -> list[Scan]:
    """Every file, in their order."""
    if processes < 2 or len(jobs) < 2:
        return [scan(job, checker, progress) for job in jobs]
    context = multiprocessing.get_context("fork")
    read: Synchronized[int] = context.Value("q", 0)
    with ProcessPoolExecutor(processes, context, _begin, (checker, read)) as pool:
        largest_first = sorted(range(len(jobs)), key=lambda at: -jobs[at].size)
        futures = {at: pool.submit(_scan, jobs[at]) for at in largest_first}
        _watch(list(futures.values()), read, progress)
        return [futures[at].result() for at in range(len(jobs))]


def _begin(checker: Checker | None, read: "Synchronized[int]") -> None:
    _Reader.checker, _Reader.read = checker, read


def _scan(job: Job) -> Scan:
    return scan(job, _Reader.checker, _count)


def _count(more: int) -> None:
    if _Reader.read is not None:
        with _Reader.read.get_lock():
            _Reader.read.value += more


def _watch(futures: list[Future[Scan]], read: "Synchronized[int]", progress: Progress | None) -> None:
    told, pending = 0, set(futures)
    while pending:
        _, pending = wait(pending, timeout=_PAUSE)
        now = read.value
        if progress is not None and now > told:
            progress(now - told)
        told = now
