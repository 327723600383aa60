"""Whatever stops the writer in the middle: no answer without its record, no record twice, and the chain stays whole."""

import gzip
import json
import os
import shutil
import signal
import threading
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from policy import Guard, Policy, TokenRefused, TokenVerifier
from policy.audit import AuditLog, erasable, records
from policy.audit.erasable import Values, revealed
from policy.audit.recovery import recover
from policy.audit.seals import HmacSeal, checker, sealer
from policy.audit.settings import Durability
from policy.audit.stream import Habits
from policy.audit.verifying import verify
from policy.audit.waiting import spools
from policy.errors import AuditUnavailable
from policy.record import About
from tests.audit.clocks import Clock
from tests.audit.reading import files, kept
from tests.audit.test_recovery import killed, leave, name_of, write
from tests.issuing import write_policy

KEY, OTHER = b"k" * 32, b"o" * 32


class Boom(Exception):
    """Raised by a signal's handler."""


@pytest.mark.parametrize("durability", ["every-decision", "batched"])
def test_a_signal_that_raises_at_any_moment_loses_and_doubles_nothing(tmp_path: Path, durability: Durability) -> None:
    """A handler may raise wherever Python makes a call: in the middle of a line, of a flush, of a new file."""

    def handler(number: int, frame: FrameType | None) -> None:
        raise Boom

    before = signal.signal(signal.SIGALRM, handler)
    answered, raised = [], 0
    log = AuditLog(tmp_path, durability=durability, batch_records=5, rotate_bytes=3000, seal=KEY)
    try:
        for number in range(1500):
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.00002 + number % 97 * 0.000005)
                write(log, name_of(number))
                answered.append(name_of(number))
                signal.setitimer(signal.ITIMER_REAL, 0)
            except Boom:
                raised += 1
            except AuditUnavailable:
                raised += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    log.close()
    found = Counter(record["id"] for record in kept(tmp_path))
    assert raised > 50
    assert [name for name in answered if name not in found] == []
    assert [name for name, count in found.items() if count > 1] == []
    assert verify(tmp_path, checker=checker([KEY])).findings == ()


def test_who_waits_for_another_that_is_stopped_is_not_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that wrote for both ended before anything was written."""
    log = AuditLog(tmp_path, durability="every-decision")
    write(log, "first")
    at_work, go_on = threading.Event(), threading.Event()
    real = os.write

    def stopped(descriptor: int, data: bytes) -> int:
        if b'"leader"' not in data:
            return real(descriptor, data)
        at_work.set()
        go_on.wait(30)
        raise SystemExit

    monkeypatch.setattr(os, "write", stopped)
    came: dict[str, BaseException | None] = {}

    def work(name: str) -> None:
        try:
            write(log, name)
            came[name] = None
        except BaseException as error:
            came[name] = error

    threads = [threading.Thread(target=work, args=(name,)) for name in ("leader", "follower")]
    threads[0].start()
    at_work.wait(30)
    threads[1].start()
    go_on.set()
    for thread in threads:
        thread.join()
    assert isinstance(came["leader"], SystemExit)
    assert {record["id"] for record in kept(tmp_path)} == {"first"} | {
        name for name, error in came.items() if not error
    }


@pytest.mark.parametrize("durability", ["every-decision", "batched", "best-effort"])
def test_a_checkpoint_that_fails_undoes_no_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, durability: Durability
) -> None:
    """It is loud, and tried again with the next line."""
    log = AuditLog(tmp_path, durability=durability, seal=KEY)
    with monkeypatch.context() as patched:
        patched.setattr(HmacSeal, "mac", lambda self, data: 1 / 0)
        for number in range(5):
            write(log, name_of(number))
            log.flush()
        assert log.health()["unsealed"] >= 1
    assert f"the log in `{tmp_path}` is not sealed: division by zero" in caplog.text
    log.close()
    assert [record["id"] for record in kept(tmp_path)] == [*map(name_of, range(5))]
    assert verify(tmp_path, checker=checker([KEY])).findings == ()


@pytest.mark.parametrize("durability", ["every-decision", "batched", "best-effort"])
def test_without_any_thread_records_are_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, durability: Durability
) -> None:
    """Where the system gives no more threads, each record is written by whoever has it."""

    def none(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", none)
        log = AuditLog(tmp_path, durability=durability, anchor=tmp_path / "heads", compress=True)
        write(log, "a", "b", "c")
        assert log.health()["pending"] == 0
        assert log.health()["unanchored"] == 1
    log.close()
    assert [record["id"] for record in kept(tmp_path)] == ["a", "b", "c"]


def test_a_file_that_was_compressed_meanwhile_is_followed_by_another_part(tmp_path: Path) -> None:
    """The chain goes on where the compressed file ends."""
    leave(tmp_path, 5)
    (file,) = files(tmp_path)
    with gzip.open(f"{file}.gz", "wb") as packed:
        packed.write(file.read_bytes())
    file.unlink()
    (found,) = recover(tmp_path, Habits(durability="batched"))
    assert found.lines == 4
    assert sorted(record["id"] for record in kept(tmp_path)) == [*map(name_of, range(5))]
    assert verify(tmp_path).findings == ()


def test_one_that_cannot_be_recovered_holds_up_no_other(tmp_path: Path) -> None:
    """What is wrong with it is told all the same."""
    folder = tmp_path / "all"
    folder.mkdir()
    for number in range(3):
        leave(tmp_path / f"{number}", 2)
        for path in (tmp_path / f"{number}").iterdir():
            path.rename(folder / path.name)
    broken = files(folder)[1]
    broken.write_bytes(broken.read_bytes() + b"no line of a chain\n")
    with pytest.raises(OSError, match=f"the last line of `{broken}` is none of a chain"):
        recover(folder, Habits(durability="batched"))
    assert len(spools(folder)) == 1
    found = [record["id"] for path in files(folder) for record in records(path) if path != broken]
    assert found == [name_of(0), name_of(1)] * 2


@pytest.mark.parametrize("own", [None, OTHER])
def test_a_chain_that_is_sealed_with_another_key_is_not_ended(tmp_path: Path, own: bytes | None) -> None:
    """Its records are brought in; an end without its key would look like a forgery."""
    leave(tmp_path, 3, seal=KEY)
    (found,) = recover(tmp_path, Habits(durability="batched", sealer=sealer(own) if own else None))
    assert str(found) == (
        f"the writer {found.writer} had ended without closing `{found.file}`: 2 records recovered; "
        f"the chain stays open, for it is sealed with the key {sealer(KEY).key}"
    )
    assert [record["id"] for record in kept(tmp_path)] == [*map(name_of, range(3))]
    assert verify(tmp_path, checker=checker([KEY])).findings == ()
    assert len(spools(tmp_path)) == 1
    (again,) = recover(tmp_path, Habits(durability="batched", sealer=sealer(KEY)))
    assert (again.lines, again.key, spools(tmp_path)) == (0, "", [])
    assert [record["id"] for record in kept(tmp_path)] == [*map(name_of, range(3))]
    assert [chain.ended for chain in verify(tmp_path, checker=checker([KEY])).chains] == [True]


def test_the_chain_of_refused_tokens_gets_its_end_too(tmp_path: Path) -> None:
    """Nothing of it is on its way anywhere, and nobody will ever add to it."""

    def work() -> None:
        log = AuditLog(tmp_path, seal=KEY)
        write(log, "a")
        log.write('{"kind":"refused","id":"b","reason":"token-absent"}', refused=True)

    killed(work)
    recover(tmp_path, Habits(durability="batched", sealer=sealer(KEY)))
    report = verify(tmp_path, checker=checker([KEY]))
    assert (report.findings, [chain.ended for chain in report.chains]) == ((), [True, True])


def test_what_anybody_sends_is_never_kept_beside_the_log(tmp_path: Path) -> None:
    """Erasable fields of refused tokens are masked: otherwise anybody could fill the disk."""
    rules = Policy.load(write_policy(tmp_path / "policies"))
    log = AuditLog(tmp_path / "audit", fields={"request_id": "erasable", "detail": "erasable"})
    guard = Guard(rules, TokenVerifier(rules), log)
    for number in range(20):
        with pytest.raises(TokenRefused):
            guard.identify("a.b", about=About(request_id=f"r-{number}"))
    found = [record for record in kept(tmp_path / "audit") if record["kind"] == "refused"]
    assert {(record["request_id"], record["detail"]) for record in found} == {("masked", "masked")}
    assert found[0]["treated"] == {"detail": "masked", "request_id": "masked"}
    assert not (tmp_path / "audit" / erasable.FILE).exists()


def test_values_are_kept_again_where_their_file_was_removed(tmp_path: Path) -> None:
    """Without a restart, and with what is written from now on standing for something."""
    clock = Clock(0)
    values = Values(tmp_path / "audit", monotonic=clock)
    before = values.keep("subject.id", "alice")
    shutil.rmtree(tmp_path / "audit")
    clock.now += 2
    after = values.keep("subject.id", "alice")
    assert before != after
    assert revealed(tmp_path / "audit", after) == "alice"


def test_refused_tokens_come_to_no_chain_that_has_ended(tmp_path: Path) -> None:
    """Threads that refuse while the log is closed, again and again."""
    log = AuditLog(tmp_path, refused_rate=1e9, refused_burst=10**6)
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            log.write('{"kind":"refused","id":"x","reason":"token-absent"}', refused=True)

    threads: list[Any] = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(50):
        log.close()
    stop.set()
    for thread in threads:
        thread.join()
    log.close()
    assert verify(tmp_path).findings == ()
    assert {json.loads(path.read_text().splitlines()[-1])["kind"] for path in files(tmp_path)} == {"end"}
