"""From what stands in the files of a log to what is wrong with it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from policy.audit.anchors import Head
from policy.audit.seals import Checker
from policy.audit.verification import witnesses
from policy.audit.verification.anchored import Anchored
from policy.audit.verification.copies import Place, Sought, elsewhere
from policy.audit.verification.grouping import Group, Name
from policy.audit.verification.links import Context, Copy, Links, settle, suspects
from policy.audit.verification.noting import notes_of_chain, notes_of_folder
from policy.audit.verification.reading import base_name
from policy.audit.verification.report import ChainReport, Finding, Kind, Report
from policy.audit.verification.scanned import Scan
from policy.audit.verification.sealing import Seals
from policy.audit.verification.told import Retired

#: Findings of one chain that are listed.
LISTED_AT_MOST: Final = 100
#: What tells already that bytes of a file are gone.
_LOSSES: Final = frozenset({Kind.GAP, Kind.CHANGED, Kind.CUT, Kind.MISSING})
_UNSURE: Final = "that it was retired is told by a line that is not sealed yet"
Removed = Mapping[tuple[str, str, int], Retired]


class Verdict:
    """What the files say, put together."""

    def __init__(
        self,
        path: Path,
        scans: Sequence[Scan],
        groups: Sequence[Group],
        anchors: Mapping[Name, list[Head]],
        checker: Checker | None,
    ) -> None:
        self._path: Final = path
        self._scans: Final = scans
        self._groups: Final = groups
        self._anchors: Final = anchors
        self._seals: Final = [Seals(group, is_checked=checker is not None) for group in groups]
        self._is_checked: Final = checker is not None
        self._is_alone: Final = path.is_file()
        self._unlisted = 0

    def report(self) -> Report:
        """All findings and notes."""
        removed, unsure = self._retired()
        context = Context(copies=self._copies(), retired=removed, is_alone=self._is_alone)
        for group in self._groups:
            settle(group, context.copies)
        findings = [each for group, seals in self._each() for each in self._of_chain(group, seals, context)]
        findings += self._of_files()
        findings += self._of_folder({row.file for row in removed.values()}, findings)
        findings = self._explained(findings, {base_name(row.file) for row in unsure})
        findings += Anchored(self._groups, removed).findings(self._anchors)
        notes = [note for group, seals in self._each() for note in notes_of_chain(group, seals, self._is_alone)]
        notes += notes_of_folder(self._path, self._scans, self._groups, removed, unsure)
        return Report(
            chains=tuple(_chain(group, seals) for group, seals in self._each()),
            findings=tuple(sorted(findings, key=_by_place)),
            notes=tuple(notes),
            files=len(self._scans),
            lines=sum(each.lines for each in self._scans),
            records=sum(each.records for each in self._scans),
            size=sum(each.length for each in self._scans),
            unlisted=self._unlisted,
        )

    def _explained(self, found: Iterable[Finding], unsure: set[str]) -> list[Finding]:
        """A file that cannot be read is not missing; one that is may have been retired."""
        unread = {base_name(scan.name) for scan in self._scans if scan.damaged}
        return [
            replace(each, message=f"{each.message}; {_UNSURE}")
            if each.kind is Kind.MISSING and base_name(each.file) in unsure
            else each
            for each in found
            if each.kind is not Kind.MISSING or each.file not in unread
        ]

    def _each(self) -> Iterable[tuple[Group, Seals]]:
        return zip(self._groups, self._seals, strict=True)

    def _retired(self) -> tuple[Removed, list[Retired]]:
        """What is told as removed; with keys, only by lines that a good code covers. The others are unsure."""
        sure: dict[tuple[str, str, int], Retired] = {}
        unsure: list[Retired] = []
        for group, seals in self._each():
            for row in (row for scan in group.scans for row in scan.retired):
                if self._is_checked and row.told_at > seals.covered:
                    unsure.append(row)
                else:
                    sure[row.writer, row.stream, row.part] = row
        return sure, unsure

    def _copies(self) -> dict[str, Copy]:
        sought = [
            Sought(run.prev, run.first_hash, Place(group.scans[run.home].file, run.line))
            for group in self._groups
            for run in suspects(group)
        ]
        found = elsewhere(sought, [(scan.file, scan.size) for scan in self._scans])
        owners = {scan.file: (group.writer, group.stream) for group in self._groups for scan in group.scans}
        return {
            own: Copy(place.file.name, place.line, owners.get(place.file, ("", ""))) for own, place in found.items()
        }

    def _of_chain(self, group: Group, seals: Seals, context: Context) -> list[Finding]:
        found = sorted([*Links(group, context).findings(), *seals.findings()], key=_by_place)
        self._unlisted += max(0, len(found) - LISTED_AT_MOST) + group.overflow
        return found[:LISTED_AT_MOST]

    def _of_files(self) -> Iterable[Finding]:
        names = {base_name(scan.name) for scan in self._scans}
        for scan in self._scans:
            if scan.is_gone:
                yield Finding(kind=Kind.MISSING, file=scan.name, message="the file went away meanwhile; verify again")
            elif scan.damaged:
                message = f"the rest cannot be read: {scan.damaged}"
                yield Finding(kind=Kind.DAMAGED, file=scan.name, line=scan.lines, offset=scan.length, message=message)
            elif not scan.runs and scan.lines:
                message = "no line is of a chain, so nothing in it can be verified"
                yield Finding(kind=Kind.UNCHAINED, file=scan.name, message=message)
            if scan.begin is not None and scan.begin.file != base_name(scan.name) and scan.begin.file in names:
                message = f"it was begun as `{scan.begin.file}`, and another file is called so"
                yield Finding(kind=Kind.SWAPPED, file=scan.name, message=message)

    def _of_folder(self, removed: set[str], found: Sequence[Finding]) -> Iterable[Finding]:
        """Bytes that are missing in the middle are told already, and no sign of a cut tail."""
        if self._is_alone:
            return ()
        explained = {each.file for each in found if each.kind in _LOSSES}
        present = [scan for scan in self._scans if not scan.is_gone]
        return witnesses.findings(present, dict.fromkeys(removed), explained)


def _chain(group: Group, seals: Seals) -> ChainReport:
    path, scans = group.order.path, group.scans
    begun = [scan.begin.time for scan in scans if scan.begin is not None]
    return ChainReport(
        writer=group.writer,
        stream=group.stream,
        files=tuple(scan.name for scan in scans),
        lines=sum(scan.lines for scan in scans),
        records=sum(scan.records for scan in scans),
        first_time=begun[0] if begun else "",
        last_time=next((scan.last_time for scan in reversed(scans) if scan.last_time), ""),
        first_seq=path[0].first if path else 0,
        last_seq=group.last,
        head=path[-1].runs[-1].head if path else "",
        ended=any(scan.ended is not None for scan in scans),
        sealed_by=seals.keys,
        checked=seals.covered >= 0,
        covered=seals.covered,
    )


def _by_place(found: Finding) -> tuple[str, str, str, int]:
    return found.stream, found.writer, found.file, found.line
