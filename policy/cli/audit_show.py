"""`policy audit show`: one record, and why its decision came out so, derived from the record alone."""

import argparse
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from policy.audit import find
from policy.cli.arguments import CannotRun, Commands, command, takes_json
from policy.cli.can import say_decision
from policy.cli.style import paint, say, say_columns, say_json, verdict
from policy.cli.subjects import holdings, in_words
from policy.decision import Decision
from policy.engine import Policy
from policy.errors import PolicyError
from policy.reasons import SENTENCES, Reason
from policy.record import subject_of
from policy.reload.kept import Kept

Record = Mapping[str, Any]
#: Where the policy is looked for that is not kept beside the log.
AT_HAND: Final = "policies"
_DIGEST: Final = re.compile("[0-9a-f]{64}")
#: Kinds of which nothing was decided.
_UNDECIDED: Final = {"refused": "refused", "surplus": "refused and not kept"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Derived:
    """What a policy answers to a record's own inputs; `problem` says why there is no answer.

    `missing` says where the recorded policy was looked for and not found.
    """

    path: str
    digest: str = ""
    same: bool = False
    decisions: tuple[Decision, ...] = ()
    problem: str = ""
    missing: str = ""


def add(commands: Commands) -> None:
    """Add the command's own parser."""
    made = command(
        commands, "show", run,
        summary="print one record of the log, and explain its decision again from what it holds",
        example="policy audit show 3f2a",
    )  # fmt: skip
    made.add_argument("--log", default="var/audit", metavar="PATH", help="the log: a folder or a file (var/audit)")
    made.add_argument(
        "--policy", metavar="PATH",
        help="ask this policy instead of the recorded one, which is looked for beside the log and in `policies`",
    )  # fmt: skip
    takes_json(made)
    made.add_argument("id", metavar="ID", help="the record's id, or a beginning that no other has")


def run(args: argparse.Namespace) -> int:
    """Find the record and print it; findings are answers that its own policy would not give."""
    record = find(args.log, args.id)
    if record is None:
        raise CannotRun(f"no record in `{args.log}` has an id that begins with `{args.id}`")
    derived = derive(record, args.policy, args.log) if _was_decided(record) else None
    if args.json:
        _print_json(record, derived)
    else:
        _print(record)
        if derived is not None:
            _print_derived(record, derived)
    return 1 if derived is not None and derived.same and _disagreeing(record, derived) else 0


def _was_decided(record: Record) -> bool:
    given = record.get("permissions")
    told = {"permission", "allowed", "reason"}
    return isinstance(given, list) and all(isinstance(each, dict) and told <= each.keys() for each in given)


def derive(record: Record, path: str | None, log: str = "") -> Derived:
    """Decide again what the record says was decided.

    By the policy at `path`; without one by the policy that the record names, as kept beside the log or in `policies`.
    """
    if path is None:
        return _by_the_recorded(record, kept_beside(log))
    try:
        return _decided(record, path, Policy.load(path))
    except PolicyError as error:
        return Derived(path=path, problem=f"the policy at `{path}` does not load: {error.problems[0]}")


def kept_beside(log: str) -> Path:
    """The folder of accepted policies that belongs to a log."""
    where = Path(log)
    return (where if where.is_dir() else where.parent) / "policies"


def _by_the_recorded(record: Record, folder: Path) -> Derived:
    digest = str(record.get("policy"))
    try:
        if not _DIGEST.fullmatch(digest):  # a forged one could name a file anywhere
            raise KeyError(digest)
        found = Kept(folder).named(digest)
        return _decided(record, str(folder / f"{digest}.json"), found)
    except (OSError, ValueError, KeyError):
        missing = f"it is not kept in `{folder}`"
    except PolicyError as error:
        missing = f"what is kept in `{folder}` does not load: {error.problems[0]}"
    try:
        at_hand = Policy.load(AT_HAND)
    except PolicyError:
        return Derived(path=AT_HAND, missing=f"{missing}, and there is none at `{AT_HAND}`")
    if at_hand.digest != digest:
        return Derived(path=AT_HAND, digest=at_hand.digest, missing=f"{missing}, and the one at `{AT_HAND}` is another")
    return _decided(record, AT_HAND, at_hand)


def _decided(record: Record, path: str, rules: Policy) -> Derived:
    try:
        subject = subject_of(record)
        decisions = tuple(
            rules.decide(subject, each["permission"], now=record["now"], tenant=record["tenant"])
            for each in record["permissions"]
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return Derived(path=path, digest=rules.digest, problem="the record does not hold all that its decision needs")
    return Derived(path=path, digest=rules.digest, same=rules.digest == record.get("policy"), decisions=decisions)


def _verdicts(record: Record) -> dict[str, tuple[bool, str]]:
    return {each["permission"]: (each["allowed"], each["reason"]) for each in record["permissions"]}


def _disagreeing(record: Record, derived: Derived) -> list[str]:
    told = _verdicts(record)
    return [one.permission for one in derived.decisions if told[one.permission] != (one.allowed, one.reason)]


def _is_undetermined(decision: Decision, derived: Derived) -> bool:
    """Another policy may ask about the login, of which the record tells only if its own policy asked."""
    login = decision.subject.acr, decision.subject.auth_time
    return not derived.same and decision.reason is Reason.STEP_UP_REQUIRED and login == (None, None)


def _print_json(record: Record, derived: Derived | None) -> None:
    policy = derived and {
        "path": derived.path, "digest": derived.digest or None, "same": derived.same,
        "problem": derived.problem or derived.missing,
    }  # fmt: skip
    answers = [
        {**each.as_dict(), "undetermined": _is_undetermined(each, derived)}
        for each in (derived.decisions if derived else ())
        if derived
    ]
    differing = _disagreeing(record, derived) if derived else []
    say_json({"record": record, "policy": policy, "answers": answers, "differing": differing})


def _print(record: Record) -> None:
    good = record.get("outcome") == "allow"
    kind, reason = record.get("kind", "record"), str(record.get("reason", ""))
    word = _UNDECIDED.get(str(kind)) or f"{'allowed' if good else 'denied'} {kind}"
    say(verdict(word, good=good), f" {record['id']}", "" if good or not reason else f": {reason}")
    rows = [("when", record.get("time")), ("asked", _asked(record)), ("tenant asked", record.get("tenant"))]
    rows += _who(record) if _was_decided(record) else []
    rows += [
        ("reason", _sentence(reason)),
        ("detail", record.get("detail")),
        ("token", record.get("token")),
        ("policy", record.get("policy")),
        ("request id", record.get("request_id")),
        ("trace id", record.get("trace_id")),
        ("took", _took(record.get("duration_us"))),
        ("standing", record.get("standing")),
        ("keys", record.get("keys")),
        ("revocations", record.get("revocations")),
        ("shadow", _shadow(record.get("shadow"))),
        ("cut short", _listed(record.get("capped"))),
        ("treated", _treated(record.get("treated"))),
        ("since", record.get("since")),
        ("not kept", counted(record)),
    ]
    say_columns([(word, str(value)) for word, value in rows if value], indent=2)
    _print_verdicts(record)


def _asked(record: Record) -> str:
    return f"{record.get('method', '')} {record.get('route', '')}".strip()


def _who(record: Record) -> list[tuple[str, Any]]:
    try:
        subject = subject_of(record)
        return [("who", in_words(subject)), *holdings(subject)]
    except (KeyError, TypeError, ValueError, AttributeError):
        return [("who", "cannot be read from the record")]


def _took(microseconds: Any) -> str:
    if not isinstance(microseconds, int):
        return ""
    return f"{microseconds} µs" if microseconds < 1000 else f"{microseconds / 1000:.1f} ms"


def _listed(names: Any) -> str:
    return ", ".join(map(str, names)) if isinstance(names, list) else ""


def _treated(fields: Any) -> str:
    return ", ".join(f"{field} {how}" for field, how in fields.items()) if isinstance(fields, dict) else ""


def _shadow(found: Any) -> str:
    """What another policy would have answered."""
    if not isinstance(found, dict):
        return ""
    answer = f"failed: {found['failed']}" if "failed" in found else f"{found.get('outcome')}, {found.get('reason')}"
    return f"{answer} (policy {found.get('policy')})"


def counted(record: Record) -> str:
    """How many lines were not kept, by reason, in a record that tells so."""
    counts = record.get("counts")
    return ", ".join(f"{reason} x{count}" for reason, count in counts.items()) if isinstance(counts, dict) else ""


def _sentence(reason: str) -> str:
    known = reason in set(Reason)
    return f"{reason}: {SENTENCES[Reason(reason)]}" if known else reason


def _print_verdicts(record: Record) -> None:
    if _was_decided(record) and record["permissions"]:
        say()
        say(paint("recorded", "bold"))
        rows = [
            (name, verdict("allowed" if allowed else "denied", good=allowed), "" if allowed else reason)
            for name, (allowed, reason) in _verdicts(record).items()
        ]
        say_columns(rows, indent=2)


def _print_derived(record: Record, derived: Derived) -> None:
    say()
    if derived.missing:
        _print_told(record, derived)
        return
    if derived.problem:
        say("Nothing is derived from the record: ", derived.problem)
        return
    if derived.same:
        say(paint("explained by the recorded policy", "bold"))
    else:
        say(paint(f"the policy at `{derived.path}` is another one: {derived.digest}", "yellow"))
        say("For the subject as it was recorded, it answers:")
    for decision in derived.decisions:
        say_decision(decision)
        if _is_undetermined(decision, derived):
            say("  Undetermined: the record does not tell of the login, which its own policy did not ask about.")
    for name in _disagreeing(record, derived) if derived.same else ():
        say(verdict(f"The record says otherwise of {name}, though it names this very policy.", good=False))


def _print_told(record: Record, derived: Derived) -> None:
    """What the record itself says of each verdict."""
    say(paint("explained by the record alone", "bold"))
    say("The policy that decided is not at hand: ", derived.missing, ".")
    for each in record["permissions"]:
        reason = str(each["reason"])
        say(verdict("allowed" if each["allowed"] else "denied", good=bool(each["allowed"])), " ", each["permission"])
        say("  ", _sentence(reason))
        if rules := _listed(each.get("rules")):
            say("  Rules that apply: ", rules)
