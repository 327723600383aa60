"""When a decision is recorded: what a power cut, a killed process and a failing disk cost under each name."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from policy.audit import AuditLog, StdoutSink
from policy.audit.settings import Durability
from policy.audit.verifying import verify
from policy.errors import AuditUnavailable, PolicyError
from tests.audit.clocks import Clock
from tests.audit.reading import files, kept

EVERY: tuple[Durability, ...] = ("every-decision", "batched", "best-effort")


class Disk:
    """What would be left after a power cut: the content of files as it was when they were flushed last."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._content: dict[int, bytes] = {}
        self.flushes = 0
        self.is_broken = False
        real = os.fdatasync

        def flush(descriptor: int) -> None:
            if self.is_broken:
                raise OSError(5, "Input/output error")
            real(descriptor)
            self.flushes += 1
            found = os.fstat(descriptor)
            self._content[found.st_ino] = os.pread(descriptor, found.st_size, 0)

        monkeypatch.setattr(os, "fdatasync", flush)
        monkeypatch.setattr(os, "fsync", flush_too(flush))

    def ids(self) -> set[str]:
        """The records that are on the disk."""
        lines = [line for content in self._content.values() for line in content.splitlines()]
        return {json.loads(line)["id"] for line in lines}


def flush_too(flush: Callable[[int], None]) -> Callable[[int], None]:
    """`fsync` of a folder keeps no content."""

    def fsync(descriptor: int) -> None:
        if not os.path.isdir(f"/proc/self/fd/{descriptor}"):  # noqa: PTH112
            flush(descriptor)

    return fsync


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


def write(log: AuditLog, *names: str) -> None:
    for name in names:
        log.write(json.dumps({"id": name, "kind": "check"}))


def test_an_answer_waits_for_the_disk_at_every_decision(tmp_path: Path, disk: Disk) -> None:
    """A power cut costs nothing that was answered."""
    log = AuditLog(tmp_path, durability="every-decision")
    for number in range(20):
        write(log, f"{number}")
        assert {f"{each}" for each in range(number + 1)} <= disk.ids()


def test_a_power_cut_costs_no_more_than_the_bounds(tmp_path: Path, disk: Disk) -> None:
    """Neither more records than `batch_records`, nor any that is older than `batch_seconds`."""
    clock = Clock(0)
    log = AuditLog(tmp_path, batch_seconds=5, batch_records=50, monotonic=clock)
    accepted: dict[str, float] = {}
    for number in range(500):
        clock.now = number / 8
        write(log, f"{number}")
        accepted[f"{number}"] = clock.now
        lost = accepted.keys() - disk.ids()
        assert len(lost) <= 50
        assert all(accepted[name] > clock.now - 5 for name in lost)
    assert disk.flushes < 60
    log.flush()
    assert accepted.keys() <= disk.ids()


def test_batched_records_are_there_for_readers_at_once(tmp_path: Path) -> None:
    """Before the disk has them, and without anybody flushing."""
    log = AuditLog(tmp_path, batch_seconds=1000)
    write(log, "a", "b", "c")
    assert log.health()["pending"] == 2
    assert [record["id"] for record in kept(tmp_path)] == ["a", "b", "c"]
    assert len(files(tmp_path)[0].read_text().splitlines()) == 2


@pytest.mark.parametrize("durability", ["every-decision", "batched"])
def test_after_a_failed_flush_nothing_is_accepted_until_it_heals(
    tmp_path: Path, disk: Disk, durability: Durability
) -> None:
    """What was accepted before is not lost: it goes to the disk as soon as that takes it."""
    log = AuditLog(tmp_path, durability=durability, batch_seconds=1000, batch_records=10)
    write(log, "a", "b", "c")
    disk.is_broken = True
    with pytest.raises(AuditUnavailable, match="Input/output error"):
        write(log, *(f"before-{number}" for number in range(20)))
    for number in range(5):
        with pytest.raises(AuditUnavailable, match="Input/output error"):
            write(log, f"refused-{number}")
    assert (log.health()["standing"], log.health()["failures"]) == ("failing", 6)
    disk.is_broken = False
    write(log, "d")
    assert log.health()["standing"] == "good"
    log.close()
    found = [record["id"] for record in kept(tmp_path)]
    before = [name for name in found if name.startswith("before")]
    assert found == ["a", "b", "c", *before, "d"]
    assert len(before) == (0 if durability == "every-decision" else 8)
    assert verify(tmp_path).findings == ()


def test_a_flush_that_failed_refuses_the_next_decision_though_there_is_room(tmp_path: Path, disk: Disk) -> None:
    """Nothing more is taken on credit from a disk that does not pay."""
    log = AuditLog(tmp_path, batch_seconds=1000, batch_records=1000)
    write(log, "a", "b", "c")
    disk.is_broken = True
    with pytest.raises(AuditUnavailable, match="Input/output error"):
        log.flush()
    for name in ("d", "e"):
        with pytest.raises(AuditUnavailable, match="Input/output error"):
            write(log, name)
    assert log.health()["pending"] == 2
    disk.is_broken = False
    write(log, "f")
    log.close()
    assert [record["id"] for record in kept(tmp_path)] == ["a", "b", "c", "f"]


def test_best_effort_never_holds_up_and_counts_what_it_loses(tmp_path: Path) -> None:
    """The log itself says how many are missing, as soon as it takes lines again."""
    folder = tmp_path / "audit"
    folder.write_text("in the way")
    clock = Clock()
    log = AuditLog(folder, durability="best-effort", clock=clock)
    write(log, "a", "b")
    log.flush()
    assert log.health() == {
        "durability": "best-effort", "standing": "failing", "pending": 0, "failures": 1, "diverted": 0,
        "unrecorded": 2, "unsealed": 0, "unanchored": 0, "recovered": 0,
    }  # fmt: skip
    folder.unlink()
    write(log, "c")
    log.close()
    found = [{name: record.get(name) for name in ("id", "kind", "since", "count")} for record in kept(folder)]
    by_kind = {str(record["kind"]): record for record in found}
    assert by_kind == {
        "check": {"id": "c", "kind": "check", "since": None, "count": None},
        "lost": {**by_kind["lost"], "since": "2027-01-15T08:00:00.000000Z", "count": 2},
    }


def test_best_effort_takes_no_more_than_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk is too slow, the newest are lost and counted."""
    may_go_on = threading.Event()
    real = os.write

    def slowly(descriptor: int, data: bytes) -> int:
        may_go_on.wait(30)
        return real(descriptor, data)

    monkeypatch.setattr(os, "write", slowly)
    log = AuditLog(tmp_path, durability="best-effort", batch_records=10)
    write(log, *(f"{number}" for number in range(100)))
    lost = log.health()["unrecorded"]
    may_go_on.set()
    log.close()
    assert 80 <= lost <= 90
    assert len([record for record in kept(tmp_path) if record["kind"] == "check"]) == 100 - lost


def test_the_last_lines_are_sealed_in_time_though_no_more_come(tmp_path: Path) -> None:
    """The thread that flushes sees to it."""
    clock = Clock()
    log = AuditLog(tmp_path, seal=b"k" * 32, clock=clock, batch_seconds=0.02)
    write(log, "a", "b", "c")
    clock.now += 61
    while log._decisions._ledger.stream.awaits_seal:  # type: ignore[attr-defined]
        pass
    log.flush()
    kinds = [json.loads(line)["kind"] for line in files(tmp_path)[0].read_text().splitlines()]
    assert kinds == ["begin", "check", "checkpoint", "check", "check", "checkpoint"]


@pytest.mark.parametrize("durability", EVERY)
def test_many_threads_make_one_whole_chain(tmp_path: Path, durability: Durability) -> None:
    """Every line once, in a chain without a gap, over many files."""
    log = AuditLog(tmp_path, durability=durability, rotate_bytes=20_000, batch_records=100)

    def work(name: int) -> None:
        for number in range(100):
            write(log, f"{name}-{number}")

    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    told = [record["id"] for record in kept(tmp_path) if record["kind"] == "check"]
    lost = log.health()["unrecorded"]
    if durability != "best-effort":
        assert sorted(told) == sorted(f"{name}-{number}" for name in range(8) for number in range(100))
        assert len(files(tmp_path)) > 1
    assert len(set(told)) == len(told) == 800 - lost
    assert verify(tmp_path).findings == ()


def test_threads_that_wait_share_a_flush(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight threads at a slow disk need far fewer flushes than records."""
    real, all_wait = os.fdatasync, threading.Barrier(2)
    flushes = 0

    def slowly(descriptor: int) -> None:
        nonlocal flushes
        flushes += 1
        if flushes == 2:
            all_wait.wait(30)
        real(descriptor)

    log = AuditLog(tmp_path, durability="every-decision")
    write(log, "first")
    monkeypatch.setattr(os, "fdatasync", slowly)
    flushes = 1
    threads = [threading.Thread(target=write, args=(log, f"{number}")) for number in range(8)]
    threads[0].start()
    while flushes < 2:  # the first one is at the disk
        pass
    for thread in threads[1:]:
        thread.start()
    while log.health()["pending"] < 7:
        pass
    all_wait.wait(30)
    for thread in threads:
        thread.join()
    assert flushes == 3
    assert len(kept(tmp_path)) == 9


def test_going_on_without_a_record_is_chosen_by_name(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is loud, counted, and told in the log itself once it can be."""
    folder = tmp_path / "audit"
    folder.write_text("in the way")
    log = AuditLog(folder, durability="every-decision", if_unavailable="go-on")
    write(log, "a", "b")
    assert log.health()["unrecorded"] == 2
    assert [record.getMessage() for record in caplog.records] == [
        f"the audit folder `{folder}` takes no line: [Errno 17] File exists: '{folder}'"
    ] * 2
    folder.unlink()
    write(log, "c")
    log.close()
    assert [(record["kind"], record.get("count")) for record in kept(folder)] == [("check", None), ("lost", 2)]


def test_another_sink_takes_what_the_folder_does_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The record is the same; it only lies elsewhere."""
    folder = tmp_path / "audit"
    folder.write_text("in the way")
    log = AuditLog(folder, if_unavailable=StdoutSink())
    write(log, "a")
    assert capsys.readouterr().out == '{"id": "a", "kind": "check"}\n'
    assert (log.health()["diverted"], log.health()["unrecorded"]) == (1, 0)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"durability": "sometimes"},
         "`sometimes` is no durability of an audit log; say one of `every-decision`, `batched`, `best-effort`"),
        ({"batch_second": 1}, "an audit log has no option `batch_second`; did you mean `batch_seconds`?"),
        ({"batch_seconds": 0}, "`batch_seconds` of an audit log must be above 0, not 0"),
        ({"keep_days": -1}, "`keep_days` of an audit log must be above 0, not -1"),
        ({"if_unavailable": "ignore"},
         '`if_unavailable` is "refuse", "go-on" or a sink such as StdoutSink(), not "ignore"'),
        ({"if_unavailable": 3}, '`if_unavailable` is "refuse", "go-on" or a sink such as StdoutSink()'),
        ({"fields": {"colour": "mask"}},
         "no field `colour` of a record can be treated; these can: `subject.id`, `subject.client`, `token`, "
         "`request_id`, `trace_id`, `detail`"),
        ({"fields": {"subject.id": "hide"}},
         "`subject.id` cannot be treated by `hide`; say mask, hash, drop or erasable"),
        ({"fields": {"subject.id": "hash"}},
         "a field is to be hashed, and there is no key; give `fields_key`, such as {'env': 'NAME'}"),
        ({"anchor": 3},
         'an anchor is a path to append to, or a command as its words, such as `["logger", "-t", "audit"]`'),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_told_at_once(tmp_path: Path, option: dict[str, Any], message: str) -> None:
    """Before anything is written."""
    with pytest.raises(PolicyError) as caught:
        AuditLog(tmp_path, **option)
    assert str(caught.value) == message
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(autouse=True)
def _closed_again(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Threads that flush would go on after a test with what it patched."""
    made: list[AuditLog] = []
    real = AuditLog.__init__

    def init(self: AuditLog, *args: Any, **options: Any) -> None:
        real(self, *args, **options)
        made.append(self)

    monkeypatch.setattr(AuditLog, "__init__", init)
    yield
    monkeypatch.undo()
    for log in made:
        log._end()
