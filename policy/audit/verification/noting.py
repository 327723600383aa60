"""What is no fault, and has to be known to understand what was verified."""

import fcntl
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from policy.audit.verification.grouping import Group
from policy.audit.verification.report import Finding, Kind
from policy.audit.verification.scanned import Scan
from policy.audit.verification.sealing import Seals
from policy.audit.verification.told import Retired
from policy.audit.verification.witnesses import TORN, gone_by_limit

SPOOL: Final = ".spool-"
_OPEN: Final = (
    "it has no end: it is being written, or its writer was killed; a cut tail shows only by an anchor or a later file"
)
_NO_LIMIT: Final = "nobody tells when files of refused tokens go by their limit of size"


def notes_of_chain(group: Group, seals: Seals, is_alone: bool) -> Iterator[Finding]:
    """Of one chain, in the order of its files."""
    last = group.scans[-1]
    if is_alone and (len(group.scans) == 1 and (group.part(0) or 1) > 1):
        yield _note(Kind.ALONE, group, f"part {group.part(0)} of its chain; the parts before it were not read", last)
    elif group.is_refused and group.order.path and group.order.path[0].first > 0:
        yield _note(Kind.LIMITED, group, f"its first {group.order.path[0].first} lines are gone; {_NO_LIMIT}")
    for scan in group.scans:
        yield from _of_scan(group, scan)
    for twin in group.twins:
        yield _note(Kind.TWICE, group, "the same file is here compressed and not; one of them can go", twin)
    if not any(scan.ended for scan in group.scans):
        yield _note(Kind.OPEN, group, _OPEN, last)
    covered = seals.note()
    if covered is not None:
        yield covered


def _of_scan(group: Group, scan: Scan) -> Iterator[Finding]:
    if scan.left_over:
        message = f"the writer never took its last {scan.left_over} lines for written; no decision rests on them"
        yield _note(Kind.UNACCEPTED, group, message.replace(" 1 lines", " line"), scan)
    if scan.torn and scan.ended is None and not scan.damaged:
        message = f"{scan.torn} bytes of a torn line follow its last whole line"
        yield _note(Kind.TORN, group, message, scan, line=scan.lines + 1, offset=scan.torn_at)
    begun = scan.begin.file if scan.begin is not None else ""
    if begun and not scan.name.startswith(begun):
        yield _note(Kind.RENAMED, group, f"it was begun as `{begun}`", scan)


def notes_of_folder(
    path: Path,
    scans: Sequence[Scan],
    groups: Sequence[Group],
    removed: Mapping[tuple[str, str, int], Retired],
    unsure: Iterable[Retired],
) -> Iterator[Finding]:
    """Of files that are in no chain, of those that are gone, and of what is not in the log yet."""
    for scan in scans:
        if not scan.lines and not scan.damaged and not scan.is_gone:
            message = f"no whole line is in it, only {scan.torn} bytes of a torn one" if scan.torn else "it is empty"
            yield Finding(kind=Kind.EMPTY, file=scan.name, message=message)
    for row in removed.values():
        yield _retired(row, "was verified and removed by retention")
    for row in unsure:
        yield _retired(row, "is told to have been removed by retention, by a line that is not sealed yet")
    if path.is_dir():
        gone = gone_by_limit(scans, {row.file: row for row in removed.values()})
        for name in gone:
            yield Finding(kind=Kind.LIMITED, file=name, message=f"the file is gone; {_NO_LIMIT}")
        yield from _beside(path)
    keys = sorted({key for group in groups for key in Seals(group, is_checked=False).keys})
    if keys and not any(each.is_known for scan in scans for each in scan.sealings):
        message = f"checkpoints were sealed with {', '.join(keys)}, and no key was given to check them"
        yield Finding(kind=Kind.UNCHECKED, message=message)


def _beside(folder: Path) -> Iterator[Finding]:
    """Spools of writers that have ended, and lines that were torn and set aside."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith(SPOOL) and path.is_file() and not _is_locked(path):
            message = "its writer has ended, and its last records are not in the log yet; run `policy audit recover`"
            yield Finding(kind=Kind.UNRECOVERED, file=path.name, message=message)
        elif path.name.endswith(TORN) and path.is_file():
            message = f"{path.stat().st_size} bytes of torn lines were set aside"
            yield Finding(kind=Kind.TORN, file=path.name, message=message)


def _is_locked(path: Path) -> bool:
    """A writer that lives holds a lock on its spool."""
    try:
        with path.open("rb") as spool:
            fcntl.flock(spool, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _retired(row: Retired, message: str) -> Finding:
    return Finding(
        kind=Kind.RETIRED, file=row.file, message=message, seq=row.last, writer=row.writer, stream=row.stream
    )


def _note(
    kind: Kind, group: Group, message: str, scan: Scan | None = None, *, line: int = 0, offset: int | None = None
) -> Finding:
    name = "" if scan is None else scan.name
    return Finding(
        kind=kind, message=message, file=name, line=line, offset=offset, writer=group.writer, stream=group.stream
    )
