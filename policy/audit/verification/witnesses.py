"""What the files of a folder say of each other: which were there, how long, which were removed in order."""

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from policy.audit.verification.grouping import begun_name
from policy.audit.verification.reading import LONGEST_LINE, base_name
from policy.audit.verification.report import Finding, Kind
from policy.audit.verification.scanned import Scan

TORN: Final = ".torn"


class Seen(NamedTuple):
    """What a file was when another one was begun: its name, the most bytes that were seen, and by whom."""

    name: str
    size: int
    by: str


def witnessed(scans: Iterable[Scan]) -> dict[str, Seen]:
    """The files that others were begun beside, by the names that they were begun with.

    The size of a compressed file tells nothing of its content, and counts as none.
    """
    found: dict[str, Seen] = {}
    for scan in scans:
        for name, told in scan.begin.beside if scan.begin is not None else ():
            base, size = base_name(name), 0 if name.endswith(".gz") else told
            if base not in found or size > found[base].size:
                found[base] = Seen(name, size, scan.name)
    return found


def by_begun_name(scans: Sequence[Scan]) -> dict[str, list[Scan]]:
    """Files by the names that they were begun with; those that are alone in what they hold, also as they are called."""
    found: dict[str, list[Scan]] = defaultdict(list)
    for scan in scans:
        found[begun_name(scan)].append(scan)
    for scan in scans:
        name = base_name(scan.name)
        if name not in found and len(found[begun_name(scan)]) == 1:
            found[name].append(scan)
    return found


def findings(scans: Sequence[Scan], retired: Mapping[str, object], told: Container[str]) -> Iterator[Finding]:
    """Files that are gone, and files that are shorter than they were, apart from those whose loss is told already."""
    present = by_begun_name(scans)
    for base, seen in sorted(witnessed(scans).items()):
        here = present.get(base, [])
        if not here and base not in retired and base not in told and not base.startswith("refused-"):
            size = f", with {seen.size} bytes," if seen.size else ""
            message = f"the file is missing; it was there{size} when `{seen.by}` was begun"
            yield Finding(kind=Kind.MISSING, message=message, file=seen.name)
        for scan in here:
            length = scan.length + torn_beside(scan.file)
            if length < seen.size and scan.name not in told and not scan.damaged:
                message = f"the tail was cut: it had {seen.size} bytes when `{seen.by}` was begun, and has {length}"
                yield Finding(kind=Kind.CUT, message=message, file=scan.name, line=scan.lines)


def gone_by_limit(scans: Sequence[Scan], retired: Mapping[str, object]) -> list[str]:
    """Files of refused tokens that are gone; nobody tells of those that go by their limit of size."""
    present = by_begun_name(scans)
    bases = witnessed(scans)
    return sorted(base for base in bases if base.startswith("refused-") and base not in present | dict(retired))


def torn_beside(file: Path) -> int:
    """How many bytes of a torn last line were set aside; whole lines were never, so they count as none."""
    try:
        with file.with_name(base_name(file.name) + TORN).open("rb") as torn:
            content = torn.read(LONGEST_LINE)
    except OSError:
        return 0
    return 0 if b"\n" in content else len(content)
