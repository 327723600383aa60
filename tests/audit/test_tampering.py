"""Every change that can be made to the lines of a log, and what `verify` says of it: what, and at which line."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.audit.chained import KEY, OTHER_KEY, compressed
from tests.audit.tampered import (
    A1,
    A2,
    B1,
    Edit,
    edited,
    following,
    found_in,
    inside,
    lines_of,
    relinked,
    write,
    write_log,
)


class Case(NamedTuple):
    """A change of one file's lines, and all that is found, with the key and without: kind and line."""

    name: str
    edit: Edit
    found: list[tuple[str, int]]
    file: str = A1
    unkeyed: list[tuple[str, int]] | None = None


STRANGER = b'{"seq":9,"prev":"' + b"5" * 64 + b'","v":2,"kind":"request"}\n'
CASES = [
    # a byte in each kind of line
    Case("a byte of a record", edited(4, inside(b'"now":')), [("changed", 4)]),
    Case("a byte of a record's number", edited(4, inside(b'"seq":')), [("changed", 4)]),
    Case("a byte of a record's link", edited(4, inside(b'"prev":"')), [("changed", 4)]),
    Case(
        "a byte of the name of a member of the chain",
        edited(4, lambda line: line.replace(b"seq", b"sec")),
        [("changed", 4)],
    ),
    Case("a byte of the first line", edited(1, inside(b'"process":')), [("changed", 1)]),
    Case(
        "a byte of the kind of the first line",
        edited(1, lambda line: line.replace(b"begin", b"begun")),
        [("changed", 1)],
    ),
    Case("a byte of the link of the first line of a chain", edited(1, inside(b'"prev":"')), [("changed", 1)]),
    Case("a byte of the first line of a second file", edited(1, inside(b'"process":')), [("changed", 1)], A2),
    Case(
        "a byte of a checkpoint", edited(7, inside(b'"records":')), [("changed", 7), ("mac", 7)], A1, [("changed", 7)]
    ),
    Case(
        "a byte of a checkpoint's code",
        edited(7, inside(b'"mac":"')),
        [("changed", 7), ("mac", 7)],
        A1,
        [("changed", 7)],
    ),
    Case(
        "the last line of a file",
        edited(16, inside(b'"records":')),
        [("changed", 16), ("mac", 16)],
        A1,
        [("changed", 16)],
    ),
    Case("a byte of an end", edited(10, inside(b'"records":')), [("mac", 10)], A2, []),
    Case(
        "a byte of an end's link",
        edited(10, inside(b'"prev":"')),
        [("changed", 10), ("mac", 10)],
        A2,
        [("changed", 10)],
    ),
    Case(
        "records that follow each other",
        lambda lines: edited(4, inside(b'"now":'))(edited(3, inside(b'"now":'))(lines)),
        [("changed", 4)],
    ),
    Case(
        "records apart",
        lambda lines: edited(12, inside(b'"now":'))(edited(3, inside(b'"now":'))(lines)),
        [("changed", 3), ("changed", 12)],
    ),
    # lines deleted
    Case("delete a line", lambda lines: lines[:5] + lines[6:], [("gap", 6)]),
    Case("delete some lines", lambda lines: lines[:5] + lines[9:], [("gap", 6)]),
    Case("delete the first line of a chain", lambda lines: lines[1:], [("gap", 1)]),
    Case("delete the first line of a second file", lambda lines: lines[1:], [("gap", 1)], A2),
    Case("delete the last line of a file", lambda lines: lines[:-1], [("cut", 15)]),
    Case("delete a checkpoint", lambda lines: lines[:6] + lines[7:], [("gap", 7)]),
    Case(
        "delete every checkpoint",
        lambda lines: [line for line in lines if b"checkpoint" not in line],
        [("gap", 7), ("gap", 12), ("cut", 13)],
    ),
    # lines inserted
    Case("insert another object", lambda lines: [*lines[:5], b'{"v":2}\n', *lines[5:]], [("foreign", 6)]),
    Case("insert text", lambda lines: [*lines[:5], b"hello\n", *lines[5:]], [("foreign", 6)]),
    Case("insert empty lines", lambda lines: [*lines[:5], b"\n\n", *lines[5:]], [("foreign", 6)]),
    Case("insert a line of the form of a chain's", lambda lines: [*lines[:5], STRANGER, *lines[5:]], [("foreign", 6)]),
    Case("insert before the first line", lambda lines: [b"hello\n", *lines], [("foreign", 1), ("foreign", 2)]),
    Case("replace a line by text", lambda lines: [*lines[:5], b"hello\n", *lines[6:]], [("changed", 6)]),
    Case(
        "replace a line by another one of the form", lambda lines: [*lines[:5], STRANGER, *lines[6:]], [("changed", 6)]
    ),
    Case("join two lines", lambda lines: [*lines[:4], lines[4][:-1] + lines[5], *lines[6:]], [("gap", 6)]),
    Case(
        "split a line",
        lambda lines: [*lines[:4], lines[4][:150] + b"\n" + lines[4][150:], *lines[5:]],
        [("changed", 5), ("foreign", 6)],
    ),
    # lines twice
    Case("duplicate a line", lambda lines: [*lines[:5], lines[4], *lines[5:]], [("duplicate", 6)]),
    Case("duplicate some lines", lambda lines: [*lines[:8], *lines[3:8], *lines[8:]], [("duplicate", 9)]),
    Case("duplicate the first line", lambda lines: [lines[0], *lines], [("duplicate", 2)]),
    Case("duplicate the last line of an ended chain", lambda lines: [*lines, lines[-1]], [("duplicate", 11)], A2),
    Case("replay an old line", lambda lines: [*lines[:11], lines[2], *lines[11:]], [("duplicate", 12)]),
    Case("replay an old line at the end", lambda lines: [*lines, lines[2]], [("duplicate", 11)], A2),
    # lines elsewhere
    Case("swap neighbours", lambda lines: [*lines[:4], lines[5], lines[4], *lines[6:]], [("reorder", 5)]),
    Case(
        "swap lines apart",
        lambda lines: [*lines[:4], lines[9], *lines[5:9], lines[4], *lines[10:]],
        [("reorder", 5), ("reorder", 10)],
    ),
    Case("swap the first lines", lambda lines: [lines[1], lines[0], *lines[2:]], [("reorder", 1)]),
    Case("swap the last lines of a file", lambda lines: [*lines[:-2], lines[-1], lines[-2]], [("reorder", 15)]),
    Case("swap the last lines of a chain", lambda lines: [*lines[:-2], lines[-1], lines[-2]], [("reorder", 9)], A2),
    Case("move some lines", lambda lines: [*lines[:2], *lines[5:12], *lines[2:5], *lines[12:]], [("reorder", 10)]),
    Case("turn a file around", lambda lines: lines[:1] + lines[:0:-1], [("reorder", at) for at in range(2, 16)]),
    # the tail
    Case("cut inside the last line of a file", lambda lines: [*lines[:-1], lines[-1][:40]], [("cut", 15)]),
    Case("cut most of a file", lambda lines: lines[:3], [("cut", 3)]),
    Case("append text", lambda lines: [*lines, b"hello\n"], [("foreign", 17)]),
    Case("append text to an ended chain", lambda lines: [*lines, b"hello\n"], [("foreign", 11)], A2),
    Case("append bytes without a break to an ended chain", lambda lines: [*lines, b"hello"], [("foreign", 11)], A2),
    Case("go on behind an end", lambda lines: [*lines, following(lines[-1])], [("foreign", 10)], A2),
    # codes
    Case("put something behind a code", edited(10, lambda line: line[:-2] + b',"x":1}\n'), [("mac", 10)], A2, []),
    Case(
        "strip a code",
        edited(7, lambda line: re.sub(rb',"alg":.*"}', b"}", line)),
        [("changed", 7), ("unsealed", 7)],
        A1,
        [("changed", 7)],
    ),
    # written anew
    Case(
        "write a file anew without the key",
        lambda lines: relinked(edited(3, inside(b'"now":'))(lines)),
        [("mac", 7), ("mac", 13), ("changed", 16), ("mac", 16)],
        A1,
        [("changed", 16)],
    ),
    Case("write the last file anew with another key", lambda lines: relinked(lines, OTHER_KEY), [("mac", 7)], B1, []),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_change_of_lines_is_found_where_it_was_made(case: Case, tmp_path: Path) -> None:
    """All that is found, with the key that seals the log; and the same without it, but for codes."""
    write_log(tmp_path)
    write(tmp_path / case.file, case.edit(lines_of(tmp_path / case.file)))
    unkeyed = (
        [each for each in case.found if each[0] not in ("mac", "unsealed")] if case.unkeyed is None else case.unkeyed
    )
    named = [(kind, line) for kind, file, line in found_in(tmp_path) if file == case.file]
    plain = [(kind, line) for kind, file, line in found_in(tmp_path, None) if file == case.file]
    assert (named, plain) == (case.found, unkeyed)
    assert {file for _, file, _ in found_in(tmp_path)} <= {case.file}


def test_a_log_that_nobody_changed_is_whole(tmp_path: Path) -> None:
    """With key and anchors, and without; whether or not files are compressed."""
    anchors = write_log(tmp_path)
    answers = [found_in(tmp_path, KEY, anchors), found_in(tmp_path, None)]
    for name in (A1, A2, B1):
        compressed(tmp_path / name)
    assert [*answers, found_in(tmp_path, KEY, anchors)] == [[], [], []]
