"""Compressed files of a log, and the lines that hold it together, where a log is read."""

import gzip
import os
from collections import Counter
from pathlib import Path
from typing import IO, Any

import pytest

from policy.audit import Tail, find, records
from policy.audit import tail as tail_module
from policy.audit.reader import opened
from policy.errors import ClaimsPolicyError
from policy.record import line, moment

START = 1_800_000_000.0
CHAIN = ("begin", "checkpoint", "end", "retired")


def record(number: int, kind: str = "request", **more: Any) -> dict[str, Any]:
    return {"v": 2, "kind": kind, "id": f"{number:032x}", "time": moment(START + number), **more}


def write(file: Path, *found: dict[str, Any]) -> Path:
    with file.open("a") as log:
        log.writelines(line(each) + "\n" for each in found)
    return file


def compress(file: Path, written: float = START) -> Path:
    """As a rotation does it; the file counts as made at this time."""
    made = file.with_name(f"{file.name}.gz")
    made.write_bytes(gzip.compress(file.read_bytes()))
    os.utime(made, (written, written))
    file.unlink()
    return made


def numbers(found: list[dict[str, Any]]) -> list[int]:
    return [int(each["id"], 16) for each in found]


def everything(found: dict[str, Any]) -> bool:
    return True


def test_compressed_files_are_read_like_others(tmp_path: Path) -> None:
    """In their place among the others, by `records`, by `find` and alone."""
    old = compress(write(tmp_path / "decisions-1-1.jsonl", record(1), record(2)))
    write(tmp_path / "decisions-2-1.jsonl", record(3))
    assert numbers(list(records(tmp_path))) == [1, 2, 3]
    assert numbers(list(records(old))) == [1, 2]
    assert find(tmp_path, f"{2:032x}") == record(2)


def test_lines_of_the_chain_are_no_records_unless_asked_for(tmp_path: Path) -> None:
    """They have ids too, by which nobody looks for a request."""
    begin, *others = [record(at, kind) for at, kind in zip((0, 2, 3, 4), CHAIN, strict=True)]
    write(tmp_path / "decisions-1-1.jsonl", begin, record(1), *others, record(5, kind="surplus"))
    bad: Counter[Path] = Counter()
    assert numbers(list(records(tmp_path, on_bad=lambda file: bad.update([file])))) == [1, 5]
    assert numbers(list(records(tmp_path, chain=True))) == [0, 1, 2, 3, 4, 5]
    assert numbers(Tail(tmp_path).last(9, everything)) == [1, 5]
    assert numbers(Tail(tmp_path, chain=True).last(9, everything)) == [0, 1, 2, 3, 4, 5]
    assert find(tmp_path, f"{2:032x}") is None
    assert bad == {}


@pytest.mark.parametrize("spoil", [lambda data: data[:-12], lambda data: b"no gzip at all", lambda data: data[:30]])
def test_a_compressed_file_that_is_broken_is_read_as_far_as_it_goes(tmp_path: Path, spoil: Any) -> None:
    """And told of; other files do not suffer from it."""
    broken = compress(write(tmp_path / "decisions-1-1.jsonl", *map(record, range(200))))
    broken.write_bytes(spoil(broken.read_bytes()))
    write(tmp_path / "decisions-2-1.jsonl", record(500))
    bad: Counter[Path] = Counter()
    found = numbers(list(records(tmp_path, on_bad=lambda file: bad.update([file]))))
    assert found == [*range(len(found) - 1), 500]
    assert bad[broken] >= 1
    assert numbers(Tail(tmp_path).last(1, everything)) == [500]


def test_the_last_records_may_lie_in_compressed_files(tmp_path: Path) -> None:
    """As many as are missing in the others; of several, the newest."""
    compress(write(tmp_path / "decisions-1-1.jsonl", record(1), record(4)), START + 4)
    compress(write(tmp_path / "decisions-2-1.jsonl", record(2), record(5)), START + 5)
    write(tmp_path / "decisions-3-1.jsonl", record(3), record(6))
    for count in range(8):
        assert numbers(Tail(tmp_path).last(count, everything)) == [1, 2, 3, 4, 5, 6][max(0, 6 - count) :]
    assert numbers(Tail(tmp_path).last(9, everything, since=moment(START + 4))) == [4, 5, 6]


def test_a_compressed_file_is_not_opened_where_it_cannot_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was made long before the records that were found has none that is newer."""
    old = compress(write(tmp_path / "decisions-1-1.jsonl", record(1)), START + 1)
    new = compress(write(tmp_path / "decisions-2-1.jsonl", record(90_000)), START + 90_000)
    write(tmp_path / "decisions-3-1.jsonl", record(90_001))
    read: list[Path] = []

    def noted(file: Path) -> IO[bytes]:
        read.append(file)
        return opened(file)

    monkeypatch.setattr(tail_module, "opened", noted)
    assert numbers(Tail(tmp_path).last(1, everything)) == [90_001]
    assert numbers(Tail(tmp_path).last(9, everything, since=moment(START + 80_000))) == [90_000, 90_001]
    assert read == [new, new]
    assert numbers(Tail(tmp_path).last(3, everything)) == [1, 90_000, 90_001]
    assert read == [new, new, new, old]


def test_a_followed_file_that_is_compressed_is_not_read_twice(tmp_path: Path) -> None:
    """What came between the last look and the compression is not lost either; nor what came to be in between."""
    write(tmp_path / "decisions-1-1.jsonl", record(1), record(2))
    tail = Tail(tmp_path)
    assert numbers(tail.last(1, everything)) == [2]
    compress(write(tmp_path / "decisions-1-1.jsonl", record(3)))
    compress(write(tmp_path / "decisions-2-1.jsonl", record(4)))
    assert numbers(tail.more(everything)) == [3, 4]
    assert tail.more(everything) == []
    (tmp_path / "decisions-1-1.jsonl.gz").rename(tmp_path / "decisions-1-1.jsonl.1.gz")
    write(tmp_path / "decisions-3-1.jsonl", record(5))
    assert numbers(tail.more(everything)) == [5]


def test_what_is_compressed_at_the_start_is_not_new(tmp_path: Path) -> None:
    """Whether or not it was opened for the last records."""
    compress(write(tmp_path / "decisions-1-1.jsonl", record(1)))
    tail = Tail(tmp_path)
    assert tail.last(0, everything) == []
    assert tail.more(everything) == []


def test_an_id_is_found_by_its_text(tmp_path: Path) -> None:
    """Also one that needs escapes, and one that is a beginning of several."""
    write(tmp_path / "a.jsonl", {"id": 'x"\n\u00e9'}, record(16), record(17))
    assert find(tmp_path, 'x"\n') == {"id": 'x"\n\u00e9'}
    with pytest.raises(ClaimsPolicyError, match=r"^`0000` is the beginning of 2 ids; give more of it$"):
        find(tmp_path, "0000")
