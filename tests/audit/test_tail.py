"""The end of a log: merged over its files, read backwards, and followed through rotation."""

import json
import os
import shutil
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from policy.audit import AuditLog, Tail, find, records
from policy.audit.reader import files
from policy.audit.tail import BLOCK
from policy.errors import ClaimsPolicyError


def moment(number: int) -> str:
    return f"2027-01-15T08:{number // 60:02}:{number % 60:02}.000000Z"


def line(number: int, **more: Any) -> str:
    return json.dumps({"id": f"r{number}", "time": moment(number), **more}) + "\n"


def add(file: Path, *numbers: int, **more: Any) -> None:
    with file.open("a") as log:
        log.writelines(line(number, **more) for number in numbers)


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [record["id"] for record in found]


def everything(record: dict[str, Any]) -> bool:
    return True


def last(path: Path, count: int = 100) -> list[str]:
    return ids(Tail(path).last(count, everything))


def test_the_last_records_of_all_files_are_in_the_order_of_time(tmp_path: Path) -> None:
    """Whichever process wrote them."""
    add(tmp_path / "decisions-a-1.jsonl", 1, 4, 7, 8)
    add(tmp_path / "decisions-b-2.jsonl", 2, 3, 9)
    add(tmp_path / "refused-b-2.jsonl", 5, 6)
    assert last(tmp_path) == [f"r{number}" for number in range(1, 10)]
    assert last(tmp_path, 4) == ["r6", "r7", "r8", "r9"]
    assert last(tmp_path, 0) == []
    assert last(tmp_path / "decisions-b-2.jsonl", 2) == ["r3", "r9"]


def test_only_wanted_records_are_counted(tmp_path: Path) -> None:
    """They may be far from the end."""
    add(tmp_path / "a-1.jsonl", *range(3000))
    assert ids(Tail(tmp_path).last(2, lambda record: record["id"] in {"r5", "r7", "r1"})) == ["r5", "r7"]


@pytest.mark.parametrize("length", [0, BLOCK - 60, BLOCK, 3 * BLOCK])
def test_lines_may_be_longer_than_what_is_read_at_once(tmp_path: Path, length: int) -> None:
    """Nothing is lost at the edge of a block."""
    file = tmp_path / "a.jsonl"
    add(file, *range(20), filling="x" * length)
    assert last(tmp_path) == [f"r{number}" for number in range(20)]


def test_it_takes_little_memory_whatever_the_size(tmp_path: Path) -> None:
    """Ten megabytes of log are read with less than one."""
    add(tmp_path / "a.jsonl", *range(10_000), filling="x" * 1000)
    tracemalloc.start()
    found = last(tmp_path, 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == [f"r{number}" for number in range(9980, 10_000)]
    assert peak < 1_000_000


def test_many_files_need_few_descriptors(tmp_path: Path) -> None:
    """A log of many short processes has more files than a process may open."""
    for number in range(1500):
        add(tmp_path / f"decisions-{number:04}-1.jsonl", number)
    assert last(tmp_path, 3) == ["r1497", "r1498", "r1499"]


def test_lines_that_are_no_records_are_passed_over_and_counted(tmp_path: Path) -> None:
    """By file, forwards and backwards; empty lines are nothing."""
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    first.write_text("torn\n\n" + line(1) + "[]\n" + line(3) + '{"no": "id"}\n{"id": "to')
    second.write_bytes(b"\xff\n" + line(2).encode() + b"[" * 100_000)
    forwards: Counter[Path] = Counter()
    backwards: Counter[Path] = Counter()
    assert ids(list(records(tmp_path, on_bad=lambda file: forwards.update([file])))) == ["r1", "r3", "r2"]
    found = Tail(tmp_path, on_bad=lambda file: backwards.update([file])).last(10, everything)
    assert ids(found) == ["r1", "r2", "r3"]
    assert forwards == backwards == {first: 4, second: 2}


def test_a_log_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """Neither a folder without a log, nor none."""
    (tmp_path / "notes.txt").write_text("")
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ClaimsPolicyError) as caught:
            last(path)
        assert str(caught.value) == f"`{path}` holds no audit log: it has no *.jsonl file"


def test_rotated_files_belong_to_a_log_and_other_files_do_not(tmp_path: Path) -> None:
    """What ends in numbers was renamed; what was compressed counts where what it was made from is gone."""
    names = ["decisions-1-1.jsonl", "decisions-0-1.jsonl.1", "refused-2-1.jsonl-20270115", "decisions-3-1.jsonl.2.gz"]
    others = ["decisions-1-1.jsonl.gz", "decisions-3-1.jsonl.bak", "jsonl", ".spool-1.jsonl", ".decisions-4-1.jsonl.gz"]
    for name in (*names, *others):
        (tmp_path / name).write_text("")
    assert [file.name for file in files(tmp_path)] == [names[1], names[0], *names[2:]]


def test_a_file_that_is_removed_while_a_log_is_read_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused tokens are: the process that writes them removes the oldest."""
    add(tmp_path / "a.jsonl", 1)
    present = [tmp_path / "gone.jsonl", tmp_path / "a.jsonl"]
    for module in ("reader", "tail"):
        monkeypatch.setattr(f"policy.audit.{module}.files", lambda path: present)
    tail = Tail(tmp_path)
    assert ids(list(records(tmp_path))) == ids(tail.last(5, everything)) == ["r1"]
    assert tail.more(everything) == []


def test_an_id_of_another_type_ends_no_search(tmp_path: Path) -> None:
    """A log may have been edited."""
    (tmp_path / "a.jsonl").write_text('{"id": ["a"]}\n')
    assert find(tmp_path, "[") == {"id": ["a"]}


def test_what_comes_is_read_once(tmp_path: Path) -> None:
    """From the files that were there, and from new ones; in the order of time."""
    first = tmp_path / "a-1.jsonl"
    add(first, 1, 2)
    tail = Tail(tmp_path)
    assert ids(tail.last(1, everything)) == ["r2"]
    assert tail.more(everything) == []
    add(first, 3, 6)
    add(tmp_path / "a-2.jsonl", 4, 5)
    assert ids(tail.more(everything)) == ["r3", "r4", "r5", "r6"]
    assert tail.more(everything) == []


def test_it_can_begin_with_nothing(tmp_path: Path) -> None:
    """No record of before, or no log at all yet."""
    folder = tmp_path / "audit"
    waiting = Tail(folder)
    with pytest.raises(ClaimsPolicyError):
        waiting.last(5, everything)
    assert waiting.more(everything) == []
    AuditLog(folder).write(line(1).strip())
    tail = Tail(folder)
    assert tail.last(0, everything) == []
    assert tail.more(everything) == []
    assert ids(waiting.more(everything)) == ["r1"]


def test_a_line_is_read_when_it_is_whole(tmp_path: Path) -> None:
    """Its first half is not taken for a torn one, before or after following began."""
    file = tmp_path / "a.jsonl"
    bad: Counter[Path] = Counter()
    add(file, 1)
    tail = Tail(tmp_path, on_bad=lambda file: bad.update([file]))
    tail.last(5, everything)
    for number in (2, 3):
        text = line(number)
        with file.open("a") as log:
            log.write(text[:10])
        assert tail.more(everything) == []
        with file.open("a") as log:
            log.write(text[10:])
        assert ids(tail.more(everything)) == [f"r{number}"]
    assert not bad


def test_a_half_line_at_the_beginning_is_read_when_it_is_whole(tmp_path: Path) -> None:
    """Following goes on from the last whole line."""
    file = tmp_path / "a.jsonl"
    file.write_text(line(1) + line(2)[:10])
    tail = Tail(tmp_path)
    assert ids(tail.last(5, everything)) == ["r1"]
    with file.open("a") as log:
        log.write(line(2)[10:])
    assert ids(tail.more(everything)) == ["r2"]


def test_following_survives_every_rotation(tmp_path: Path) -> None:
    """Renaming, copying and truncating, removing the folder: each record once, none of before again."""
    folder = tmp_path / "audit"
    folder.mkdir()
    file = folder / "a-1.jsonl"
    add(file, 1)
    tail = Tail(folder)
    tail.last(5, everything)
    add(file, 2)
    file.rename(folder / "a-1.jsonl.1")
    add(file, 3)
    assert ids(tail.more(everything)) == ["r2", "r3"]
    os.truncate(file, 0)
    add(file, 4)
    assert ids(tail.more(everything)) == ["r4"]
    shutil.rmtree(folder)
    assert tail.more(everything) == []
    folder.mkdir()
    add(file, 5)
    assert ids(tail.more(everything)) == ["r5"]


def test_another_file_with_the_same_inode_is_another_file(tmp_path: Path) -> None:
    """File systems give a removed file's inode to the next one at once."""
    file = tmp_path / "a-1.jsonl"
    add(file, 1)
    tail = Tail(tmp_path)
    tail.last(5, everything)
    file.write_text(line(2) + line(3))  # the same inode, longer than before
    assert ids(tail.more(everything)) == ["r2", "r3"]
