"""What says that records are missing, so that nothing is concluded from their not being there."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from policy.audit.verification.report import ChainReport, Finding, Kind, Report
from policy.engine import Policy
from policy.review.grouping import Engine, engine
from policy.review.missing import of_the_chains, of_the_lines, of_the_records, of_the_window, verified
from policy.review.usage import Usage, usage
from tests.review.asking import Asking, policy_of
from tests.review.lines import BEGAN, decided, head, write


class Hashing:
    """Ids are not as they were."""

    treated = {"subject.id": "hashed"}  # noqa: RUF012
    epoch = 0

    def apply(self, field: str, value: str) -> str:
        return "hmac:x" if field in self.treated else value


@pytest.fixture(params=["duckdb", "plain"])
def reading(request: pytest.FixtureRequest) -> Engine:
    """Each engine that needs nothing but itself."""
    return engine(request.param)


@pytest.fixture
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Policy:
    """The policy that is asked about."""
    monkeypatch.setenv("SECRET", "s" * 32)
    return policy_of(tmp_path / "policies")


def asked(rules: Policy, log: Path, **how: Any) -> Usage:
    """What is used where one request was made on each of two days."""
    ask = Asking(rules, **how)
    for day in (0, 10):
        ask("read:b", id="x", roles=["viewer", *(f"unknown{at}" for at in range(60))], scopes=["all"], day=day)
    return usage(engine("plain"), [ask.write(log)], rules)


def told(doubts: Iterator[Any]) -> list[tuple[str, str]]:
    return [(doubt.kind, str(doubt)) for doubt in doubts]


def test_the_window_must_be_long_enough(rules: Policy, tmp_path: Path) -> None:
    """By the records that are there, whatever was asked for."""
    found = asked(rules, tmp_path / "audit")
    assert told(of_the_window(found, 10)) == []
    assert told(of_the_window(found, 30)) == [
        ("window", "the records are of 10.0 days, and at least 30 are asked for; see `--at-least`")
    ]
    empty = replace(found, records=0, first="", last="")
    assert told(of_the_window(empty, 0)) == [("window", "the log has no decisions in this time")]


def test_policies_that_are_not_at_hand_are_told(rules: Policy, tmp_path: Path) -> None:
    """Of one that is, a record may have been cut where this policy knows more."""
    found = asked(rules, tmp_path / "audit")
    assert told(of_the_records(found, rules, {rules.digest: rules})) == []
    other = policy_of(tmp_path / "other", assignments=[])
    short = rules.digest[:12]
    assert told(of_the_records(found, other, {other.digest: other})) == [
        (
            "policy",
            "2 records were decided by another policy, which is not kept beside the log "
            f"(`{short}`); choose a window with `--since` in which it did not decide",
        ),
        ("capped", "2 records were decided by another policy and cut short, so names that this one knows may lack"),
    ]
    assert [kind for kind, _ in told(of_the_records(found, other, {rules.digest: rules}))] == ["capped"]
    spoilt = replace(found, unreadable=1, capped={})
    assert told(of_the_records(spoilt, other, {rules.digest: rules})) == [("unreadable", "1 record was not whole")]


def test_treated_members_count_where_roles_are_assigned_by_them(rules: Policy, tmp_path: Path) -> None:
    """Nobody can say whose assignment it was; a policy without such assignments does not ask."""
    found = asked(rules, tmp_path / "audit", treatment=Hashing())
    said = "the policy assigns roles by subject, and in 2 records `subject.id` does not stand as it was"
    assert told(of_the_records(found, rules, {rules.digest: rules})) == [("treated", said)]
    other = policy_of(tmp_path / "other", assignments=[])
    assert told(of_the_records(replace(found, capped={}), other, {rules.digest: rules})) == []


def test_the_log_itself_tells_what_it_does_not_have(reading: Engine, tmp_path: Path) -> None:
    """Lost decisions in the window, another durability, an older format."""
    lost = {**head("lost", 5, BEGAN), "since": "x", "count": 3}
    begin = {**head("begin", 6, BEGAN), "stream": "decisions", "durability": "best-effort"}
    refused = {**head("begin", 7, BEGAN), "stream": "refused", "durability": "best-effort"}
    batched = {**head("begin", 8, BEGAN), "stream": "decisions", "durability": "batched"}
    old = {**decided(9), "v": 1}
    odd = decided(10, more={"attributes": {"count": 5, "durability": "best-effort"}})
    good = [write(tmp_path / "a.jsonl", [decided(1), refused, batched, odd])]
    assert told(of_the_lines(reading, good, "", "")) == []
    bad = [write(tmp_path / "b.jsonl", [lost, lost, begin, old])]
    told_all = [
        ("lost", "6 decisions were made without a record, as the log itself tells"),
        ("durability", "the log was written at best effort, so records may be missing without a word"),
        ("version", "1 record was written by an older version, and not read"),
    ]
    assert told(of_the_lines(reading, bad, "", "")) == told_all
    assert told(of_the_lines(reading, bad, "2026-11-29", "")) == told_all[1:]
    assert told(of_the_lines(reading, bad, "", "2026-11-27")) == told_all[1:]


def report(*findings: Finding, notes: tuple[Finding, ...] = (), first_seq: int = 0) -> Report:
    chain = ChainReport(
        writer="w", stream="decisions", files=("d.jsonl",), lines=1, records=1,
        first_time="2026-11-20T00:00:00.000000Z", last_time="",
        first_seq=first_seq, last_seq=9, head="", ended=True, sealed_by=(), checked=False, covered=0,
    )  # fmt: skip
    return Report(chains=(chain,), findings=findings, notes=notes, files=1, lines=1, records=1, size=1)


def test_chains_must_be_whole(tmp_path: Path) -> None:
    """Those of decisions: refused tokens were allowed nothing."""
    gap = Finding(kind=Kind.GAP, message="lines 3 to 5 are missing", file="d.jsonl", stream="decisions")
    refused = replace(gap, stream="refused")
    gone = Finding(kind=Kind.MISSING, message="it is gone", file="refused-1-1.jsonl")
    assert told(of_the_chains(report(refused, gone), "")) == []
    said = "the log is not whole: d.jsonl: gap: lines 3 to 5 are missing; see `policy audit verify`"
    assert told(of_the_chains(report(gap), "")) == [("chain", said)]
    assert told(of_the_chains(report(*[gap] * 5), ""))[2:] == [
        ("chain", said), ("chain", "... and 2 more findings of `policy audit verify`")
    ]  # fmt: skip


def test_what_a_killed_writer_left_must_be_brought_in(tmp_path: Path) -> None:
    """Other notes take nothing away."""
    spool = Finding(kind=Kind.UNRECOVERED, file=".spool-1", message="run `policy audit recover`")
    still = Finding(kind=Kind.OPEN, file="d.jsonl", message="it has no end")
    assert told(of_the_chains(report(notes=(spool, still)), "")) == [("spool", ".spool-1: run `policy audit recover`")]


def test_what_retention_removed_is_before_the_window(tmp_path: Path) -> None:
    """Then it does not matter."""
    retired = Finding(kind=Kind.RETIRED, file="d0.jsonl", message="x", stream="decisions")
    found = report(notes=(retired, replace(retired, stream="refused")), first_seq=100)
    said = [("retired", "1 file of the log went by retention; give `--since`, such as 2026-11-20T00:00")]
    assert told(of_the_chains(found, "")) == said
    assert told(of_the_chains(found, "2026-11-19")) == said
    assert told(of_the_chains(found, "2026-11-20T00:00:00.000000Z")) == []
    whole = report(notes=(retired,))
    assert [kind for kind, _ in told(of_the_chains(whole, ""))] == ["retired"]
    assert told(of_the_chains(whole, "2026-11-01")) == []


def test_a_real_log_is_verified(rules: Policy, tmp_path: Path) -> None:
    """One record taken out of the middle is found."""
    log = tmp_path / "audit"
    asked(rules, log)
    (file,) = log.iterdir()
    assert told(of_the_chains(verified(str(log), [file]), "")) == []
    first, _, *rest = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join((first, *rest)))
    assert [kind for kind, _ in told(of_the_chains(verified(str(log), [file]), ""))] == ["chain"]
