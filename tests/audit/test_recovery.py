"""What a process that was killed leaves behind: found by the next writer, brought in once, its chain ended."""

import functools
import json
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from policy.audit import AuditLog, records
from policy.audit.recovery import Recovered, recover
from policy.audit.settings import Durability
from policy.audit.spool import Orphan, Spool, lines_of
from policy.audit.stream import Habits
from policy.audit.verifying import verify
from policy.audit.waiting import spools
from tests.audit.reading import files, kept

HABITS = Habits(durability="every-decision")


def write(log: AuditLog, *names: str) -> None:
    for name in names:
        log.write(json.dumps({"id": name, "kind": "check"}))


def name_of(number: int) -> str:
    return f"{number:032x}"


def killed(work: Callable[[], Any]) -> None:
    """Do it in a process of its own, which is killed as soon as it is done."""

    def child() -> None:
        work()
        os.kill(os.getpid(), signal.SIGKILL)

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL


def leave_names(folder: Path, names: list[str]) -> None:
    write(AuditLog(folder, batch_seconds=1000), *names)


def leave(folder: Path, count: int, **options: Any) -> None:
    """Records of a process that is killed before the disk has more than the first."""
    options = {"batch_seconds": 1000, **options}
    killed(lambda: write(AuditLog(folder, **options), *map(name_of, range(count))))


def test_the_next_writer_brings_in_what_a_killed_one_left(tmp_path: Path) -> None:
    """In the order in which it was accepted, into the chain of the one that was killed, which then ends."""
    leave(tmp_path, 20)
    assert len(spools(tmp_path)) == 1
    with AuditLog(tmp_path) as log:
        write(log, "next")
        assert log.health()["recovered"] == 19
    assert spools(tmp_path) == []
    left, written = files(tmp_path)
    assert [json.loads(line)["id"] for line in left.read_text().splitlines()[1:-1]] == [*map(name_of, range(20))]
    end = json.loads(left.read_text().splitlines()[-1])
    assert (end["kind"], end["recovered"]) == ("end", 19)
    assert "next" in written.read_text()
    assert verify(tmp_path).findings == ()


def test_readers_see_what_is_not_brought_in_yet(tmp_path: Path) -> None:
    """A log is read whole, also by those who may not write to it."""
    leave(tmp_path, 5)
    assert [record["id"] for record in records(tmp_path)] == [*map(name_of, range(5))]


def test_a_writer_that_lives_is_left_alone(tmp_path: Path) -> None:
    """Its records are its own to write."""
    with AuditLog(tmp_path, batch_seconds=1000) as log:
        write(log, "a", "b", "c")
        assert recover(tmp_path, HABITS) == []
        assert len(spools(tmp_path)) == 1
    assert [record["id"] for record in kept(tmp_path)] == ["a", "b", "c"]
    assert verify(tmp_path).findings == ()


def test_what_stands_in_the_log_already_is_not_written_again(tmp_path: Path) -> None:
    """The process was killed after the disk had it, and before the spool knew."""

    def work() -> None:
        log = AuditLog(tmp_path, batch_seconds=1000)
        write(log, *map(name_of, range(10)))
        Spool.release = lambda self, generation: None  # type: ignore[method-assign]
        log.flush()
        write(log, *map(name_of, range(10, 15)))

    killed(work)
    (found,) = recover(tmp_path, HABITS)
    assert (found.lines, found.torn) == (5, 0)
    assert [record["id"] for record in kept(tmp_path)] == [*map(name_of, range(15))]
    assert verify(tmp_path).findings == ()


@pytest.mark.parametrize("durability", ["every-decision", "batched", "best-effort"])
def test_a_torn_last_line_is_set_aside(tmp_path: Path, durability: Durability) -> None:
    """Not lost, and not in the way: it lies in a file beside."""

    def work() -> None:
        log = AuditLog(tmp_path, durability=durability)
        write(log, "a", "b")
        log.flush()

    killed(work)
    (file,) = files(tmp_path)
    whole = file.read_bytes()
    file.write_bytes(whole + b'{"seq":3,"prev":"')
    (found,) = recover(tmp_path, HABITS)
    assert found == Recovered(writer=found.writer, file=file.name, lines=0, torn=17)
    assert str(found) == (
        f"the writer {found.writer} had ended without closing `{file.name}`: 0 records recovered, "
        "and 17 bytes of a torn line were set aside"
    )
    assert file.with_name(f"{file.name}.torn").read_bytes() == b'{"seq":3,"prev":"'
    assert file.read_bytes().startswith(whole)
    assert verify(tmp_path).findings == ()


def test_a_file_that_was_rotated_away_is_found_by_its_first_line(tmp_path: Path) -> None:
    """Whatever it is called now."""
    leave(tmp_path, 5)
    (file,) = files(tmp_path)
    file.rename(tmp_path / f"{file.name}.1")
    (found,) = recover(tmp_path, HABITS)
    assert (found.lines, found.file) == (4, f"{file.name}.1")
    assert verify(tmp_path).findings == ()


def test_a_chain_whose_file_is_gone_begins_anew_and_that_is_a_finding(tmp_path: Path) -> None:
    """The records of the spool are kept; that others are missing cannot be hidden."""
    leave(tmp_path, 5)
    (file,) = files(tmp_path)
    file.unlink()
    (found,) = recover(tmp_path, HABITS)
    assert found.lines == 4
    assert [record["id"] for record in kept(tmp_path)] == [*map(name_of, range(1, 5))]


def test_several_processes_recover_each_spool_once(tmp_path: Path) -> None:
    """All of them start at the same moment, as workers do."""
    for number in range(5):
        names = [f"{number}{each:031x}" for each in range(9)]
        killed(functools.partial(leave_names, tmp_path, names))
    ready = multiprocessing.get_context("fork").Barrier(4)

    def start(name: str) -> None:
        ready.wait(30)
        with AuditLog(tmp_path) as log:
            write(log, name)

    processes = [multiprocessing.get_context("fork").Process(target=start, args=(f"{n}",)) for n in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    with AuditLog(tmp_path) as log:
        write(log, "last")
    found = [record["id"] for record in kept(tmp_path)]
    assert (len(found), len(set(found)), spools(tmp_path)) == (45 + 5, 50, [])
    assert verify(tmp_path).findings == ()


def test_a_spool_that_tells_nothing_is_left_where_it_is(tmp_path: Path) -> None:
    """Records nobody can place are not thrown away, and the log goes on."""
    leave(tmp_path, 5)
    (spool,) = spools(tmp_path)
    content = bytearray(spool.read_bytes())
    content[26:4096] = bytes(4070)
    spool.write_bytes(content)
    with pytest.raises(OSError, match="does not tell whose 4 lines it holds"):
        recover(tmp_path, HABITS)
    with AuditLog(tmp_path) as log:
        write(log, "next")
    assert spools(tmp_path) == [spool]


@pytest.mark.parametrize("content", [b"", b"x", b"claims-policy spool 1\n", bytes(10_000)])
def test_what_is_no_spool_is_none(tmp_path: Path, content: bytes) -> None:
    """An empty or a strange file holds no records."""
    (tmp_path / ".spool-x").write_bytes(content)
    assert lines_of(content) == ()
    assert recover(tmp_path, HABITS) == []


def test_a_spool_gives_what_was_put_and_not_released(tmp_path: Path) -> None:
    """Over many turns of its two halves, with old lines under new ones, and none but whole lines."""
    spool = Spool(tmp_path / ".spool-x", {"writer": "x"}, half=300)
    for turn in range(9):
        lines = [b"%d-%d-" % (turn, number) + b"x" * ((turn * 31 + number * 7) % 50) for number in range(9)]
        taken = [line for line in lines if spool.put(line)]
        assert lines_of(spool.path.read_bytes()) == tuple(taken)
        generation = spool.turn()
        more = [b"more"] if spool.put(b"more") else []
        assert lines_of(spool.path.read_bytes()) == (*taken, *more)
        spool.release(generation)
        assert lines_of(spool.path.read_bytes()) == tuple(more)
        spool.release(spool.turn())
        assert lines_of(spool.path.read_bytes()) == ()
    assert Orphan.take(spool.path) is None
    spool.close(remove=False)
    orphan = Orphan.take(tmp_path / ".spool-x")
    assert orphan is not None
    assert (orphan.about, orphan.lines) == ({"writer": "x"}, ())
    orphan.close(remove=True)
    assert list(tmp_path.iterdir()) == []


def test_a_log_that_is_closed_while_threads_write_loses_nothing(tmp_path: Path) -> None:
    """A line that comes after the end of a chain begins another one."""
    log = AuditLog(tmp_path, batch_seconds=1000)
    stop = threading.Event()
    written: list[str] = []

    def work(name: int) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            write(log, f"{name}-{number}")
            written.append(f"{name}-{number}")

    threads = [threading.Thread(target=work, args=(name,)) for name in range(3)]
    for thread in threads:
        thread.start()
    for count in range(20):
        while len(written) < count * 30:
            pass
        log.close()
    stop.set()
    for thread in threads:
        thread.join()
    log.close()
    assert sorted(record["id"] for record in kept(tmp_path)) == sorted(written)
    assert verify(tmp_path).findings == ()
