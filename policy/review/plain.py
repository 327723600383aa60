"""The engine that needs nothing installed: one thread, line by line. It is what the others have to agree with."""

import gzip
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from policy.review.columns import COLUMNS, DECIDED, Column, text
from policy.review.query import Group, OnProgress, Query, query

_BLOCK: Final = 2**22
Values = tuple[str | None, ...]


class Plain:
    """Reads a log with Python alone, and keeps the distinct groups in memory."""

    name: Final = "plain"

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
        """The groups, as `Engine.groups` says."""
        asked = query(by, kinds, since, until, containing, labels)
        found: dict[Values, Group] = {}
        for line in lines(files, progress):
            if asked.takes(line):
                _add(found, asked, line)
        yield from found.values()


def _add(found: dict[Values, Group], asked: Query, line: bytes) -> None:
    values = asked.values(line)
    time, id = text(COLUMNS["time"].read(line)) or "", text(COLUMNS["id"].read(line)) or ""  # noqa: A001
    so_far = found.get(values)
    if so_far is None:
        found[values] = Group(values, 1, time, time, id)
        return
    _, count, first, last, example = so_far
    found[values] = Group(values, count + 1, _least(first, time), max(last, time), _least(example, id))


def _least(one: str, other: str) -> str:
    return min(one, other) if one and other else one or other


def lines(files: Sequence[Path], progress: OnProgress | None = None) -> Iterator[bytes]:
    """The lines of some files without their line breaks; a file that is gone meanwhile has none."""
    sizes = [file.stat().st_size if file.exists() else 0 for file in files]
    for at, file in enumerate(files):
        before, whole = sum(sizes[:at]), sum(sizes) or 1
        with suppress(FileNotFoundError), file.open("rb") as raw:
            opened = gzip.GzipFile(fileobj=raw) if file.suffix == ".gz" else raw
            while block := opened.readlines(_BLOCK):
                yield from (line.rstrip(b"\n") for line in block)
                if progress is not None:
                    progress(min(1.0, (before + raw.tell()) / whole))
