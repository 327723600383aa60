"""`policy audit replay`: what another policy would have answered to all that was asked."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from policy.cli import audit_replay
from policy.cli.progress import QUIET
from policy.engine import Policy
from policy.reload.kept import Kept
from policy.reload.snapshot import take
from tests.cli.conftest import Program
from tests.review.asking import Asking, policy_of
from tests.review.lines import line, refused

LOG = Path("var/audit")
SMALL: dict[str, Any] = {
    "permissions": {"read:a": "", "write:a": ""},
    "roles": {"viewer": {"grants": ["read:a"]}, "editor": {"grants": ["write:a"]}},
    "scopes": {"all": {"grants": ["**"]}},
    "rules": [],
    "constraints": [],
    "assignments": [],
}
NEXT: dict[str, Any] = {
    **SMALL, "roles": {"viewer": {"grants": ["read:a", "write:a"]}, "editor": {}},
}  # fmt: skip


@pytest.fixture
def ask(here: Path, monkeypatch: pytest.MonkeyPatch) -> Asking:
    """Some decisions of `policies/`, and `next/`, by which some would come out otherwise."""
    monkeypatch.setenv("SECRET", "s" * 32)
    policy_of(Path("next"), **NEXT)
    asking = Asking(policy_of(Path("policies"), **SMALL))
    for id in ("ann", "bob", "ann"):  # noqa: A001
        asking("write:a", id=id, roles=["viewer"], scopes=["all"])
    asking("write:a", id="eve", roles=["editor"], scopes=["all"])
    asking("read:a", id="ann", roles=["viewer"], scopes=["all"])
    return asking


def keep(path: str) -> None:
    Kept(LOG / "policies").keep(take(path), Policy.load(path).digest)


SHOWN = """\
4 records would be answered otherwise
  records                    5
  decided again as recorded  5
  changed                    4
  lines of the chain         1

by permission
  (the whole answer)  gained  3 records  2 subjects
  (the whole answer)  lost    1 record   1 subject
  write:a             gained  3 records  2 subjects
  write:a             lost    1 record   1 subject

by role
  viewer  3 gained
  editor            1 lost

by route
  (no route)  3 gained  1 lost

examples
  {0}  home|ann  (the whole answer)  gained
  {1}  home|bob  (the whole answer)  gained
  {3}  home|eve  (the whole answer)  lost
  {0}  home|ann  write:a             gained
  {1}  home|bob  write:a             gained
  {3}  home|eve  write:a             lost
"""


@pytest.mark.parametrize("engine", ["duckdb", "plain"])
def test_what_changes_is_told(engine: str, program: Program, ask: Asking) -> None:
    """By permission, by role and by route, with examples; it is a finding."""
    ask.write(LOG)
    keep("policies")
    ids = [each["id"] for each in ask.records]
    ran = program("audit", "replay", str(LOG), "--policy", "next", "--engine", engine)
    assert ran.out.splitlines() == SHOWN.format(*ids).splitlines()
    assert (ran.status, ran.err) == (1, "")


def test_the_policy_that_decided_changes_nothing(program: Program, ask: Asking) -> None:
    """It is proved, and found without being kept anywhere."""
    ask.write(LOG)
    shown = "nothing changes\n  records                    5\n  decided again as recorded  5\n"
    shown += "  changed                    0\n  lines of the chain         1\n"
    assert program("audit", "replay", str(LOG), "--policy", "policies", "--strict") == (0, shown, "")


def test_json_has_the_whole_report(program: Program, ask: Asking) -> None:
    """As one document."""
    file = ask.write(LOG)
    ran = program("audit", "replay", str(file), "--policy", "next", "--recorded", "policies", "--json")
    found = json.loads(ran.out)
    assert (ran.status, found["records"], found["changed"], found["outcome"]["lost"]["subjects"]) == (1, 5, 4, 1)
    assert found["roles"] == {"editor": {"gained": 0, "lost": 1}, "viewer": {"gained": 3, "lost": 0}}
    assert found["policy"] == Policy.load("next").digest


def test_a_log_whose_policy_is_not_found_cannot_be_replayed(program: Program, ask: Asking) -> None:
    """Nothing can be told of it, so that is no success."""
    ask.write(LOG)
    assert program("audit", "replay", str(LOG), "--policy", "next") == (
        2, "", f"policy: the policies that decided this log (`{ask.rules.digest[:12]}`) are not beside it; "
        "give one with `--recorded`, or the repository that has them with `--git`\n",
    )  # fmt: skip


def test_records_whose_policy_is_not_found_are_told_apart(program: Program, ask: Asking) -> None:
    """They change nothing, unless `--strict` is given."""
    other = Asking(policy_of(Path("lost"), **{**SMALL, "scopes": {"some": {"grants": ["**"]}}}))
    other("read:a", id="ann", roles=["viewer"], scopes=["some"])
    other.records[0]["id"] = "f" * 32
    ask.records.extend(other.records)
    ask.write(LOG)
    ran = program("audit", "replay", str(LOG), "--policy", "policies")
    assert (ran.status, ran.out.split("\n\n")[1]) == (
        0, f"policy not found\n  {other.rules.digest[:12]}  1 record  such as {'f' * 32}\n",
    )  # fmt: skip
    assert program("audit", "replay", str(LOG), "--policy", "policies", "--strict").status == 1


def test_what_does_not_come_out_as_recorded_is_a_finding(program: Program, ask: Asking) -> None:
    """A record may have been changed, or the decision is no longer the same."""
    ask.records[0].update(outcome="allow", reason="allowed")
    ask.records[0]["permissions"][0].update(allowed=True, reason="allowed")
    ask.write(LOG)
    ran = program("audit", "replay", str(LOG), "--policy", "policies")
    assert (ran.status, ran.out.split("\n")[0], ran.out.split("\n\n")[1]) == (
        1,
        "the recorded policies do not give what was recorded",
        "not as recorded\n  write:a  recorded allow (allowed)  decided deny (no-role-grants-it)  1 record  "
        f"such as {ask.records[0]['id']}\n",
    )


def test_what_cannot_be_told_is_no_change(program: Program, ask: Asking) -> None:
    """The cause is told; `--strict` makes it a finding."""
    stepped_up = {"read:a": "", "write:a": {"step_up": {"acr": ["mfa"]}}}
    policy_of(Path("next"), **{**SMALL, "permissions": stepped_up})
    ask.write(LOG)
    command = ("audit", "replay", str(LOG), "--policy", "next", "--recorded", "policies")
    ran = program(*command)
    assert (ran.status, ran.out.split("\n\n")[1]) == (
        0,
        "undetermined\n  the new policy asks about the login, and nothing of it was recorded  1 record  "
        f"such as {ask.records[3]['id']}\n",
    )
    assert program(*command, "--strict").status == 1


def test_only_decisions_are_read(program: Program, ask: Asking) -> None:
    """Files of refused tokens are left out, unless there are no others."""
    ask.write(LOG)
    (LOG / "refused-1.jsonl").write_bytes(line(refused(1)) + b"\n")
    assert "without a decision" not in program("audit", "replay", str(LOG), "--policy", "policies").out
    alone = str(LOG / "refused-1.jsonl")
    assert program("audit", "replay", alone, "--policy", "policies") == (
        2, "", f"policy: `{alone}` has no record to decide\n",
    )  # fmt: skip


def test_a_time_without_records_is_no_proof_of_anything(program: Program, ask: Asking) -> None:
    """A check that read nothing does not pass."""
    ask("read:a", id="ann", roles=["viewer"], scopes=["all"])
    ask.write(LOG)
    ran = program("audit", "replay", "--policy", "policies", "--since", "2030-01-01")
    assert ran == (2, "", "policy: `var/audit` has no record to decide in this time\n")


def test_a_part_of_the_log_can_be_replayed(program: Program, ask: Asking) -> None:
    """By its times."""
    ask("read:a", id="ann", roles=["viewer"], scopes=["all"], day=3)
    ask.write(LOG)
    ran = program("audit", "replay", str(LOG), "--policy", "policies", "--since", "2026-11-30", "--json")
    assert json.loads(ran.out)["records"] == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("none", "--policy", "next"), "`none` holds no audit log: it has no *.jsonl file"),
        ((str(LOG), "--policy", "none"), "the policy at `none` does not load: none: there is no such file or folder"),
        ((str(LOG), "--policy", "next", "--recorded", "none"),
         "the policy at `none` does not load: none: there is no such file or folder"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_told(words: tuple[str, ...], said: str, program: Program, ask: Asking) -> None:
    """Status 2."""
    ask.write(LOG)
    assert program("audit", "replay", *words) == (2, "", f"policy: {said}\n")


@pytest.mark.parametrize("engine", ["duckdb", "plain"])
def test_a_damaged_file_is_told(engine: str, program: Program, ask: Asking) -> None:
    """Less than the whole log would be taken for all of it."""
    ask.write(LOG)
    (LOG / "decisions-0.jsonl.gz").write_bytes(b"\x1f\x8b\x08\x00 not compressed")
    ran = program("audit", "replay", str(LOG), "--policy", "policies", "--engine", engine)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith(f"policy: `{LOG}` cannot be read: ")


def test_a_bar_shows_how_far_it_is(program: Program, ask: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal, anew for each time that the log is read."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal, seconds = Terminal(), iter(range(1000))
    monkeypatch.setattr(sys, "stderr", terminal)
    log = [ask.write(LOG)]
    bar = audit_replay.Bar(log, clock=lambda: next(seconds) * QUIET)
    with bar:
        for part in (0.5, 1.0, 0.1, 1.0):
            bar(part)
    lines = [line for line in terminal.getvalue().split("\r") if line.strip()]
    assert [line.split("  ")[0] for line in lines] == ["replay", "replay", "count subjects", "count subjects"]
