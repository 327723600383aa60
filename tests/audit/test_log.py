"""The folder of decisions: what it accepts is there, and what it cannot accept is an error that heals."""

import json
import multiprocessing
import os
import shutil
import threading
from pathlib import Path

import pytest

from policy.audit import AuditLog, records
from policy.errors import AuditUnavailable
from tests.audit.reading import files, kept, of


def write_some(folder: Path, name: str, count: int) -> None:
    log = AuditLog(folder)
    for number in range(count):
        log.write(json.dumps({"id": f"{name}-{number}"}))


def test_nothing_is_opened_before_the_first_line(tmp_path: Path) -> None:
    """An authorizer that decides nothing leaves nothing behind."""
    AuditLog(tmp_path / "audit")
    assert not (tmp_path / "audit").exists()


def test_each_process_writes_a_file_of_its_own(tmp_path: Path) -> None:
    """Also those forked from one that has written already."""
    log = AuditLog(tmp_path)
    log.write('{"id": "parent"}')
    child = multiprocessing.get_context("fork").Process(target=log.write, args=('{"id": "child"}',))
    child.start()
    child.join()
    log.write('{"id": "parent again"}')
    log.flush()
    assert {path.name.rpartition("-")[2]: of(path) for path in files(tmp_path)} == {
        f"{os.getpid()}.jsonl": [{"id": "parent"}, {"id": "parent again"}],
        f"{child.pid}.jsonl": [{"id": "child"}],
    }


def test_threads_share_one_file_without_mixing_lines(tmp_path: Path) -> None:
    """Every line of every thread is there, whole."""
    log = AuditLog(tmp_path)

    def work(name: int) -> None:
        for number in range(200):
            log.write(json.dumps({"id": f"{name}-{number}", "filling": "x" * 500}))

    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {record["id"] for record in records(tmp_path)} == {
        f"{name}-{number}" for name in range(8) for number in range(200)
    }
    assert len(files(tmp_path)) == 1


def test_a_removed_folder_is_made_again(tmp_path: Path) -> None:
    """Lines do not go to a file that nobody can see any more."""
    log = AuditLog(tmp_path / "audit", durability="every-decision")
    log.write('{"id": "lost with its folder"}')
    shutil.rmtree(tmp_path / "audit")
    log.write('{"id": "kept"}')
    assert kept(tmp_path / "audit") == [{"id": "kept"}]


def test_a_folder_that_takes_nothing_is_an_error_that_heals(tmp_path: Path) -> None:
    """As soon as it can be written, lines are accepted again, without a restart."""
    (tmp_path / "audit").write_text("in the way")
    log = AuditLog(tmp_path / "audit")
    for _ in range(2):
        with pytest.raises(AuditUnavailable) as caught:
            log.write('{"id": "a"}')
        assert str(caught.value) == (
            f"the audit folder `{tmp_path / 'audit'}` takes no line: [Errno 17] File exists: '{tmp_path / 'audit'}'"
        )
    (tmp_path / "audit").unlink()
    log.write('{"id": "b"}')
    assert kept(tmp_path / "audit") == [{"id": "b"}]


def test_a_line_that_is_only_partly_taken_is_not_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was taken of it is cut off again, and the next one begins a new file."""
    log = AuditLog(tmp_path, durability="every-decision")
    log.write('{"id": "a"}')
    real = os.write
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda descriptor, data: real(descriptor, data[: len(data) // 2]))
        with pytest.raises(AuditUnavailable, match="only 46 of 93 bytes were taken"):
            log.write('{"id":"b"}')
    log.write('{"id": "c"}')
    assert [of(path) for path in files(tmp_path)] == [[{"id": "a"}], [{"id": "c"}]]


def test_a_full_disk_is_an_error_that_heals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's own words are in the message."""
    log = AuditLog(tmp_path)

    def full(descriptor: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(AuditUnavailable, match="No space left on device"):
            log.write('{"id": "a"}')
    log.write('{"id": "b"}')
    assert [record["id"] for record in records(tmp_path)] == ["b"]


def test_the_log_is_not_for_everybody(tmp_path: Path) -> None:
    """It says who did what."""
    AuditLog(tmp_path).write("{}")
    assert [path.stat().st_mode & 0o007 for path in tmp_path.iterdir()] == [0, 0]
