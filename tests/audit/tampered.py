"""What tests do to logs: a whole one in a folder, and changes of its lines."""

import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from policy.audit.anchors import Head
from policy.audit.chain import Chain, Position
from policy.audit.seals import checker, sealer
from policy.audit.verification.report import Report
from policy.audit.verifying import verify
from tests.audit.chained import KEY, Writer

Lines = list[bytes]
Edit = Callable[[Lines], Lines]
Found = list[tuple[str, str, int]]
#: What is noted of a chain without an end.
OPEN = (
    "it has no end: it is being written, or its writer was killed; a cut tail shows only by an anchor or a later file"
)
A1, A2, B1, C1 = "decisions-a1.jsonl", "decisions-a2.jsonl", "decisions-b1.jsonl", "decisions-c1.jsonl"


def write_log(folder: Path, key: bytes | None = KEY) -> list[Head]:
    """Chain a in two files, ended; b in one, ended; c, begun last, still open. The heads are those at the ends.

    Lines of the first file: 1 `begin`, 2 to 6 records, 7 `checkpoint`, 8 to 12 records, 13 `checkpoint`, 14 and 15
    records, 16 `checkpoint`. Nobody tells of c but itself.
    """
    a = Writer(folder, "a", key=key, every=5).record(12).rotate().record(5)
    b = Writer(folder, "b", key=key, every=5).record(6).end()
    a.record(2).end()
    c = Writer(folder, "c", key=key, every=5).record(8)
    return [a.head, b.head, c.head]


def found_in(folder: Path, key: bytes | None = KEY, anchors: list[Head] | None = None) -> Found:
    report = verify(folder, checker=None if key is None else checker([key]), anchors=anchors or ())
    return told(report)


def told(report: Report) -> Found:
    return [(str(each.kind), each.file, each.line) for each in report.findings]


def lines_of(path: Path) -> Lines:
    return path.read_bytes().splitlines(keepends=True)


def write(path: Path, lines: Lines) -> None:
    path.write_bytes(b"".join(lines))


def relinked(lines: Lines, key: bytes | None = None, since: int = 0) -> Lines:
    """Chained anew from a line on. Codes stay as they are without a key; with one, each is made with it."""
    chain, made = Chain(), []
    for at, line in enumerate(lines):
        body = b"{" + line[line.index(b',"v"') + 1 : -1]
        is_sealed = key is not None and at >= since and b',"mac":"' in body
        body = re.sub(rb',"alg":.*"}$', b"}", body) if is_sealed else body
        new = chain.seal(body, sealer(key)) if is_sealed and key is not None else chain.link(body)
        made.append(new)
    return made


def following(line: bytes) -> bytes:
    """A line that names this one before it."""
    found = re.search(rb'"seq":(\d+)', line)
    assert found is not None
    return Chain(Position(int(found[1]) + 1, sha256(line[:-1]).hexdigest())).link(b'{"v":2,"kind":"request"}')


def flipped(line: bytes, at: int) -> bytes:
    """One byte changed to another that may stand there."""
    return line[:at] + (b"1" if line[at : at + 1] != b"1" else b"2") + line[at + 1 :]


def inside(text: bytes) -> Callable[[bytes], bytes]:
    return lambda line: flipped(line, line.index(text) + len(text))


def edited(number: int, change: Callable[[bytes], bytes]) -> Edit:
    return lambda lines: [change(line) if at == number else line for at, line in enumerate(lines, 1)]


def verified(folder: Path, *, key: bytes | None = KEY) -> Report:
    return verify(folder, checker=None if key is None else checker([key]))


def noted(report: Report) -> list[tuple[str, str, str]]:
    return [(str(note.kind), note.file, note.message) for note in report.notes]


def said(report: Report) -> list[str]:
    return [str(finding) for finding in report.findings]
