"""`policy can`: may they, and what may they do?"""

import argparse
import time
from typing import cast, get_args

from policy.cli.arguments import (
    CannotRun,
    Commands,
    command,
    scope_names,
    takes_json,
    takes_person,
    takes_policy,
)
from policy.cli.claims import Bearer, claims_for, issuer_named, kind_of
from policy.cli.style import paint, say, say_all, say_columns, say_json, verdict, warn
from policy.cli.subjects import as_dict
from policy.decision import Decision
from policy.engine import Permissions, Policy
from policy.explain import sentences
from policy.model import Regime
from policy.nearest import did_you_mean, nearest
from policy.subject import Subject


def add(commands: Commands) -> None:
    """Add the command's own parser."""
    made = command(
        commands, "can", run,
        summary="say whether someone with these roles and scopes may do something, or list what they may do",
        example="policy can --scopes read:data read:data\npolicy can --authority roles --roles editor --list",
    )  # fmt: skip
    takes_policy(made)
    who = made.add_mutually_exclusive_group()
    who.add_argument("--issuer", metavar="NAME", help="whose token they have; the policy's only one unless given")
    who.add_argument("--authority", choices=get_args(Regime), help="what counts, for a subject without an issuer")
    takes_person(made)
    made.add_argument("--subject", default="someone", metavar="ID", help="the token's `sub` (someone)")
    made.add_argument("--scopes", type=scope_names, default=(), metavar="SCOPE,...", help="scopes of the token")
    made.add_argument("--tenant", help="the tenant that is asked for, and that the subject and the roles are of")
    made.add_argument("--list", action="store_true", help="print everything they may do")
    takes_json(made)
    made.add_argument("permission", nargs="?", metavar="PERMISSION", help="what is asked for, such as read:data")


def run(args: argparse.Namespace) -> int:
    """Decide for a subject that the arguments describe."""
    if args.list == (args.permission is not None):
        raise CannotRun("give either a PERMISSION or --list")
    return ask(Policy.load(args.policy), args)


def ask(rules: Policy, args: argparse.Namespace) -> int:
    """Decide by a policy for a subject that the arguments describe, and print that."""
    if args.permission is not None and args.permission not in rules.entries:
        raise CannotRun(f"unknown permission `{args.permission}`{did_you_mean(args.permission, rules.entries)}")
    subject = _subject(rules, args)
    _warn_of_unknown(rules, subject)
    now = time.time()
    if args.list:
        return _list(rules, subject, rules.permissions_of(subject, tenant=args.tenant, now=now), args)
    return _answer(rules.decide(subject, args.permission, now=now, tenant=args.tenant), as_json=args.json)


def _subject(rules: Policy, args: argparse.Namespace) -> Subject:
    if args.authority is not None:
        bound = [(role, args.tenant) for role in args.roles] if args.tenant is not None else ()
        return Subject(
            id=args.subject, kind=args.kind or "user", authority=args.authority, tenant=args.tenant, client=args.client,
            roles=args.roles, bound_roles=bound, scopes=args.scopes, permissions=args.permissions,
        )  # fmt: skip
    issuer = issuer_named(rules.issuers, args.issuer)
    kind = kind_of(issuer, args.kind)
    bearer = Bearer(
        subject=args.subject, kind=kind, roles=args.roles, scopes=args.scopes, permissions=args.permissions,
        tenant=args.tenant, client=args.client,
    )  # fmt: skip
    subject = rules.subject(issuer.name, claims_for(issuer, bearer))
    if subject.kind != kind:
        raise CannotRun(f"`{issuer.name}` would take such a token for one of kind `{subject.kind}`, not `{kind}`")
    return subject


def _warn_of_unknown(rules: Policy, subject: Subject) -> None:
    """Roles that no policy knows grant nothing, and are most likely misspelt; other scopes are ordinary."""
    roles = subject.roles | {role for role, _ in subject.bound_roles}
    for role in sorted(roles - rules.closures.keys()):
        warn(f"the policy has no role `{role}`{did_you_mean(role, rules.closures)}")
    scopes = {**rules.entries, **rules.document.scopes}
    for scope in sorted(subject.scopes - scopes.keys()):
        if nearest(scope, scopes):
            warn(f"the policy has no scope `{scope}`{did_you_mean(scope, scopes)}")
    for name in sorted(subject.permissions - rules.entries.keys()):
        warn(f"the policy has no permission `{name}`{did_you_mean(name, rules.entries)}")


def say_verdict(decision: Decision) -> None:
    """Print the verdict on one line."""
    word = verdict("allowed" if decision else "denied", good=decision.allowed)
    say(word, f" {decision.permission}" + ("" if decision else f": {decision.reason}"))


def say_decision(decision: Decision) -> None:
    """Print the verdict on one line, and the explanation below it."""
    say_verdict(decision)
    say_all(sentences(decision.explain()), indent=2)


def _answer(decision: Decision, *, as_json: bool) -> int:
    if as_json:
        say_json(decision.as_dict())
    else:
        say_decision(decision)
    return 0 if decision else 1


def _list(rules: Policy, subject: Subject, found: Permissions, args: argparse.Namespace) -> int:
    if args.json:
        say_json({
            "policy": rules.digest, "subject": as_dict(subject), "tenant": cast("str | None", args.tenant),
            "granted": sorted(found.granted), "conditional": sorted(found.conditional),
        })  # fmt: skip
        return 0
    about = rules.document.permissions
    rows = [(paint("granted", "green"), name, about[name].description) for name in sorted(found.granted)]
    rows += [
        (paint("conditional", "yellow"), name, f"{about[name].description} (asks for a stronger or more recent login)")
        for name in sorted(found.conditional)
    ]
    say_columns(rows or [("nothing is granted",)])
    return 0
