"""`policy explain`: why, from the claims of a token to the answer."""

import argparse
from datetime import UTC, datetime
from typing import Any

from policy.claims import ABSENT, lookup
from policy.cli.arguments import CannotRun, Commands, command, now_of, read_token, takes_json, takes_now, takes_policy
from policy.cli.can import say_verdict
from policy.cli.style import say, say_all, say_columns, say_json, verdict
from policy.cli.subjects import as_dict
from policy.decision import Decision
from policy.engine import Policy
from policy.errors import TokenRefused
from policy.explain import sentences
from policy.model import Issuer
from policy.nearest import did_you_mean
from policy.reasons import SENTENCES
from policy.revocation import revoked_beside
from policy.subject import Subject
from policy.tokens import TokenVerifier, Verified
from policy.tokens.verified import token_id
from policy.tokens.wording import shown


def add(commands: Commands) -> None:
    """Add the command's own parser."""
    made = command(
        commands, "explain", run,
        summary="verify a token, and explain step by step from its claims why it may do something or not",
        example='echo "$TOKEN" | policy explain --token-file - delete:data',
    )  # fmt: skip
    made.add_argument("--token-file", required=True, metavar="FILE", help="the file that holds the token, or - ")
    takes_policy(made)
    takes_now(made)
    made.add_argument("--tenant", help="the tenant that is asked for")
    takes_json(made)
    made.add_argument("permission", metavar="PERMISSION", help="what is asked for, such as read:data")


def run(args: argparse.Namespace) -> int:
    """Verify the token, decide, and say why."""
    rules = Policy.load(args.policy)
    if args.permission not in rules.entries:
        raise CannotRun(f"unknown permission `{args.permission}`{did_you_mean(args.permission, rules.entries)}")
    token, now = read_token(args.token_file), now_of(args)
    verifier = TokenVerifier(rules, revocations=revoked_beside(args.policy, rules))
    try:
        verified = _verified(rules, verifier, token, now)
        subject = verified.subject_by(rules)
    except TokenRefused as refusal:
        return _refused(refusal, as_json=args.json)
    decision = rules.decide(subject, args.permission, now=now, tenant=args.tenant)
    (_print_json if args.json else _print)(verified, subject, decision)
    return 0 if decision else 1


def _verified(rules: Policy, verifier: TokenVerifier, token: str, now: float) -> Verified:
    """The token, verified; one that is bound to a key is taken as if it had come with its proof."""
    found = verifier.inspect(token, now=now)
    issuer = rules.issuers.get(found.issuer or "")
    if issuer is None or not issuer.proof or found.refusal or found.payload is None or found.header is None:
        return verifier.verify(token, now=now)
    signed = token.rpartition(".")[0].encode()
    return Verified(issuer, found.payload, token_id(found.payload, signed), found.header)


def _refused(refusal: TokenRefused, *, as_json: bool) -> int:
    sentence = SENTENCES[refusal.reason]
    if as_json:
        say_json({
            "allowed": False, "reason": refusal.reason, "sentence": sentence, "detail": refusal.detail,
            "token": None, "decision": None,
        })  # fmt: skip
    else:
        say(verdict("refused", good=False), f" {refusal.reason}: {sentence}")
        say_columns([("detail", refusal.detail)] if refusal.detail else [], indent=2)
    return 1


def _print_json(verified: Verified, subject: Subject, decision: Decision) -> None:
    token = {
        "id": verified.token_id, "issuer": verified.issuer.name, "algorithm": verified.header["alg"],
        "kid": verified.header.get("kid"), "expires": verified.claims["exp"],
        "claims": read_claims(verified.issuer, verified.claims), "subject": as_dict(subject),
    }  # fmt: skip
    say_json({
        "allowed": decision.allowed, "reason": decision.reason, "sentence": SENTENCES[decision.reason], "detail": "",
        "token": token, "decision": decision.as_dict(),
    })  # fmt: skip


def _print(verified: Verified, subject: Subject, decision: Decision) -> None:
    header, claims = verified.header, verified.claims
    key = f" with key {shown(header['kid'])}" if "kid" in header else ""
    rows = [
        ("token", f"verified: {verified.token_id}, signed {header['alg']}{key}, valid until {instant(claims['exp'])}"),
        ("issuer", verified.issuer.name),
        ("subject", f"{subject.id}, a {subject.kind}" if subject.kind != "unknown" else f"{subject.id}, unknown kind"),
    ]
    for each in read_claims(verified.issuer, claims):
        path = " > ".join(each["path"])
        rows.append((each["target"], f"from `{path}`: {shown(each['value']) if each['present'] else 'absent'}"))
    say_verdict(decision)
    say_columns(rows, indent=2)
    say()
    say_all(sentences(decision.explain()), indent=2)


def read_claims(issuer: Issuer, claims: Any) -> list[dict[str, Any]]:
    """What the issuer's document reads from these claims: per target where it stands and what is there."""
    sources = [(target, source) for target, several in issuer.claims.items() for source in several]
    found = [(target, source, lookup(claims, source.path)) for target, source in sources]
    return [
        {
            "target": target,
            "path": list(source.path),
            "format": source.format,
            "present": value is not ABSENT,
            "value": None if value is ABSENT else value,
        }
        for target, source, value in found
    ]


def instant(seconds: float) -> str:
    """A time in seconds since 1970 as RFC 3339 has it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
