"""The memory of proofs that were used: of a process, of a machine, and what happens when it fails."""

import multiprocessing
import os
import sqlite3
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from policy.errors import ProofsUnavailable
from policy.tokens import SeenInFile, SeenInMemory, SeenProofs
from policy.tokens.seen import TIDY_EVERY
from tests.proofs import presented, proof, thumbprint
from tests.tokens.makers import NOW, claims, issuer, signed, verifier

KEY = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"

forking = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


@pytest.fixture(params=["memory", "file"])
def seen(request: pytest.FixtureRequest, tmp_path: Path) -> SeenProofs:
    return SeenInMemory() if request.param == "memory" else SeenInFile(tmp_path / "state" / "proofs.sqlite")


def test_a_proof_is_new_once_until_it_expires(seen: SeenProofs) -> None:
    """The last moment included; afterwards its time alone refuses it."""
    assert seen.is_first(KEY, "a", now=100.0, until=160.0)
    for now in (100.0, 99.0, 160.0):
        assert not seen.is_first(KEY, "a", now=now, until=160.0)
    assert seen.is_first(KEY, "a", now=160.5, until=220.0)
    assert not seen.is_first(KEY, "a", now=160.5, until=220.0)


def test_keys_and_ids_are_told_apart(seen: SeenProofs) -> None:
    """Also ids of any letters."""
    for key, jti in ((KEY, "a"), (thumbprint(which=1), "a"), (KEY, "b"), (KEY, "A"), (KEY, "\ud800"), (KEY, "a\0")):
        assert seen.is_first(key, jti, now=100.0, until=160.0)
    assert not seen.is_first(KEY, "\ud800", now=100.0, until=160.0)


def test_thousands_of_proofs_leave_no_more_behind_than_are_alive() -> None:
    """Five thousand at a hundred a second: of sixty seconds, six thousand could ever be alive; of ten, a thousand."""
    seen = SeenInMemory()
    for number in range(5000):
        assert seen.is_first(KEY, str(number), now=number / 100, until=number / 100 + 10)
    assert len(seen) == 1001


def test_a_file_is_tidied_too(tmp_path: Path) -> None:
    """Now and then; what is alive stays."""
    path = tmp_path / "proofs.sqlite"
    seen = SeenInFile(path)
    for number in range(3000):
        assert seen.is_first(KEY, str(number), now=number / 50, until=number / 50 + 10)
    kept = sqlite3.connect(path)
    try:
        ((rows, oldest),) = kept.execute("SELECT count(*), min(until) FROM seen").fetchall()
    finally:
        kept.close()
    assert rows <= 50 * (10 + TIDY_EVERY) + 1
    assert oldest >= 60 - 10 - TIDY_EVERY + 10 - 1
    assert not seen.is_first(KEY, "2999", now=60.0, until=70.0)


def test_a_full_memory_accepts_nothing_more_until_there_is_room() -> None:
    """Forgetting one that is alive would let it be used again."""
    seen = SeenInMemory(at_most=3)
    for jti in "abc":
        assert seen.is_first(KEY, jti, now=100.0, until=160.0)
    assert not seen.is_first(KEY, "a", now=100.0, until=160.0)
    with pytest.raises(ProofsUnavailable, match="3 proofs are remembered, and more have no room"):
        seen.is_first(KEY, "d", now=160.0, until=220.0)
    assert seen.is_first(KEY, "d", now=161.0, until=221.0)
    assert len(seen) == 1


def test_a_verifier_with_a_full_memory_refuses_to_answer() -> None:
    """The proof is sound, and yet nobody can say that it is new."""
    by = verifier(issuer(proof=("dpop",)), seen=SeenInMemory(at_most=1))
    token = signed(payload=claims(cnf={"jkt": thumbprint()}))
    by.verify(token, now=NOW, presented=presented(proof(token)))
    with pytest.raises(ProofsUnavailable) as caught:
        by.verify(token, now=NOW, presented=presented(proof(token, jti="two")))
    assert caught.value.reason == "proofs-unavailable"


def _ask(path: Path, ready: "multiprocessing.synchronize.Barrier", found: "multiprocessing.Queue[list[bool]]") -> None:
    seen, answers = SeenInFile(path), []
    ready.wait(60)
    try:
        answers += [seen.is_first(KEY, str(number), now=100.0, until=160.0) for number in range(50)]
    finally:
        found.put(answers)


def test_of_several_processes_one_is_the_first(tmp_path: Path) -> None:
    """They open the file and ask for the same fifty proofs at the same moment; each proof is new to one of them."""
    context = multiprocessing.get_context("spawn")
    ready, found = context.Barrier(4), context.Queue()
    processes = [context.Process(target=_ask, args=(tmp_path / "proofs.sqlite", ready, found)) for _ in range(4)]
    for process in processes:
        process.start()
    answers = [found.get(timeout=120) for _ in processes]
    for process in processes:
        process.join(60)
    assert [sum(each) for each in zip(*answers, strict=True)] == [1] * 50


def test_of_many_threads_one_is_the_first(seen: SeenProofs) -> None:
    """In one process the same holds."""
    answers: list[bool] = []
    ready = threading.Barrier(8)

    def ask() -> None:
        ready.wait(60)
        answers.extend(seen.is_first(KEY, str(number), now=100.0, until=160.0) for number in range(50))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (sum(answers), len(answers)) == (50, 400)


@forking
def test_a_child_after_a_fork_goes_on_with_the_same_file(tmp_path: Path) -> None:
    """Over a connection of its own, even where another thread held the lock; and so does its parent."""
    seen = SeenInFile(tmp_path / "proofs.sqlite")
    assert seen.is_first(KEY, "parent", now=100.0, until=160.0)
    with seen._lock:
        child = os.fork()
    if child == 0:
        new, old = (seen.is_first(KEY, jti, now=100.0, until=160.0) for jti in ("child", "parent"))
        os._exit(0 if new and not old else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert not seen.is_first(KEY, "child", now=100.0, until=160.0)


@forking
def test_a_child_keeps_what_its_parent_remembered() -> None:
    """In memory too, and without the lock that another thread held."""
    seen = SeenInMemory()
    assert seen.is_first(KEY, "parent", now=100.0, until=160.0)
    with seen._lock:
        child = os.fork()
    if child == 0:
        os._exit(1 if seen.is_first(KEY, "parent", now=100.0, until=160.0) else 0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_file_that_was_taken_away_is_made_again(tmp_path: Path) -> None:
    """All processes meet in the new one, not each in what is left of the old one."""
    path = tmp_path / "proofs.sqlite"
    seen, other = SeenInFile(path), SeenInFile(path)
    assert seen.is_first(KEY, "a", now=100.0, until=160.0)
    for name in (path, *tmp_path.glob("proofs.sqlite-*")):
        name.unlink()
    assert seen.is_first(KEY, "b", now=100.0, until=160.0)
    assert not other.is_first(KEY, "b", now=100.0, until=160.0)


def test_what_is_closed_is_opened_again(tmp_path: Path) -> None:
    """Nothing is forgotten."""
    seen = SeenInFile(tmp_path / "proofs.sqlite")
    assert seen.is_first(KEY, "a", now=100.0, until=160.0)
    seen.close()
    seen.close()
    assert not seen.is_first(KEY, "a", now=100.0, until=160.0)


def test_nothing_is_opened_before_the_first_use(tmp_path: Path) -> None:
    """So it can be made before a fork."""
    SeenInFile(tmp_path / "state" / "proofs.sqlite")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_says_so_and_heals(tmp_path: Path) -> None:
    """It is never an answer, and it is asked again the next time."""
    path = tmp_path / "proofs.sqlite"
    path.write_text("something else, which is longer than the header that every database of this kind begins with" * 9)
    seen = SeenInFile(path)
    for _ in range(2):
        with pytest.raises(ProofsUnavailable) as caught:
            seen.is_first(KEY, "a", now=100.0, until=160.0)
        assert str(caught.value) == f"`{path}` does not take proofs: file is not a database"
    path.unlink()
    assert seen.is_first(KEY, "a", now=100.0, until=160.0)


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    """A file stands in its place."""
    (tmp_path / "state").write_text("")
    with pytest.raises(ProofsUnavailable, match="does not take proofs: "):
        SeenInFile(tmp_path / "state" / "proofs.sqlite").is_first(KEY, "a", now=100.0, until=160.0)


def test_a_database_that_goes_bad_while_it_is_open_is_no_allow(tmp_path: Path) -> None:
    """The table is gone: an error, and the next use makes another."""
    path = tmp_path / "proofs.sqlite"
    seen = SeenInFile(path)
    assert seen.is_first(KEY, "a", now=100.0, until=160.0)
    other = sqlite3.connect(path)
    other.execute("DROP TABLE seen")
    other.close()
    with pytest.raises(ProofsUnavailable, match="no such table: seen"):
        seen.is_first(KEY, "b", now=100.0, until=160.0)
    assert seen.is_first(KEY, "b", now=100.0, until=160.0)


def test_a_database_that_is_locked_while_it_is_opened_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another worker makes it at the same moment."""
    path = tmp_path / "proofs.sqlite"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    clock = SimpleNamespace(monotonic=lambda: 0.0, sleep=lambda _: other.close())
    monkeypatch.setattr("policy.tokens.seen.BUSY_SECONDS", 0.0)
    monkeypatch.setattr("policy.tokens.seen.time", clock)
    assert SeenInFile(path).is_first(KEY, "a", now=100.0, until=160.0)


def test_a_database_that_stays_locked_is_no_allow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever holds it, nobody is let in meanwhile."""
    monkeypatch.setattr("policy.tokens.seen.BUSY_SECONDS", 0.0)
    path = tmp_path / "proofs.sqlite"
    seen = SeenInFile(path)
    assert seen.is_first(KEY, "a", now=100.0, until=160.0)
    other = sqlite3.connect(path, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ProofsUnavailable, match="database is locked"):
            seen.is_first(KEY, "b", now=100.0, until=160.0)
    finally:
        other.close()
    assert seen.is_first(KEY, "b", now=100.0, until=160.0)
