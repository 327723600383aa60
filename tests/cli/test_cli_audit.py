"""`policy audit show` reads one record, and derives its decision again from nothing else."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from policy.audit import AuditLog, records
from policy.demand import Requires
from policy.engine import Policy
from policy.errors import TokenRefused
from policy.guard import Guard
from policy.record import About
from policy.reload.kept import Kept
from policy.reload.snapshot import take
from policy.tokens import TokenVerifier
from tests.cli.conftest import HOME, NOW, Program, write_policy

Issue = Callable[..., str]
LOG = Path("var/audit")


@pytest.fixture
def guard(folder: Path) -> Guard:
    """A guard of the policy that writes to the log where it is looked for."""
    rules = Policy.load("policies")
    return Guard(rules, TokenVerifier(rules), AuditLog(LOG.absolute()), clock=lambda: NOW)


def kept() -> dict[str, Any]:
    """The only record of the log."""
    (found,) = records(LOG)
    return found


def admit(guard: Guard, token: str, *permissions: str) -> dict[str, Any]:
    """The record of a request that demands these permissions."""
    about = About(method="POST", route="/data/<id>", request_id="r-1")
    guard.admit(
        guard.identify(token, about=about), [Requires(permissions=permissions)] if permissions else [], about=about
    )
    return kept()


def without_time(out: str, record: dict[str, Any]) -> str:
    """The output without what no two runs share."""
    lines = [line for line in out.splitlines() if not line.startswith("  took ")]
    return "\n".join(lines).replace(record["id"], "ID").replace(record["policy"], "DIGEST")


SHOWN = """\
denied request ID: scope-missing
  when        2027-01-15T08:00:00.000000Z
  asked       POST /data/<id>
  who         user `alice` of `https://id.example.com/`
  roles       senior editor
  scopes      read:data
  reason      scope-missing: no scope of the token covers it
  token       jti:t1
  policy      DIGEST
  request id  r-1

recorded
  read:data    allowed
  update:data  denied   scope-missing

explained by the recorded policy
allowed read:data
  User `alice` of `https://id.example.com/` asks for `read:data`.
  Authority is `roles-and-scopes`: a role must grant it and a scope must cover it.
  Roles held: `senior editor`.
  Role `senior editor` grants it by `*:data`.
  Covered by scope `read:data`.
  Allowed (allowed): everything the policy asks for is there.
denied update:data: scope-missing
  User `alice` of `https://id.example.com/` asks for `update:data`.
  Authority is `roles-and-scopes`: a role must grant it and a scope must cover it.
  Roles held: `senior editor`.
  Role `senior editor` grants it by `*:data`.
  No scope of the subject covers it; `data.full` or `update:data` would.
  Denied (scope-missing): no scope of the token covers it.
  Smallest change that would allow: ask for scope `data.full` or `update:data`."""


def test_a_record_is_shown_and_explained_by_its_own_policy(program: Program, guard: Guard, token: Issue) -> None:
    """Every permission of the request has its recorded verdict, its sentences and the smallest change."""
    text = token("--roles", "senior editor", "--scope", "read:data", "--claim", 'jti="t1"')
    record = admit(guard, text, "read:data", "update:data")
    ran = program("audit", "show", record["id"][:8])
    assert (ran.status, ran.err) == (0, "")
    assert without_time(ran.out, record) == SHOWN


def test_another_policy_is_told_apart(program: Program, guard: Guard, token: Issue) -> None:
    """The recorded verdict stands, and below it what the policy at hand answers to the same subject."""
    record = admit(guard, token("--roles", "viewer", "--scope", "read:data"), "read:data")
    write_policy(Path("policies"), rules=[{"id": "closed", "effect": "deny", "permissions": ["read:data"]}])
    ran = program("audit", "show", record["id"], "--policy", "policies")
    assert ran.status == 0
    digest = Policy.load("policies").digest
    assert "\nrecorded\n  read:data  allowed\n" in ran.out
    assert (
        f"\nthe policy at `policies` is another one: {digest}\n"
        "For the subject as it was recorded, it answers:\n"
        "denied read:data: denied-by-rule\n"
    ) in ran.out
    found = json.loads(program("audit", "show", record["id"], "--policy", "policies", "--json").out)
    assert list(found) == ["record", "policy", "answers", "differing"]
    assert found["record"] == record
    assert found["policy"] == {"path": "policies", "digest": digest, "same": False, "problem": ""}
    assert [(each["allowed"], each["undetermined"]) for each in found["answers"]] == [(False, False)]
    assert found["differing"] == ["read:data"]


def test_what_the_record_does_not_hold_is_undetermined(program: Program, guard: Guard, token: Issue) -> None:
    """A policy that asks about the login, of which the record says nothing, is given no answer by it."""
    record = admit(guard, token("--roles", "viewer", "--scope", "read:data"), "read:data")
    stricter = {"read:data": {"step_up": {"acr": ["mfa"]}}, "update:data": "", "delete:data": ""}
    write_policy(Path("policies"), permissions=stricter)
    ran = program("audit", "show", record["id"], "--policy", "policies")
    assert ran.status == 0
    assert "  Undetermined: the record does not tell of the login" in ran.out


def test_without_a_policy_the_record_is_shown_alone(program: Program, guard: Guard, token: Issue) -> None:
    """A log can be read where the policy is not."""
    record = admit(guard, token("--roles", "viewer", "--scope", "read:data"), "read:data")
    ran = program("audit", "show", record["id"], "--policy", "nowhere")
    assert ran.status == 0
    assert ran.out.endswith(
        "\nrecorded\n  read:data  allowed\n\n"
        "Nothing is derived from the record: the policy at `nowhere` does not load: "
        "nowhere: there is no such file or folder\n"
    )
    found = json.loads(program("audit", "show", record["id"], "--policy", "nowhere", "--json").out)
    assert (found["policy"]["digest"], found["answers"]) == (None, [])


def test_a_refused_token_has_reason_and_detail(program: Program, guard: Guard) -> None:
    """Nothing of such a record was verified, so nothing is derived from it."""
    with pytest.raises(TokenRefused):
        guard.check("a.b", "read:data")
    record = kept()
    ran = program("audit", "show", record["id"])
    assert ran == (
        0,
        f"refused {record['id']}: token-parts\n"
        "  when    2027-01-15T08:00:00.000000Z\n"
        "  reason  token-parts: the token does not have the three parts of a signed token\n"
        "  detail  expected 3 parts, seen 2\n",
        "",
    )
    found = json.loads(program("audit", "show", record["id"], "--json").out)
    assert found == {"record": record, "policy": None, "answers": [], "differing": []}


def test_a_request_that_only_needs_a_token_has_no_verdicts(program: Program, guard: Guard, token: Issue) -> None:
    """There is nothing to explain where no permission was demanded."""
    record = admit(guard, token())
    ran = program("audit", "show", record["id"])
    assert (ran.status, "recorded\n" in ran.out) == (0, False)
    assert ran.out.startswith(f"allowed request {record['id']}\n")


def flushed(guard: Guard) -> None:
    """See what was accepted in the files."""
    assert isinstance(guard.audit, AuditLog)
    guard.audit.flush()


def test_a_record_that_its_policy_contradicts_is_a_finding(program: Program, guard: Guard, token: Issue) -> None:
    """A verdict that was changed in the file does not pass as the policy's."""
    record = admit(guard, token("--roles", "viewer"), "read:data")
    flushed(guard)
    (file,) = LOG.glob("decisions-*.jsonl")
    file.write_text(
        file.read_text().replace('"allowed":false,"reason":"scope-missing"', '"allowed":true,"reason":"allowed"')
    )
    ran = program("audit", "show", record["id"])
    assert ran.status == 1
    assert ran.out.endswith("The record says otherwise of read:data, though it names this very policy.\n")


@pytest.mark.parametrize(
    "spoilt",
    [
        {"subject": None}, {"subject": {"id": 1}}, {"now": None}, {"permissions": 1, "capped": 3},
        {"permissions": [{"permission": "read:data"}]}, {"duration_us": "x", "time": {}, "reason": []},
    ],
)  # fmt: skip
def test_a_spoilt_record_is_shown_as_far_as_it_goes(
    program: Program, guard: Guard, token: Issue, spoilt: dict[str, Any]
) -> None:
    """A log may have been edited, or written by another version."""
    record = admit(guard, token("--roles", "viewer", "--scope", "read:data"), "read:data")
    flushed(guard)
    (file,) = LOG.glob("decisions-*.jsonl")
    file.write_text(json.dumps({**record, **spoilt}) + "\n")
    for more in ((), ("--json",)):
        ran = program("audit", "show", record["id"], *more)
        assert (ran.status, ran.err) == (0, "")
        assert record["id"] in ran.out


def test_an_id_that_is_not_there_or_not_enough_is_status_2(program: Program, guard: Guard, token: Issue) -> None:
    """The same for a log that is not there."""
    admit(guard, token(), "read:data")
    guard.check(token(), "read:data")
    assert program("audit", "show", "zz") == (
        2, "", "policy: no record in `var/audit` has an id that begins with `zz`\n"
    )  # fmt: skip
    assert program("audit", "show", "") == (2, "", "policy: `` is the beginning of 2 ids; give more of it\n")
    assert program("audit", "show", "--log", "no", "zz") == (
        2, "", "policy: `no` holds no audit log: it has no *.jsonl file\n"
    )  # fmt: skip


def test_a_log_that_is_nested_without_end_is_status_2(program: Program, here: Path) -> None:
    """Whatever a file holds, there is no traceback."""
    Path("log.jsonl").write_text("[" * 100_000 + "\n")
    ran = program("audit", "show", "--log", "log.jsonl", "a")
    assert (ran.status, ran.out) == (2, "")


def test_the_issuer_of_a_record_may_be_gone(program: Program, guard: Guard, token: Issue) -> None:
    """Another policy may know neither the issuer nor the permission."""
    record = admit(guard, token("--roles", "viewer", "--scope", "read:data"), "read:data")
    assert record["subject"]["issuer"] == HOME
    Path("policies/policy.json").write_text('{"permissions": {"a": ""}}')
    ran = program("audit", "show", record["id"], "--policy", "policies")
    assert ran.status == 0
    assert "denied read:data: unknown-permission" in ran.out


def keep(log: Path = LOG) -> None:
    """Keep the policy beside the log, as an application does with each that it accepts."""
    Kept(log / "policies").keep(take("policies"), Policy.load("policies").digest)


def test_the_recorded_policy_is_found_beside_the_log(program: Program, guard: Guard, token: Issue) -> None:
    """Whatever the policy has become since; also where the log is given as one of its files."""
    text = token("--roles", "senior editor", "--scope", "read:data", "--claim", 'jti="t1"')
    record = admit(guard, text, "read:data", "update:data")
    keep()
    write_policy(Path("policies"), rules=[{"id": "closed", "effect": "deny", "permissions": ["read:data"]}])
    (file,) = LOG.glob("decisions-*.jsonl")
    for log in (LOG, file):
        ran = program("audit", "show", record["id"], "--log", str(log))
        assert (ran.status, ran.err) == (0, "")
        assert without_time(ran.out, record) == SHOWN
    found = json.loads(program("audit", "show", record["id"], "--json").out)["policy"]
    path = str(LOG / "policies" / f"{record['policy']}.json")
    assert found == {"path": path, "digest": record["policy"], "same": True, "problem": ""}


TOLD = """
explained by the record alone
The policy that decided is not at hand: {why}.
denied update:data
  denied-by-rule: a deny rule applies
  Rules that apply: frozen
"""


def test_without_the_recorded_policy_the_record_explains_itself(program: Program, folder: Path, token: Issue) -> None:
    """It holds the verdicts, their reasons and the rules; which other policy there is decides nothing."""
    frozen = {"id": "frozen", "effect": "deny", "permissions": ["update:data"]}
    write_policy(Path("policies"), rules=[frozen])
    rules = Policy.load("policies")
    guard = Guard(rules, TokenVerifier(rules), AuditLog(LOG.absolute()), clock=lambda: NOW)
    record = admit(guard, token("--roles", "viewer"), "update:data")
    write_policy(Path("policies"))
    ran = program("audit", "show", record["id"])
    beside = "it is not kept in `var/audit/policies`"
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.endswith(TOLD.format(why=f"{beside}, and the one at `policies` is another"))
    found = json.loads(program("audit", "show", record["id"], "--json").out)
    digest = Policy.load("policies").digest
    problem = f"{beside}, and the one at `policies` is another"
    assert found["policy"] == {"path": "policies", "digest": digest, "same": False, "problem": problem}
    assert (found["answers"], found["differing"]) == ([], [])
    Path("policies/policy.json").unlink()
    ran = program("audit", "show", record["id"])
    assert ran.out.endswith(TOLD.format(why=f"{beside}, and there is none at `policies`"))


def test_what_is_kept_under_a_digest_must_have_it(program: Program, guard: Guard, token: Issue) -> None:
    """A policy that was put there by somebody explains nothing; and a digest names no other file."""
    record = admit(guard, token("--roles", "viewer", "--scope", "read:data"), "read:data")
    digest = Policy.load("policies").digest
    write_policy(Path("policies"), rules=[{"id": "closed", "effect": "deny", "permissions": ["read:data"]}])
    other = Policy.load("policies").digest
    Kept(LOG / "policies").keep(take("policies"), digest)
    ran = program("audit", "show", record["id"])
    assert ran.status == 0
    problem = f"what is kept as `{digest}` has another digest: {other}"
    assert f"what is kept in `var/audit/policies` does not load: {problem}, and the one at" in ran.out
    (file,) = LOG.glob("*.jsonl")
    file.write_text(file.read_text().replace(digest, f"../policies/{digest}"))
    assert "it is not kept in `var/audit/policies`, and" in program("audit", "show", record["id"]).out


def test_what_was_noted_and_treated_is_told(program: Program, here: Path) -> None:
    """What another policy would have answered, and which fields are not as they were."""
    shadow = {"policy": "abc", "outcome": "deny", "reason": "scope-missing"}
    found = {
        "v": 2, "kind": "refused", "id": "1" * 32, "time": "2027-01-15T08:00:00.000000Z", "outcome": "deny",
        "reason": "token-parts", "standing": "last-good", "keys": "stale", "revocations": "last-good",
        "shadow": shadow, "treated": {"subject.id": "hashed", "token": "dropped"},
    }  # fmt: skip
    log = Path("log.jsonl")
    log.write_text(json.dumps(found) + "\n")
    shown = program("audit", "show", "1", "--log", "log.jsonl").out
    assert shown.endswith(
        "  standing     last-good\n  keys         stale\n  revocations  last-good\n"
        "  shadow       deny, scope-missing (policy abc)\n  treated      subject.id hashed, token dropped\n"
    )
    log.write_text(json.dumps({**found, "shadow": {"policy": "abc", "failed": "oops"}}) + "\n")
    assert "  shadow       failed: oops (policy abc)\n" in program("audit", "show", "1", "--log", "log.jsonl").out
