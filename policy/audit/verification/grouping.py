"""Which files belong to which chain, in which order; also those that lost the line that told so."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from policy.audit.verification.ordering import Arrangement, arrange
from policy.audit.verification.reading import base_name
from policy.audit.verification.scanned import Run, Scan, Stretch

#: Breaks of one chain that are looked at, over all of its files.
BREAKS_AT_MOST: Final = 2000
#: Runs of one chain that are looked at for what they share with others.
OVERLAPS_AT_MOST: Final = 100
Name = tuple[str, str]


@dataclass(kw_only=True, slots=True)
class Group:
    """The files of one chain by their numbers, and its lines as far as they can be put in order."""

    writer: str
    stream: str
    scans: list[Scan]
    twins: list[Scan] = field(default_factory=list)
    order: Arrangement = field(default_factory=lambda: Arrangement(path=[], strays=[]))
    overflow: int = 0

    def part(self, home: int) -> int | None:
        """Which part a file says it is."""
        begin = self.scans[home].begin
        return None if begin is None else begin.part

    @property
    def is_refused(self) -> bool:
        """Its oldest files go by a limit of size, and nobody tells."""
        return self.stream == "refused"

    @property
    def last(self) -> int:
        """The number of its last line; -1 where it has none."""
        return self.order.path[-1].last if self.order.path else -1


def grouped(scans: Sequence[Scan]) -> list[Group]:
    """The chains, by the names of their first files. Files of which no line is chained are in none."""
    chained = [each for each in scans if each.runs and not each.is_gone]
    owners = _owners(chained)
    found: dict[Name, list[Scan]] = defaultdict(list)
    for each in chained:
        found[owners[each.name]].append(each)
    return [_group(name, files) for name, files in found.items()]


def _owners(scans: Sequence[Scan]) -> dict[str, Name]:
    """By what a file tells itself, else by the file that follows it, else by the hash of the line before it."""
    known = {each.name: each.owner for each in scans if each.owner is not None}
    followed = {
        each.begin.after_file: (each.begin.writer, each.begin.stream)
        for each in scans
        if each.begin is not None and each.begin.after_file
    }
    heads = {run.head: known[each.name] for each in scans if each.name in known for run in each.runs}
    for each in scans:
        if each.name not in known:
            by_link = (heads[run.prev] for run in each.runs if run.prev in heads)
            found = followed.get(base_name(each.name)) or next(by_link, None)
            known[each.name] = found or ("", base_name(each.name))
    return known


def _group(name: Name, scans: list[Scan]) -> Group:
    ordered = sorted(scans, key=lambda each: (_start(each), begun_name(each) != base_name(each.name), each.name))
    kept, twins = _without_twins(ordered)
    group = Group(writer=name[0], stream=name[1], scans=kept, twins=twins)
    runs: list[Run] = []
    left = BREAKS_AT_MOST
    for home, each in enumerate(kept):
        own = [run for run in each.runs if not run.is_beyond]
        taken = own[: 1 + left]
        left -= max(0, len(taken) - 1)
        group.overflow += each.unread_breaks + len(own) - len(taken)
        for run in taken:
            run.home = home
        runs.extend(taken)
    group.order = arrange(runs)
    return group


def begun_name(scan: Scan) -> str:
    """What a file was called when it was begun, as it tells it, else as it is called."""
    return scan.begin.file if scan.begin is not None and scan.begin.file else base_name(scan.name)


def _start(scan: Scan) -> int:
    """The number of the first line of most of a file."""
    return max(scan.runs, key=lambda run: run.count).first


def _without_twins(scans: Iterable[Scan]) -> tuple[list[Scan], list[Scan]]:
    """A file and what it was compressed to, if both are there with the same lines, are one."""
    kept: dict[tuple[object, ...], Scan] = {}
    twins: list[Scan] = []
    for each in scans:
        runs = tuple((run.first_hash, run.last, run.head) for run in each.runs)
        strange = tuple((stretch.line, stretch.count) for stretch in each.stretches)
        found = kept.setdefault((each.name.removesuffix(".gz"), runs, strange), each)
        if found is not each:
            twins.append(each)
    return list(kept.values()), twins


def overlaps(groups: Iterable[Group]) -> dict[Path, frozenset[int]]:
    """Where runs that share some of their numbers have to be split, to tell what they share from what they do not."""
    found: dict[Path, set[int]] = defaultdict(set)
    for group in groups:
        runs = [run for thread in group.order.path for run in thread.runs]
        for one in group.order.strays[:OVERLAPS_AT_MOST]:
            for other in runs:
                if one.first <= other.last and other.first <= one.last:
                    found[group.scans[one.home].file].update(_inside(one, other))
                    found[group.scans[other.home].file].update(_inside(other, one))
    return {file: frozenset(splits) for file, splits in found.items() if splits}


def _inside(run: Run, other: Run) -> list[int]:
    return [each for each in (other.first - 1, other.last) if run.first <= each < run.last]


def strange_stretches(group: Group) -> list[tuple[int, Stretch]]:
    """The lines of no chain in the files of one, each with the place of its file."""
    return [(home, each) for home, scan in enumerate(group.scans) for each in scan.stretches if not each.is_beyond]
