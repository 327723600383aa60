"""`policy audit unused`: grants that no allowed request needed."""

import argparse
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from policy.cli.arguments import Commands, command, takes_json
from policy.cli.audit_concluding import Concluded, conclude, named, stands, takes_conclusion
from policy.cli.style import paint, say, say_columns, say_json
from policy.review.grants import Grant, expanded
from policy.review.usage import Use, partly_used

_TITLES: Final = {
    "never": "never needed: no request was allowed that it covers",
    "redundant": "redundant: whatever it covered, another grant covered too",
    "sole": "needed",
}
_SHOWN: Final = 8


def add(commands: Commands) -> None:
    """Add the command's own parser."""
    made = command(
        commands, "unused", run,
        summary="list the grants of a policy that no allowed request in the log needed",
        example="policy audit unused --since 90d\npolicy audit unused --log var/audit --policy policies --json",
    )  # fmt: skip
    takes_conclusion(made)
    made.add_argument("--all", action="store_true", help="also list the grants that were needed, with how often")
    takes_json(made)


def run(args: argparse.Namespace) -> int:
    """List them; what is not needed is a finding. Nothing is listed where records are missing."""
    found = conclude(args)
    concluded = stands(found, anyway=args.anyway)
    if args.json:
        say_json(as_dict(found, args.policy, concluded=concluded))
    elif concluded:
        _print(found, everything=args.all)
    if not concluded:
        return 2
    return 1 if any(not use.sole for use in found.usage.uses.values()) else 0


def as_dict(found: Concluded, path: str, *, concluded: bool) -> dict[str, Any]:
    """What was found as JSON values; no grants where nothing is concluded."""
    usage = found.usage
    return {
        "policy": {"path": path, "digest": found.rules.digest},
        "since": found.reading.since or None,
        "until": found.reading.until or None,
        "first": usage.first or None,
        "last": usage.last or None,
        "records": usage.records,
        "allowed": usage.allowed,
        "contrary": usage.contrary,
        "concluded": concluded,
        "doubts": [{"kind": doubt.kind, "message": doubt.message} for doubt in found.doubts],
        "grants": [_as_dict(found, grant, use) for grant, use in usage.uses.items()] if concluded else [],
    }


def _as_dict(found: Concluded, grant: Grant, use: Use) -> dict[str, Any]:
    gives = expanded(found.rules, grant)
    return {
        "kind": grant.kind, "holder": grant.holder, "what": grant.what, "name": named(found.rules, grant),
        "verdict": use.verdict, "sole": use.sole, "redundant": use.redundant, "last": use.last or None,
        "used": sorted(use.permissions), "unused": sorted(gives - use.permissions), "young": grant in found.young,
    }  # fmt: skip


def _print(found: Concluded, *, everything: bool) -> None:
    usage = found.usage
    time = f"from {usage.first[:16]}Z to {usage.last[:16]}Z"
    say(f"{usage.allowed:,} of {usage.records:,} decisions were allowed, {time}; policy {found.rules.digest[:12]}")
    if usage.contrary:
        say(f"{usage.contrary:,} of them, decided by another policy, this one would not allow; they need nothing here.")
    by_verdict: dict[str, list[tuple[Grant, Use]]] = {verdict: [] for verdict in _TITLES}
    for grant, use in usage.uses.items():
        by_verdict[use.verdict].append((grant, use))
    for verdict, colour in (("never", "red"), ("redundant", "yellow")):
        _print_those(found, _TITLES[verdict], by_verdict[verdict], colour)
    _print_partly(found)
    needed = by_verdict["sole"]
    if everything:
        _print_those(found, _TITLES["sole"], needed, "green")
    else:
        say()
        say(f"{len(needed):,} of {len(usage.uses):,} grants are needed; `--all` lists them too.")


def _print_those(found: Concluded, title: str, those: Sequence[tuple[Grant, Use]], colour: str) -> None:
    if not those:
        return
    say()
    say(paint(title, "bold"))
    say_columns(list(_rows(found, those, colour)), indent=2)


def _rows(found: Concluded, those: Iterable[tuple[Grant, Use]], colour: str) -> Iterator[list[str]]:
    for grant, use in those:
        words = [f"sole {use.sole:,} times"] if use.sole else []
        words += [f"redundant {use.redundant:,} times"] if use.redundant else []
        words += [f"last {use.last[:16]}Z"] if use.last else []
        words += ["younger than some of these records"] if grant in found.young and not use.sole else []
        yield [paint(named(found.rules, grant), colour), ", ".join(words)]


def _print_partly(found: Concluded) -> None:
    """Patterns of which only some permissions were used."""
    rows = [
        [named(found.rules, grant), f"used {len(used)} of {len(used) + len(unused)}", f"not {_listed(unused)}"]
        for grant, used, unused in partly_used(found.rules, found.usage)
        if grant.kind != "assignment"
    ]
    if rows:
        say()
        say(paint("used in part", "bold"))
        say_columns(rows, indent=2)


def _listed(names: Iterable[str]) -> str:
    found = sorted(names)
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return ", ".join(found[:_SHOWN]) + more
