"""Every change that can be made to the files of a log, and what nothing in its folder can show."""

import gzip
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.audit.seals import checker
from policy.audit.verifying import verify
from tests.audit.chained import KEY, OTHER_KEY, Writer, compressed
from tests.audit.tampered import (
    A1,
    A2,
    B1,
    C1,
    Found,
    edited,
    flipped,
    found_in,
    inside,
    lines_of,
    relinked,
    write,
    write_log,
)


def swap_contents(folder: Path, one: str, other: str) -> None:
    content = (folder / one).read_bytes()
    (folder / one).write_bytes((folder / other).read_bytes())
    (folder / other).write_bytes(content)


def remove(*names: str) -> Callable[[Path], None]:
    def do(folder: Path) -> None:
        for name in names:
            (folder / name).unlink()

    return do


def copy(folder: Path, name: str, other: str) -> None:
    (folder / other).write_bytes((folder / name).read_bytes())


def splice(folder: Path) -> None:
    lines, others = lines_of(folder / A1), lines_of(folder / B1)
    write(folder / A1, [*lines[:4], *others[2:5], *lines[4:]])


def replace_by_other_chain(folder: Path) -> None:
    copy(folder, B1, A2)


def edit_compressed(folder: Path) -> None:
    """The content as it was, but for a byte in the middle of what is compressed."""
    made = compressed(folder / A1)
    content = made.read_bytes()
    made.write_bytes(flipped(content, len(content) // 2))


def edit_and_compress(folder: Path) -> None:
    write(folder / A1, edited(4, inside(b'"now":'))(lines_of(folder / A1)))
    compressed(folder / A1)


def cut_compressed(folder: Path) -> None:
    made = compressed(folder / A1)
    made.write_bytes(made.read_bytes()[:-12])


def forge_retired(folder: Path) -> None:
    """Whoever removes a file may say that it was retired, in the chain that is still open."""
    (folder / A1).unlink()
    lines = lines_of(folder / C1)
    row = b'{"v":2,"kind":"retired","file":"%s","writer":"%s","stream":"decisions"'
    row += b',"part":1,"first":0,"last":15,"head":"%s"}'
    follows = re.search(rb'"prev":"(\w+)"', lines_of(folder / A2)[0])
    assert follows is not None
    write(
        folder / C1,
        relinked([*lines, b'{"seq":9,"prev":"",' + (row % (A1.encode(), b"a" * 16, follows[1]))[1:] + b"\n"]),
    )


class Deed(NamedTuple):
    """What is done to a folder, and all that is found with the key and without."""

    name: str
    do: Callable[[Path], object]
    found: Found
    unkeyed: Found | None = None


DEEDS = [
    Deed("delete the first file of a chain", remove(A1), [("missing", A1, 0)]),
    Deed("delete the last file of a chain", remove(A2), [("missing", A2, 0)]),
    Deed("delete a chain", remove(B1), [("missing", B1, 0)]),
    Deed(
        "delete all chains but the last",
        remove(A1, A2, B1),
        [("missing", A1, 0), ("missing", A2, 0), ("missing", B1, 0)],
    ),
    Deed("empty a file", lambda folder: (folder / B1).write_bytes(b""), [("cut", B1, 0)]),
    Deed("cut the tail of a chain", lambda folder: write(folder / A2, lines_of(folder / A2)[:-2]), [("cut", A2, 8)]),
    Deed(
        "cut the tail inside a line",
        lambda folder: write(folder / B1, [(folder / B1).read_bytes()[:-9]]),
        [("cut", B1, 8)],
    ),
    Deed(
        "swap two files of a chain",
        lambda folder: swap_contents(folder, A1, A2),
        [("swapped", A1, 0), ("swapped", A2, 0)],
    ),
    Deed(
        "swap files of two chains",
        lambda folder: swap_contents(folder, A1, B1),
        [("swapped", A1, 0), ("swapped", B1, 0)],
    ),
    Deed("splice lines of another chain", splice, [("foreign", A1, 5)]),
    Deed(
        "a file as another chain has it",
        replace_by_other_chain,
        [("swapped", A2, 0), ("missing", A2, 0), ("duplicate", A2, 1)],
    ),
    Deed("a copy of a file", lambda folder: copy(folder, B1, f"{B1}.1"), [("duplicate", f"{B1}.1", 1)]),
    Deed(
        "a file of no chain",
        lambda folder: (folder / "decisions-x.jsonl").write_bytes(b'{"v":1}\n'),
        [("unchained", "decisions-x.jsonl", 0)],
    ),
    Deed("a byte inside a compressed file", edit_compressed, [("damaged", f"{A1}.gz", 0)]),
    Deed("a byte of a line before it was compressed", edit_and_compress, [("changed", f"{A1}.gz", 4)]),
    Deed("cut a compressed file", cut_compressed, [("damaged", f"{A1}.gz", 15)]),
    Deed("delete a file and forge that it was retired", forge_retired, [("missing", A1, 0)], []),
]


@pytest.mark.parametrize("deed", DEEDS, ids=[deed.name for deed in DEEDS])
def test_a_change_of_files_is_found(deed: Deed, tmp_path: Path) -> None:
    """All that is found."""
    write_log(tmp_path)
    deed.do(tmp_path)
    assert sorted(found_in(tmp_path)) == sorted(deed.found)
    assert sorted(found_in(tmp_path, None)) == sorted(deed.found if deed.unkeyed is None else deed.unkeyed)


def cut_open_tail(folder: Path) -> None:
    write(folder / C1, lines_of(folder / C1)[:-2])


def cut_open_line(folder: Path) -> None:
    (folder / C1).write_bytes((folder / C1).read_bytes()[:-9])


def change_open_tail(folder: Path) -> None:
    lines = lines_of(folder / C1)
    write(folder / C1, relinked(edited(len(lines), inside(b'"now":'))(lines)))


def delete_last_chain(folder: Path) -> None:
    (folder / C1).unlink()


#: What nothing in the folder can show, and what shows it with anchors.
EXCEPTIONS: list[tuple[Callable[[Path], None], Found]] = [
    (cut_open_tail, [("cut", C1, 0)]),
    (cut_open_line, [("cut", C1, 0)]),
    (change_open_tail, [("changed", C1, 0)]),
    (delete_last_chain, [("missing", "", 0)]),
]


@pytest.mark.parametrize(("do", "anchored"), EXCEPTIONS)
def test_the_tail_that_no_other_file_tells_of_is_only_safe_with_an_anchor(
    do: Callable[[Path], None], anchored: Found, tmp_path: Path
) -> None:
    """Said so in the notes and in the documentation: the key does not help here."""
    anchors = write_log(tmp_path)
    do(tmp_path)
    assert (found_in(tmp_path), found_in(tmp_path, KEY, anchors)) == ([], anchored)


def test_a_log_written_anew_shows_only_with_the_key_or_an_anchor(tmp_path: Path) -> None:
    """Whoever may write the folder can make all of it again, with other records, as long as it takes no key."""
    anchors = write_log(tmp_path, None)
    for name in (A1, A2, B1, C1):
        (tmp_path / name).unlink()
    Writer(tmp_path, "a").record(11).rotate().record(6).end()
    Writer(tmp_path, "b").record(6).end()
    Writer(tmp_path, "c").record(9)
    assert found_in(tmp_path, None) == []
    assert {kind for kind, _, _ in found_in(tmp_path, None, anchors)} == {"changed", "cut"}
    assert [each[:2] for each in found_in(tmp_path)] == [
        ("unsealed", A1),
        ("unsealed", A2),
        ("unsealed", B1),
        ("unsealed", C1),
    ]


@pytest.mark.parametrize("key", [None, OTHER_KEY], ids=["without codes", "with another key"])
def test_a_chain_written_anew_from_some_line_on_is_not_sealed_with_the_key(key: bytes | None, tmp_path: Path) -> None:
    """The codes are stripped, or made with a key of one's own; the lines follow each other, and so do the files."""
    write_log(tmp_path)
    made = relinked(edited(8, inside(b'"now":'))(lines_of(tmp_path / B1)), key, since=7)
    if key is None:
        made[-1] = re.sub(rb',"alg":.*"}', b"}", made[-1])
    write(tmp_path / B1, made)
    assert found_in(tmp_path) == ([("mac", B1, 9)] if key else [("cut", B1, 9), ("unsealed", B1, 9)])


def changes() -> st.SearchStrategy[tuple[str, float, int, bytes]]:
    """Bytes put in the place of some others, somewhere in a file."""
    return st.tuples(
        st.sampled_from([A1, A2, B1, f"{A1}.gz"]), st.floats(0, 1), st.integers(0, 400), st.binary(max_size=5)
    )


with TemporaryDirectory() as _folder:
    write_log(Path(_folder))
    LOG = {path.name: path.read_bytes() for path in Path(_folder).iterdir()}


@settings(max_examples=300, deadline=None)
@given(changes())
def test_any_change_of_bytes_is_found(change: tuple[str, float, int, bytes]) -> None:
    """Of files that others tell of, apart from what is said to be out of reach."""
    name, at, length, put = change
    with TemporaryDirectory() as made:
        folder = Path(made)
        for each, content in LOG.items():
            (folder / each).write_bytes(content)
        if name.endswith(".gz"):
            compressed(folder / name[:-3])
        before = (folder / name).read_bytes()
        start = int(at * len(before))
        after = before[:start] + put + before[start + length :]
        (folder / name).write_bytes(after)
        report = verify(folder, checker=checker([KEY]))
        assert report.findings or is_out_of_reach(name, before, after, {str(note.kind) for note in report.notes})


def is_out_of_reach(name: str, before: bytes, after: bytes, notes: set[str]) -> bool:
    """Three exceptions; the latter two are noted.

    - In a compressed file, bytes that do not change its content.
    - Bytes of a torn line behind what the writer had written when it began its next file: no reader takes them.
    - The last line of a chain, made another record or a torn one: then the chain is open, and lines are not sealed.
    """
    if unpacked(after) == unpacked(before):
        return True
    if name == A1:
        return after.startswith(before) and b"\n" not in after[len(before) :] and "torn" in notes
    last = before.rindex(b"\n", 0, -1) + 1
    return after[:last] == before[:last] and {"open", "uncovered"} <= notes


def unpacked(content: bytes) -> bytes | None:
    """The content of a compressed file, `None` where it has none."""
    if content[:2] != b"\x1f\x8b":
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, ValueError, zlib.error):
        return None
