"""The benchmarks work: what they time is right, and what they print is whole. Nothing here looks at a time."""

import json
from pathlib import Path

import pytest

from benchmarks import deciding, floor, loading, ours, report, tokens
from benchmarks.__main__ import main
from benchmarks.deciding import Effort, Row
from benchmarks.engine import Engine, Way
from benchmarks.results import Decided, Results, Target, targets
from benchmarks.workloads import NAMES, make

TINY = Effort(rounds=1, slice_s=0.0001, patience_s=5)


@pytest.mark.parametrize(("name", "rules"), [("A-small", 1_100), ("A-medium", 11_000)])
def test_a_has_the_sizes_of_casbins_benchmark(name: str, rules: int) -> None:
    workload = make(name, 40)
    assert workload.rules == rules
    assert [request.allowed for request in workload.requests] == [True, False] * 20


def test_b_has_both_answers_and_no_request_twice() -> None:
    workload = make("B", 300)
    assert (len(workload.roles), len(workload.permissions), len(workload.denies)) == (200, 2_000, 20)
    assert {request.allowed for request in workload.requests} == {True, False}
    assert len({(*request.claims["roles"], request.permission) for request in workload.requests}) == 300


def test_workloads_are_the_same_every_time() -> None:
    assert make("B", 50) == make("B", 50)


@pytest.mark.parametrize("name", ["A-small", "B"])
def test_the_floor_and_every_way_of_ours_answer_like_the_reference(name: str) -> None:
    rows = deciding.measure(make(name, 200), [floor.ENGINE, ours.ENGINE], TINY)
    assert [(row.engine, row.verified, row.wrong) for row in rows] == [("floor", 200, 0), *[("policy", 200, 0)] * 3]
    assert all(row.both_us for row in rows)


def test_an_engine_that_is_wrong_is_not_timed() -> None:
    always = Way("always", lambda request: request, lambda batch: (True for _ in batch))
    engine = Engine("always", lambda *_: None, lambda *_: [always])
    (row,) = deciding.measure(make("A-small", 20), [engine], TINY)
    decided = Decided(workload="A-small", rules=1_100, requests=20, rows=[row])
    assert (row.wrong, row.both_us) == (10, None)
    assert "10 of 20 WRONG" in report.decisions(decided)
    assert Results(decided={"A-small": decided}).wrong


def test_a_table_lines_up() -> None:
    row = Row(engine="policy", way=ours.SUBJECT_MADE, verified=20, allows_us=[1.0, 1.0, 9.0], denies_us=[3.0])
    base = Row(engine="floor", way="by hand", verified=20, allows_us=[0.5], denies_us=[1.5])
    decided = Decided(workload="A-small", rules=1_100, requests=20, rows=[base, row])
    lines = report.decisions(decided).splitlines()[2:]
    assert lines[2].split()[-8:] == ["20", "1.00", "3.00", "2.00", "2.00", "2.00", "2.00", "-"]
    assert len({len(line) for line in lines if line}) == 1


def test_loading_is_measured_in_processes_of_their_own() -> None:
    floored, own = loading.measure(make("A-small", 0), [floor.ENGINE, ours.ENGINE], runs=1)
    assert (floored.engine, own.engine) == ("floor", "policy")
    assert floored.ms > 0
    assert own.ms > 0


def test_tokens_are_verified_by_both() -> None:
    assert [each.algorithm for each in tokens.measure(rounds=1)] == list(tokens.ALGORITHMS)


def test_every_target_has_a_verdict() -> None:
    assert {each.met for each in targets(Results())} == {None}
    assert "not measured" in report.targets(targets(Results()))
    assert [Target("", "<=", 2, "", 2.0).met, Target("", "<", 2, "", 2.0).met] == [True, False]
    assert Target("", ">=", 2, "", 1.9).met is False


def test_a_run_prints_tables_and_writes_the_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("benchmarks.__main__.QUICK_REQUESTS", 40)
    monkeypatch.setattr("benchmarks.__main__.logging.disable", lambda _: None)
    assert main(["--quick", "--only", "A-small", "--json", str(tmp_path / "numbers.json")]) == 0
    found = json.loads((tmp_path / "numbers.json").read_text(encoding="utf-8"))
    printed = capsys.readouterr().out
    assert "A-small: 1,100 rules, 40 requests" in printed
    assert found["decisions"]["A-small"]["rows"][0]["engine"] == "floor"
    assert found["machine"]["cpus"]


def test_a_part_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--only", "A-tiny"])
    assert "A-tiny" in capsys.readouterr().err
    assert "A-large" in NAMES
