"""Heads that are kept elsewhere, held against the chains that are here."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from policy.audit.anchors import Head
from policy.audit.verification.grouping import Group, Name
from policy.audit.verification.report import Finding, Kind
from policy.audit.verification.told import Retired


def by_chain(anchors: Iterable[Head]) -> dict[Name, list[Head]]:
    """Each chain's, by their numbers."""
    found: dict[Name, set[Head]] = defaultdict(set)
    for each in anchors:
        found[each.writer, each.stream].add(each)
    return {name: sorted(heads, key=lambda head: head.seq) for name, heads in found.items()}


class Anchored:
    """What anchors tell of chains, files that were retired, and what is here."""

    def __init__(self, groups: Sequence[Group], retired: Mapping[tuple[str, str, int], Retired]) -> None:
        self._groups: Final = {(group.writer, group.stream): group for group in groups}
        self._retired: Final = retired

    def findings(self, anchors: Mapping[Name, list[Head]]) -> Iterator[Finding]:
        """Of each chain, by the numbers of the lines."""
        for name, heads in anchors.items():
            group = self._groups.get(name)
            if group is not None:
                yield from self._of_chain(group, heads)
            elif name[1] != "refused" and not self._was_retired(heads[-1]):
                told = heads[-1]
                message = f"the whole chain is missing: {told.time} it stood at seq {told.seq}, in `{told.file}`"
                yield _finding(Kind.MISSING, told, message)

    def _of_chain(self, group: Group, heads: list[Head]) -> Iterator[Finding]:
        cut = [each for each in heads if each.seq > group.last and not self._was_retired(each)]
        if cut:
            told = cut[-1]
            message = f"the tail was cut: {told.time} the chain stood at seq {told.seq}, and ends with seq {group.last}"
            yield _finding(Kind.CUT, told, message, file=group.scans[-1].name)
        for told in heads:
            seen = {head for scan in group.scans for head in scan.heads.get(told.seq, ())}
            if seen and told.head not in seen:
                message = f"the line is not the one that was anchored {told.time}"
                file = next(scan.name for scan in group.scans if told.seq in scan.heads)
                yield _finding(Kind.CHANGED, told, message, file=file)

    def _was_retired(self, told: Head) -> bool:
        row = self._retired.get((told.writer, told.stream, told.part))
        return row is not None and row.first <= told.seq <= row.last and (told.seq < row.last or told.head == row.head)


def _finding(kind: Kind, told: Head, message: str, *, file: str = "") -> Finding:
    return Finding(kind=kind, message=message, file=file, seq=told.seq, writer=told.writer, stream=told.stream)
