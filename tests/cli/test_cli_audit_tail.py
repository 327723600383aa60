"""`policy audit tail` prints the end of a log, chooses, and follows."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from policy.cli import audit_tail, audit_window, main
from tests.cli.conftest import Program

LOG = Path("var/audit")


def permission(name: str, reason: str) -> dict[str, Any]:
    return {"permission": name, "allowed": reason == "allowed", "reason": reason, "rules": []}


def record(number: int, **more: Any) -> dict[str, Any]:
    return {"v": 2, "kind": "request", "id": f"{number:08}{'0' * 24}", "time": f"2027-01-15T08:00:{number:02}.250000Z",
            "outcome": "allow", "reason": "allowed", "permissions": [permission("read:data", "allowed")],
            "subject": {"id": "alice"}, "method": "GET", "route": "/data", **more}  # fmt: skip


ALLOWED = record(1)
DENIED = record(
    2, outcome="deny", reason="scope-missing", method="POST", route="/data/<int:id>", subject={"id": "carol"},
    permissions=[permission("read:data", "allowed"), permission("update:data", "scope-missing")],
)  # fmt: skip
CHECKED = record(3, kind="check", method="", route="", permissions=[])
REFUSED = {"v": 2, "kind": "refused", "id": "4" * 32, "time": "2027-01-15T08:00:04.250000Z", "outcome": "deny",
           "reason": "token-expired", "detail": "", "method": "GET", "route": "/data"}  # fmt: skip
SURPLUS = {"v": 2, "kind": "surplus", "id": "5" * 32, "time": "2027-01-15T08:00:05.250000Z",
           "since": "2027-01-15T08:00:04.000000Z", "counts": {"token-absent": 120, "token-expired": 3}}  # fmt: skip
FAULT = record(6, kind="fault", outcome="deny", reason="mark-not-enforced")
PROBED = record(7, kind="probe")
ALL = [ALLOWED, DENIED, CHECKED, REFUSED, SURPLUS, FAULT, PROBED]


def write(name: str, *found: dict[str, Any]) -> None:
    LOG.mkdir(parents=True, exist_ok=True)
    with (LOG / name).open("a") as log:
        log.writelines(json.dumps(each) + "\n" for each in found)


@pytest.fixture
def log(here: Path) -> None:
    """A log of two files."""
    write("decisions-1-1.jsonl", ALLOWED, DENIED, CHECKED, FAULT, PROBED)
    write("refused-1-1.jsonl", REFUSED, SURPLUS)


SHOWN = """\
2027-01-15T08:00:01.250Z  allow    allowed                              alice  read:data               GET /data            00000001
2027-01-15T08:00:02.250Z  deny     scope-missing                        carol  read:data, update:data  POST /data/<int:id>  00000002
2027-01-15T08:00:03.250Z  allow    allowed                              alice  -                       (check)              00000003
2027-01-15T08:00:04.250Z  refused  token-expired                        -      -                       GET /data            44444444
2027-01-15T08:00:05.250Z  surplus  token-absent x120, token-expired x3  -      -                       -                    55555555
2027-01-15T08:00:06.250Z  fault    mark-not-enforced                    alice  read:data               GET /data            00000006
2027-01-15T08:00:07.250Z  allow    allowed                              alice  read:data               GET /data (probe)    00000007
"""  # noqa: E501


def test_records_stand_under_each_other(program: Program, log: None) -> None:
    """When, what, why, who, what was asked for, where, and the id to show the whole of it."""
    ran = program("audit", "tail")
    assert ran == (0, SHOWN, "")
    assert program("audit", "tail", "-n", "2").out.split("\n")[0].startswith("2027-01-15T08:00:06.250Z  fault  mark-")


def test_json_is_the_record_itself_on_a_line(program: Program, log: None) -> None:
    """So the output of one is the log of another."""
    ran = program("audit", "tail", "--json")
    assert (ran.status, [json.loads(line) for line in ran.out.splitlines()]) == (0, ALL)
    Path("copy.jsonl").write_text(ran.out)
    assert program("audit", "tail", "--json", "--log", "copy.jsonl") == ran


@pytest.mark.parametrize(
    ("args", "numbers"),
    [
        (("--outcome", "allow"), "137"), (("--outcome", "deny"), "246"), (("--reason", "scope-missing"), "2"),
        (("--reason", "token-expired"), "45"), (("--permission", "read:data"), "1267"),
        (("--permission", "update:data"), "2"), (("--subject", "carol"), "2"), (("--kind", "check"), "3"),
        (("--route", "/data"), "1467"), (("--refused",), "45"), (("--no-refused",), "12367"),
        (("--outcome", "deny", "--no-refused", "--permission", "read:data"), "26"), (("--kind", "x"), ""),
        (("-n", "1", "--outcome", "allow", "--kind", "request"), "1"), (("-n", "0"), ""),
    ],
)  # fmt: skip
def test_records_are_chosen(program: Program, log: None, args: tuple[str, ...], numbers: str) -> None:
    """A record must meet all that is asked for."""
    ran = program("audit", "tail", "--json", *args)
    expected = [ALL[int(number) - 1] for number in numbers]
    assert (ran.status, [json.loads(line) for line in ran.out.splitlines()]) == (0, expected)


def test_an_unknown_reason_is_told_with_the_nearest(program: Program, log: None) -> None:
    """Nothing would ever be found by it."""
    assert program("audit", "tail", "--reason", "token-expird") == (
        2, "", "policy: unknown reason `token-expird`; did you mean `token-expired`?\n"
    )  # fmt: skip


@pytest.mark.parametrize("count", ["-1", "x", "1.5", "\u0661", "9" * 10])
def test_a_count_is_a_count(program: Program, count: str) -> None:
    """Whatever else is refused before anything is read."""
    ran = program("audit", "tail", f"-n={count}")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.endswith(" is not a number of records\n")


def test_a_log_that_is_not_there_is_status_2(program: Program, here: Path) -> None:
    """As for every other command."""
    assert program("audit", "tail") == (2, "", "policy: `var/audit` holds no audit log: it has no *.jsonl file\n")


def test_lines_that_are_no_records_are_told_of(program: Program, log: None) -> None:
    """On standard error, with their number and file."""
    with (LOG / "decisions-1-1.jsonl").open("a") as file:
        file.write('torn\nmore\n{"id": "a')
    with (LOG / "refused-1-1.jsonl").open("a") as file:
        file.write("[]\n")
    ran = program("audit", "tail", "-n", "7", "--json")
    assert (ran.status, len(ran.out.splitlines())) == (0, 7)
    assert ran.err == (
        "policy: var/audit/decisions-1-1.jsonl: 3 lines are no records and were passed over\n"
        "policy: var/audit/refused-1-1.jsonl: 1 line is no record and was passed over\n"
    )


@pytest.mark.parametrize(
    "spoilt",
    [
        {"subject": 1}, {"subject": {}}, {"permissions": 1}, {"permissions": [1, {}]}, {"time": 5}, {"time": None},
        {"kind": []}, {"outcome": {}}, {"reason": None}, {"method": 1, "route": []}, {"counts": {}}, {"counts": 1},
        {"id": ["x"]}, {"id": None},
    ],
)  # fmt: skip
def test_spoilt_records_are_shown_and_chosen_without_a_traceback(
    program: Program, log: None, spoilt: dict[str, Any]
) -> None:
    """A log may have been edited, or written by another version."""
    write("decisions-1-1.jsonl", record(9, **spoilt))
    filters = ("--reason", "allowed", "--permission", "x", "--subject", "x", "--kind", "x", "--route", "x", "--refused")
    for args in ((), ("--json",), filters):
        ran = program("audit", "tail", *args)
        assert (ran.status, ran.err) == (0, "")


def test_a_value_cannot_forge_a_line_or_show_a_token(program: Program, here: Path) -> None:
    """Control characters are escaped, and whatever looks like a token is left out."""
    token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2ln"
    write("a.jsonl", record(1, subject={"id": "a\n\x1b[31mb"}, route=f"/{token}"))
    for args in ((), ("--json",)):
        ran = program("audit", "tail", *args)
        assert len(ran.out.splitlines()) == 1
        assert ("\x1b" in ran.out, token in ran.out, "/<token>" in ran.out) == (False, False, True)


def test_outcomes_are_coloured_on_a_terminal(
    log: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And only there; what is aligned stays so."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(["audit", "tail"]) == 0
    coloured = capsys.readouterr().out
    colours = {"allow": 32, "deny": 31, "refused": 33, "surplus": 33, "fault": 31}
    for word, number in colours.items():
        assert f"  \x1b[{number}m{word}\x1b[0m " in coloured
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False)
    main(["audit", "tail"])
    plain = capsys.readouterr().out
    assert "\x1b" not in plain
    for number in colours.values():
        coloured = coloured.replace(f"\x1b[{number}m", "")
    assert coloured.replace("\x1b[0m", "") == plain


def following(monkeypatch: pytest.MonkeyPatch, *steps: Callable[[], Any]) -> list[float]:
    """What happens while the command sleeps, after which it is interrupted; the sleeps."""
    slept: list[float] = []
    left = list(steps)

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if not left:
            raise KeyboardInterrupt
        left.pop(0)()

    monkeypatch.setattr(audit_tail, "_sleep", sleep)
    return slept


def test_following_prints_what_comes_until_it_is_interrupted(
    program: Program, log: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From old files, rotated ones and new ones; with the same choice; status 130 as a shell has it."""
    old = LOG / "decisions-1-1.jsonl"
    slept = following(
        monkeypatch,
        lambda: write("decisions-1-1.jsonl", record(11), record(12, outcome="deny")),
        lambda: old.rename(f"{old}.1"),
        lambda: write("decisions-2-1.jsonl", record(13)),
        lambda: write("decisions-2-1.jsonl", record(14)),
    )
    ran = program("audit", "tail", "-f", "-n", "1", "--outcome", "allow", "--json")
    assert (ran.status, ran.err) == (130, "")
    assert [json.loads(line) for line in ran.out.splitlines()] == [PROBED, record(11), record(13), record(14)]
    assert slept == [audit_tail.POLL] * 5


def test_following_without_a_beginning(program: Program, log: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """`-n 0` shows what comes and nothing else."""
    following(monkeypatch, lambda: write("decisions-1-1.jsonl", record(11)))
    ran = program("audit", "tail", "-f", "-n", "0", "--json")
    assert (ran.status, [json.loads(line) for line in ran.out.splitlines()]) == (130, [record(11)])


def test_columns_of_what_comes_stand_under_those_before(
    program: Program, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They only ever grow wider."""
    write("a.jsonl", record(1, subject={"id": "a long name"}))
    following(monkeypatch, lambda: write("a.jsonl", record(2)))
    first, second = program("audit", "tail", "-f").out.splitlines()
    assert first.index("read:data") == second.index("read:data")


def test_following_waits_for_a_log_and_tells_of_bad_lines(
    program: Program, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log may begin after whoever looks at it."""

    def spoil() -> None:
        with (LOG / "a.jsonl").open("a") as file:
            file.write("torn\n")

    following(monkeypatch, lambda: None, lambda: write("a.jsonl", ALLOWED), spoil)
    ran = program("audit", "tail", "-f", "--json")
    assert (ran.status, json.loads(ran.out)) == (130, ALLOWED)
    assert ran.err == (
        "policy: `var/audit` holds no audit log: it has no *.jsonl file; waiting for it\n"
        "policy: var/audit/a.jsonl: 1 line is no record and was passed over\n"
    )


def started(*args: str) -> "subprocess.Popen[bytes]":
    """The command in a process of its own."""
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.Popen(
        [sys.executable, "-m", "policy", "audit", "tail", *args],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_a_real_interrupt_ends_it_cleanly(log: None) -> None:
    """Status 130 and no traceback."""
    with started("-f", "-n", "1", "--json") as ran:
        assert ran.stdout is not None
        assert json.loads(ran.stdout.readline()) == PROBED
        ran.send_signal(signal.SIGINT)
        out, err = ran.communicate(timeout=30)
    assert (ran.returncode, out, err) == (130, b"", b"")


def test_a_closed_pipe_ends_it_cleanly(log: None) -> None:
    """`policy audit tail -f | head -1` ends with the next record that comes."""
    with started("-f", "-n", "1") as ran:
        assert ran.stdout is not None
        assert ran.stderr is not None
        assert ran.stdout.readline()
        ran.stdout.close()
        write("decisions-1-1.jsonl", record(11))
        assert ran.stderr.read() == b""
        ran.wait(timeout=30)
    assert ran.returncode == 141


def test_a_surplus_is_shown_whole(program: Program, log: None) -> None:
    """How many of which, and since when; nothing is derived from it."""
    ran = program("audit", "show", "5555")
    assert ran == (
        0,
        f"refused and not kept {'5' * 32}\n"
        "  when      2027-01-15T08:00:05.250000Z\n"
        "  since     2027-01-15T08:00:04.000000Z\n"
        "  not kept  token-absent x120, token-expired x3\n",
        "",
    )


BEGIN = {"seq": 0, "prev": "0" * 64, "v": 2, "kind": "begin", "id": "8" * 32, "time": "2027-01-15T08:00:00.250000Z",
         "writer": "ab12" * 4, "stream": "decisions", "part": 1, "file": "decisions-1-1.jsonl", "process": 1,
         "host": "h", "durability": "batched", "after": None, "beside": {}}  # fmt: skip
END = {"seq": 2, "prev": "a" * 64, "v": 2, "kind": "end", "id": "9" * 32, "time": "2027-01-15T08:00:02.250000Z",
       "writer": "ab12" * 4, "stream": "decisions", "records": 1, "recovered": 1, "alg": "HS256", "key": "k1",
       "mac": "x"}  # fmt: skip
CHAINED = """\
2027-01-15T08:00:00.250Z  begin  part 1, batched                      decisions ab12ab12  -          decisions-1-1.jsonl  88888888
2027-01-15T08:00:01.250Z  allow  allowed                              alice               read:data  GET /data            00000001
2027-01-15T08:00:02.250Z  end    line 2, sealed with k1, recovered 1  decisions ab12ab12  -          -                    99999999
"""  # noqa: E501


def test_lines_of_the_chain_are_shown_where_they_are_asked_for(program: Program, here: Path) -> None:
    """They tell of files and of what holds the log together, and of no request."""
    write("decisions-1-1.jsonl", BEGIN, ALLOWED, END)
    assert program("audit", "tail", "--json").out == program("audit", "tail", "--json", "--kind", "request").out
    ran = program("audit", "tail", "--chain")
    assert ran == (0, CHAINED, "")


def test_only_what_is_not_older_is_shown(program: Program, log: None) -> None:
    """By a time in UTC or by how long ago; then as many as there are."""
    ran = program("audit", "tail", "--since", "2027-01-15T08:00:05", "--json")
    assert [json.loads(line) for line in ran.out.splitlines()] == [SURPLUS, FAULT, PROBED]
    write("b.jsonl", *(record(8) for _ in range(30)))
    assert len(program("audit", "tail", "--since", "2027-01-15").out.splitlines()) == 37
    assert len(program("audit", "tail", "--since", "2027-01-15", "-n", "3").out.splitlines()) == 3
    assert program("audit", "tail", "--since", "2028").status == 2


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-11", "2026-11"), ("2026-11-28", "2026-11-28"), ("2026-11-28T08:30", "2026-11-28T08:30"),
        ("2026-11-28 08:30:01.5", "2026-11-28T08:30:01.5"), ("2026-11-28T08:30:01Z", "2026-11-28T08:30:01"),
        ("1d", "2027-01-14T08:00:00.000000Z"), ("90m", "2027-01-15T06:30:00.000000Z"),
        ("2w", "2027-01-01T08:00:00.000000Z"),
    ],
)  # fmt: skip
def test_times_are_the_beginnings_of_those_in_the_log(monkeypatch: pytest.MonkeyPatch, text: str, meant: str) -> None:
    """So that they compare as texts."""
    monkeypatch.setattr(audit_window, "_clock", lambda: 1_800_000_000.0)
    assert audit_window.log_time(text) == meant


@pytest.mark.parametrize(
    "text", ["", "x", "2026", "2026-13", "2026-02-30", "2026-11-28T25", "1y", "999999w", "\u0661d"]
)
def test_what_is_no_time_is_told_with_an_example(program: Program, text: str) -> None:
    """Before anything is read."""
    ran = program("audit", "tail", f"--since={text}")
    assert (ran.status, ran.out) == (2, "")
    hint = "give one such as 2026-11-28, 2026-11-28T08:30 in UTC, or 7d ago as `7d`, also with h, m, s or w\n"
    assert ran.err.endswith(f"argument --since: `{text}` is not a time; {hint}")
