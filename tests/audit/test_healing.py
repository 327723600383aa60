"""A real disk that fills up, turns read-only, or loses the folder: nothing accepted is lost, and it heals."""

import json
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from policy.audit import AuditLog, records
from policy.audit.settings import Durability
from policy.errors import AuditUnavailable
from tests.audit.clocks import Clock
from tests.audit.reading import files


def mount(*args: str) -> None:
    ran = subprocess.run(["mount", *args], capture_output=True, text=True, check=False, timeout=20)
    if ran.returncode:
        pytest.skip(f"no file system can be mounted here: {ran.stderr.strip()}")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root may mount the small file system that this test fills")
    where = tmp_path / "disk"
    where.mkdir()
    mount("-t", "tmpfs", "-o", "size=64k,nr_inodes=64", "tmpfs", str(where))
    yield where
    subprocess.run(["umount", "-l", str(where)], check=True, timeout=20)


class Writer:
    """Writes numbered records, and knows which were accepted."""

    def __init__(self, log: AuditLog, length: int = 700) -> None:
        self.log, self._length, self._next = log, length, 0
        self.accepted: list[str] = []

    def write(self, *, refused: bool = False) -> bool:
        self._next += 1
        try:
            self.log.write(json.dumps({"id": f"r{self._next}", "filling": "x" * self._length}), refused=refused)
        except AuditUnavailable:
            return False
        self.accepted.append(f"r{self._next}")
        return True

    def write_some(self, count: int = 5) -> None:
        assert [self.write() for _ in range(count)] == [True] * count


def read(folder: Path) -> tuple[list[str], int]:
    """The ids of all records, and how many lines were none."""
    bad: Counter[Path] = Counter()
    found = [record["id"] for record in records(folder, on_bad=lambda file: bad.update([file]))]
    return found, bad.total()


@pytest.mark.parametrize("durability", ["every-decision", "batched"])
@pytest.mark.parametrize("length", [700, 970])
def test_a_full_disk_tears_no_line_and_heals(disk: Path, length: int, durability: Durability) -> None:
    """While it is full nothing is accepted, no files pile up, and all that was accepted is there afterwards.

    There is no room for a spool either, so every record is written at once.
    """
    ballast = disk / "ballast"
    ballast.write_bytes(b"x" * 32768)
    folder = disk / "audit"
    writer = Writer(AuditLog(folder, durability=durability), length)
    while writer.write():
        pass
    before = len(writer.accepted)
    assert 0 < before < 64
    assert [writer.write(refused=number % 2 == 0) for number in range(200)] == [False] * 200
    assert len(files(folder)) == 1
    ballast.unlink()
    writer.write_some()
    found, bad = read(folder)
    assert found == writer.accepted
    assert (len(found), bad) == (before + 5, 0)
    assert [path.read_bytes().endswith(b"\n") for path in files(folder)] == [True, True]


def test_without_inodes_there_is_no_new_file_and_it_heals(disk: Path) -> None:
    """A line that needs a file that cannot be made is not accepted; the files that are open go on."""
    folder = disk / "audit"
    writer = Writer(AuditLog(folder, durability="every-decision"), 10)
    writer.write_some()
    taken: list[Any] = []
    while True:
        try:
            (path := disk / f"{len(taken)}").touch()
        except OSError:
            break
        taken.append(path)
    assert writer.write(refused=True) is False
    writer.write_some()
    taken.pop().unlink()
    assert writer.write(refused=True) is True
    assert (sorted(read(folder)[0]), read(folder)[1]) == (sorted(writer.accepted), 0)


def test_a_read_only_disk_accepts_nothing_and_heals(disk: Path) -> None:
    """A file system that is remounted after an error of its disk, and mounted again by its owner."""
    folder = disk / "audit"
    log = AuditLog(folder)
    writer = Writer(log)
    writer.write_some()
    log.close()  # a file system with files open for writing is not remounted
    mount("-o", "remount,ro", str(disk))
    with pytest.raises(AuditUnavailable, match=r"takes no line: \[Errno 30\] Read-only file system"):
        log.write("{}")
    assert [writer.write(refused=number % 2 == 0) for number in range(10)] == [False] * 10
    mount("-o", "remount,rw", str(disk))
    writer.write_some()
    assert read(folder) == (writer.accepted, 0)


def test_a_folder_that_vanishes_is_made_again(tmp_path: Path) -> None:
    """Also when its parents went, and while something else is in its place nothing is accepted."""
    folder = tmp_path / "var" / "audit"
    writer = Writer(AuditLog(folder, durability="every-decision"))
    writer.write_some()
    shutil.rmtree(tmp_path / "var")
    (tmp_path / "var").write_text("in the way")
    assert [writer.write() for _ in range(3)] == [False] * 3
    (tmp_path / "var").unlink()
    lost = len(writer.accepted)
    writer.write_some()
    assert read(folder) == (writer.accepted[lost:], 0)


def test_a_folder_that_is_replaced_gets_the_next_line(tmp_path: Path) -> None:
    """Lines go to the folder of that name, not to the one that once had it."""
    folder = tmp_path / "audit"
    writer = Writer(AuditLog(folder, durability="every-decision"))
    writer.write_some(2)
    folder.rename(tmp_path / "away")
    folder.mkdir()
    writer.write_some(3)
    assert read(tmp_path / "away") == (["r1", "r2"], 0)
    assert read(folder) == (["r3", "r4", "r5"], 0)


@pytest.mark.parametrize("ending", [".1", "-20270115", "-20270115.2"])
def test_a_file_that_is_rotated_keeps_its_records_and_gets_no_more(tmp_path: Path, ending: str) -> None:
    """It may be compressed or moved at once; readers still find it under its new name."""
    writer = Writer(AuditLog(tmp_path, durability="every-decision"))
    writer.write_some(2)
    (file,) = files(tmp_path)
    rotated = file.rename(tmp_path / f"{file.name}{ending}")
    size = rotated.stat().st_size
    writer.write_some(3)
    assert rotated.stat().st_size == size
    assert read(tmp_path) == (writer.accepted, 0)
    assert len(files(tmp_path)) == 2


@pytest.mark.parametrize("move", [lambda file, away: file.rename(away), lambda file, away: file.unlink()])
def test_a_file_that_is_moved_away_or_removed_is_followed_by_a_new_one(tmp_path: Path, move: Any) -> None:
    """Nothing is written where nobody looks, with the file's name free or taken by another."""
    folder = tmp_path / "audit"
    writer = Writer(AuditLog(folder, durability="every-decision"))
    writer.write_some(2)
    (file,) = files(folder)
    move(file, tmp_path / "away")
    writer.write_some(2)
    (file,) = files(folder)
    move(file, tmp_path / "away")
    file.write_text('{"id": "another"}\n')
    writer.write_some(1)
    assert read(folder) == (["another", "r5"], 0)


def test_a_truncated_file_goes_on(tmp_path: Path) -> None:
    """Rotation by copying: the next line is at the beginning, without a hole before it."""
    writer = Writer(AuditLog(tmp_path, durability="every-decision"))
    writer.write_some(2)
    (file,) = files(tmp_path)
    os.truncate(file, 0)
    writer.write_some(1)
    assert read(tmp_path) == (["r3"], 0)


def test_a_signal_that_ends_a_write_tears_no_other_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a line is cut off again when a worker is stopped in the middle of it."""
    log = AuditLog(tmp_path, durability="every-decision")
    log.write('{"id": "a"}')
    real = os.write

    def interrupted(descriptor: int, data: bytes) -> int:
        real(descriptor, data[:4])
        raise SystemExit(1)

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", interrupted)
        with pytest.raises(SystemExit):
            log.write('{"id": "b"}')
    log.write('{"id": "c"}')
    assert read(tmp_path) == (["a", "c"], 0)


def test_a_clock_that_stands_still_gives_names_that_differ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two logs in one process, opened within a microsecond, and a name that never becomes free."""

    class Still:
        @staticmethod
        def now(zone: object) -> "Still":
            return Still()

        def strftime(self, form: str) -> str:
            return "20270115T080000.000000"

    monkeypatch.setattr("policy.audit.files.datetime", Still)
    for number in range(100):
        AuditLog(tmp_path).write(json.dumps({"id": f"{number}"}))
    with pytest.raises(AuditUnavailable, match="and 99 more names are taken"):
        AuditLog(tmp_path).write('{"id": "x"}')
    assert sorted(read(tmp_path)[0], key=int) == [str(number) for number in range(100)]


def test_a_full_disk_at_closing_is_told_and_heals(disk: Path) -> None:
    """What was counted is kept until it can be written."""
    clock = Clock()
    log = AuditLog(disk / "audit", refused_burst=1, monotonic=clock, clock=clock)
    writer = Writer(log, 10)
    assert [writer.write(refused=True) for _ in range(3)] == [True] * 3  # two of them only counted
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):  # noqa: PT012
        while True:
            file.write(b"x" * 4096)
    clock.now += 1
    (kept,) = files(disk / "audit")
    os.truncate(kept, 4096)  # its last page is full, so the next line needs another
    with pytest.raises(AuditUnavailable, match="No space left on device"):
        log.close()
    ballast.unlink()
    log.close()
    found = [record for record in records(disk / "audit") if record.get("kind") == "surplus"]
    assert [record["counts"] for record in found] == [{"other": 2}]
