"""Refused tokens are kept within limits of rate and size; what is left out is counted and told."""

import json
import multiprocessing
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from policy.audit import AuditLog, records
from policy.audit.limiter import Limiter
from policy.errors import AuditUnavailable, PolicyError
from tests.audit.clocks import Clock

ABSENT, EXPIRED = "token-absent", "token-expired"
SINCE, LATER = "2027-01-15T08:00:00.000000Z", "2027-01-15T08:00:01.000000Z"


def line(number: int, reason: str = ABSENT) -> str:
    return json.dumps({"id": f"{number}", "kind": "refused", "reason": reason})


def log_of(folder: Path, clock: Clock, **limits: Any) -> AuditLog:
    return AuditLog(folder, **{"refused_rate": 2, "refused_burst": 3, **limits}, monotonic=clock, clock=clock)


def refuse(log: AuditLog, numbers: range, reason: str = ABSENT) -> None:
    for number in numbers:
        log.write(line(number, reason), refused=True)


def kept(folder: Path, name: str = "") -> list[Any]:
    """Ids of records, and surplus records without theirs."""
    found = [record for file in sorted(folder.glob(f"{name}*.jsonl")) for record in records(file)]
    return [
        {key: value for key, value in record.items() if key not in {"id", "seq", "prev"}}
        if record.get("kind") == "surplus"
        else record["id"]
        for record in found
    ]


def surplus(time: str = LATER, since: str = SINCE, **counts: int) -> dict[str, Any]:
    by_reason = {name.replace("_", "-"): count for name, count in counts.items()}
    return {"v": 2, "kind": "surplus", "time": time, "since": since, "counts": by_reason}


def test_a_bucket_lets_a_burst_pass_and_then_a_steady_rate() -> None:
    """It never holds more than a burst, and time that goes backwards adds nothing."""
    clock = Clock(0)
    limiter = Limiter(rate=2, burst=3, clock=clock)
    passed = []
    for clock.now in (0, 0, 0, 0, 0.25, 0.5, 0.5, 1.5, 1.5, 1.5, 0, 0.25, 1000, 1000, 1000, 1000):
        passed.append(limiter.passes())
    assert passed == [True] * 3 + [False, False, True, False, True, True, False, False, False] + [True] * 3 + [False]


def test_what_the_rate_leaves_out_is_told_by_reason_with_the_next_line(tmp_path: Path) -> None:
    """Nothing is lost without a trace, and nobody is answered otherwise for it."""
    clock = Clock()
    log = log_of(tmp_path, clock)
    refuse(log, range(5))
    refuse(log, range(5, 8), EXPIRED)
    assert kept(tmp_path) == ["0", "1", "2"]
    clock.now += 1
    refuse(log, range(8, 9))
    assert kept(tmp_path) == ["0", "1", "2", surplus(token_absent=2, token_expired=3), "8"]


def test_a_decision_brings_the_surplus_along(tmp_path: Path) -> None:
    """When no token is refused any more, the counts are still told, among the refused."""
    clock = Clock()
    log = log_of(tmp_path, clock)
    refuse(log, range(4))
    log.write('{"id": "a"}')
    assert kept(tmp_path, "refused") == ["0", "1", "2"]
    clock.now += 1
    for id_ in ("b", "c"):
        log.write(json.dumps({"id": id_}))
    log.flush()
    assert kept(tmp_path, "refused") == ["0", "1", "2", surplus(token_absent=1)]
    assert kept(tmp_path, "decisions") == ["a", "b", "c"]


def test_a_flood_gives_at_most_one_surplus_line_a_second(tmp_path: Path) -> None:
    """Ten seconds of anything leave the burst, the rate and fewer than ten such lines; the counts are exact."""
    clock = Clock()
    log = log_of(tmp_path, clock)
    for number in range(10_000):
        clock.now = 1_800_000_000 + number / 1024
        refuse(log, range(number, number + 1))
    log.close()
    found = kept(tmp_path)
    told = [one for one in found if isinstance(one, dict)]
    assert (len(found) - len(told), len(told)) == (3 + 19, 7)
    assert sum(one["counts"][ABSENT] for one in told) == 10_000 - 22


def test_closing_tells_the_surplus_once(tmp_path: Path) -> None:
    """As does the end of a `with` block; a line that comes later opens a file anew."""
    clock = Clock()
    with log_of(tmp_path, clock) as log:
        refuse(log, range(5))
    log.close()
    assert kept(tmp_path) == ["0", "1", "2", surplus(SINCE, token_absent=2)]
    log.write('{"id": "later"}')
    log.flush()
    assert kept(tmp_path, "decisions") == ["later"]


def test_a_log_that_was_never_written_closes_without_a_trace(tmp_path: Path) -> None:
    """Nothing was opened, and nothing is made for it."""
    AuditLog(tmp_path / "audit").close()
    assert not (tmp_path / "audit").exists()


def test_a_line_without_a_reason_is_counted_too(tmp_path: Path) -> None:
    """A log takes any line, also those of another's making."""
    clock = Clock()
    with log_of(tmp_path, clock, refused_burst=1) as log:
        for text in ('{"id": "0"}', "{}", "{not json}", '{"reason": 1}', "{" + "[" * 100_000 + "}"):
            log.write(text, refused=True)
    assert kept(tmp_path) == ["0", surplus(SINCE, other=4)]


@pytest.mark.parametrize("text", ["not json", "[]", "", '{"a": 1}\n{"b": 2}', '{"a": "\u00e9"}'])
@pytest.mark.parametrize("refused", [False, True])
def test_what_is_no_line_is_not_taken(tmp_path: Path, text: str, refused: bool) -> None:
    """One JSON object in ASCII, or nothing: a line break inside would forge a record."""
    with pytest.raises(AuditUnavailable, match="takes no line: "):
        AuditLog(tmp_path).write(text, refused=refused)
    assert list(tmp_path.iterdir()) == []


def test_decisions_have_no_limit(tmp_path: Path) -> None:
    """Whoever has a good token is recorded each time."""
    log = log_of(tmp_path, Clock(), refused_bytes=10)
    for number in range(100):
        log.write(line(number))
    log.flush()
    assert kept(tmp_path) == [str(number) for number in range(100)]


def test_a_file_that_is_full_is_followed_by_one_and_the_one_before_is_kept(tmp_path: Path) -> None:
    """At most two files, none over the limit, and the newest lines are in them."""
    log = log_of(tmp_path, Clock(), refused_burst=1000, refused_bytes=1500)
    for number in range(100, 130):
        log.write(line(number), refused=True)
        files = list(tmp_path.iterdir())
        assert len(files) <= 2
        assert all(file.stat().st_size <= 1500 for file in files)
    left = [record["id"] for record in records(tmp_path)]
    assert 6 <= len(left) < 20
    assert left == [str(number) for number in range(130 - len(left), 130)]


def test_a_line_longer_than_a_file_has_one_of_its_own(tmp_path: Path) -> None:
    """It is kept rather than refused for ever."""
    log = log_of(tmp_path, Clock(), refused_bytes=10)
    refuse(log, range(3))
    assert kept(tmp_path) == ["1", "2"]


def test_the_refused_of_all_processes_have_a_limit_too(tmp_path: Path) -> None:
    """Those of processes that ended are removed, oldest first; nothing else in the folder is."""
    others = [tmp_path / f"refused-2026010{day}T000000.000000-7.jsonl" for day in (1, 2, 3)]
    strangers = [tmp_path / name for name in ("decisions-20260101T000000.000000-7.jsonl", "refused-mine.jsonl")]
    for path in (*others, *strangers):
        path.write_text("x" * 100)
    log = log_of(tmp_path, Clock(), refused_bytes=1000, refused_total=1150)
    refuse(log, range(1))
    left = {path.name for path in tmp_path.iterdir() if f"-{os.getpid()}." not in path.name}
    assert left == {path.name for path in (others[2], *strangers)}


def test_a_full_disk_refuses_what_the_rate_lets_pass_and_keeps_the_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dropped line was counted, by design; one that cannot be written is an error; both heal."""
    clock = Clock()
    log = log_of(tmp_path, clock)
    refuse(log, range(5))
    real = os.write

    def full(descriptor: int, data: bytes) -> int:
        if b"token-" in data:
            raise OSError(28, "No space left on device")
        return real(descriptor, data)

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        refuse(log, range(5, 6))
        clock.now += 1
        with pytest.raises(AuditUnavailable, match="No space left on device"):
            refuse(log, range(6, 7))
        log.write('{"id": "decided"}')
        with pytest.raises(AuditUnavailable, match="No space left on device"):
            log.close()
    log.close()
    assert kept(tmp_path, "decisions") == ["decided"]
    assert kept(tmp_path, "refused") == ["0", "1", "2", surplus(token_absent=3)]


def test_a_fork_tells_only_what_it_counted_itself(tmp_path: Path) -> None:
    """What the parent counted is the parent's to tell, and its files are not the child's."""
    clock = Clock()
    log = log_of(tmp_path, clock)
    refuse(log, range(4))

    def child() -> None:
        refuse(log, range(10, 15), EXPIRED)
        log.close()

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join()
    log.close()
    found = {path.name.rpartition("-")[2]: kept(tmp_path, path.stem) for path in tmp_path.iterdir()}
    assert found == {
        f"{os.getpid()}.jsonl": ["0", "1", "2", surplus(SINCE, token_absent=1)],
        f"{process.pid}.jsonl": ["10", "11", "12", surplus(SINCE, token_expired=2)],
    }


@pytest.mark.parametrize("name", ["refused_rate", "refused_burst", "refused_bytes", "refused_total"])
@pytest.mark.parametrize("value", [0, -1, float("inf"), float("nan")])
def test_a_limit_is_above_zero(tmp_path: Path, name: str, value: float) -> None:
    """There is no way to say that refused tokens have none."""
    with pytest.raises(PolicyError) as caught:
        AuditLog(tmp_path, **{name: value})  # type: ignore[arg-type]
    assert str(caught.value) == f"`{name}` of an audit log must be above 0, not {value}"


def test_the_end_of_the_process_tells_the_surplus(tmp_path: Path) -> None:
    """Without anyone closing the log."""
    clock = Clock()
    log = log_of(tmp_path, clock)
    refuse(log, range(5))
    log._end()
    assert Counter(type(one) for one in kept(tmp_path)) == {str: 3, dict: 1}
