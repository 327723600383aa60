"""`policy token inspect`: a token taken apart, with the verdict of every check."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from policy.claims import LATEST
from policy.cli.arguments import Commands, command, now_of, read_token, takes_json, takes_now, takes_policy
from policy.cli.explain import instant
from policy.cli.style import paint, say, say_columns, say_json, verdict
from policy.cli.subjects import as_dict, holdings, in_words
from policy.engine import Policy
from policy.errors import TokenRefused
from policy.reasons import SENTENCES
from policy.revocation import revoked_beside
from policy.subject import Subject
from policy.tokens import Checked, Inspection, TokenVerifier
from policy.tokens.wording import shown

TIMES: Final = ("exp", "iat", "nbf", "auth_time")


@dataclass(frozen=True, kw_only=True, slots=True)
class Apart:
    """The inspection, with the step from claims to subject as a last check."""

    inspection: Inspection
    checks: tuple[Checked, ...]
    subject: Subject | None

    @property
    def refusal(self) -> Checked | None:
        """The check that refuses the token, if one does."""
        return next((check for check in self.checks if check.verdict == "failed"), None)


def add(commands: Commands) -> None:
    """Add the command's own parser."""
    made = command(
        commands, "inspect", run,
        summary="take a token apart and say what every check makes of it",
        example='echo "$TOKEN" | policy token inspect',
    )  # fmt: skip
    takes_policy(made)
    takes_now(made)
    takes_json(made)
    made.add_argument("token_file", nargs="?", default="-", metavar="TOKEN-FILE", help="standard input unless given")


def run(args: argparse.Namespace) -> int:
    """Make every check, and print all verdicts."""
    rules = Policy.load(args.policy)
    verifier = TokenVerifier(rules, revocations=revoked_beside(args.policy, rules))
    apart = take_apart(rules, verifier.inspect(read_token(args.token_file), now=now_of(args)))
    (_print_json if args.json else _print)(apart)
    return 1 if apart.refusal else 0


def take_apart(rules: Policy, inspection: Inspection) -> Apart:
    """Read the subject, if the token is good: claims that were not verified make none."""
    subject, last = None, Checked(name="claims", verdict="not reached")
    if inspection.refusal is None and inspection.issuer is not None and inspection.payload is not None:
        try:
            subject = rules.subject(inspection.issuer, inspection.payload)
            last = Checked(name="claims", verdict="passed")
        except TokenRefused as refused:
            last = Checked(name="claims", verdict="failed", reason=refused.reason, detail=refused.detail)
    return Apart(inspection=inspection, checks=(*inspection.checks, last), subject=subject)


def _print_json(apart: Apart) -> None:
    refusal, inspection = apart.refusal, apart.inspection
    say_json({
        "accepted": refusal is None,
        "reason": refusal and refusal.reason,
        "detail": refusal.detail if refusal else "",
        "issuer": inspection.issuer,
        "assumed": inspection.assumed,
        "header": _copied(inspection.header),
        "payload": _copied(inspection.payload),
        "checks": [
            {"name": each.name, "verdict": each.verdict, "reason": each.reason, "detail": each.detail}
            for each in apart.checks
        ],
        "subject": as_dict(apart.subject) if apart.subject else None,
    })  # fmt: skip


def _copied(members: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if members is None else dict(members)


def _print(apart: Apart) -> None:
    refusal = apart.refusal
    if refusal is not None and refusal.reason is not None:
        say(verdict("refused", good=False), f" {refusal.reason}: {SENTENCES[refusal.reason]}")
    else:
        say(verdict("accepted", good=True))
    _section("header", _rows(apart.inspection.header))
    _section("payload", _rows(apart.inspection.payload))
    _section(_checks_title(apart.inspection), [_row(check) for check in apart.checks])
    if apart.subject is not None:
        _section("subject", [("who", in_words(apart.subject)), *holdings(apart.subject)])


def _section(title: str, rows: Sequence[tuple[str, ...]]) -> None:
    say()
    say(paint(title, "bold"))
    say_columns(rows, indent=2)


def _rows(members: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    if members is None:
        return [("cannot be read", "")]
    return [(name, _value(name, value)) for name, value in members.items()]


def _value(name: str, value: Any) -> str:
    is_time = name in TIMES and type(value) in (int, float) and 0 <= value <= LATEST
    return f"{shown(value)}  ({instant(value)})" if is_time else shown(value)


def _checks_title(inspection: Inspection) -> str:
    if inspection.issuer is None:
        return "checks"
    return f"checks, as if it were of {inspection.issuer}" if inspection.assumed else f"checks of {inspection.issuer}"


def _row(check: Checked) -> tuple[str, ...]:
    if check.verdict == "not reached":
        return check.name, paint(check.verdict, "dim"), ""
    found = verdict(check.verdict, good=check.verdict == "passed")
    return check.name, found, f"{check.reason}: {check.detail}" if check.reason else ""
