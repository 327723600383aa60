"""`policy audit unused` and `policy audit suggest`: what nobody needed, and the policy without it."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from policy.engine import Policy
from policy.reload.kept import Kept
from policy.reload.snapshot import take
from policy.review.suggesting import Proof
from tests.cli.conftest import Program
from tests.review.asking import DOCUMENT, HOME, Asking, policy_of

LOG, POLICIES = Path("var/audit"), Path("policies")
SMALL: dict[str, Any] = {
    "permissions": {"read:a": "", "read:b": "", "write:a": "", "write:b": ""},
    "roles": {"viewer": {"grants": ["read:*"]}, "editor": {"grants": ["write:a", "write:b", "read:a"]}},
    "scopes": {"all": {"grants": ["**"]}, "reading": {"grants": ["read:a"]}},
    "rules": [{"id": "open", "effect": "allow", "permissions": ["read:b"], "roles": ["editor"]}],
    "constraints": [],
    "assignments": [{"issuer": HOME, "subject": "eve", "roles": ["viewer"]}],
}


@pytest.fixture
def ask(here: Path, monkeypatch: pytest.MonkeyPatch) -> Asking:
    """Forty days of a small policy."""
    monkeypatch.setenv("SECRET", "s" * 32)
    asking = Asking(policy_of(POLICIES, **SMALL))
    asking("read:b", id="x", roles=["viewer"], scopes=["all"])
    asking("read:a", id="x", roles=["viewer", "editor"], scopes=["all", "reading"], day=20)
    asking("write:a", id="y", roles=["viewer", "editor"], scopes=["all"], day=40)
    asking("write:a", id="x", roles=["viewer"], scopes=["all"], day=40)
    return asking


SHOWN = """\
3 of 4 decisions were allowed, from 2026-11-28T00:00Z to 2027-01-07T00:00Z; policy {digest}

never needed: no request was allowed that it covers
  role editor: write:b
  rule open
  assignment of viewer to subject eve of https://id.example.com/

redundant: whatever it covered, another grant covered too
  role editor: read:a    redundant 1 times, last 2026-12-18T00:00Z
  scope reading: read:a  redundant 1 times, last 2026-12-18T00:00Z

used in part
  scope all: **  used 3 of 4  not write:b

"""
FEW = "3 of 8 grants are needed; `--all` lists them too.\n"
NEEDED = """\
needed
  role viewer: read:*   sole 1 times, redundant 1 times, last 2026-12-18T00:00Z
  role editor: write:a  sole 1 times, last 2027-01-07T00:00Z
  scope all: **         sole 2 times, redundant 1 times, last 2027-01-07T00:00Z
"""


def test_what_nobody_needed_is_listed(program: Program, ask: Asking) -> None:
    """With what was used in part; such grants are findings."""
    ask.write(LOG)
    shown = SHOWN.format(digest=ask.rules.digest[:12])
    assert program("audit", "unused") == (1, shown + FEW, "")
    assert program("audit", "unused", "--all", "--engine", "plain") == (1, shown + NEEDED, "")


def test_json_has_every_grant(program: Program, ask: Asking) -> None:
    """And what was used of it."""
    ask.write(LOG)
    found = json.loads(program("audit", "unused", "--json", "--since", "2026-11").out)
    grants = {each["name"]: each for each in found.pop("grants")}
    assert found == {
        "policy": {"path": "policies", "digest": ask.rules.digest}, "since": "2026-11", "until": None,
        "first": "2026-11-28T00:00:00.000000Z", "last": "2027-01-07T00:00:00.000000Z",
        "records": 4, "allowed": 3, "contrary": 0, "concluded": True, "doubts": [],
    }  # fmt: skip
    assert grants["scope all: **"] == {
        "kind": "scope", "holder": "all", "what": "**", "name": "scope all: **", "verdict": "sole", "sole": 2,
        "redundant": 1, "last": "2027-01-07T00:00:00.000000Z", "used": ["read:a", "read:b", "write:a"],
        "unused": ["write:b"], "young": False,
    }  # fmt: skip
    assert [name for name, each in grants.items() if each["verdict"] == "never"] == [
        "role editor: write:b", "rule open", f"assignment of viewer to subject eve of {HOME}",
    ]  # fmt: skip


def test_nothing_unneeded_is_no_finding(program: Program, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Status 0, and nothing to suggest."""
    monkeypatch.setenv("SECRET", "s" * 32)
    ask = Asking(policy_of(POLICIES, **{**SMALL, "roles": {"viewer": {"grants": ["read:*"]}}, "scopes": {},
                                        "rules": [], "assignments": []}))  # fmt: skip
    for day in (0, 31):
        ask("read:a", "read:b", id="x", roles=["viewer"], scopes=["read:a", "read:b"], day=day)
    ask.write(LOG)
    assert program("audit", "unused").status == 0
    assert program("audit", "suggest") == (0, "", "policy: there is nothing to remove\n")


DOUBTED = """\
policy: nothing is concluded, for records are missing or cannot be read:
policy:   the records are of 40.0 days, and at least 50 are asked for; see `--at-least`
policy: `--anyway` concludes from what is there; do not remove anything because of that alone
"""
WARNED = """\
policy: warning: RECORDS ARE MISSING: what is said here may be wrong, and a grant that is needed may seem not to be
policy:   the records are of 40.0 days, and at least 50 are asked for; see `--at-least`
"""


@pytest.mark.parametrize("command", ["unused", "suggest"])
def test_nothing_is_concluded_where_records_are_missing(program: Program, ask: Asking, command: str) -> None:
    """Unless somebody insists, who is warned."""
    ask.write(LOG)
    assert program("audit", command, "--at-least", "50") == (2, "", DOUBTED)
    insisted = program("audit", command, "--at-least", "50", "--anyway")
    assert insisted.err.startswith(WARNED)
    assert (insisted.status, insisted.out) == (1, program("audit", command).out)


def test_json_without_a_conclusion_has_the_doubts_and_no_grants(program: Program, ask: Asking) -> None:
    """So that no program takes silence for a conclusion."""
    file = ask.write(LOG)
    first, _, *rest = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join((first, *rest)))
    ran = program("audit", "unused", "--json")
    found = json.loads(ran.out)
    assert (ran.status, found["concluded"], found["grants"]) == (2, False, [])
    assert [doubt["kind"] for doubt in found["doubts"]] == ["window", "chain"]


def test_what_is_younger_than_the_records_stays(program: Program, ask: Asking) -> None:
    """Nobody could need a grant before it was there; the policy that decided is found beside the log."""
    Kept(LOG / "policies").keep(take(POLICIES), ask.rules.digest)
    ask.write(LOG)
    roles = {**SMALL["roles"], "editor": {"grants": ["write:a", "write:*", "read:a"]}}
    policy_of(POLICIES, **{**SMALL, "roles": roles})
    ran = program("audit", "unused")
    assert "  role editor: write:*   redundant 1 times, last 2027-01-07T00:00Z, younger than" in ran.out
    young = "stays, though nobody needed it: role editor: write:*; some of these records are older than it\n"
    assert young in program("audit", "suggest", "--redundant").err
    policy_of(POLICIES, **{**SMALL, "rules": [{**SMALL["rules"][0], "permissions": ["write:b"]}]})
    assert re.search(r"^  rule open +younger than some of these records$", program("audit", "unused").out, re.MULTILINE)


def test_the_recorded_policy_must_be_at_hand(program: Program, ask: Asking) -> None:
    """Else nobody knows what these records mean."""
    ask.write(LOG)
    policy_of(POLICIES, **{**SMALL, "rules": []})
    ran = program("audit", "unused")
    assert ran.status == 2
    assert (
        f"4 records were decided by another policy, which is not kept beside the log (`{ask.rules.digest[:12]}`)"
        in ran.err
    )


def test_what_this_policy_would_not_allow_is_told(program: Program, ask: Asking) -> None:
    """Such requests need nothing of it."""
    Kept(LOG / "policies").keep(take(POLICIES), ask.rules.digest)
    ask.write(LOG)
    policy_of(POLICIES, **{**SMALL, "roles": {"viewer": {}, "editor": SMALL["roles"]["editor"]}})
    assert "\n1 of them, decided by another policy, this one would not allow; they need nothing here.\n" in (
        program("audit", "unused").out
    )


REMOVED = """\
policy: removed: role editor: write:b
policy: removed: rule open
policy: removed: assignment of viewer to subject eve of https://id.example.com/
policy: decided again: 4 records with 4 distinct inputs; none that was allowed would be denied, none that was denied \
would be allowed
"""


def test_a_diff_is_suggested_and_written_nowhere(program: Program, ask: Asking) -> None:
    """It is taken by `patch`, and then nothing is left that was never needed."""
    ask.write(LOG)
    before = (POLICIES / "policy.json").read_bytes()
    ran = program("audit", "suggest")
    assert (ran.status, ran.err) == (1, REMOVED)
    assert (POLICIES / "policy.json").read_bytes() == before
    found = json.loads(program("audit", "suggest", "--json").out)
    subprocess.run(["patch", "-p0"], input=ran.out.encode(), check=True, capture_output=True)
    changed = {**DOCUMENT, **SMALL, "roles": {**SMALL["roles"], "editor": {"grants": ["write:a", "read:a"]}},
               "rules": [], "assignments": []}  # fmt: skip
    assert json.loads((POLICIES / "policy.json").read_text()) == changed
    assert found["diff"] == ran.out
    assert found["digest"] == Policy.load(POLICIES).digest
    assert found["proof"] == {"inputs": 4, "records": 4, "lost": 0, "gained": 0}
    assert [each["name"] for each in found["removed"]] == [
        "role editor: write:b", "rule open", f"assignment of viewer to subject eve of {HOME}",
    ]  # fmt: skip
    assert found["kept"] == []


def test_what_is_redundant_goes_where_that_is_asked_for(program: Program, ask: Asking) -> None:
    """As far as something is left for each request."""
    ask.write(LOG)
    err = program("audit", "suggest", "--redundant").err
    assert "removed: role editor: read:a\n" in err
    assert "removed: scope reading: read:a\n" in err
    assert "viewer" not in err.replace("assignment of viewer", "")


def test_a_proof_that_fails_suggests_nothing(program: Program, ask: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was counted before, the decisions themselves have the last word."""
    ask.write(LOG)
    failed = Proof(inputs=4, records=4, lost=2, gained=1)
    monkeypatch.setattr("policy.cli.audit_suggest.proved", lambda *args, **more: failed)
    assert program("audit", "suggest") == (
        2,
        "",
        "policy: without these grants 2 records would be denied and 1 allowed, so nothing is suggested; "
        "`policy audit unused` lists what was not needed\n",
    )


@pytest.mark.parametrize("days", ["-1", "x", "nan", "1e9"])
def test_days_are_days(program: Program, here: Path, days: str) -> None:
    """Before anything is read."""
    ran = program("audit", "unused", f"--at-least={days}")
    assert ran.err.endswith(f"argument --at-least: `{days}` is not a number of days\n")
    assert ran.status == 2
