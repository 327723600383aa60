"""Which records of a log are wanted: the arguments that say so, and the test that they make."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from policy.audit.erasable import standing_for
from policy.audit.seals import sealer
from policy.audit.tail import Wanted
from policy.audit.treatment import hashed
from policy.cli.arguments import CannotRun, Parser
from policy.cli.audit_keys import key_source
from policy.nearest import did_you_mean
from policy.reasons import Reason

#: Records of tokens that were not accepted, and of those that were not kept.
REFUSED: Final = frozenset({"refused", "surplus"})


def takes_filter(made: Parser) -> None:
    """Add the arguments; a record must meet all that are given."""
    made.add_argument("--outcome", choices=("allow", "deny"), help="only this outcome")
    made.add_argument("--reason", metavar="NAME", help="only this reason, such as scope-missing")
    made.add_argument("--permission", metavar="NAME", help="only where this permission was asked for")
    made.add_argument("--subject", metavar="ID", help="only of the subject with this id, also where it is erasable")
    made.add_argument(
        "--fields-key", metavar="KEY", help="the key of hashed fields, to find --subject: a file, or env:NAME"
    )
    made.add_argument("--kind", metavar="NAME", help="only of this kind, such as request, check, refused or fault")
    made.add_argument("--route", metavar="PATTERN", help="only of this route, such as /api/data/<int:id>")
    made.add_argument(
        "--refused", action=argparse.BooleanOptionalAction, help="only tokens that were not accepted, or none of them"
    )
    made.add_argument(
        "--disagreeing", action="store_const", const=True, help="only where the shadow policy would answer otherwise"
    )


def filter_of(args: argparse.Namespace) -> Wanted:
    """The test; a reason that there is not is an error, for nothing would ever be found."""
    if args.reason is not None and args.reason not in set(Reason):
        raise CannotRun(f"unknown reason `{args.reason}`{did_you_mean(args.reason, Reason)}")
    given = {name: getattr(args, name) for name in _TESTS if getattr(args, name) is not None}
    if "subject" in given:
        given["subject"] = _written(args)
    return lambda record: all(_TESTS[name](record, value) for name, value in given.items())


def _written(args: argparse.Namespace) -> frozenset[str]:
    """All that may stand in a record for the id that is looked for."""
    erasable = standing_for(Path(args.log), "subject.id", args.subject)
    key = sealer(key_source(args.fields_key)) if args.fields_key is not None else None
    by_key = hashed(key, "subject.id", args.subject) if key is not None else None
    return frozenset(text for text in (args.subject, erasable, by_key) if text is not None)


def _has_reason(record: dict[str, Any], reason: str) -> bool:
    counts = record.get("counts")
    return record.get("reason") == reason or (isinstance(counts, dict) and reason in counts)


def _has_subject(record: dict[str, Any], written: frozenset[str]) -> bool:
    subject = record.get("subject")
    found = subject.get("id") if isinstance(subject, dict) else None
    return isinstance(found, str) and found in written


def disagrees(record: dict[str, Any]) -> bool:
    """Whether a shadow policy would have allowed what was denied, or denied what was allowed."""
    shadow = record.get("shadow")
    return isinstance(shadow, dict) and shadow.get("outcome") not in (None, record.get("outcome"))


def permissions_of(record: dict[str, Any]) -> list[str]:
    """The permissions that were asked for, as far as the record is whole."""
    found = record.get("permissions")
    return [str(each.get("permission")) for each in found if isinstance(each, dict)] if isinstance(found, list) else []


_TESTS: Final[dict[str, Callable[[dict[str, Any], Any], bool]]] = {
    "outcome": lambda record, outcome: record.get("outcome") == outcome,
    "reason": _has_reason,
    "permission": lambda record, name: name in permissions_of(record),
    "subject": _has_subject,
    "kind": lambda record, kind: record.get("kind") == kind,
    "route": lambda record, route: record.get("route") == route,
    "refused": lambda record, refused: (str(record.get("kind")) in REFUSED) is refused,
    "disagreeing": lambda record, _: disagrees(record),
}
