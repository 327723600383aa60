"""`policy token revoke`: take tokens back before they expire, in a store that running services ask."""

import argparse
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from policy.cli.arguments import CannotRun, Commands, Parser, command, read_token, takes_json, takes_policy
from policy.cli.style import say, say_columns, say_json, warn
from policy.document.revoking import instant, name_fault
from policy.engine import Policy
from policy.errors import PolicyError
from policy.model import Issuer
from policy.nearest import did_you_mean
from policy.reasons import Reason
from policy.revocation import Store, open_store
from policy.revocation.store import shown
from policy.revoked import Revocation, What
from policy.tokens import TokenVerifier
from policy.tokens.compact import split
from policy.tokens.verified import token_id

#: Such a token is refused now, but was good or will be.
OF_THE_TIME: Final = (Reason.TOKEN_EXPIRED, Reason.TOKEN_NOT_YET_VALID, Reason.TOKEN_ISSUED_IN_FUTURE)


def add(commands: Commands) -> None:
    """Add the command's own parser."""
    made = command(
        commands, "revoke", run,
        summary="refuse a token, or tokens of a subject, client or tenant, from now on",
        example="policy token revoke --store var/revocations.sqlite3 --create\n"
        "policy token revoke --store var/revocations.sqlite3 --subject alice --issued-before now\n"
        "policy token revoke --store var/revocations.sqlite3 --list",
    )  # fmt: skip
    takes_policy(made)
    made.add_argument("--store", required=True, metavar="STORE", help="an SQLite file, or an address: redis://host/0")
    made.add_argument("--issuer", metavar="NAME", help="whose tokens; the policy's only issuer unless given")
    _takes_what(made)
    made.add_argument("--issued-before", type=_time, metavar="TIME", help="only tokens issued up to then: `now`, or such as 2027-01-15T08:00:00Z")  # fmt: skip  # noqa: E501
    made.add_argument("--until", type=_time, metavar="TIME", help="when the entry may be forgotten")
    made.add_argument("--note", default="", help="why, for people")
    made.add_argument("--undo", action="store_true", help="take the entry back instead")
    takes_json(made)


def _takes_what(made: Parser) -> None:
    what = made.add_mutually_exclusive_group(required=True)
    what.add_argument("--jti", help="the one token with this `jti`")
    what.add_argument("--token", metavar="ID", help="the one token that records name so: jti:... or sha256:...")
    what.add_argument(
        "--token-file", metavar="FILE", help="the token in this file (`-`: standard input), if it is good"
    )
    what.add_argument("--subject", metavar="SUB", help="tokens with this `sub`")
    what.add_argument("--client", metavar="ID", help="tokens of this client")
    what.add_argument("--tenant", metavar="ID", help="tokens of this tenant; with --issued-before")
    what.add_argument("--all", action="store_true", help="all tokens of the issuer; with --issued-before")
    what.add_argument("--list", action="store_true", help="show everything that is revoked")
    what.add_argument("--purge", action="store_true", help="forget the entries whose time is over")
    what.add_argument("--create", action="store_true", help="make the store, empty; one that is there stays as it is")


def run(args: argparse.Namespace) -> int:
    """Change the store, or show it."""
    store = open_store(args.store)
    if args.create:
        store.create()
        say(f"the store {shown(args.store)} is there")
    elif args.list:
        _show(args, store.entries())
    elif args.purge:
        say(f"forgotten: {store.purge(time.time())}")
    elif args.undo:
        return _undo(args, store, _wanted(args))
    else:
        _show(args, [store.add(_wanted(args))])
    return 0


def _undo(args: argparse.Namespace, store: Store, entry: Revocation) -> int:
    gone = store.remove(entry.key)
    if args.json:
        say_json({"removed": gone, **entry.as_dict()})
    else:
        say(f"taken back: {_in_words(entry)}" if gone else f"nothing of the kind is revoked: {_in_words(entry)}")
    return 0 if gone else 1


def _wanted(args: argparse.Namespace) -> Revocation:
    """The entry that the arguments describe, or `CannotRun`."""
    if args.token_file is not None:
        return _of_token(args, Policy.load(args.policy))
    what, value = _named(args)
    if what in ("tenant", "issuer") and args.issued_before is None and not args.undo:
        raise CannotRun(f"{'a tenant' if what == 'tenant' else 'a whole issuer'} needs --issued-before")
    if what == "token" and args.issued_before is not None:
        raise CannotRun("--issued-before does not go with one token")
    return Revocation(
        issuer=_issuer(args), what=what, value=value, issued_before=args.issued_before, until=args.until,
        note=args.note,
    )  # fmt: skip


def _named(args: argparse.Namespace) -> tuple[What, str]:
    named: dict[What, str | None] = {
        "token": args.token if args.jti is None else f"jti:{args.jti}",
        "subject": args.subject,
        "client": args.client,
        "tenant": args.tenant,
        "issuer": "" if args.all else None,
    }
    what, value = next((what, value) for what, value in named.items() if value is not None)
    if not value and what != "issuer":
        raise CannotRun(f"--{what} is empty")
    if fault := name_fault(what, value):
        raise CannotRun(f"`{value}` {fault}")
    return what, value


def _issuer(args: argparse.Namespace) -> str:
    """The issuer that is named; a policy that does not load holds up no urgent revocation of one that is."""
    try:
        issuers = Policy.load(args.policy).issuers
    except PolicyError as error:
        if args.issuer is None:
            raise
        warn(f"the policy does not load, so nothing says whether it has the issuer `{args.issuer}`:\n{error}")
        return str(args.issuer)
    if args.issuer is None and len(issuers) == 1:
        return next(iter(issuers))
    if args.issuer is None:
        raise CannotRun("say whose tokens: the policy has " + ", ".join(f"--issuer {name}" for name in issuers))
    if args.issuer not in issuers:
        raise CannotRun(f"the policy has no issuer `{args.issuer}`" + did_you_mean(args.issuer, issuers))
    return str(args.issuer)


def _with_keys(issuers: Mapping[str, Issuer]) -> dict[str, Issuer]:
    """Those whose keys are here: a secret of another issuer is no reason not to revoke."""
    return {name: issuer for name, issuer in issuers.items() if not any(TokenVerifier.problems({name: issuer}))}


def _of_token(args: argparse.Namespace, rules: Policy) -> Revocation:
    """One token that is good at some time: others cannot be told from made-up ones."""
    token = read_token(args.token_file)
    found = TokenVerifier(_with_keys(rules.issuers)).inspect(token, now=time.time())
    refusal = found.refusal
    if refusal is not None and refusal.reason not in OF_THE_TIME:
        raise CannotRun(f"the token is refused anyway: {refusal.reason}: {refusal.detail}")
    payload, issuer = found.payload or {}, rules.issuers[found.issuer or ""]
    until = payload["exp"] + issuer.leeway
    name = token_id(payload, split(token).signed)
    return Revocation(issuer=issuer.name, what="token", value=name, until=until, note=args.note)


def _show(args: argparse.Namespace, entries: Iterable[Revocation]) -> None:
    found = list(entries)
    if args.json:
        say_json([entry.as_dict() for entry in found])
    elif found:
        say_columns([(_in_words(entry), entry.issuer, entry.note) for entry in found])
    else:
        say("nothing is revoked")


def _in_words(entry: Revocation) -> str:
    named = "every token" if entry.what == "issuer" else f"{entry.what} {entry.value}"
    before = "" if entry.issued_before is None else f", issued up to {_written(entry.issued_before)}"
    return named + before + ("" if entry.until is None else f", until {_written(entry.until)}")


def _written(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def _time(text: str) -> float:
    found = time.time() if text == "now" else instant(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"`{text}` is no time: say `now`, or such as 2027-01-15T08:00:00Z")
    return found
